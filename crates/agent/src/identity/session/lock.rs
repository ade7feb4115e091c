//! The lock that holds across processes: one refresh at a time for each entry of the vault.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::has_no_locks;
use crate::vault::Entry;

/// How long to wait for another process: longer than a refresh takes that runs into every timeout of the HTTP client.
const DEADLINE: Duration = Duration::from_secs(150);
/// How often to try. Nothing else tells when another process lets go, and no thread must be left behind waiting.
const EVERY: Duration = Duration::from_millis(50);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Where the lock of an entry is.
pub(super) fn path(folder: &Path, entry: &Entry) -> PathBuf {
    let name: String = entry
        .name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    folder.join(format!("{name}.lock"))
}

impl Lock {
    /// Takes the lock; `None` when another process has held it until the deadline.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) async fn take(path: PathBuf) -> io::Result<Option<Self>> {
        let mut left = DEADLINE;
        loop {
            let path = path.clone();
            // A home folder on a network may make even this wait, so it is done on a thread for waiting.
            let taken = tokio::task::spawn_blocking(move || try_take(&path))
                .await
                .map_err(io::Error::other)??;
            if taken.is_some() || left.is_zero() {
                return Ok(taken);
            }
            tokio::time::sleep(EVERY).await;
            left = left.saturating_sub(EVERY);
        }
    }
}

fn try_take(path: &Path) -> io::Result<Option<Lock>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => {
            tracing::warn!("the file system has no locks: only this process is kept from refreshing twice");
            Ok(Some(Lock { _file: file }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}
