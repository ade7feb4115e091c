//! Time that goes on while the machine sleeps: what was licensed when the lid was closed must not be so for longer because of it
//! (rules 5 and 16). `Instant` stands still then, on Linux and macOS.

use std::ops::Add;
use std::time::Duration;

/// An instant of this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticks(Duration);

impl Ticks {
    pub(crate) fn now() -> Self {
        Self(os::since_boot())
    }

    /// How long ago `earlier` was; nothing, if it is still to come.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Ticks {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

#[cfg(unix)]
mod os {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    /// clock_gettime(3): on macOS it is `CLOCK_MONOTONIC` that goes on in sleep.
    #[cfg(target_os = "macos")]
    const CLOCK: ClockId = ClockId::Monotonic;
    #[cfg(not(target_os = "macos"))]
    const CLOCK: ClockId = ClockId::Boottime;

    pub(super) fn since_boot() -> Duration {
        let time = clock_gettime(CLOCK);
        let secs = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or_default())
    }
}

#[cfg(windows)]
mod os {
    use std::time::Duration;

    use windows_sys::Win32::System::SystemInformation::GetTickCount64;

    /// What the agent counts by, too: the performance counter, which `Instant` is there, goes on at another pace, and in a month offline
    /// the two would part by minutes.
    pub(super) fn since_boot() -> Duration {
        // SAFETY: the call takes nothing and cannot fail.
        #[expect(unsafe_code, reason = "an operating system call")]
        let millis = unsafe { GetTickCount64() };
        Duration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on() {
        let (begun, by_another) = (Ticks::now(), std::time::Instant::now());
        while Ticks::now().since(begun) < Duration::from_millis(1) {
            assert!(by_another.elapsed() < Duration::from_secs(5), "it stands still");
        }
        assert_eq!(begun.since(begun + Duration::from_secs(1)), Duration::ZERO);
    }
}
