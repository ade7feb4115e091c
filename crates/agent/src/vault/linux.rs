//! The Secret Service (gnome-keyring, KWallet, KeePassXC).
//!
//! The store is made when it is needed and thrown away when it fails, so that a service which starts late or is
//! restarted heals by itself. Whether the keyring is locked is asked beside the store, because the store answers a
//! locked keyring with a prompt.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi as _;
use secret_service::blocking::{Collection, Item, SecretService};
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
enum Lock<'a> {
    Open,
    /// Its own, as every keyring tells that names the entries of a locked collection.
    Entry(Vec<Item<'a>>),
    /// That of one of these.
    Collections(Vec<Collection<'a>>),
    /// There is no collection yet that anything could have been put into.
    Missing,
    /// The keyring shows nothing that it keeps, as KeePassXC does while no database is open.
    Absent,
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
        let service = connect().map_err(|error| unavailable(&error))?;
        let looked = lock(&service, self.entry.as_ref()).map_err(|error| unavailable(&error))?;
        match looked {
            Lock::Open => Ok(false),
            Lock::Entry(_) | Lock::Collections(_) => Ok(true),
            // To write, the user must make one.
            Lock::Missing | Lock::Absent if purpose == Purpose::Write => Ok(true),
            Lock::Missing => Ok(false),
            Lock::Absent => Err(VaultError::Unavailable {
                why: "no keyring is open".into(),
            }),
        }
    }

    fn unlock(&mut self) -> Result<(), VaultError> {
        let unlock = || {
            let service = connect()?;
            match lock(&service, self.entry.as_ref())? {
                Lock::Open => Ok(()),
                Lock::Entry(items) => service.unlock_all(&items.iter().collect::<Vec<_>>()),
                Lock::Collections(locked) => unlock_in_turn(&service, &locked, self.entry.as_ref()),
                Lock::Missing | Lock::Absent => service.create_collection("Login", "default").map(drop),
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

fn connect<'a>() -> Result<SecretService<'a>, ServiceError> {
    SecretService::connect(EncryptionType::Plain)
}

/// Where the entry is found, its own lock; otherwise that of the collections which do not say what is in them, or else of the one that
/// it would go into. Never asks the user, as a search does in KeePassXC while no database is open.
fn lock<'a>(service: &'a SecretService<'a>, entry: Option<&Entry>) -> Result<Lock<'a>, ServiceError> {
    let all = service.get_all_collections()?;
    // What is kept for as long as the session only.
    let passing = collection(service.get_collection_by_alias("session"))?;
    let is_passing = |one: &Collection<'_>| passing.as_ref().is_some_and(|it| is_same(it, one));
    let mut silent = Vec::new();
    let (mut is_any, mut is_any_open) = (false, false);
    for one in all.into_iter().filter(|one| !is_passing(one)) {
        is_any = true;
        if !one.is_locked()? {
            is_any_open = true;
        } else if passing.is_none() && says_nothing(&one) {
            // gnome-keyring, which has one for the session, names what is in a locked one; there may just be nothing in it.
            silent.push(one);
        }
    }
    if !is_any && passing.is_none() {
        return Ok(Lock::Absent);
    }
    if is_any_open || silent.is_empty() {
        let found = found(service, entry)?;
        if !found.locked.is_empty() {
            return Ok(Lock::Entry(found.locked));
        }
        if !found.unlocked.is_empty() {
            return Ok(Lock::Open);
        }
    }
    if !silent.is_empty() {
        return Ok(Lock::Collections(silent));
    }
    Ok(match collection(service.get_default_collection())? {
        Some(default) if default.is_locked()? => Lock::Collections(vec![default]),
        Some(_) => Lock::Open,
        None => Lock::Missing,
    })
}

/// `None` where there is no such collection.
fn collection<'a>(
    asked: Result<Collection<'a>, ServiceError>,
) -> Result<Option<Collection<'a>>, ServiceError> {
    match asked {
        Ok(collection) => Ok(Some(collection)),
        Err(ServiceError::NoResult) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_same(one: &Collection<'_>, other: &Collection<'_>) -> bool {
    one.collection_path == other.collection_path
}

/// Whether a locked collection names nothing that is in it.
fn says_nothing(collection: &Collection<'_>) -> bool {
    collection.get_all_items().map_or(true, |items| items.is_empty())
}

/// Asks for one after the other, until the entry is found.
fn unlock_in_turn(
    service: &SecretService<'_>,
    locked: &[Collection<'_>],
    entry: Option<&Entry>,
) -> Result<(), ServiceError> {
    for collection in locked {
        collection.unlock()?;
        if !found(service, entry)?.unlocked.is_empty() {
            break;
        }
    }
    Ok(())
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
