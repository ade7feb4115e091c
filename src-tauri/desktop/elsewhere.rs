//! Windows and macOS: there is always a display and a tray.

/// Gets the desktop ready.
///
/// # Errors
/// None on these systems.
pub(crate) fn begin() -> anyhow::Result<()> {
    Ok(())
}

/// Whether the library that makes a tray icon is installed.
pub(crate) fn has_tray_library() -> bool {
    true
}

/// Whether anybody shows tray icons now.
pub(crate) fn has_tray() -> bool {
    true
}
