//! Atlas, the sample product: a program that embeds the SDK and prints what its licence allows.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process::Process;
use crate::wait::SOON;

/// A running Atlas.
#[derive(Debug)]
pub struct Atlas {
    process: Process,
    seen: usize,
}

impl Atlas {
    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(command: &mut Command, logs: &Path) -> Result<Self> {
        Ok(Self {
            process: Process::start("atlas", command, logs)?,
            seen: 0,
        })
    }

    /// Waits for a line that contains `words`, after the last one waited for, and returns it.
    ///
    /// # Errors
    /// It ends, or does not say so within 20 s.
    pub fn wait_for(&mut self, words: &str) -> Result<String> {
        self.wait_as_long_as(SOON, words)
    }

    /// The same, with another limit.
    ///
    /// # Errors
    /// It ends, or does not say so within `limit`.
    pub fn wait_as_long_as(&mut self, limit: Duration, words: &str) -> Result<String> {
        let seen = self.seen;
        let mut at = 0;
        let mut next = 0;
        let line = self.process.wait_for_line(&format!("{words:?}"), limit, |line| {
            at += 1;
            if at <= seen || !line.contains(words) {
                return None;
            }
            next = at;
            Some(line.to_owned())
        })?;
        self.seen = next;
        Ok(line)
    }

    /// All that it printed.
    ///
    /// # Errors
    /// Its log cannot be read.
    pub fn text(&self) -> Result<String> {
        self.process.log().text()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Closes it.
    ///
    /// # Errors
    /// It does not end.
    pub fn close(mut self) -> Result<()> {
        self.process.end()?;
        Ok(())
    }
}
