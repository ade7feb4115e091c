//! KeePassXC: databases that the user opens, locks and closes, and of which it shows nothing while they are not open.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use latchkey_agent::secret::SecretBytes;
use latchkey_agent::vault::{Access, Entry, Vault, VaultError};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use zbus::Connection;

use super::session::{Running, in_session_with, on_the_bus};

const PROGRAMS: [&str; 2] = ["keepassxc-cli", "xdotool"];
const SETTINGS: &str = "[General]\nConfigVersion=2\nUpdateCheckMessageShown=true\nOpenPreviousDatabasesOnStartup=false\n\
                        [FdoSecrets]\nEnabled=true\nShowNotification=false\nConfirmAccessItem=false\nConfirmDeleteItem=false\n\
                        [GUI]\nCheckForUpdates=false\n[Security]\nLockDatabaseIdle=false\n";

fn entry() -> Entry {
    Entry::new("https://licences.example", "m1")
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.into())
}

/// KeePassXC on a screen of its own.
struct KeePassXc {
    home: PathBuf,
    bus: Connection,
    screen: String,
    _running: [Running; 2],
}

impl KeePassXc {
    async fn start() -> Self {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        let folder = home.join("config/keepassxc");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("keepassxc.ini"), SETTINGS).unwrap();
        let (x, screen) = start_screen();
        let program = tool("keepassxc", &home)
            .env("DISPLAY", &screen)
            .env("QT_QPA_PLATFORM", "xcb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            home,
            bus: Connection::session().await.unwrap(),
            screen,
            _running: [on_the_bus(program), x],
        }
    }

    /// The user types a password into the window that asks for it.
    async fn is_told(&self, password: &str) {
        let mut types = tokio::process::Command::new("xdotool");
        let window = ["search", "--sync", "--onlyvisible", "--name", "^Unlock Database"];
        types.env("DISPLAY", &self.screen).args(window).args([
            "windowfocus",
            "--sync",
            "type",
            "--delay",
            "50",
            password,
        ]);
        let typed = tokio::time::timeout(SOON, types.kill_on_drop(true).status()).await;
        assert!(typed.expect("it asks for the password").unwrap().success());
        let mut enter = tokio::process::Command::new("xdotool");
        enter.env("DISPLAY", &self.screen).args(["key", "Return"]);
        assert!(enter.status().await.unwrap().success());
    }

    /// Opens a database that is new or locked. The keyring is its root group; the password is its name.
    async fn opens(&self, name: &str) {
        let database = self.home.join(name).with_extension("kdbx");
        if !database.exists() {
            make_database(&self.home, name);
        }
        self.main_window("openDatabase", &(database.to_str().unwrap(), name))
            .await;
        until(|| collections().contains(&(name.to_owned(), false))).await;
    }

    async fn locks_all(&self) {
        self.main_window("lockAllDatabases", &()).await;
        until(|| !collections().is_empty() && collections().iter().all(|(_, is_locked)| *is_locked)).await;
    }

    async fn closes_all(&self) {
        self.main_window("closeAllDatabases", &()).await;
        until(|| collections().is_empty()).await;
    }

    async fn main_window<T: zbus::Type + serde::Serialize>(&self, method: &str, arguments: &T) {
        let name = "org.keepassxc.KeePassXC.MainWindow";
        self.bus
            .call_method(Some(name), "/keepassxc", Some(name), method, arguments)
            .await
            .unwrap();
    }
}

/// A display, and its name.
fn start_screen() -> (Running, String) {
    let mut x = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            "1024x768x24",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut number = String::new();
    BufReader::new(x.stdout.take().unwrap())
        .read_line(&mut number)
        .unwrap();
    (Running::new(x), format!(":{}", number.trim()))
}

