//! What the vault asks of a keyring.

use super::{Entry, VaultError};
use crate::secret::{SecretBytes, SecretText};

/// What an entry is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read it.
    Read,
    /// To write it.
    Write,
    /// To delete it.
    Delete,
}

/// A keyring. Every call may block; the vault calls from a thread that nobody waits for.
pub trait Backend: Send + 'static {
    /// The entry that what follows is about. A keyring of several parts, each with a lock of its own, looks where it is.
    fn is_about(&mut self, _entry: &Entry) {}

    /// Whether the user must do something before entries can be reached. Never asks them.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    fn is_locked(&mut self, _purpose: Purpose) -> Result<bool, VaultError> {
        Ok(false)
    }

    /// Whether [`Backend::unlock`] asks a person, who takes their time.
    fn asks(&self) -> bool {
        true
    }

    /// Asks the user, and returns when they have answered.
    ///
    /// # Errors
    /// [`VaultError::Locked`] when they said no, or when there is no way to ask them.
    fn unlock(&mut self) -> Result<(), VaultError> {
        Ok(())
    }

    /// Opens it with what the user has typed; with `first`, that is what opens it from now on.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] and the like.
    fn unlock_with(&mut self, _passphrase: &SecretText, _first: bool) -> Result<(), VaultError> {
        Err(VaultError::NothingToUnlock)
    }

    /// Reads an entry. `None` only when the keyring is open and has no such entry.
    ///
    /// # Errors
    /// [`VaultError`].
    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError>;

    /// Writes an entry: either the new value or the old one is there afterwards, whatever happens.
    ///
    /// # Errors
    /// [`VaultError`].
    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError>;

    /// Deletes an entry. That there is none is no error.
    ///
    /// # Errors
    /// [`VaultError`].
    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError>;
}
