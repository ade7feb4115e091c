//! A thousand products that are open and idle cost the agent next to nothing.
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use latchkey_ipc::address::Address;
use latchkey_ipc::frame;
use latchkey_ipc::hello::{Hello, Kind};
use latchkey_ipc::server::{Incoming, Listener};
use tokio::sync::mpsc;

#[cfg(test)]
mod process {
    /// Times that a thread of this process gave up the processor because it had to wait: once for each wake-up.
    pub(super) fn waits_of_serving_threads() -> u64 {
        let mut waits = 0;
        for thread in std::fs::read_dir("/proc/self/task").unwrap() {
            let folder = thread.unwrap().path();
            if std::fs::read_to_string(folder.join("comm"))
                .unwrap()
                .starts_with("tokio")
            {
                let status = std::fs::read_to_string(folder.join("status")).unwrap();
                let line = status
                    .lines()
                    .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
                    .unwrap();
                waits += line.trim().parse::<u64>().unwrap();
            }
        }
        waits
    }

    pub(super) fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

#[test]
fn a_thousand_idle_clients_cost_no_wake_ups() {
    const CLIENTS: usize = 1_000;
    let limit = rustix::process::Rlimit {
        current: Some(8_192),
        maximum: Some(8_192),
    };
    if rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).is_err() {
        println!("skipped: this process may not open enough files");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = Address::in_folder(folder.path().join("run")).unwrap();
    let (sender, mut incoming) = mpsc::channel(64);
    let _entered = runtime.enter();
    runtime.spawn(Listener::bind(&address).unwrap().serve(sender));
    let hello = frame::encode(&Hello::new(Kind::Sdk), frame::REQUEST_LIMIT).unwrap();
    let before = process::resident_kib();
    let mut clients = Vec::new();
    let mut outboxes = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = UnixStream::connect(address.socket()).unwrap();
        client.write_all(&hello).unwrap();
        clients.push(client);
        match runtime.block_on(incoming.recv()) {
            Some(Incoming::Connected { outbox, .. }) => outboxes.push(outbox),
            other => panic!("{other:?}"),
        }
    }
    let each = (process::resident_kib() - before) / CLIENTS as u64;
    // Time has to pass for nothing to happen in it.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let began = process::waits_of_serving_threads();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let woken = process::waits_of_serving_threads() - began;
    println!("{CLIENTS} idle clients: {woken} wake-ups in 2 s, {each} KiB resident for each");
    assert!(woken <= 5, "{woken} wake-ups in 2 s");
    assert!(each <= 16, "{each} KiB for each client and its peer");
}
