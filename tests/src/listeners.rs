//! Which TCP ports a process listens on.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};

/// `TCP_LISTEN`, as the kernel writes it.
const LISTENS: &str = "0A";

/// The ports on which a process listens; none where it has ended.
///
/// # Errors
/// The system does not list its sockets.
pub fn of(process: u32) -> Result<Vec<u16>> {
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return Ok(Vec::new());
    };
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let sockets: BTreeSet<String> = links
        .filter_map(|link| {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/net/{table}"))?;
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(&LISTENS), Some(&inode)) =
                (columns.get(1), columns.get(3), columns.get(9))
            else {
                continue;
            };
            if sockets.contains(inode) {
                let port = local.rsplit(':').next().unwrap_or_default();
                ports.push(u16::from_str_radix(port, 16).with_context(|| format!("the address {local}"))?);
            }
        }
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_that_this_process_listens_on_is_among_them() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(of(std::process::id()).unwrap().contains(&port));
        drop(listener);
        assert!(!of(std::process::id()).unwrap().contains(&port));
        assert!(of(u32::MAX).unwrap().is_empty());
    }
}
