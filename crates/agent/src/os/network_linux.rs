//! Linux: the kernel's own routing messages (rtnetlink(7)). They also come where nothing has changed, as with every router
//! advertisement, which only lengthens the life of an address: what they are about is looked at.

use std::fs::{read_dir, read_to_string};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE`: links, addresses and routes.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// Where the interfaces are (sysfs(5)).
const INTERFACES: &str = "/sys/class/net";

/// An address that the kernel has not tried out yet (`IFA_F_TENTATIVE`).
const TENTATIVE: u32 = 0x40;

/// Cards, addresses and routes.
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

/// The cards, addresses and routes of now (proc(5)), without what changes by itself: lives and counters. `None` where the system
/// shows no addresses.
fn look() -> Option<String> {
    let ipv4 = read_to_string("/proc/net/fib_trie").ok()?;
    // A machine without IPv6 has neither.
    let addresses = read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let routes = read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let cards = cards(Path::new(INTERFACES)).concat();
    Some([cards, ipv4, ipv6_addresses(&addresses), ipv6_routes(&routes)].concat())
}

/// Every network card, and whether its cable is in: one with an address of its own keeps that, and its routes, without a cable.
/// Interfaces without a device, such as those of containers, come and go for other reasons.
fn cards(interfaces: &Path) -> Vec<String> {
    let interfaces = read_dir(interfaces).into_iter().flatten().flatten();
    let cards = interfaces
        .map(|interface| interface.path())
        .filter(|path| path.join("device").exists());
    let mut cards: Vec<String> = cards
        .map(|path| {
            let state = read_to_string(path.join("operstate")).unwrap_or_default();
            format!("{} {}\n", path.display(), state.trim())
        })
        .collect();
    cards.sort();
    cards
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
    fn a_card_says_whether_its_cable_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let interface = |name: &str, state: &str, card: bool| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("operstate"), format!("{state}\n")).unwrap();
            if card {
                std::fs::create_dir_all(path.join("device")).unwrap();
            }
        };
        interface("wlan0", "down", true);
        interface("eth0", "up", true);
        interface("docker0", "up", false);
        let seen = cards(folder.path());
        assert!(
            seen.len() == 2 && seen[0].ends_with("eth0 up\n") && seen[1].ends_with("wlan0 down\n"),
            "{seen:?}"
        );
        interface("docker0", "down", false);
        assert_eq!(cards(folder.path()), seen);
        interface("eth0", "down", true);
        assert_ne!(cards(folder.path()), seen);
        assert!(cards(&folder.path().join("nowhere")).is_empty());
    }

    #[test]
    fn the_system_shows_what_there_is() {
        assert!(look().is_some_and(|seen| seen.contains("127.0.0.1")));
    }
}
