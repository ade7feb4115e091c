//! The sample product, as a process: what it prints, what it saves, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use latchkey_core::code::Code;
use latchkey_core::time::{DAY, MINUTE};
use latchkey_core::view::StatusView;
use serde_json::Value;

use crate::agent::{Agent, Present, as_is};
use crate::vendor::{NOW, registration, status};

struct Atlas {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Atlas {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let file = folder.join("atlas.json");
        std::fs::write(&file, serde_json::to_vec(&registration()).unwrap()).unwrap();
        let mut process = Command::new(program())
            .arg("--registration")
            .arg(file)
            .args(arguments)
            .env("LATCHKEY_SOCKET_DIR", folder)
            .env("LATCHKEY_LANGUAGE", "en")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line that tells of `event`.
    fn wait_for(&mut self, event: &str) -> Value {
        self.wait_until(|line| line["event"] == event)
    }

    /// The next line that `is_it`. Nothing is said of the order of a start's answer and the change of status that comes with it.
    fn wait_until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.line()).unwrap();
            if is_it(&line) {
                return line;
            }
        }
    }

    fn exit_code(mut self) -> i32 {
        self.process.wait().unwrap().code().unwrap()
    }
}

/// The example, which `cargo test` builds beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let name = format!("atlas{}", std::env::consts::EXE_SUFFIX);
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        program.exists(),
        "build the example first: cargo build -p latchkey-sdk --example atlas"
    );
    program
}

#[test]
fn it_runs_while_it_may_and_saves_when_it_must_stop() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("map.txt");
    let present = Present::default();
    let agent = Agent::start(folder.path(), as_is(&present));
    let mut atlas = Atlas::start(
        folder.path(),
        &[
            "--json",
            "--stop-at-once",
            "--document",
            document.to_str().unwrap(),
        ],
    );
    let started = atlas.wait_for("started");
    assert_eq!(started["until"], (NOW + 30 * DAY).as_millis());
    assert!(!document.exists());

    let stop = StatusView {
        stop_at: Some(NOW + 10 * MINUTE),
        ..status(Code::SubscriptionEnded)
    };
    agent.change(&present, Some(stop));
    let status = atlas.wait_until(|line| line["event"] == "status" && line["code"] == 14);
    assert_eq!(status["name"], "SUBSCRIPTION_ENDED");
    let must_stop = atlas.wait_for("must_stop");
    assert!(
        (500..=600).contains(&must_stop["left"].as_u64().unwrap()),
        "{must_stop}"
    );
    atlas.wait_for("saved");
    atlas.wait_for("stopped");
    assert_eq!(atlas.exit_code(), 0);
    assert!(std::fs::read_to_string(document).unwrap().contains("Atlas saved"));
}

#[test]
fn it_does_not_start_where_it_may_not_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let present = Present::new(Some(status(Code::SignInRequired)).into());
    let _agent = Agent::start(folder.path(), as_is(&present));
    let mut atlas = Atlas::start(folder.path(), &[]);
    let mut line = atlas.line();
    if line.starts_with("status") {
        assert_eq!(line, "status 10 SIGN_IN_REQUIRED: You are signed out. Sign in.");
        line = atlas.line();
    }
    assert_eq!(line, "refused 10 SIGN_IN_REQUIRED: You are signed out. Sign in.");
    assert_eq!(atlas.exit_code(), 110);
}

#[test]
fn it_waits_for_its_licence_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let present = Present::new(Some(status(Code::SignInRequired)).into());
    let agent = Agent::start(folder.path(), as_is(&present));
    let mut atlas = Atlas::start(folder.path(), &["--json", "--keep-trying", "--run-for", "0"]);
    assert_eq!(atlas.wait_for("status")["code"], 10);
    *present.lock().unwrap() = None;
    atlas.wait_for("started");
    assert_eq!(atlas.exit_code(), 0);
    drop(agent);
}

#[test]
fn it_closes_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let present = Present::default();
    let _agent = Agent::start(folder.path(), as_is(&present));
    assert_eq!(Atlas::start(folder.path(), &["--run-for", "0"]).exit_code(), 0);
}
