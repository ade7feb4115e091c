//! The vault, where the device key and the tokens are: the system's keyring, or what the user or an admin has chosen in its
//! place, an encrypted file or this process's memory. Only the agent opens it, and it never falls back to another.
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
mod error;
mod file;
mod memory;
mod secrets;
mod thread;
mod worker;

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
pub(crate) mod double;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use latchkey_core::vault::VaultKind;
use tokio::sync::{oneshot, watch};

pub use backend::{Backend, Purpose};
pub use entry::Entry;
pub use error::{Access, VaultError};
pub use secrets::{Account, DeviceKey, Secrets, Tokens};

use crate::secret::{SecretBytes, SecretText};
use thread::{Job, Queue};
use worker::Work;

/// How long a caller waits for the vault.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A handle on the vault. Clones share it.
#[derive(Clone, Debug)]
pub struct Vault {
    queue: Queue,
    access: watch::Receiver<Access>,
    deadline: Duration,
}

impl Vault {
    /// The vault of this kind. A file lies in the folder `state`, which exists; `passphrase` is the file that holds its
    /// passphrase, where nobody is there to type it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(kind: VaultKind, state: &Path, passphrase: Option<PathBuf>) -> io::Result<Self> {
        match kind {
            VaultKind::Keyring => Self::system(),
            VaultKind::File => {
                let file = file::Encrypted::new(state, passphrase);
                Self::new(move || Box::new(file.clone()), DEADLINE)
            }
            VaultKind::Memory => {
                let memory = memory::Memory::default();
                Self::new(move || Box::new(memory.clone()), DEADLINE)
            }
        }
    }

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
        let (queue, access) = thread::start(Box::new(make), deadline)?;
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

    /// Opens the vault, so that something could be written: asks the user where it must.
    ///
    /// # Errors
    /// [`VaultError`], after at most the deadline.
    pub async fn make_ready(&self) -> Result<(), VaultError> {
        self.call(|answer| Work::Open { answer }).await
    }

    /// Opens the vault, and sees whether it takes something new, which is then taken out again.
    ///
    /// # Errors
    /// [`VaultError`], after at most the deadline.
    pub async fn try_out(&self) -> Result<(), VaultError> {
        self.call(|answer| Work::TryOut { answer }).await
    }

    /// Opens the vault with a passphrase; with `first`, chooses it.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] and the like, after at most the deadline.
    pub async fn unlock(&self, passphrase: SecretText, first: bool) -> Result<(), VaultError> {
        self.call(|answer| Work::Unlock {
            passphrase,
            first,
            answer,
        })
        .await
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
        match *self.access.borrow() {
            Access::Prompting => VaultError::Prompting,
            access if access.is_locked() => VaultError::Locked,
            _ => VaultError::TimedOut,
        }
    }
}

/// Deletes the file that a vault of the kind [`VaultKind::File`] keeps in the folder `state`, whatever is in it.
///
/// # Errors
/// [`VaultError::Unavailable`].
pub fn delete_file(state: &Path) -> Result<(), VaultError> {
    file::delete_all(state)
}
