//! A socket whose file somebody else took away. A named pipe has none.

use std::collections::BTreeSet;

use latchkey_ipc::address::Address;
use latchkey_ipc::client::{ConnectError, Connection};
use latchkey_ipc::hello::Kind;
use latchkey_ipc::server::{Incoming, Listener};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::wire::{SOON, blocking};

/// Whatever cleared it away: clients that have found it stay, and the next ones find it again.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_cleared_away_is_listened_at_anew() {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::in_folder(folder.path().join("run")).unwrap();
    let (sender, mut incoming) = mpsc::channel(64);
    let mut listener = Listener::bind(&address).unwrap();
    let clear: [fn(&Address) -> std::io::Result<()>; 2] = [
        |address| std::fs::remove_file(address.socket()),
        |address| std::fs::remove_dir_all(address.folder()),
    ];
    let (mut clients, mut names, mut served) = (Vec::new(), BTreeSet::new(), JoinSet::new());
    for clear in clear {
        let place = listener.place(&address);
        served.spawn(listener.serve(sender.clone()));
        assert!(place.is_there() && place.is_at(&address));
        let here = address.clone();
        let found = blocking(move || Connection::open_at(&here, Kind::Sdk, SOON)).await;
        match incoming.recv().await.unwrap() {
            Incoming::Connected { client, outbox, .. } => {
                assert!(names.insert(client), "{client:?} is another's name");
                clients.push((found.unwrap(), outbox));
            }
            other => panic!("{other:?}"),
        }
        clear(&address).unwrap();
        let found = Connection::open_at(&address, Kind::Sdk, SOON);
        assert!(matches!(found, Err(ConnectError::NotRunning)), "{found:?}");
        assert!(!place.is_there(), "it is gone");
        listener = if place.is_at(&address) {
            place.again().unwrap()
        } else {
            Listener::bind(&address).unwrap()
        };
        place.leave();
    }
    assert!(clients.iter().all(|(client, _)| client.closed().is_none()));

    // Those that were left end with their last client.
    drop(clients);
    while served.join_next().await.is_some() {}
    let last = listener.place(&address);
    assert!(last.is_there(), "they took its socket away");
}
