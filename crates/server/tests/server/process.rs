//! The real program, started and ended by these tests.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;
use tempfile::TempDir;

/// A data folder, and the command on it.
pub(crate) struct Installation {
    folder: TempDir,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-server"));
        command
            .args(arguments)
            .env("LATCHKEY_SERVER_DATA", self.data())
            .stdin(Stdio::null());
        for name in [
            "LATCHKEY_SERVER_URL",
            "LATCHKEY_SERVER_LISTEN",
            "LATCHKEY_SERVER_INTROSPECTION_SECRET",
            "LATCHKEY_LOG",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The text of a command that must succeed.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The JSON of a command that must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// The exit status and message of a command that must fail.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).unwrap();
        let message = serde_json::from_str::<Value>(&error).map_or(error, |value| {
            value["error"]["message"].as_str().unwrap().to_owned()
        });
        (output.status.code().unwrap(), message)
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Serving {
        self.serve_logging(arguments, "info")
    }

    pub(crate) fn serve_logging(&self, arguments: &[&str], log: &str) -> Serving {
        let mut command = self.command(&[&["serve", "--json"], arguments].concat());
        command.env("LATCHKEY_LOG", log);
        Self::start(command)
    }

    /// A service that may have so many files and connections open to begin with, and more if it says so.
    #[cfg(unix)]
    pub(crate) fn serve_with_descriptors(&self, soft: u32, arguments: &[&str]) -> Serving {
        let serve = self.command(&[&["serve", "--json"], arguments].concat());
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("ulimit -S -n {soft} && exec \"$0\" \"$@\""))
            .arg(serve.get_program())
            .args(serve.get_args())
            .env("LATCHKEY_SERVER_DATA", self.data())
            .stdin(Stdio::null());
        Self::start(command)
    }

    fn start(mut command: Command) -> Serving {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let ready = serde_json::from_str(&ready).unwrap_or_else(|_| panic!("not ready: {ready:?}"));
        // Read while it is written: a pipe that is full would stop the service.
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        Serving {
            child,
            ready,
            log: Some(log),
        }
    }
}

/// A service that runs, until this is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) ready: Value,
    log: Option<JoinHandle<String>>,
}

impl Serving {
    pub(crate) fn url(&self) -> String {
        self.ready["url"].as_str().unwrap().to_owned()
    }

    /// As a power cut: no farewell.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As `systemctl stop`.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        let ended = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(ended.success());
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap();
        (status.code(), log.join().unwrap())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _already_gone = self.child.kill();
            let _reaped = self.child.wait();
        }
        if let Some(log) = self.log.take() {
            let _read_to_its_end = log.join();
        }
    }
}

/// The last numbers, as they are on the disk.
pub(crate) fn stored_sequence(data: &Path) -> i64 {
    let connection = rusqlite::Connection::open(data.join("latchkey.db")).unwrap();
    connection
        .query_row("SELECT max(seq) FROM sequences", [], |row| row.get(0))
        .unwrap()
}
