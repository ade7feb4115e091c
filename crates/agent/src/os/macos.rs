//! macOS.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

#[path = "portable_timer.rs"]
mod portable_timer;
pub use portable_timer::Timer;

pub(super) use super::unix::allow_connections;

fn duration(time: Timespec) -> Duration {
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time since the machine was switched on, sleep included (clock_gettime(3): `CLOCK_MONOTONIC` goes on in sleep).
pub(super) fn ticks() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

/// The same, sleep not included.
pub(super) fn awake() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on every supported macOS, and `time` is a valid place to write to.
    #[expect(unsafe_code, reason = "the safe wrappers do not know this clock")]
    let known = unsafe { libc::clock_gettime(libc::CLOCK_UPTIME_RAW, &raw mut time) } == 0;
    if known {
        duration(Timespec {
            tv_sec: time.tv_sec,
            tv_nsec: time.tv_nsec,
        })
    } else {
        ticks()
    }
}

fn sysctl(name: &std::ffi::CStr) -> Option<String> {
    let mut text = [0_u8; 256];
    let mut length = text.len();
    // SAFETY: `text` is writable for `length` bytes, and the call writes no more than that and says how many.
    #[expect(unsafe_code, reason = "sysctlbyname has no safe wrapper")]
    let done = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            text.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let text = text.get(..length).filter(|_| done == 0)?;
    let text = String::from_utf8_lossy(text);
    Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn boot_id() -> Option<String> {
    sysctl(c"kern.bootsessionuuid")
}

pub(super) fn machine_id() -> Option<String> {
    let mut id = [0_u8; 16];
    let wait = libc::timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    // SAFETY: `id` has the 16 bytes that the call writes, and `wait` outlives it.
    #[expect(unsafe_code, reason = "gethostuuid has no safe wrapper")]
    let done = unsafe { libc::gethostuuid(id.as_mut_ptr(), &raw const wait) } == 0;
    done.then(|| id.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

pub(super) fn describe() -> String {
    format!("macOS {}", sysctl(c"kern.osproductversion").unwrap_or_default())
        .trim_end()
        .to_owned()
}
