//! The Secret Service (gnome-keyring, KWallet, KeePassXC).
//!
//! The store is made when it is needed and thrown away when it fails, so that a service which starts late or is
//! restarted heals by itself. Whether the keyring is locked is asked beside the store, because the store answers a
//! locked keyring with a prompt.

mod keepassxc;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi as _;
use secret_service::blocking::{Collection, Item, SecretService};
use secret_service::{EncryptionType, Error as ServiceError, SearchItemsResult};
use zbus_secret_service_keyring_store::Store;

use self::keepassxc::{Databases, hides_what_is_locked};
use super::entry::APPLICATION;
use super::{Backend, Entry, Purpose, VaultError};
use crate::secret::SecretBytes;

/// The Secret Service of this session.
#[derive(Default)]
struct System {
    store: Option<Arc<Store>>,
    /// What the next calls are about.
    entry: Option<Entry>,
    /// And what for.
    purpose: Option<Purpose>,
    /// The names of entries that were there: while such a one is not found, it is not written a second time elsewhere.
    seen: BTreeSet<String>,
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
    /// KeePassXC, and no database is open: nobody knows what is in those that are not.
    Absent,
}

impl System {
    /// Where the entry is found, its own lock; otherwise that of the collection that it would go into. Never asks the user.
    fn lock<'a>(&self, service: &'a SecretService<'a>) -> Result<Lock<'a>, ServiceError> {
        let mut hidden = Vec::new();
        if hides_what_is_locked() {
            let databases = Databases::shown(service)?;
            match (databases.is_any_open, databases.locked.is_empty()) {
                (false, true) => return Ok(Lock::Absent),
                (false, false) => return Ok(Lock::Collections(databases.locked)),
                (true, _) => hidden = databases.locked,
            }
        }
        let found = found(service, self.entry.as_ref())?;
        if !found.locked.is_empty() {
            return Ok(Lock::Entry(found.locked));
        }
        if !found.unlocked.is_empty() {
            return Ok(Lock::Open);
        }
        if !hidden.is_empty() && self.may_be_hidden() {
            return Ok(Lock::Collections(hidden));
        }
        match service.get_default_collection() {
            Ok(default) if default.is_locked()? => Ok(Lock::Collections(vec![default])),
            Ok(_) => Ok(Lock::Open),
            Err(ServiceError::NoResult) => Ok(Lock::Missing),
            Err(error) => Err(error),
        }
    }

    /// Whether an entry that is not found may be where nobody can look. What is written for the first time goes where it can be
    /// written: the user need not open a database for it that is about something else.
    fn may_be_hidden(&self) -> bool {
        let is_seen = self
            .entry
            .as_ref()
            .is_some_and(|entry| self.seen.contains(entry.name()));
        is_seen || self.purpose != Some(Purpose::Write)
    }

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
        self.purpose = Some(purpose);
        let service = connect().map_err(|error| unavailable(&error))?;
        let looked = self.lock(&service).map_err(|error| unavailable(&error))?;
        match looked {
            Lock::Open => Ok(false),
            Lock::Entry(_) | Lock::Collections(_) => Ok(true),
            // To write, the user must make one.
            Lock::Missing | Lock::Absent if purpose == Purpose::Write => Ok(true),
            // Nothing was ever put into a keyring that was never made.
            Lock::Missing => Ok(false),
            Lock::Absent => Err(VaultError::Unavailable {
                why: "no database is open in KeePassXC".into(),
            }),
        }
    }

    fn unlock(&mut self) -> Result<(), VaultError> {
        let unlock = || {
            let service = connect()?;
            match self.lock(&service)? {
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
            Ok(secret) => {
                self.seen.insert(entry.name().to_owned());
                Ok(Some(SecretBytes::new(secret)))
            }
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
            Ok(()) => {
                self.seen.remove(entry.name());
                Ok(())
            }
            Err(Error::NoEntry) if self.is_locked(Purpose::Read)? => Err(VaultError::Locked),
            Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(translate(&error)),
        }
    }
}

/// An old KWallet wants what travels on the bus to be encrypted, and says so. Whatever else is wrong is not tried a second time: that
/// would start a keyring anew that has just died, and it would come back locked.
fn connect<'a>() -> Result<SecretService<'a>, ServiceError> {
    match SecretService::connect(EncryptionType::Plain) {
        Err(error) if error.to_string().contains(NOT_SUPPORTED) => SecretService::connect(EncryptionType::Dh),
        connected => connected,
    }
}

/// How the Secret Service says that it does not speak plainly.
const NOT_SUPPORTED: &str = "org.freedesktop.DBus.Error.NotSupported";

/// Asks for one after the other, until the entry is found. Whoever cannot open one may have it in the next.
fn unlock_in_turn(
    service: &SecretService<'_>,
    locked: &[Collection<'_>],
    entry: Option<&Entry>,
) -> Result<(), ServiceError> {
    let mut dismissed = None;
    for collection in locked {
        match collection.unlock() {
            Ok(()) if !found(service, entry)?.unlocked.is_empty() => return Ok(()),
            Ok(()) => {}
            Err(error) if is_dismissal(&error) => dismissed = Some(error),
            Err(error) => return Err(error),
        }
    }
    dismissed.map_or(Ok(()), Err)
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
