//! A wall clock that a story sets, while unmodified programs run by it (libfaketime). Only the wall moves: a monotonic
//! clock that was dragged along would stop every wait.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The wall clock of one machine or service.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
    ahead: Cell<i64>,
}

impl Clock {
    /// A clock that is right, and can be moved; its setting is kept in `file`.
    ///
    /// # Errors
    /// libfaketime is not installed.
    pub fn right(file: PathBuf) -> Result<Self> {
        let clock = Self {
            library: library()?,
            file,
            ahead: Cell::new(0),
        };
        fs::create_dir_all(clock.file.parent().context("the file is in a folder")?)?;
        clock.set(0)?;
        Ok(clock)
    }

    /// How many seconds it is ahead of the real time; negative when it is behind.
    pub fn ahead(&self) -> i64 {
        self.ahead.get()
    }

    /// Sets it to so many seconds ahead of the real time, for running programs too.
    ///
    /// # Errors
    /// The setting cannot be written.
    pub fn set(&self, ahead: i64) -> Result<()> {
        // Programs read the file at any moment: it must never be half written.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead:+}\n"))?;
        fs::rename(&new, &self.file)?;
        self.ahead.set(ahead);
        Ok(())
    }

    /// Moves it forward.
    ///
    /// # Errors
    /// The setting cannot be written.
    pub fn advance(&self, by: Duration) -> Result<()> {
        self.set(self.ahead() + i64::try_from(by.as_secs())?)
    }

    /// What makes a program live by this clock.
    pub fn environment(&self) -> [(&'static str, &Path); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", &self.file),
            ("FAKETIME_NO_CACHE", Path::new("1")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
        ]
    }
}

fn library() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib").context("libraries are in /usr/lib")?;
    let candidates = folders.filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketimeMT.so.1")));
    candidates
        .into_iter()
        .find(|path| path.exists())
        .context("libfaketime is missing (package faketime)")
}
