//! Starting at login, by each system's own means, which a user can also switch off there.
//!
//! | system | where it stands | switched off |
//! | --- | --- | --- |
//! | Windows | the user's `Run` key | `StartupApproved`, as the Task Manager does it |
//! | macOS | a LaunchAgent of the user's | `RunAtLoad` is false |
//! | elsewhere | an XDG autostart entry | `Hidden` is true |
//!
//! Switched off is written down as such and not deleted, so that it is no question the next time.

use std::io;
use std::path::PathBuf;

#[cfg(windows)]
mod run_key;
#[cfg(windows)]
use run_key as system;

#[cfg(target_os = "macos")]
mod launch_agent;
#[cfg(target_os = "macos")]
use launch_agent as system;

#[cfg(not(any(windows, target_os = "macos")))]
mod xdg;
#[cfg(not(any(windows, target_os = "macos")))]
use xdg as system;

/// Whether the tray starts at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Autostart {
    /// It does.
    On,
    /// The user switched it off.
    Off,
    /// Nobody has decided.
    Undecided,
}

/// What the entry starts: this program, for the icon and the notices alone.
const ARGUMENT: &str = "--background";

/// Whether the tray starts at login. What cannot be read counts as undecided.
pub(crate) fn state() -> Autostart {
    system::state()
}

/// Switches it on or off.
///
/// # Errors
/// The system's own.
pub(crate) fn set(on: bool) -> io::Result<()> {
    system::set(on, &program()?)
}

/// Switches it on unless somebody has decided. A program that was just built from source is not installed, and leaves
/// the developer's login alone.
///
/// # Errors
/// The system's own.
pub(crate) fn begin() -> io::Result<()> {
    if cfg!(debug_assertions) || state() != Autostart::Undecided {
        return Ok(());
    }
    set(true)
}

/// This program, where it can be found again: an AppImage is mounted at another place each time it runs.
fn program() -> io::Result<PathBuf> {
    match std::env::var_os("APPIMAGE") {
        Some(image) if cfg!(target_os = "linux") => Ok(image.into()),
        _ => std::env::current_exe(),
    }
}
