//! macOS: a routing socket (route(4)).

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketType, recv, socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Addresses and routes.
#[derive(Debug)]
pub(super) struct Network(AsyncFd<OwnedFd>);

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn watch() -> io::Result<Self> {
        let family = AddressFamily::from_raw(libc::PF_ROUTE.try_into().unwrap_or_default());
        let socket = socket(family, SocketType::RAW, None)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        Ok(Self(crate::os::unix::register(socket)?))
    }

    /// Waits for a message, which stays where it is.
    pub(super) async fn stirs(&self) {
        if self.0.readable().await.is_err() {
            std::future::pending().await
        }
    }

    /// Takes what has come: whatever the system tells here is a change.
    pub(super) fn has_changed(&mut self) -> bool {
        let mut message = [0_u8; 8192];
        let mut take = |fd: &OwnedFd| Ok(recv(fd, &mut message[..], RecvFlags::empty())?);
        while self.0.try_io(Interest::READABLE, &mut take).is_ok() {}
        true
    }
}
