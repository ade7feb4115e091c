//! What differs from desktop to desktop before a face can be shown.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{begin, has_tray, has_tray_library};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{begin, has_tray, has_tray_library};

#[cfg(unix)]
mod signals;
#[cfg(unix)]
pub(crate) use signals::on_end;
