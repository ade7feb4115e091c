//! The Secret Service (gnome-keyring, KWallet, KeePassXC).
//!
//! The store is made when it is needed and thrown away when it fails, so that a service which starts late or is
//! restarted heals by itself. Whether the keyring is locked is asked beside the store, because the store answers a
//! locked keyring with a prompt.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi as _;
use secret_service::blocking::{Item, SecretService};
use secret_service::{EncryptionType, Error as ServiceError, SearchItemsResult};
use zbus_secret_service_keyring_store::Store;

use super::entry::APPLICATION;
use super::{Backend, Entry, Purpose, VaultError};
use crate::secret::SecretBytes;

/// The Secret Service of this session.
#[derive(Default)]
struct System {
    store: Option<Arc<Store>>,
    /// What the next calls are about.
    entry: Option<Entry>,
}

/// The backend of this system.
pub(super) fn backend() -> Box<dyn Backend> {
    Box::new(System::default())
}

/// What an entry is behind: the lock of the collection that it is in, which need not be the one that new entries go into, because
/// the user may have chosen another since.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    Open,
    Locked,
    /// There is no collection that anything could be put into.
    Missing,
}

impl System {
    /// Runs `call` on the entry, and once more on a new store when the service behind the old one is gone.
    fn with_entry<T>(
        &mut self,
        entry: &Entry,
        call: impl Fn(&keyring_core::Entry) -> keyring_core::Result<T>,
    ) -> keyring_core::Result<T> {
        match self.try_entry(entry, &call) {
            Err(Error::PlatformFailure(error)) => {
                tracing::info!(%error, "the keyring's service does not answer as before: connecting again");
                self.try_entry(entry, &call)
            }
            result => result,
        }
    }

    /// The same, where several entries of the name are in the way: a keyring that was restored or copied has the old ones too, and
    /// nobody knows which of them counts. All of them go.
    fn with_one<T>(
        &mut self,
        entry: &Entry,
        call: impl Fn(&keyring_core::Entry) -> keyring_core::Result<T>,
    ) -> keyring_core::Result<T> {
        match self.with_entry(entry, &call) {
            Err(Error::Ambiguous(all)) => {
                tracing::warn!(
                    entries = all.len(),
                    "there are several entries of one name: they are deleted"
                );
                all.iter().try_for_each(keyring_core::Entry::delete_credential)?;
                self.with_entry(entry, call)
            }
            result => result,
        }
    }

    fn try_entry<T>(
        &mut self,
        entry: &Entry,
        call: impl Fn(&keyring_core::Entry) -> keyring_core::Result<T>,
    ) -> keyring_core::Result<T> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::new()?,
        };
        let modifiers = HashMap::from([("label", entry.label())]);
        let result = store
            .build(APPLICATION, entry.name(), Some(&modifiers))
            .and_then(|entry| call(&entry));
        self.store = (!matches!(result, Err(Error::PlatformFailure(_)))).then_some(store);
        result
    }
}

impl Backend for System {
    fn is_about(&mut self, entry: &Entry) {
        self.entry = Some(entry.clone());
    }

    fn is_locked(&mut self, purpose: Purpose) -> Result<bool, VaultError> {
        let looked = SecretService::connect(EncryptionType::Plain)
            .and_then(|service| lock(&service, self.entry.as_ref()))
            .map_err(|error| unavailable(&error))?;
        Ok(match looked {
            Lock::Open => false,
            Lock::Locked => true,
            // Nothing was ever put into a keyring that was never made; to write, the user must make one.
            Lock::Missing => purpose == Purpose::Write,
        })
    }

    fn unlock(&mut self) -> Result<(), VaultError> {
        let unlock = || {
            let service = SecretService::connect(EncryptionType::Plain)?;
            let found = found(&service, self.entry.as_ref())?;
            if !found.locked.is_empty() {
                return service.unlock_all(&found.locked.iter().collect::<Vec<_>>());
            }
            match service.get_default_collection() {
                Ok(collection) => collection.unlock(),
                Err(ServiceError::NoResult) => service.create_collection("Login", "default").map(drop),
                Err(error) => Err(error),
            }
        };
        unlock().map_err(|error| {
            if is_dismissal(&error) {
                VaultError::Locked
            } else {
                unavailable(&error)
            }
        })
    }

    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        match self.with_entry(entry, keyring_core::Entry::get_secret) {
            Ok(secret) => Ok(Some(SecretBytes::new(secret))),
            // A keyring that was locked meanwhile may say that it has nothing.
            Err(Error::NoEntry) if self.is_locked(Purpose::Read)? => Err(VaultError::Locked),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(translate(&error)),
        }
    }

    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
        self.with_one(entry, |entry| entry.set_secret(value.expose()))
            .map_err(|error| translate(&error))
    }

    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError> {
        match self.with_one(entry, keyring_core::Entry::delete_credential) {
            Ok(()) => Ok(()),
            Err(Error::NoEntry) if self.is_locked(Purpose::Read)? => Err(VaultError::Locked),
            Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(translate(&error)),
        }
    }
}

/// Where the entry is there, its own lock; otherwise that of the collection that it would go into.
fn lock(service: &SecretService<'_>, entry: Option<&Entry>) -> Result<Lock, ServiceError> {
    let found = found(service, entry)?;
    if !found.locked.is_empty() {
        return Ok(Lock::Locked);
    }
    if !found.unlocked.is_empty() {
        return Ok(Lock::Open);
    }
    match service.get_default_collection() {
        Ok(collection) if collection.is_locked()? => Ok(Lock::Locked),
        Ok(_) => Ok(Lock::Open),
        Err(ServiceError::NoResult) => Ok(Lock::Missing),
        Err(error) => Err(error),
    }
}

/// Every item of the entry's name, in whichever collection, as the store names them.
fn found<'a>(
    service: &'a SecretService<'a>,
    entry: Option<&Entry>,
) -> Result<SearchItemsResult<Item<'a>>, ServiceError> {
    let Some(entry) = entry else {
        return Ok(SearchItemsResult {
            unlocked: Vec::new(),
            locked: Vec::new(),
        });
    };
    service.search_items(HashMap::from([
        ("service", APPLICATION),
        ("username", entry.name()),
    ]))
}

fn unavailable(error: &ServiceError) -> VaultError {
    VaultError::Unavailable {
        why: error.to_string(),
    }
}

/// The keyring is locked, and its prompt was closed or could not be shown.
fn is_dismissal(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Locked | ServiceError::Prompt)
}

fn translate(error: &Error) -> VaultError {
    if let Error::NoStorageAccess(cause) = error
        && cause.downcast_ref().is_some_and(is_dismissal)
    {
        return VaultError::Locked;
    }
    // The words of these errors show the entry's bytes or name.
    let damage = [
        (
            "there are several entries of this name",
            matches!(error, Error::Ambiguous(_)),
        ),
        (
            "the keyring cannot decode it",
            matches!(error, Error::BadEncoding(_) | Error::BadDataFormat(..)),
        ),
    ];
    match damage.into_iter().find_map(|(why, is)| is.then_some(why)) {
        Some(why) => VaultError::Corrupt { why: why.into() },
        None => VaultError::Unavailable {
            why: error.to_string(),
        },
    }
}
