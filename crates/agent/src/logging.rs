//! The agent's log: a file of its own, bounded, beside the state. Secrets are types that print nothing, and bodies and
//! queries are never logged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::EnvFilter;

/// A log longer than this is moved aside; one older log is kept.
const LONGEST: u64 = 1024 * 1024;

/// A file that starts anew when it is full.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Log {
    fn open(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file, length })
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.length + line.len() as u64 > LONGEST {
            fs::rename(&self.path, self.path.with_extension("1.log"))?;
            *self = Self::open(self.path.clone())?;
        }
        let written = self.file.write(line)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// One line at a time, from any thread.
struct Shared<'a>(std::sync::MutexGuard<'a, Log>);

impl Write for Shared<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Logs into `folder` from now on. `LATCHKEY_LOG` chooses what, as `tracing` filters are written; the default is `info`.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn start(folder: &Path) -> io::Result<()> {
    let log: &'static Mutex<Log> = Box::leak(Box::new(Mutex::new(Log::open(folder.join("agent.log"))?)));
    let filter = EnvFilter::try_from_env("LATCHKEY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let writer = move || Shared(log.lock().unwrap_or_else(PoisonError::into_inner));
    // Fails only when something logs already.
    let _already = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer)
        .try_init();
    Ok(())
}
