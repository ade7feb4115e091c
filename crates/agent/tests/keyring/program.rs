//! What the agent's program says of its vault, and that none of its states holds the program.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use latchkey_agent::secret::SecretText;
use latchkey_agent::vault::{Entry, Secrets, Vault};
use latchkey_core::code::Code;
use latchkey_core::vault::VaultKind;
use latchkey_core::view::{Problem, View};
use latchkey_ipc::Connection;
use latchkey_ipc::address::Address;
use latchkey_ipc::hello::Kind;
use latchkey_ipc::messages::{Event, Reply, Request};
use latchkey_ipc::passphrase::Passphrase;
use rustix::process::{Pid, Signal, kill_process};

use super::session::{in_session, lock_the_keyring, start_keyring};

/// Longer than anything here takes that does not hang.
const SOON: Duration = Duration::from_secs(30);
/// What is answered from memory, on a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(3);

/// The agent of one test, and a client of it.
struct Agent {
    child: Child,
    client: Connection,
}

impl Agent {
    fn start(home: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> Self {
        let socket = home.join("run");
        let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey-agent"))
            .args(arguments)
            .env("LATCHKEY_SOCKET_DIR", &socket)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("LATCHKEY_VAULT")
            .env_remove("LATCHKEY_VAULT_PASSPHRASE_FILE")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let address = Address::in_folder(socket).unwrap();
        let deadline = Instant::now() + SOON;
        let client = loop {
            match Connection::open_at(&address, Kind::Cli, AT_ONCE) {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            assert!(child.try_wait().unwrap().is_none(), "the agent has ended");
            std::thread::sleep(Duration::from_millis(10));
        };
        Self { child, client }
    }

    fn view(&self) -> Box<View> {
        match self.client.call(Request::View, AT_ONCE).unwrap() {
            Reply::View { view } => view,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until these are the problems.
    fn says(&self, problems: &[Problem]) {
        let mut view = match self.client.call(Request::Watch, AT_ONCE).unwrap() {
            Reply::View { view } => view,
            other => panic!("{other:?}"),
        };
        let deadline = Instant::now() + SOON;
        while view.problems != problems {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{problems:?} is not said: {:?}", view.problems);
            if let Some(Event::View { view: newer }) = self.client.next_event(left).unwrap() {
                view = newer;
            }
        }
    }

    /// Which problem refuses a request, and with which code.
    fn refuses(&self, request: Request) -> (u16, String) {
        match self.client.call(request, SOON).unwrap() {
            Reply::Refused(refused) => (refused.code, refused.problem),
            other => panic!("{other:?}"),
        }
    }

    fn register(&self) {
        let registration = serde_json::from_str(
            r#"{"registration": 1, "product": "ATLAS", "version": "2026.1", "name": "Atlas", "publisher": "Cartographers",
            "service": "https://licence.example", "root_keys": [{"kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "alg": "EdDSA", "use": "sig"}]}"#,
        );
        let request = Request::Register {
            registration: Box::new(registration.unwrap()),
        };
        assert_eq!(self.client.call(request, AT_ONCE).unwrap(), Reply::Done);
    }

    /// The system asks it to end, and it does.
    fn ends_within(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the agent does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn home() -> PathBuf {
    std::env::var_os("HOME").unwrap().into()
}

/// The one machine's folder.
fn state_folder(home: &Path) -> PathBuf {
    let mut machines = std::fs::read_dir(home.join(".local/state/latchkey")).unwrap();
    machines.next().unwrap().unwrap().path()
}

fn sign_in() -> Request {
    Request::SignIn {
        service: None,
        email: None,
        method: None,
    }
}

fn unlock(passphrase: Option<&str>, first: bool) -> Request {
    Request::Unlock {
        passphrase: passphrase.map(|text| Passphrase::new(text.to_owned())),
        first,
    }
}

fn refusal(code: Code, problem: &str) -> (u16, String) {
    (code.number(), problem.to_owned())
}

#[test]
fn without_a_keyring_a_sign_in_says_so_before_it_begins() {
    in_session(
        "program::without_a_keyring_a_sign_in_says_so_before_it_begins",
        async {
            let mut agent = Agent::start(&home(), &[], &[]);
            agent.register();
            assert_eq!(
                agent.refuses(sign_in()),
                refusal(Code::SignInRequired, "vault_unavailable")
            );
            agent.says(&[Problem::VaultUnavailable]);
            assert_eq!(
                agent.view().vault,
                VaultKind::Keyring,
                "nothing else is fallen back to"
            );
            // The service is started, and whoever asks again is served.
            let _keyring = start_keyring(Some("test"));
            assert_eq!(agent.client.call(unlock(None, false), SOON).unwrap(), Reply::Done);
            agent.says(&[]);
            agent.ends_within(AT_ONCE);
        },
    );
}

#[test]
fn a_locked_keyring_is_named_and_opened_without_a_restart() {
    in_session(
        "program::a_locked_keyring_is_named_and_opened_without_a_restart",
        async {
            let _keyring = start_keyring(Some("test"));
            lock_the_keyring();
            let agent = Agent::start(&home(), &[], &[]);
            agent.register();
            // Without a display nobody can be asked, which is as if they had said no.
            assert_eq!(
                agent.refuses(sign_in()),
                refusal(Code::SignInRequired, "vault_locked")
            );
            agent.says(&[Problem::VaultLocked]);
            super::session::unlock_the_keyring("test").await;
            agent.says(&[]);
        },
    );
}

#[test]
fn a_keyring_that_hangs_holds_neither_the_loop_nor_the_end() {
    in_session(
        "program::a_keyring_that_hangs_holds_neither_the_loop_nor_the_end",
        async {
            let keyring = start_keyring(Some("test"));
            let mut agent = Agent::start(&home(), &[], &[]);
            agent.register();
            keyring.signal(Signal::STOP);
            let waiting = agent.client.clone();
            let asked = std::thread::spawn(move || waiting.call(sign_in(), SOON));
            // While the sign-in waits for the keyring, everything else is answered.
            let began = Instant::now();
            while !asked.is_finished() {
                let before = Instant::now();
                agent.view();
                let took = before.elapsed();
                assert!(took < AT_ONCE, "{took:?}");
                std::thread::sleep(Duration::from_millis(100));
            }
            let refused = asked.join().unwrap().unwrap();
            assert!(began.elapsed() > Duration::from_secs(5), "nothing hung");
            assert!(
                matches!(&refused, Reply::Refused(refused) if refused.problem == "vault_hung"),
                "{refused:?}"
            );
            agent.says(&[Problem::VaultHung]);
            // Two calls hang in it now, and the process ends all the same.
            let waiting = agent.client.clone();
            let _asked = std::thread::spawn(move || waiting.call(sign_in(), SOON));
            agent.ends_within(AT_ONCE);
            keyring.signal(Signal::CONT);
        },
    );
}

#[test]
fn a_file_is_opened_by_its_passphrase_and_by_nothing_else() {
    in_session(
        "program::a_file_is_opened_by_its_passphrase_and_by_nothing_else",
        async {
            let home = home();
            let start = || Agent::start(&home, &["--vault", "file"], &[]);
            let mut agent = start();
            agent.register();
            agent.says(&[Problem::PassphraseNotSet]);
            assert_eq!(agent.view().vault, VaultKind::File);
            let not_set = refusal(Code::AuthPending, "passphrase_not_set");
            assert_eq!(agent.refuses(unlock(None, false)), not_set);
            assert_eq!(agent.refuses(unlock(Some("correct horse"), false)), not_set);
            assert_eq!(
                agent.refuses(sign_in()),
                refusal(Code::SignInRequired, "passphrase_not_set"),
                "before anybody is sent to a browser"
            );
            assert_eq!(
                agent.refuses(unlock(Some("horse"), true)),
                refusal(Code::InvalidArgument, "passphrase_too_short")
            );
            let chosen = agent.client.call(unlock(Some("correct horse"), true), SOON);
            assert_eq!(chosen.unwrap(), Reply::Done);
            agent.says(&[]);
            agent.ends_within(AT_ONCE);

            // Something is kept, as after a sign-in.
            let state = state_folder(&home);
            let vault = Vault::open(VaultKind::File, &state, None).unwrap();
            let typed = SecretText::new("correct horse".to_owned());
            vault.unlock(typed, true).await.unwrap();
            let entry = Entry::new("https://licence.example", "m1");
            vault.store(&entry, &Secrets::generate().unwrap()).await.unwrap();

            let mut agent = start();
            agent.says(&[Problem::VaultLocked]);
            assert_eq!(
                agent.refuses(unlock(Some("wrong horse"), false)),
                refusal(Code::AuthPending, "wrong_passphrase")
            );
            agent.says(&[Problem::VaultLocked]);
            let opened = agent.client.call(unlock(Some("correct horse"), false), SOON);
            assert_eq!(opened.unwrap(), Reply::Done);
            agent.says(&[]);
            agent.ends_within(AT_ONCE);

            // What was forgotten is no dead end, also without an agent.
            let reset = Command::new(env!("CARGO_BIN_EXE_latchkey-agent"))
                .args(["--vault", "file", "reset", "--all"])
                .env("LATCHKEY_SOCKET_DIR", home.join("run"))
                .env_remove("XDG_STATE_HOME")
                .status();
            assert!(reset.unwrap().success());
            assert!(!state.join("secrets").exists());
            start().says(&[Problem::PassphraseNotSet]);
        },
    );
}

#[test]
fn where_nobody_sits_the_passphrase_is_in_a_file() {
    in_session("program::where_nobody_sits_the_passphrase_is_in_a_file", async {
        use std::os::unix::fs::PermissionsExt as _;
        let home = home();
        let file = home.join("passphrase");
        std::fs::write(&file, "correct horse\n").unwrap();
        let chosen = Path::new("file");
        let environment = [
            ("LATCHKEY_VAULT", chosen),
            ("LATCHKEY_VAULT_PASSPHRASE_FILE", file.as_path()),
        ];
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let agent = Agent::start(&home, &[], &environment);
        agent.says(&[Problem::PassphraseFile]);
        mode(0o600);
        assert_eq!(agent.client.call(unlock(None, false), SOON).unwrap(), Reply::Done);
        agent.says(&[]);
        drop(agent);
        let agent = Agent::start(&home, &[], &environment);
        assert_eq!(agent.client.call(unlock(None, false), SOON).unwrap(), Reply::Done);
        assert_eq!(agent.view().problems, []);
    });
}

#[test]
fn memory_is_said_and_never_asked_about() {
    in_session("program::memory_is_said_and_never_asked_about", async {
        let home = home();
        let config = home.join(".config/latchkey");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("config.json"), r#"{"vault": "memory"}"#).unwrap();
        let agent = Agent::start(&home, &[], &[]);
        agent.says(&[Problem::SessionInMemory]);
        assert_eq!(agent.view().vault, VaultKind::Memory);
        assert_eq!(
            agent.refuses(unlock(Some("correct horse"), false)),
            refusal(Code::InvalidArgument, "nothing_to_unlock")
        );
        // The environment stands above the file, and the command line above both.
        let other = home.join("other");
        std::fs::create_dir_all(other.join(".config")).unwrap();
        std::fs::rename(&config, other.join(".config/latchkey")).unwrap();
        let keyring = Agent::start(&other, &[], &[("LATCHKEY_VAULT", Path::new("keyring"))]);
        assert_eq!(keyring.view().vault, VaultKind::Keyring);
        drop(keyring);
        let file = Agent::start(
            &other,
            &["--vault", "file"],
            &[("LATCHKEY_VAULT", Path::new("keyring"))],
        );
        assert_eq!(file.view().vault, VaultKind::File);
    });
}
