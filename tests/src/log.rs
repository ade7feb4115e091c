//! What a program printed: its output and its complaints, in one file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::wait::until;

/// A program's output, growing.
#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// Begins a log in a folder, after the ones of the same name that are there.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn begin(folder: &Path, name: &str) -> Result<(Self, File)> {
        fs::create_dir_all(folder)?;
        let numbered = (2..).map(|number| format!("{name}-{number}.log"));
        for name in std::iter::once(format!("{name}.log")).chain(numbered) {
            let path = folder.join(name);
            if !path.exists() {
                let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
                return Ok((Self { path }, file));
            }
        }
        unreachable!("numbers do not end")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything so far.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn text(&self) -> Result<String> {
        let bytes = fs::read(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits for a whole line of which `found` makes something, and returns what it made.
    ///
    /// # Errors
    /// No such line within `limit`.
    pub fn wait_for<T>(
        &self,
        awaited: &str,
        limit: Duration,
        mut found: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        until(awaited, limit, || {
            let text = self.text()?;
            Ok(text
                .split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'))
                .find_map(&mut found))
        })
        .with_context(|| format!("in {}", self.path.display()))
    }
}
