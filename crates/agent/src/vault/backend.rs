//! What the vault asks of a keyring.

use super::{Entry, VaultError};
use crate::secret::SecretBytes;

/// What an entry is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read it.
    Read,
    /// To write or delete it.
    Write,
}

/// A keyring. Every call may block; the vault calls from a thread that nobody waits for.
pub trait Backend: Send + 'static {
    /// Whether the user must do something before entries can be reached. Never asks them.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    fn is_locked(&mut self, _purpose: Purpose) -> Result<bool, VaultError> {
        Ok(false)
    }

    /// Asks the user, and returns when they have answered.
    ///
    /// # Errors
    /// [`VaultError::Locked`] when they said no, or when there is no way to ask them.
    fn unlock(&mut self) -> Result<(), VaultError> {
        Ok(())
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
