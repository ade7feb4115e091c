//! What Linux and macOS share.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::unix::AsyncFd;

/// What the agent opens besides its clients' connections, with room to spare.
const OWN: u64 = 512;

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

/// Allows this process a descriptor for each of so many connections, as far as the system lets it: a desktop session
/// begins with 1024, for the sake of programs that cannot count further.
///
/// # Errors
/// What the system says.
pub(super) fn allow_connections(connections: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(connections + OWN, |most| most.min(connections + OWN));
    // No limit at all is enough.
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(wanted),
        ..limit
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
