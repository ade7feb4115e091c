//! Starts the window: this program once more, with another face.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, io, thread};

/// A thread that only waits for a child.
const STACK: usize = 64 * 1024;

/// This program, by the path it was started from: an update may replace the file while this runs.
pub(super) struct Program(PathBuf);

impl Program {
    /// Finds it.
    ///
    /// # Errors
    /// The system's own.
    pub(super) fn this() -> io::Result<Self> {
        env::current_exe().map(Self)
    }

    /// Starts the window at `screen`.
    ///
    /// # Errors
    /// The system's own.
    pub(super) fn open_window(&self, screen: &str) -> io::Result<()> {
        let mut command = Command::new(&self.0);
        command.arg("--window").stdin(Stdio::null());
        if !screen.is_empty() {
            command.args(["--screen", screen]);
        }
        let mut window = command.spawn()?;
        thread::Builder::new()
            .name("window".into())
            .stack_size(STACK)
            .spawn(move || window.wait())?;
        Ok(())
    }
}
