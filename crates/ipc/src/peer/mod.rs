//! Who is at the other end.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::uid;
#[cfg(windows)]
pub(crate) use windows::Sid;
#[cfg(all(windows, feature = "server"))]
pub(crate) use windows::{OwnerOnly, client_of};
