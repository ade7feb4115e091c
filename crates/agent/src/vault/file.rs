//! A file that a passphrase encrypts, for machines without a keyring: whoever has the file has nothing without the
//! passphrase, and neither the passphrase nor the key is ever written.
//!
//! Argon2id makes the key, XChaCha20-Poly1305 encrypts each entry. The key is in memory from the moment when the
//! passphrase is given until the agent ends.

mod document;
mod key;
mod passphrase;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Backend, Entry, Purpose, VaultError};
use crate::secret::{SecretBytes, SecretText};
use document::Document;
use key::Key;

/// What the file is called, in the state's folder.
const NAME: &str = "secrets";

/// The file. Clones share the key.
#[derive(Clone)]
pub(super) struct Encrypted {
    path: PathBuf,
    /// The file that holds the passphrase, where nobody sits at the machine.
    passphrase: Option<PathBuf>,
    key: Arc<Mutex<Option<Arc<Key>>>>,
}

/// Deletes the file of this folder, whatever is in it.
///
/// # Errors
/// [`VaultError::Unavailable`].
pub(super) fn delete_all(state: &Path) -> Result<(), VaultError> {
    document::remove(&state.join(NAME))
}

impl Encrypted {
    /// The file in the folder `state`, which exists.
    pub(super) fn new(state: &Path, passphrase: Option<PathBuf>) -> Self {
        Self {
            path: state.join(NAME),
            passphrase,
            key: Arc::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Key>>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, key: Key) {
        *self.held() = Some(Arc::new(key));
    }

    fn document(&self) -> Result<Option<Document>, VaultError> {
        Document::read(&self.path)
    }

    /// The key, if it is here and this file's.
    fn key_of(&self, document: &Document) -> Option<Arc<Key>> {
        let held = self.held();
        held.as_ref().filter(|key| *key.lock() == document.lock).cloned()
    }

    /// The file to write into, and its key. What cannot be read is set aside, and a new file begun with the same key.
    fn to_be_written(&self) -> Result<(Document, Arc<Key>), VaultError> {
        match self.document() {
            Ok(Some(document)) => {
                let key = self.key_of(&document).ok_or(VaultError::Locked)?;
                Ok((document, key))
            }
            begun @ (Ok(None) | Err(VaultError::Corrupt { .. })) => {
                let key = self.held().clone().ok_or(VaultError::NoPassphrase)?;
                if begun.is_err() {
                    document::set_aside(&self.path)?;
                }
                Ok((empty(&key), key))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a passphrase: the first one, or the one that was chosen. The file is made when there is something to keep in it:
    /// until then another one may be chosen.
    fn take(&self, passphrase: &SecretText, first: bool) -> Result<(), VaultError> {
        match self.document() {
            Ok(Some(_)) if first => Err(VaultError::PassphraseSet),
            Ok(Some(document)) => {
                self.hold(Key::open(&document.lock, passphrase)?);
                Ok(())
            }
            Ok(None) if !first => Err(VaultError::NoPassphrase),
            Ok(None) => {
                passphrase::is_long_enough(passphrase)?;
                self.hold(Key::choose(passphrase)?);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn empty(key: &Key) -> Document {
    Document {
        lock: key.lock().clone(),
        entries: BTreeMap::new(),
    }
}

impl Backend for Encrypted {
    fn asks(&self) -> bool {
        false
    }

    fn is_locked(&mut self, purpose: Purpose) -> Result<bool, VaultError> {
        Ok(match (self.document(), purpose) {
            // An entry is taken out without being read.
            (_, Purpose::Delete) => false,
            (Ok(Some(document)), _) => self.key_of(&document).is_none(),
            // Nothing was ever put into a file that was never made; to write, it must have a passphrase.
            (Ok(None) | Err(VaultError::Corrupt { .. }), Purpose::Read) => false,
            (Ok(None) | Err(VaultError::Corrupt { .. }), Purpose::Write) => self.held().is_none(),
            (Err(VaultError::TooNew { .. }), _) => false,
            (Err(error), _) => return Err(error),
        })
    }

    /// Nobody is asked here: there is a file with the passphrase, or somebody brings it ([`Backend::unlock_with`]).
    fn unlock(&mut self) -> Result<(), VaultError> {
        let begun = self.document()?.is_some();
        let Some(path) = &self.passphrase else {
            return Err(if begun {
                VaultError::Locked
            } else {
                VaultError::NoPassphrase
            });
        };
        let state = self.path.parent().unwrap_or(&self.path);
        let passphrase = passphrase::read(path, state)?;
        let refused = |why: VaultError| VaultError::PassphraseFile {
            why: format!("{}: {why}", path.display()),
        };
        self.take(&passphrase, !begun).map_err(|error| match error {
            VaultError::WrongPassphrase | VaultError::PassphraseTooShort => refused(error),
            error => error,
        })
    }

    fn unlock_with(&mut self, passphrase: &SecretText, first: bool) -> Result<(), VaultError> {
        self.take(passphrase, first)
    }

    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        let Some(document) = self.document()? else {
            return Ok(None);
        };
        let key = self.key_of(&document).ok_or(VaultError::Locked)?;
        let sealed = document.entries.get(entry.name());
        sealed.map(|sealed| key.unseal(entry.name(), sealed)).transpose()
    }

    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
        let (mut document, key) = self.to_be_written()?;
        let sealed = key.seal(entry.name(), value)?;
        document.entries.insert(entry.name().to_owned(), sealed);
        document.write(&self.path)
    }

    /// Works without the passphrase. With its last entry the file goes: a passphrase that was forgotten is then chosen anew.
    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError> {
        match self.document() {
            Ok(Some(mut document)) => {
                document.entries.remove(entry.name());
                if document.entries.is_empty() {
                    document::remove(&self.path)
                } else {
                    document.write(&self.path)
                }
            }
            // What cannot be read is deleted unread.
            Ok(None) | Err(VaultError::Corrupt { .. }) => document::remove(&self.path),
            Err(error) => Err(error),
        }
    }
}
