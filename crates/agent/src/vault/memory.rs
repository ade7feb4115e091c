//! No keyring and no file: the secrets are in this process, and end with it. For whoever chose it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Backend, Entry, VaultError};
use crate::secret::SecretBytes;

/// The secrets, wiped when they go. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<BTreeMap<String, SecretBytes>>>);

impl Memory {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, SecretBytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        Ok(self.entries().get(entry.name()).cloned())
    }

    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
        self.entries().insert(entry.name().to_owned(), value.clone());
        Ok(())
    }

    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError> {
        self.entries().remove(entry.name());
        Ok(())
    }
}
