//! Atlas, the sample product: a program that embeds the SDK and prints what its licence allows.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process::Process;
use crate::services::PRODUCT;
use crate::wait::{SOON, until};

/// Where Atlas stands, in what `latchkey status --json` says.
///
/// # Errors
/// It is not registered.
pub fn atlas_of(status: &Value) -> Result<&Value> {
    let products = status["products"].as_array().into_iter().flatten();
    let mut atlas = products.filter(|product| product["product"] == PRODUCT);
    atlas
        .next()
        .map(|product| &product["status"])
        .context("Atlas is registered")
}

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
        let (seen, line) = until(&format!("Atlas to print {words:?}"), limit, || {
            let runs = self.process.is_running()?;
            let text = self.text()?;
            let whole = text
                .split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'));
            let mut new = whole.enumerate().skip(self.seen);
            match new.find(|(_, line)| line.contains(words)) {
                Some((at, line)) => Ok(Some((at + 1, line.to_owned()))),
                None if runs => Ok(None),
                None => bail!("Atlas ended before it printed {words:?}:\n{text}"),
            }
        })
        .with_context(|| format!("in {}", self.process.log().path().display()))?;
        self.seen = seen;
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