fn tool(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("QT_QPA_PLATFORM", "offscreen")
        // Of each folder for what passes there is one KeePassXC.
        .env("TMPDIR", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("LANG", "C.UTF-8");
    command
}

/// What it keeps for others is said in the database itself, which only an import can be told without its window.
fn make_database(home: &Path, name: &str) {
    let group = "8f6c1c5e-3d0b-4b5e-9a53-0e6b2f4d7a10";
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><KeePassFile><Meta><DatabaseName>{name}</DatabaseName><CustomData><Item>\
         <Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{{{group}}}</Value></Item></CustomData></Meta>\
         <Root><Group><UUID>j2wcXj0LS16aUw5rL016EA==</UUID><Name>Root</Name></Group></Root></KeePassFile>"
    );
    let text = home.join(name).with_extension("xml");
    std::fs::write(&text, xml).unwrap();
    let mut import = tool("keepassxc-cli", home)
        .args(["import", "--set-password"])
        .args([&text, &text.with_extension("kdbx")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut password = import.stdin.take().unwrap();
    write!(password, "{name}\n{name}\n").unwrap();
    drop(password);
    assert!(
        import.wait().unwrap().success(),
        "the database {name} is not made"
    );
}

/// Which databases are shown, and whether they are locked.
fn collections() -> Vec<(String, bool)> {
    let service = SecretService::connect(EncryptionType::Plain).unwrap();
    let all = service.get_all_collections().unwrap();
    let shown = all.iter().map(|one| Ok((one.get_label()?, one.is_locked()?)));
    // One that is being closed is gone when it is asked.
    let shown: Result<_, secret_service::Error> = shown.collect();
    shown.unwrap_or_default()
}

/// How long anything may take that KeePassXC does.
const SOON: Duration = Duration::from_secs(30);

/// Waits for what KeePassXC does in its own time.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..1200 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("KeePassXC has not done it within 30 s");
}

async fn becomes_ready(vault: &Vault) {
    let mut access = vault.access();
    let ready = access.wait_for(|access| *access == Access::Ready);
    let ready = tokio::time::timeout(Duration::from_secs(60), ready).await;
    ready.unwrap().unwrap();
}

/// A search would open KeePassXC's window, and wait for the user.
#[test]
fn while_no_database_is_open_nothing_is_known_and_nobody_is_asked() {
    let name = "keepassxc::while_no_database_is_open_nothing_is_known_and_nobody_is_asked";
    in_session_with(&PROGRAMS, name, async {
        let keyring = KeePassXc::start().await;
        let vault = Vault::system().unwrap();
        let none_is_open = |result| matches!(result, Err(VaultError::Unavailable { .. }));
        assert!(none_is_open(vault.read(&entry()).await.map(drop)));
        assert!(none_is_open(vault.delete(&entry()).await));

        keyring.opens("one").await;
        becomes_ready(&vault).await;
        assert_eq!(vault.read(&entry()).await, Ok(None));
        vault.write(&entry(), secret("one")).await.unwrap();
        vault.write(&entry(), secret("two")).await.unwrap();
        assert_eq!(vault.read(&entry()).await, Ok(Some(secret("two"))));

        keyring.closes_all().await;
        assert!(none_is_open(vault.read(&entry()).await.map(drop)));
        keyring.opens("one").await;
        assert_eq!(vault.read(&entry()).await, Ok(Some(secret("two"))));
        vault.delete(&entry()).await.unwrap();
        assert_eq!(vault.read(&entry()).await, Ok(None));
    });
}

#[test]
fn a_locked_database_is_locked_and_asked_for_once() {
    let name = "keepassxc::a_locked_database_is_locked_and_asked_for_once";
    in_session_with(&PROGRAMS, name, async {
        let keyring = KeePassXc::start().await;
        keyring.opens("one").await;
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        keyring.locks_all().await;
        let entry = entry();
        let (read, ()) = tokio::join!(vault.read(&entry), keyring.is_told("one"));
        // Whoever types for long is answered by the next one.
        assert!(
            matches!(read, Ok(Some(_)) | Err(VaultError::Prompting)),
            "{read:?}"
        );
        assert_eq!(vault.read(&entry).await, Ok(Some(secret("one"))));
    });
}

/// KeePassXC says of a locked database neither what is in it nor that it has found something there.
#[test]
fn an_entry_of_a_locked_database_is_not_gone_because_another_is_open() {
    let name = "keepassxc::an_entry_of_a_locked_database_is_not_gone_because_another_is_open";
    in_session_with(&PROGRAMS, name, async {
        let keyring = KeePassXc::start().await;
        keyring.opens("one").await;
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        keyring.locks_all().await;
        keyring.opens("two").await;
        let entry = entry();
        let (read, ()) = tokio::join!(vault.read(&entry), keyring.is_told("one"));
        // Whoever types for long is answered by the next one.
        assert!(
            matches!(read, Ok(Some(_)) | Err(VaultError::Prompting)),
            "{read:?}"
        );
        assert_eq!(vault.read(&entry).await, Ok(Some(secret("one"))));
        // There are not two of them.
        vault.write(&entry, secret("two")).await.unwrap();
        assert_eq!(vault.read(&entry).await, Ok(Some(secret("two"))));
    });
}

/// The user need not open a database that is about something else, and may not be able to.
#[test]
fn what_is_written_for_the_first_time_goes_into_the_database_that_is_open() {
    let name = "keepassxc::what_is_written_for_the_first_time_goes_into_the_database_that_is_open";
    in_session_with(&PROGRAMS, name, async {
        let keyring = KeePassXc::start().await;
        keyring.opens("other").await;
        keyring.locks_all().await;
        keyring.opens("own").await;
        let vault = Vault::system().unwrap();
        vault.try_out().await.unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
    });
}
