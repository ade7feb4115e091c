//! Instants and durations, as the rules count them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Arithmetic saturates: a policy from a hostile or broken service must not be able to wrap an instant around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant this many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The instant of a JWT `NumericDate` (RFC 7519 section 2): whole seconds after the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds after the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds after the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Time since `earlier`, or zero when `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// Signed milliseconds from `other` to `self`.
    pub const fn offset_from(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// This instant moved by signed milliseconds.
    pub const fn shifted(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Identifies one run of the machine, from power on to power off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub String);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the outside knows about time at the moment something happens: the only clock the core ever sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, which the user may set to anything.
    pub wall: Timestamp,
    /// Time since the machine was switched on, sleep included (`CLOCK_BOOTTIME`).
    pub ticks: Duration,
    /// Which run of the machine `ticks` counts.
    pub boot: BootId,
    /// Seconds that local time is ahead of UTC, for "once per local day".
    pub utc_offset: i32,
    /// A random number for this moment, for jitter.
    pub entropy: u64,
}

/// A calendar day where the user is, as days since 1970-01-01 in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalDay(pub i64);

impl LocalDay {
    /// The local day of `at`, `utc_offset` seconds ahead of UTC.
    pub fn of(at: Timestamp, utc_offset: i32) -> Self {
        Self(
            at.as_secs()
                .saturating_add(i64::from(utc_offset))
                .div_euclid(86_400),
        )
    }

    /// The day after.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// When this day ends (exclusive), `utc_offset` seconds ahead of UTC.
    pub fn end(self, utc_offset: i32) -> Timestamp {
        Timestamp::from_secs(
            self.0
                .saturating_add(1)
                .saturating_mul(86_400)
                .saturating_sub(i64::from(utc_offset)),
        )
    }
}

/// One day, as the rules count it: 24 hours.
pub const DAY: Duration = Duration::from_secs(86_400);
/// One hour.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// One minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Serialises a [`Duration`] as whole seconds, as every signed format of Latchkey does.
pub mod seconds {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, Serializer};

    /// Writes whole seconds.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }

    /// Reads whole seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_says_what_it_was_made_of() {
        let early = Timestamp::from_millis(-1_500);
        assert_eq!((early.as_millis(), early.as_secs()), (-1_500, -2));
        assert_eq!(Timestamp::from_secs(7).as_millis(), 7_000);
        assert_eq!(BootId("boot-1".to_owned()).to_string(), "boot-1");
    }
}
