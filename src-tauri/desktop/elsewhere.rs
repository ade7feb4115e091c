//! Windows and macOS: there is always a display and a tray.

use super::NoTray;

/// Gets the desktop ready.
///
/// # Errors
/// None on these systems.
pub(crate) fn begin() -> anyhow::Result<()> {
    Ok(())
}

/// Whether a tray icon can be made and is shown.
///
/// # Errors
/// None on these systems.
pub(crate) fn tray() -> Result<(), NoTray> {
    Ok(())
}
