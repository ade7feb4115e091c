//! Shows a toast: the desktop's notification, the next in place of the last, but not of one that must stay.

#[cfg(target_os = "linux")]
mod freedesktop;
#[cfg(target_os = "linux")]
mod shown;
#[cfg(target_os = "linux")]
pub(crate) use freedesktop::Toaster;

#[cfg(not(target_os = "linux"))]
mod native;
#[cfg(not(target_os = "linux"))]
pub(crate) use native::Toaster;

/// Why a toast was not shown.
#[derive(Debug, thiserror::Error)]
#[error("the notice was not shown: {0}")]
pub(crate) struct ToastError(String);
