//! The effective user of the process at the other end of a Unix socket.

use std::io;
use std::os::fd::AsFd;

/// The effective user of the process at the other end, when it connected or began to listen.
#[cfg(target_os = "linux")]
pub(crate) fn uid(socket: &impl AsFd) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(socket)?.uid.as_raw())
}

/// The effective user of the process at the other end, when it connected or began to listen.
#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "getpeereid has no safe wrapper")]
pub(crate) fn uid(socket: &impl AsFd) -> io::Result<u32> {
    use std::os::fd::AsRawFd as _;

    let (mut uid, mut gid) = (0, 0);
    // SAFETY: the descriptor is open for the length of the call, and both results are written before it returns 0.
    match unsafe { libc::getpeereid(socket.as_fd().as_raw_fd(), &raw mut uid, &raw mut gid) } {
        0 => Ok(uid),
        _ => Err(io::Error::last_os_error()),
    }
}
