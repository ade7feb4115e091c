//! Chance: the same seed, the same throws.

use std::time::Duration;

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `end - 1`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).unwrap()
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// Most often short, now and then long: every order of magnitude is as likely as another.
    pub(crate) fn spell(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let (from, to) = (shortest.as_secs_f64().ln(), longest.as_secs_f64().ln());
        let share = (self.throw() % 10_000) as f64 / 10_000.0;
        Duration::from_millis((((to - from) * share + from).exp() * 1000.0) as u64)
    }
}
