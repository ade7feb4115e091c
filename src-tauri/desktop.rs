//! What differs from desktop to desktop before a face can be shown.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{begin, tray};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{begin, tray};

#[cfg(unix)]
mod signals;
#[cfg(unix)]
pub(crate) use signals::on_end;

/// Why there is no tray icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTray {
    /// The library that makes one is not installed.
    #[cfg(target_os = "linux")]
    #[error("no tray icon: libayatana-appindicator3 is not installed")]
    Library,
    /// Nobody shows tray icons now. One that is made is shown when somebody comes.
    #[cfg(target_os = "linux")]
    #[error("no tray icon: the desktop has no tray")]
    Host,
}
