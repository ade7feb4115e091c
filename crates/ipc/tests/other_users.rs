//! What another user of the machine can do: nothing. As root these tests are both users; otherwise they say that they
//! were skipped.
#![cfg(target_os = "linux")]

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use latchkey_ipc::address::{Address, AddressError};
use latchkey_ipc::client::{ConnectError, Connection};
use latchkey_ipc::frame;
use latchkey_ipc::hello::{Hello, Kind};
use latchkey_ipc::server::{Incoming, Listener};

const SOON: Duration = Duration::from_secs(20);
const NOBODY: u32 = 65_534;
/// Tells a run of this program as another user what to do there.
const PART: &str = "LATCHKEY_TEST_PART";
const SOCKET: &str = "LATCHKEY_TEST_SOCKET";

#[cfg(test)]
mod stage {
    use super::{Address, Child, Command, NOBODY, PART, Permissions, SOCKET, Stdio, fs};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    pub(super) fn is_root() -> bool {
        let root = rustix::process::geteuid().is_root();
        if !root {
            println!("skipped: only root can be two users");
        }
        root
    }

    /// Runs `part` of this program as nobody, from a copy that nobody may read.
    pub(super) fn as_nobody(part: &str, address: &Address, scratch: &std::path::Path) -> Child {
        fs::set_permissions(scratch, Permissions::from_mode(0o755)).unwrap();
        let program = scratch.join(format!("program-{part}"));
        // Another process copies it: of a file that is open for writing here, a test beside this one that starts a program at
        // that moment passes a copy of the handle on, and what is open for writing does not run (ETXTBSY).
        let copied = Command::new("cp")
            .arg(std::env::current_exe().unwrap())
            .arg(&program)
            .status()
            .unwrap();
        assert!(copied.success(), "cp failed ({copied})");
        Command::new(program)
            .args(["--exact", "part_of_another_user", "--nocapture"])
            .env(PART, part)
            .env(SOCKET, address.socket())
            .current_dir("/")
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits for a word in the other user's output.
    pub(super) fn wait_for(child: &mut Child, word: &str) {
        use std::io::BufRead as _;
        let output = std::io::BufReader::new(child.stdout.as_mut().unwrap());
        assert!(
            output.lines().any(|line| line.unwrap().contains(word)),
            "never said {word:?}"
        );
    }

    /// Lets everybody into the folder and to the socket, as a careless hand could.
    pub(super) fn open_wide(address: &Address) {
        fs::set_permissions(address.folder(), Permissions::from_mode(0o777)).unwrap();
        if address.socket().exists() {
            fs::set_permissions(address.socket(), Permissions::from_mode(0o777)).unwrap();
        }
    }
}

/// Not a test by itself: what the tests below run as another user.
#[test]
fn part_of_another_user() {
    let Ok(part) = std::env::var(PART) else { return };
    let socket = std::env::var(SOCKET).unwrap();
    match part.as_str() {
        "connect" => {
            let mut stream = UnixStream::connect(socket).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            // The agent may close before this is written.
            let _ = stream.write_all(&frame::encode(&Hello::new(Kind::Cli), frame::REQUEST_LIMIT).unwrap());
            let read = stream.read(&mut [0; 100]).unwrap_or(0);
            println!("\nread {read} bytes");
        }
        "listen" => {
            let listener = UnixListener::bind(socket).unwrap();
            println!("\nlistening");
            // Until the test that started this closes our input.
            let _ = std::io::stdin().read(&mut [0]);
            drop(listener);
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_client_is_turned_away_even_through_an_open_folder() {
    if !stage::is_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let address = Address::in_folder(scratch.path().join("run")).unwrap();
    let (sender, mut incoming) = tokio::sync::mpsc::channel(8);
    tokio::spawn(Listener::bind(&address).unwrap().serve(sender));
    stage::open_wide(&address);
    let mut child = stage::as_nobody("connect", &address, scratch.path());
    tokio::task::spawn_blocking(move || {
        stage::wait_for(&mut child, "read 0 bytes");
        assert!(child.wait().unwrap().success());
    })
    .await
    .unwrap();

    fs::set_permissions(address.folder(), Permissions::from_mode(0o700)).unwrap();
    let own = tokio::task::spawn_blocking(move || Connection::open_at(&address, Kind::Cli, SOON).unwrap());
    let own = own.await.unwrap();
    match incoming.recv().await.unwrap() {
        Incoming::Connected { hello, .. } => {
            assert_eq!(hello.kind, Kind::Cli, "the agent heard of ours alone")
        }
        other => panic!("{other:?}"),
    }
    drop(own);
}

#[test]
fn a_client_does_not_talk_to_another_users_listener() {
    if !stage::is_root() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let address = Address::in_folder(scratch.path().join("run")).unwrap();
    address.prepare().unwrap();
    stage::open_wide(&address);
    let mut child = stage::as_nobody("listen", &address, scratch.path());
    stage::wait_for(&mut child, "listening");

    let error = Connection::open_at(&address, Kind::Sdk, SOON).unwrap_err();
    assert!(
        matches!(error, ConnectError::Address(AddressError::Untrusted { .. })),
        "an open folder: {error:?}"
    );
    fs::set_permissions(address.folder(), Permissions::from_mode(0o700)).unwrap();
    let error = Connection::open_at(&address, Kind::Sdk, SOON).unwrap_err();
    assert!(
        matches!(error, ConnectError::Foreign),
        "a foreign listener: {error:?}"
    );
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_and_socket_are_closed_to_others_and_a_dead_agents_socket_is_cleared_away() {
    let scratch = tempfile::tempdir().unwrap();
    let address = Address::in_folder(scratch.path().join("run")).unwrap();
    address.prepare().unwrap();
    drop(UnixListener::bind(address.socket()).unwrap());
    assert!(address.socket().exists(), "as a dead agent leaves it");
    let deadline = Instant::now() + SOON;
    let error = tokio::task::block_in_place(|| {
        loop {
            match Connection::open_at(&address, Kind::Cli, SOON).unwrap_err() {
                // A test beside this one that starts a program holds a copy of what listened until the program runs.
                ConnectError::Closed if Instant::now() < deadline => {}
                error => return error,
            }
        }
    });
    assert!(matches!(error, ConnectError::NotRunning), "{error:?}");

    let listener = Listener::bind(&address).unwrap();
    assert_eq!(fs::metadata(address.folder()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(address.socket()).unwrap().mode() & 0o777, 0o600);
    drop(listener);
    assert!(!address.socket().exists(), "nothing is left behind");
}
