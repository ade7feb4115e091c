//! A program that was started, and ends with whoever holds it.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::log::Log;
use crate::wait::{SOON, until};

/// How long a program may take to end when it is asked to, before it is ended.
const GRACE: Duration = Duration::from_secs(5);

/// A running program.
pub struct Process {
    name: String,
    child: Child,
    log: Log,
}

impl Process {
    /// Starts a program, its output going to `NAME.log` in `logs`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(name: &str, command: &mut Command, logs: &Path) -> Result<Self> {
        Self::start_with_input(name, command, logs, Stdio::null())
    }

    /// The same, with a standard input.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_with_input(name: &str, command: &mut Command, logs: &Path, input: Stdio) -> Result<Self> {
        let (log, file) = Log::begin(logs, name)?;
        let child = command
            .stdin(input)
            .stderr(file.try_clone()?)
            .stdout(file)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its standard input, once, where it was started with a pipe.
    pub fn input(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for a line of its output.
    ///
    /// # Errors
    /// It ended first, or the line did not come within `limit`.
    pub fn wait_for_line<T>(
        &mut self,
        awaited: &str,
        limit: Duration,
        mut found: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        until(&format!("{} to print {awaited}", self.name), limit, || {
            let ended = self.child.try_wait()?;
            let text = self.log.text()?;
            if let Some(made) = text.lines().find_map(&mut found) {
                return Ok(Some(made));
            }
            match ended {
                Some(status) => bail!(
                    "{} ended ({status}) before it printed {awaited}:\n{text}",
                    self.name
                ),
                None => Ok(None),
            }
        })
        .with_context(|| format!("in {}", self.log.path().display()))
    }

    /// Whether it runs.
    ///
    /// # Errors
    /// The system does not say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The signal that it died of, if it has died of one.
    pub fn died_of(&mut self) -> Option<i32> {
        let ended = self.child.try_wait().ok().flatten();
        ended.as_ref().and_then(ExitStatusExt::signal)
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It runs on after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        until(&format!("{} to end", self.name), limit, || {
            Ok(self.child.try_wait()?)
        })
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("a process has a number")?;
        kill_process(pid, signal).with_context(|| format!("cannot send {signal:?} to {}", self.name))
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// It does not end within 20 s.
    pub fn end(&mut self) -> Result<ExitStatus> {
        if self.is_running()? {
            self.signal(Signal::TERM)?;
        }
        self.wait(SOON)
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// The system does not let it.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing can be reported from here; what outlives this ends with the namespace.
            let _ = self.signal(Signal::TERM);
            let _ = self.signal(Signal::CONT);
            if self.wait(GRACE).is_err() {
                let _ = self.kill();
            }
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name)
            .field("id", &self.child.id())
            .finish_non_exhaustive()
    }
}
