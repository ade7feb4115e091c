//! `latchkey reset --all` when the agent does not start (rule 15): its program does it once, without becoming the agent.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use latchkey_ipc::launch;
use latchkey_words::{Value, Words};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// How long it may take: a keyring may wait for its user, and a service for the release.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Resets everything although the agent failed as `failure` says.
///
/// # Errors
/// It could not be done either; what is left to do by hand has been said.
pub(super) fn reset_all(failure: Failure, words: &Words) -> Result<(), Failure> {
    output::note(&words.message("cli-reset-without-agent", &[]));
    let Ok(program) = launch::find_program() else {
        by_hand(words);
        return Err(failure);
    };
    match run(&program) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(incomplete(&program, &status, words)),
        Err(error) => Err(incomplete(&program, &error, words)),
    }
}

fn incomplete(program: &Path, why: &dyn std::fmt::Display, words: &Words) -> Failure {
    by_hand(words);
    Failure::new(
        Exit::Failed,
        "reset_incomplete",
        format_args!("{}: {why}", program.display()),
    )
}

fn run(program: &Path) -> io::Result<ExitStatus> {
    let mut child = Command::new(program)
        .args(["reset", "--all"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Says what a person must delete.
fn by_hand(words: &Words) {
    let folder = state_folder().map_or_else(|| "none".to_owned(), |folder| folder.display().to_string());
    output::note(&words.message("cli-reset-by-hand", &[("folder", Value::from(&folder))]));
}

/// Where the agent keeps its state (`docs/cli.md`, "Resetting"): a folder for each machine that sees this home.
fn state_folder() -> Option<PathBuf> {
    let folder = |variable| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if cfg!(windows) {
        return Some(folder("LOCALAPPDATA")?.join("Latchkey").join("State"));
    }
    if cfg!(target_os = "macos") {
        return Some(folder("HOME")?.join("Library/Application Support/Latchkey/State"));
    }
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    state.map(|state| state.join("latchkey"))
}
