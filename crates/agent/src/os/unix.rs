//! What Linux and macOS share.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// Lets the runtime watch a descriptor that it owns from here on.
///
/// # Errors
/// What the system says.
pub(super) fn register(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(
        unsafe_code,
        reason = "the runtime cannot see that this type keeps its descriptor open"
    )]
    // SAFETY: an `OwnedFd` is open, is always the same descriptor, and is closed by nobody but its owner.
    let registered = unsafe { AsyncFd::register(descriptor) };
    Ok(registered?)
}
