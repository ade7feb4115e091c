//! The macOS Keychain: the user's login keychain. The system itself asks the user where it must.

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi as _;

use apple_native_keyring_store::keychain::Store;

use super::entry::APPLICATION;
use super::{Backend, Entry, VaultError};
use crate::secret::SecretBytes;

/// The login keychain.
struct System;

/// The backend of this system.
pub(super) fn backend() -> Box<dyn Backend> {
    Box::new(System)
}

fn find(entry: &Entry) -> keyring_core::Result<keyring_core::Entry> {
    Store::new()?.build(APPLICATION, entry.name(), None)
}

impl Backend for System {
    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        match find(entry).and_then(|entry| entry.get_secret()) {
            Ok(secret) => Ok(Some(SecretBytes::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(translate(&error)),
        }
    }

    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
        find(entry)
            .and_then(|entry| entry.set_secret(value.expose()))
            .map_err(|error| translate(&error))
    }

    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError> {
        match find(entry).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(translate(&error)),
        }
    }
}

fn translate(error: &Error) -> VaultError {
    if matches!(error, Error::NoStorageAccess(_)) {
        VaultError::Locked
    } else {
        VaultError::Unavailable {
            why: error.to_string(),
        }
    }
}
