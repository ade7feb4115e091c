//! macOS: a routing socket (route(4)).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, SocketType, recv, socket};
use tokio::io::unix::AsyncFd;

/// One change makes a burst of messages.
const SETTLE: Duration = Duration::from_millis(500);

/// Tells when addresses or routes change.
#[derive(Debug)]
pub struct Network(AsyncFd<OwnedFd>);

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says.
    pub fn watch() -> io::Result<Self> {
        let family = AddressFamily::from_raw(libc::PF_ROUTE.try_into().unwrap_or_default());
        let socket = socket(family, SocketType::RAW, None)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        Ok(Self(crate::os::unix::register(socket)?))
    }

    /// Waits for a change, and until it has settled.
    pub async fn changed(&mut self) {
        let Ok(ready) = self.0.readable().await else {
            return std::future::pending().await;
        };
        drop(ready);
        tokio::time::sleep(SETTLE).await;
        let mut message = [0_u8; 8192];
        while let Ok(mut ready) = self.0.readable().await {
            let read = ready.try_io(|fd| Ok(recv(fd.get_ref(), &mut message[..], RecvFlags::empty())?));
            match read {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }
}
