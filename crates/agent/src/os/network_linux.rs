//! Linux: the kernel's own routing messages (rtnetlink(7)). They also come where nothing has changed, as with every router
//! advertisement, which only lengthens the life of an address: what they are about is looked at.

use std::fs::read_to_string;
use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE`: addresses and routes.
const GROUPS: u32 = 0x10 | 0x40 | 0x100 | 0x400;

/// An address that the kernel has not tried out yet (`IFA_F_TENTATIVE`).
const TENTATIVE: u32 = 0x40;

/// Addresses and routes.
#[derive(Debug)]
pub(super) struct Network {
    messages: AsyncFd<OwnedFd>,
    seen: Option<String>,
}

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says: some sandboxes have no netlink.
    pub(super) fn watch() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Self {
            messages: crate::os::unix::register(socket)?,
            seen: look(),
        })
    }

    /// Waits for a message, which stays where it is.
    pub(super) async fn stirs(&self) {
        if self.messages.readable().await.is_err() {
            std::future::pending().await
        }
    }

    /// Takes what has come, and says whether anything is different from what it was.
    pub(super) fn has_changed(&mut self) -> bool {
        let mut message = [0_u8; 8192];
        // An overrun ends it too: messages were lost, which says as much as they would have.
        let mut take = |fd: &OwnedFd| Ok(recv(fd, &mut message[..], RecvFlags::empty())?);
        while self.messages.try_io(Interest::READABLE, &mut take).is_ok() {}
        let before = std::mem::replace(&mut self.seen, look());
        // Where there is nothing to look at, every message may be a change.
        self.seen.is_none() || self.seen != before
    }
}

/// The addresses and routes of now (proc(5)), without what changes by itself: lives and counters. `None` where the system shows
/// none of it.
fn look() -> Option<String> {
    let ipv4 = read_to_string("/proc/net/fib_trie").ok()?;
    // A machine without IPv6 has neither.
    let addresses = read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let routes = read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    Some([ipv4, ipv6_addresses(&addresses), ipv6_routes(&routes)].concat())
}

/// Of lines `address index prefix scope flags name`.
fn ipv6_addresses(lines: &str) -> String {
    let address = |line: &str| {
        let [address, _, prefix, _, flags, name] = fields(line)?;
        let is_usable = u32::from_str_radix(flags, 16).ok()? & TENTATIVE == 0;
        (is_usable && goes_beyond_the_link(address)).then(|| format!("{address}/{prefix} {name}\n"))
    };
    lines.lines().filter_map(address).collect()
}

/// Of lines `destination prefix source prefix gateway metric references uses flags name`.
fn ipv6_routes(lines: &str) -> String {
    let route = |line: &str| {
        let [to, prefix, _, _, via, metric, _, _, _, name] = fields(line)?;
        goes_beyond_the_link(to).then(|| format!("{to}/{prefix} via {via} {metric} {name}\n"))
    };
    lines.lines().filter_map(route).collect()
}

fn fields<const N: usize>(line: &str) -> Option<[&str; N]> {
    line.split_whitespace().collect::<Vec<_>>().try_into().ok()
}

/// Link-local and multicast ones come and go with every interface, containers' among them, and reach nobody who matters.
fn goes_beyond_the_link(address: &str) -> bool {
    !address.starts_with("fe80") && !address.starts_with("ff")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 \
                         00000100 00000001 00000000 00000001 eth0\n";

    #[test]
    fn a_route_that_was_used_is_the_route_that_it_was() {
        let seen = ipv6_routes(ROUTE);
        assert!(seen.contains("20010db8"), "{seen}");
        assert_eq!(
            ipv6_routes(&ROUTE.replace("00000001 00000000", "00000007 000000ff")),
            seen
        );
        assert_ne!(ipv6_routes(&ROUTE.replace("00000100", "00000400")), seen);
        assert_ne!(ipv6_routes(&ROUTE.replace("eth0", "wlan0")), seen);
        assert_eq!(ipv6_routes(&ROUTE.replace("20010db8", "fe800000")), "");
    }

    #[test]
    fn an_address_counts_from_when_it_can_be_used() {
        let address = |start: &str, flags: &str| {
            ipv6_addresses(&format!(
                "{start}000000000000000000000001 02 40 00 {flags} eth0\n"
            ))
        };
        let seen = address("20010db8", "00");
        assert!(seen.contains("20010db8"), "{seen}");
        assert_eq!(address("20010db8", "20"), seen, "it is old, and works");
        assert_eq!(address("20010db8", "40"), "", "it is tried out");
        assert_eq!(address("fe800000", "80"), "");
        assert_eq!(address("20010db8", "what"), "");
    }

    #[test]
    fn the_system_shows_what_there_is() {
        assert!(look().is_some_and(|seen| seen.contains("127.0.0.1")));
    }
}
