//! The Windows Credential Manager. One credential holds at most 2,560 bytes, and a refresh token alone may be longer, so
//! an entry is kept in chunks.

use std::collections::HashMap;

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi as _;
use windows_native_keyring_store::Store;

use super::chunks::{self, Blobs};
use super::entry::APPLICATION;
use super::{Backend, Entry, VaultError};
use crate::secret::SecretBytes;

/// The user's credentials on this machine.
struct System;

/// The backend of this system.
pub(super) fn backend() -> Box<dyn Backend> {
    Box::new(System)
}

/// Credentials by target name. They do not roam: each machine has a device key of its own.
struct Credentials;

impl Credentials {
    fn find(name: &str) -> keyring_core::Result<keyring_core::Entry> {
        let modifiers = HashMap::from([("target", name), ("persistence", "Local")]);
        Store::new()?.build(APPLICATION, name, Some(&modifiers))
    }
}

impl Blobs for Credentials {
    fn read(&mut self, name: &str) -> Result<Option<SecretBytes>, VaultError> {
        match Self::find(name).and_then(|entry| entry.get_secret()) {
            Ok(secret) => Ok(Some(SecretBytes::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(translate(&error)),
        }
    }

    fn write(&mut self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        Self::find(name)
            .and_then(|entry| entry.set_secret(value))
            .map_err(|error| translate(&error))
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        match Self::find(name).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(translate(&error)),
        }
    }
}

impl Backend for System {
    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        chunks::read(&mut Credentials, entry.name())
    }

    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
        chunks::write(&mut Credentials, entry.name(), value)?;
        // A person who looks into the Credential Manager sees the target name and this comment.
        let labelled = Credentials::find(entry.name())
            .and_then(|found| found.update_attributes(&HashMap::from([("comment", entry.label())])));
        if let Err(error) = labelled {
            tracing::debug!(%error, "the credential has no comment");
        }
        Ok(())
    }

    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError> {
        chunks::delete(&mut Credentials, entry.name())
    }
}

fn translate(error: &Error) -> VaultError {
    VaultError::Unavailable {
        why: error.to_string(),
    }
}
