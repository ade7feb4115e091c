//! True time, and what a machine knows of it.

use std::time::Duration;

use latchkey_core::time::{BootId, Now, Timestamp};

/// A machine whose wall clock may be set to anything.
pub(crate) struct Machine {
    /// What the services' clocks say.
    pub(crate) real: Timestamp,
    /// How far the wall clock is ahead of it, in milliseconds.
    pub(crate) wall_ahead: i64,
    /// Since power on, sleep included.
    pub(crate) ticks: Duration,
    /// Seconds that local time is ahead of UTC.
    pub(crate) utc_offset: i32,
    boot: u32,
    dice: u64,
    /// `real`, as exactly as ticks count: they know parts of a millisecond.
    exactly: Duration,
}

impl Machine {
    /// Friday 2027-01-15, 08:00 UTC; one hour after power on.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            real: Timestamp::from_secs(1_800_000_000),
            exactly: Duration::from_secs(1_800_000_000),
            wall_ahead: 0,
            ticks: Duration::from_secs(3600),
            utc_offset: 0,
            boot: 1,
            dice: seed,
        }
    }

    /// The present moment, as the engine is told it.
    pub(crate) fn now(&self) -> Now {
        Now {
            wall: self.real.shifted(self.wall_ahead),
            ticks: self.ticks,
            boot: BootId(format!("boot-{}", self.boot)),
            utc_offset: self.utc_offset,
            entropy: self.entropy(),
        }
    }

    /// The machine is on, awake or asleep.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.ticks += time;
        self.go_on(time);
    }

    /// The machine is off, and comes up 20 s after power on.
    pub(crate) fn reboot(&mut self, off_for: Duration) {
        self.ticks = Duration::from_secs(20);
        self.go_on(off_for + self.ticks);
        self.boot += 1;
    }

    fn go_on(&mut self, time: Duration) {
        self.exactly += time;
        self.real = Timestamp::from_millis(i64::try_from(self.exactly.as_millis()).unwrap());
    }

    pub(crate) const fn boot(&self) -> u32 {
        self.boot
    }

    /// Throws the dice.
    pub(super) fn roll(&mut self) {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
    }

    /// SplitMix64: the same seed, the same numbers.
    fn entropy(&self) -> u64 {
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
