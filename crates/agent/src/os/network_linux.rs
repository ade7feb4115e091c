//! Linux: the kernel's own routing messages (rtnetlink(7)).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::unix::AsyncFd;

/// `RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE`: addresses and routes.
const GROUPS: u32 = 0x10 | 0x40 | 0x100 | 0x400;
/// One change makes a burst of messages.
const SETTLE: Duration = Duration::from_millis(500);

/// Tells when addresses or routes change.
#[derive(Debug)]
pub struct Network(AsyncFd<OwnedFd>);

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says: some sandboxes have no netlink.
    pub fn watch() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
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
                // Overrun: messages were lost, which says as much as they would have.
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }
}
