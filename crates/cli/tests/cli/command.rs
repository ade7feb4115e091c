//! The `latchkey` command, run as a shell runs it: nothing of this test's own environment reaches it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::agent::{Agent, SOON};

/// The command beside `agent`, with arguments.
pub(crate) fn latchkey(agent: &Agent, arguments: &[&str]) -> Command {
    let mut command = latchkey_at(&agent.socket_folder(), agent.folder());
    command.args(arguments);
    command
}

/// The same, in a folder of its own: a build of the whole workspace has an agent beside the command.
pub(crate) fn latchkey_alone(agent: &Agent, arguments: &[&str]) -> Command {
    let built = env!("CARGO_BIN_EXE_latchkey");
    let folder = agent.folder().join("alone");
    let program = folder.join(Path::new(built).file_name().unwrap());
    if !program.exists() {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::hard_link(built, &program)
            .or_else(|_| std::fs::copy(built, &program).map(drop))
            .unwrap();
    }
    let mut command = Command::new(program);
    clean(&mut command, &agent.socket_folder(), agent.folder());
    command.args(arguments);
    command
}

/// The command for a socket folder and a home.
pub(crate) fn latchkey_at(socket_folder: &Path, home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    clean(&mut command, socket_folder, home);
    command
}

/// Gives a program the environment of these tests: a quiet place in Berlin.
pub(crate) fn clean(command: &mut Command, socket_folder: &Path, home: &Path) {
    command
        .env_clear()
        .env("LATCHKEY_SOCKET_DIR", socket_folder)
        .env("HOME", home)
        .env("TZ", "Europe/Berlin")
        .env("LANG", "C.UTF-8")
        .env("PATH", home.join("bin"))
        .stdin(Stdio::null());
    if cfg!(windows) {
        // Without the first no socket opens; the language is not asked of the environment there.
        let system = std::env::var_os("SYSTEMROOT").unwrap_or_default();
        command.env("SYSTEMROOT", system).env("LATCHKEY_LANGUAGE", "en");
        for folder in ["APPDATA", "LOCALAPPDATA", "USERPROFILE"] {
            command.env(folder, home);
        }
    }
}

/// Runs a command to its end, and fails the test when it has none.
pub(crate) fn run(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let (done, is_done) = channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let output = is_done.recv_timeout(SOON);
    output
        .unwrap_or_else(|_| panic!("process {pid} does not end"))
        .unwrap()
}

/// What a shell's user sees: the command line, both outputs, and the exit code.
pub(crate) fn session(agent: &Agent, arguments: &[&str]) -> String {
    shown(arguments, &run(&mut latchkey(agent, arguments)))
}

/// The same of a command that has run.
pub(crate) fn shown(arguments: &[&str], output: &Output) -> String {
    let mut text = format!("$ latchkey {}\n", arguments.join(" "));
    text.push_str(std::str::from_utf8(&output.stdout).unwrap());
    let errors = std::str::from_utf8(&output.stderr).unwrap();
    for line in errors.lines() {
        writeln!(text, "stderr: {line}").unwrap();
    }
    writeln!(text, "exit: {}", output.status.code().unwrap()).unwrap();
    assert!(!text.contains('\u{1b}'), "an escape code is printed: {text}");
    text
}

/// A command that goes on while the test does.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line on standard output.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(SOON).expect("a line is printed")
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for its end: the lines that are left, standard error, and the exit code.
    pub(crate) fn end(mut self) -> (Vec<String>, String, Option<i32>) {
        let mut errors = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        let status = self.child.wait().unwrap();
        (self.lines.iter().collect(), errors, status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only after a failure is it still running.
        let _ = self.child.kill();
    }
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            if line.is_err() || line.is_ok_and(|line| sender.send(line).is_err()) {
                return;
            }
        }
    });
    lines
}

/// Makes a program that does `text`. Another process writes it: a file that is open for writing anywhere cannot be run,
/// and a program that another test is starting has this one's files open for a moment.
#[cfg(unix)]
pub(crate) fn script(path: &Path, text: &str) {
    let write = "printf '#!/bin/sh\n%s\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let status = Command::new("/bin/sh")
        .args(["-c", write, "sh", text])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
}

/// Writes to a command's standard input, and runs it to its end.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
