//! Instants that nobody chose, and that can be had again: a story that failed is told once more with the same seed.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Sets the seed.
pub(crate) const SEED: &str = "STORIES_SEED";

/// A sequence of numbers that looks random (SplitMix64), and is the same for the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    /// Begins with the seed that is set, or with another one each time. Says which.
    pub(crate) fn begin() -> Result<(u64, Self)> {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed
                .parse()
                .with_context(|| format!("{SEED}={seed} is no number"))?,
            Err(_) => RandomState::new().hash_one(SEED),
        };
        Ok((seed, Self(seed)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A moment within `span`, any of them as likely as any other: with the same seed, after the same share of it.
    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        let share = u32::try_from(self.next() >> 32).unwrap_or_default();
        span * share / u32::MAX
    }

    /// Brings things into an order that nobody chose.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            things.swap(last, usize::try_from(other).unwrap_or_default());
        }
    }
}
