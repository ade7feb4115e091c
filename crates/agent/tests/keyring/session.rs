//! A session bus and a keyring for one test.
//!
//! Each test starts a `dbus-daemon` and runs itself again with that bus as the session bus, because the bus is named by
//! the environment. Without the two programs there is nothing to test against, and the test says so.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

const INSIDE: &str = "LATCHKEY_TEST_INSIDE_SESSION";

/// A process that ends with the test.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) const fn new(process: Child) -> Self {
        Self(process)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Running {
    /// How long a file may get that it writes.
    pub(crate) fn may_write(&self, bytes: Option<u64>) {
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(Pid::from_child(&self.0)), Resource::Fsize, limit).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs `test` on a session bus of its own, with gnome-keyring.
pub(crate) fn in_session(name: &str, test: impl Future<Output = ()>) {
    in_session_with(&["gnome-keyring-daemon"], name, test);
}

/// Runs `test` on a session bus of its own, where these programs are installed.
pub(crate) fn in_session_with(programs: &[&str], name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(test);
    }
    for program in ["dbus-daemon"].iter().chain(programs) {
        if Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_err()
        {
            eprintln!("SKIPPED: {program} is not installed");
            return;
        }
    }
    let home = tempfile::tempdir().unwrap();
    let (_bus, address) = start_bus(home.path());
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .status()
        .unwrap();
    assert!(status.success(), "{name}: {status}");
}

/// A bus that starts no service by itself, and its address.
fn start_bus(folder: &Path) -> (Running, String) {
    let config = folder.join("bus.conf");
    let listen = folder.join("bus");
    let text = format!(
        r#"<busconfig><type>session</type><listen>unix:path={}</listen><policy context="default">
        <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#,
        listen.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut bus = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--print-address=1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(bus.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    (Running(bus), address.trim().to_owned())
}

/// Starts a keyring, unlocked if it is given a password, and waits until it is on the bus.
pub(crate) fn start_keyring(password: Option<&str>) -> Running {
    // A file that grows too large then fails to be written, and does not end the daemon.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "trap '' XFSZ; exec gnome-keyring-daemon \"$@\"", "sh"])
        .args(["--foreground", "--components=secrets"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = match password {
        Some(password) => {
            let mut child = command.arg("--unlock").stdin(Stdio::piped()).spawn().unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(password.as_bytes())
                .unwrap();
            child
        }
        None => command.stdin(Stdio::null()).spawn().unwrap(),
    };
    on_the_bus(child)
}

/// Waits until a keyring that was started is on the bus.
pub(crate) fn on_the_bus(mut keyring: Child) -> Running {
    for _ in 0..1200 {
        if SecretService::connect(EncryptionType::Plain).is_ok() {
            return Running(keyring);
        }
        assert!(keyring.try_wait().unwrap().is_none(), "the keyring ended");
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("no Secret Service on the bus within 30 s");
}

pub(crate) fn lock_the_keyring() {
    let service = SecretService::connect(EncryptionType::Plain).unwrap();
    service.get_default_collection().unwrap().lock().unwrap();
}

/// Where gnome-keyring has a collection.
pub(crate) fn collection(name: &str) -> ObjectPath<'static> {
    ObjectPath::try_from(format!("/org/freedesktop/secrets/collection/{name}")).unwrap()
}

/// The user unlocks the keyring elsewhere, as a login does: without a prompt.
pub(crate) async fn unlock_the_keyring(password: &str) {
    unlock_collection("login", password).await;
}

/// The same of another collection than the one that a login opens.
pub(crate) async fn unlock_collection(name: &str, password: &str) {
    without_a_prompt("UnlockWithMasterPassword", collection(name), password).await;
}

/// The user makes another collection.
pub(crate) async fn make_collection(label: &str, password: &str) {
    let named = HashMap::from([("org.freedesktop.Secret.Collection.Label", Variant::from(label))]);
    without_a_prompt("CreateWithMasterPassword", named, password).await;
}

/// Calls a method of gnome-keyring that takes `what` and a password.
async fn without_a_prompt<T: zbus::Type + serde::Serialize>(method: &str, what: T, password: &str) {
    const SERVICE: &str = "org.freedesktop.secrets";
    const PATH: &str = "/org/freedesktop/secrets";
    let bus = zbus::Connection::session().await.unwrap();
    let arguments = ("plain", Variant::from(""));
    let opened = bus
        .call_method(
            Some(SERVICE),
            PATH,
            Some("org.freedesktop.Secret.Service"),
            "OpenSession",
            &arguments,
        )
        .await
        .unwrap();
    let (_, session): (OwnedVariant, OwnedObjectPath) = opened.body().deserialize().unwrap();
    let secret = (
        session,
        Vec::<u8>::new(),
        password.as_bytes().to_vec(),
        "text/plain",
    );
    let interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
    bus.call_method(Some(SERVICE), PATH, Some(interface), method, &(what, secret))
        .await
        .unwrap();
}
