//! The vault: the system's keyring, where the device key and the tokens are. Only the agent opens it.
//!
//! A keyring may block for as long as a person looks at its prompt, or for ever when its service hangs. So every call
//! has a deadline, and runs on a thread that nobody joins: no async caller and no end of the process ever waits for it.
//! What was not done by its deadline goes on, and [`Vault::access`] tells when it is worth trying again.
//!
//! *No access* is never *no entry*: only a keyring that is open and says so makes a read answer `None`.

mod backend;
#[cfg(any(windows, test))]
mod chunks;
mod entry;
mod secrets;
mod thread;

#[cfg(target_os = "linux")]
#[path = "vault/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "vault/macos.rs"]
mod system;
#[cfg(windows)]
#[path = "vault/windows.rs"]
mod system;

#[cfg(test)]
pub(crate) mod memory;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use backend::{Backend, Purpose};
pub use entry::Entry;
pub use secrets::{Account, DeviceKey, Secrets, Tokens};

use crate::secret::SecretBytes;
use thread::{Job, Queue, Work};

/// How long a caller waits for the vault.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Why the vault did not do what was asked. None of these says anything about what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The keyring is locked: it waits for the user, or the user has closed its prompt.
    #[error("the keyring is locked")]
    Locked,
    /// There is no keyring, or it refuses.
    #[error("the keyring is not available: {why}")]
    Unavailable {
        /// What the system says.
        why: String,
    },
    /// The keyring did not answer by the deadline. What was asked may still happen.
    #[error("the keyring does not answer")]
    TimedOut,
    /// What is in the vault is not what was put there.
    #[error("the keyring's entry is damaged: {why}")]
    Corrupt {
        /// What is wrong with it; never a part of it.
        why: String,
    },
    /// A newer Latchkey wrote the entry. It is left untouched.
    #[error("the keyring's entry is of version {version}, which a newer Latchkey wrote")]
    TooNew {
        /// Its version.
        version: u64,
    },
}

/// Whether the keyring can be reached, as the last call or probe saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing has been tried yet.
    #[default]
    Unknown,
    /// The last call was answered.
    Ready,
    /// The keyring is locked, and its prompt is open.
    Prompting,
    /// The keyring is locked, and the user has closed its prompt or was never asked.
    Locked,
    /// There is no keyring, or it does not answer.
    Unavailable,
}

/// A handle on the vault. Clones share it.
#[derive(Clone, Debug)]
pub struct Vault {
    queue: Queue,
    access: watch::Receiver<Access>,
    deadline: Duration,
}

impl Vault {
    /// The system's keyring: the Secret Service, the Windows Credential Manager or the macOS Keychain.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn system() -> io::Result<Self> {
        Self::new(system::backend, DEADLINE)
    }

    /// A vault over another backend, made by `make` now and whenever one had to be abandoned because it hung.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        make: impl FnMut() -> Box<dyn Backend> + Send + 'static,
        deadline: Duration,
    ) -> io::Result<Self> {
        let (queue, access) = thread::start(Box::new(make))?;
        Ok(Self {
            queue,
            access,
            deadline,
        })
    }

    /// Whether the keyring can be reached. While it is locked it is looked at every few seconds, so that a receiver of
    /// this channel learns when a call is worth repeating.
    pub fn access(&self) -> watch::Receiver<Access> {
        self.access.clone()
    }

    /// The user wants something, so the keyring may ask them once more. Without this, a prompt that was closed is not
    /// shown again by itself.
    pub fn ask_again(&self) {
        self.queue.ask_again();
    }

    /// Reads an entry; `None` when there is none.
    ///
    /// # Errors
    /// [`VaultError`], after at most the deadline.
    pub async fn read(&self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        self.call(|answer| Work::Read {
            entry: entry.clone(),
            answer,
        })
        .await
    }

    /// Writes an entry, reads it back, and answers when both are the same. A write that is late is still done, before
    /// anything that is asked after it.
    ///
    /// # Errors
    /// [`VaultError`], after at most the deadline.
    pub async fn write(&self, entry: &Entry, value: SecretBytes) -> Result<(), VaultError> {
        self.call(|answer| Work::Write {
            entry: entry.clone(),
            value,
            answer,
        })
        .await
    }

    /// Deletes an entry. That there is none is no error.
    ///
    /// # Errors
    /// [`VaultError`], after at most the deadline.
    pub async fn delete(&self, entry: &Entry) -> Result<(), VaultError> {
        self.call(|answer| Work::Delete {
            entry: entry.clone(),
            answer,
        })
        .await
    }

    /// Reads the secrets of a licensing service; `None` when there are none.
    ///
    /// # Errors
    /// As [`Vault::read`], and [`VaultError::Corrupt`] or [`VaultError::TooNew`] when the entry is not readable.
    pub async fn load(&self, entry: &Entry) -> Result<Option<Secrets>, VaultError> {
        self.read(entry)
            .await?
            .map(|bytes| Secrets::from_bytes(&bytes))
            .transpose()
    }

    /// Writes the secrets of a licensing service.
    ///
    /// # Errors
    /// As [`Vault::write`].
    pub async fn store(&self, entry: &Entry, secrets: &Secrets) -> Result<(), VaultError> {
        self.write(entry, secrets.to_bytes()?).await
    }

    async fn call<T>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, VaultError>>) -> Work,
    ) -> Result<T, VaultError> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job(work(answer)))?;
        match tokio::time::timeout(self.deadline, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_abandoned)) => Err(self.late()),
            Err(_elapsed) => Err(self.late()),
        }
    }

    fn late(&self) -> VaultError {
        if matches!(*self.access.borrow(), Access::Prompting | Access::Locked) {
            VaultError::Locked
        } else {
            VaultError::TimedOut
        }
    }
}
