//! Linux.

use std::io;
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

pub(super) use super::unix::allow_connections;

fn duration(time: Timespec) -> Duration {
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time since the machine was switched on, sleep included.
pub(super) fn ticks() -> Duration {
    duration(clock_gettime(ClockId::Boottime))
}

/// The same, sleep not included.
pub(super) fn awake() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

fn line_of(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn boot_id() -> Option<String> {
    line_of("/proc/sys/kernel/random/boot_id")
}

pub(super) fn machine_id() -> Option<String> {
    line_of("/etc/machine-id").or_else(|| line_of("/var/lib/dbus/machine-id"))
}

pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The distribution's own name for itself (os-release(5)).
pub(super) fn describe() -> String {
    let text = line_of("/etc/os-release")
        .or_else(|| line_of("/usr/lib/os-release"))
        .unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "Linux".to_owned(), |name| name.trim_matches('"').to_owned())
}

/// Wakes at an instant in ticks. It counts sleep: tokio's own timers stand still while the machine sleeps.
#[derive(Debug)]
pub struct Timer(AsyncFd<std::os::fd::OwnedFd>);

impl Timer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(super::unix::register(timerfd_create(
            TimerfdClockId::Boottime,
            flags,
        )?)?))
    }

    /// Sets it to an instant in ticks, or stops it.
    ///
    /// # Errors
    /// What the system says.
    pub fn set(&mut self, at: Option<Duration>) -> io::Result<()> {
        // All zero stops the timer, so an instant in the past is one nanosecond.
        let at = at.map_or(Duration::ZERO, |at| at.max(Duration::from_nanos(1)));
        let value = Timespec {
            tv_sec: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: at.subsec_nanos().into(),
        };
        let interval = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timer = Itimerspec {
            it_interval: interval,
            it_value: value,
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &timer)?;
        Ok(())
    }

    /// Waits until it goes off. Can be dropped and waited for again.
    pub async fn rings(&mut self) {
        let Ok(mut ready) = self.0.readable().await else {
            return std::future::pending().await;
        };
        let mut count = [0_u8; 8];
        let _ = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut count)?));
    }
}
