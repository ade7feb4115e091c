//! The vault against a real gnome-keyring, on a session bus of its own: nobody's own keyring is touched.
//!
//! Each test starts a `dbus-daemon` and runs itself again with that bus as the session bus, because the bus is named by
//! the environment. Without the two programs there is nothing to test against, and the test says so.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use latchkey_agent::secret::{SecretBytes, SecretText};
use latchkey_agent::vault::{Access, Entry, Secrets, Tokens, Vault, VaultError};
use latchkey_core::time::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

const INSIDE: &str = "LATCHKEY_TEST_INSIDE_SESSION";

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs `test` on a session bus of its own.
fn in_session(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(test);
    }
    for program in ["dbus-daemon", "gnome-keyring-daemon"] {
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
fn start_keyring(password: Option<&str>) -> Running {
    let mut command = Command::new("gnome-keyring-daemon");
    command
        .args(["--foreground", "--components=secrets"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = match password {
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
    for _ in 0..400 {
        if SecretService::connect(EncryptionType::Plain).is_ok() {
            return Running(child);
        }
        assert!(child.try_wait().unwrap().is_none(), "gnome-keyring-daemon ended");
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("no Secret Service on the bus within 10 s");
}

fn lock_the_keyring() {
    let service = SecretService::connect(EncryptionType::Plain).unwrap();
    service.get_default_collection().unwrap().lock().unwrap();
}

/// The user unlocks the keyring elsewhere, as a login does: without a prompt.
async fn unlock_the_keyring(password: &str) {
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
    let login = ObjectPath::try_from("/org/freedesktop/secrets/collection/login").unwrap();
    let secret = (
        session,
        Vec::<u8>::new(),
        password.as_bytes().to_vec(),
        "text/plain",
    );
    let interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
    bus.call_method(
        Some(SERVICE),
        PATH,
        Some(interface),
        "UnlockWithMasterPassword",
        &(login, secret),
    )
    .await
    .unwrap();
}

fn entry() -> Entry {
    Entry::new("https://licences.example", "m1")
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.into())
}

fn signed_in() -> Secrets {
    let token = |letter: &str| SecretText::new(letter.repeat(6_000));
    Secrets {
        tokens: Some(Tokens {
            access_token: token("a"),
            access_expires_at: Timestamp::from_secs(7),
            refresh_token: Some(token("r")),
            id_token: token("i"),
            issuer: "https://id.example".into(),
            subject: "maya".into(),
            obtained_at: Timestamp::from_secs(3),
            scope: None,
        }),
        ..Secrets::generate().unwrap()
    }
}

#[test]
fn tokens_of_6000_bytes_are_kept_under_a_name_that_people_understand() {
    in_session(
        "tokens_of_6000_bytes_are_kept_under_a_name_that_people_understand",
        async {
            let _keyring = start_keyring(Some("test"));
            let vault = Vault::system().unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(None));
            let secrets = signed_in();
            vault.store(&entry(), &secrets).await.unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(Some(secrets.clone())));
            let later = Secrets {
                tokens: None,
                ..secrets
            };
            vault.store(&entry(), &later).await.unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(Some(later)));

            let service = SecretService::connect(EncryptionType::Plain).unwrap();
            let items = service.get_default_collection().unwrap();
            let labels: Vec<String> = items
                .get_all_items()
                .unwrap()
                .iter()
                .map(|item| item.get_label().unwrap())
                .collect();
            assert_eq!(labels, ["Latchkey — https://licences.example"]);

            vault.delete(&entry()).await.unwrap();
            vault.delete(&entry()).await.unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(None));
        },
    );
}

#[test]
fn a_keyring_that_is_restarted_or_starts_late_is_found_again() {
    in_session(
        "a_keyring_that_is_restarted_or_starts_late_is_found_again",
        async {
            let vault = Vault::system().unwrap();
            let error = vault.read(&entry()).await.unwrap_err();
            assert!(matches!(error, VaultError::Unavailable { .. }), "{error:?}");
            let first = start_keyring(Some("test"));
            vault.write(&entry(), secret("one")).await.unwrap();
            drop(first);
            let error = vault.read(&entry()).await.unwrap_err();
            assert!(
                matches!(error, VaultError::Unavailable { .. }),
                "no access is not no entry: {error:?}"
            );
            let _second = start_keyring(Some("test"));
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
            vault.write(&entry(), secret("two")).await.unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("two"))));
        },
    );
}

#[test]
fn a_locked_keyring_is_locked_and_not_empty() {
    in_session("a_locked_keyring_is_locked_and_not_empty", async {
        let _keyring = start_keyring(Some("test"));
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        lock_the_keyring();
        // Without a display nobody can be asked, which is as if they had said no.
        assert_eq!(vault.read(&entry()).await, Err(VaultError::Locked));
        assert_eq!(
            vault.read(&Entry::new("https://other.example", "m1")).await,
            Err(VaultError::Locked)
        );
        assert_eq!(
            vault.write(&entry(), secret("two")).await,
            Err(VaultError::Locked)
        );
        assert_eq!(vault.delete(&entry()).await, Err(VaultError::Locked));
        assert_eq!(*vault.access().borrow(), Access::Locked);
        unlock_the_keyring("test").await;
        let mut access = vault.access();
        let ready = access.wait_for(|access| *access == Access::Ready);
        tokio::time::timeout(Duration::from_secs(20), ready)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
    });
}

#[test]
fn a_keyring_that_hangs_is_named_in_time_and_heals() {
    in_session("a_keyring_that_hangs_is_named_in_time_and_heals", async {
        let keyring = start_keyring(Some("test"));
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        keyring.signal(Signal::STOP);
        assert_eq!(
            vault.write(&entry(), secret("two")).await,
            Err(VaultError::TimedOut)
        );
        keyring.signal(Signal::CONT);
        assert_eq!(
            vault.read(&entry()).await,
            Ok(Some(secret("two"))),
            "the late write was done first"
        );
    });
}

#[test]
fn where_no_keyring_was_ever_made_nothing_is_stored_and_nothing_is_kept() {
    in_session(
        "where_no_keyring_was_ever_made_nothing_is_stored_and_nothing_is_kept",
        async {
            let _keyring = start_keyring(None);
            let vault = Vault::system().unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(None));
            let error = vault.write(&entry(), secret("one")).await.unwrap_err();
            assert!(
                matches!(error, VaultError::Locked | VaultError::Unavailable { .. }),
                "{error:?}"
            );
            assert_eq!(vault.read(&entry()).await, Ok(None));
        },
    );
}
