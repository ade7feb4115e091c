//! Windows.

use std::time::Duration;

use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime;

#[path = "portable_timer.rs"]
mod portable_timer;
pub use portable_timer::Timer;

/// There is no limit to raise.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the other systems have one, and may say no"
)]
pub(super) fn allow_connections(_: u64) -> std::io::Result<()> {
    Ok(())
}

/// Time since the machine was switched on, sleep included.
pub(super) fn ticks() -> Duration {
    // SAFETY: the call takes nothing and cannot fail.
    #[expect(unsafe_code, reason = "an operating system call")]
    let millis = unsafe { GetTickCount64() };
    Duration::from_millis(millis)
}

/// The same, sleep not included.
pub(super) fn awake() -> Duration {
    let mut time = 0_u64;
    // SAFETY: `time` is a valid place to write to.
    #[expect(unsafe_code, reason = "an operating system call")]
    let known = unsafe { QueryUnbiasedInterruptTime(&raw mut time) } != 0;
    // In units of 100 ns.
    if known {
        Duration::from_nanos(time.saturating_mul(100))
    } else {
        ticks()
    }
}

/// Windows counts its boots.
pub(super) fn boot_id() -> Option<String> {
    let key = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters";
    LOCAL_MACHINE
        .open(key)
        .ok()?
        .get_u32("BootId")
        .ok()
        .map(|count| count.to_string())
}

pub(super) fn machine_id() -> Option<String> {
    LOCAL_MACHINE
        .open(r"SOFTWARE\Microsoft\Cryptography")
        .ok()?
        .get_string("MachineGuid")
        .ok()
}

pub(super) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "Windows".to_owned())
}

pub(super) fn describe() -> String {
    let version = LOCAL_MACHINE
        .open(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion")
        .ok();
    let name = version
        .as_ref()
        .and_then(|key| key.get_string("ProductName").ok());
    let release = version
        .as_ref()
        .and_then(|key| key.get_string("DisplayVersion").ok());
    format!(
        "{} {}",
        name.as_deref().unwrap_or("Windows"),
        release.unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}
