//! What lies in the session's keyring (Secret Service).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use zbus::{OwnedObjectPath, OwnedVariant};

use crate::bus::{Bus, Target};
use crate::wait::{SOON, until};

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
/// What opens the session's keyring.
pub(crate) const PASSWORD: &str = "test";

/// One secret.
#[derive(Clone, Debug)]
pub struct Item {
    /// What people are shown.
    pub label: String,
    /// What it is found by.
    pub attributes: BTreeMap<String, String>,
    /// The secret itself.
    pub secret: Vec<u8>,
}

/// Everything in the keyring, as any program of the user could read it.
///
/// # Errors
/// The keyring does not answer, or is locked.
pub fn items(bus: &Bus) -> Result<Vec<Item>> {
    let session = open_session(bus)?;
    let service = at(ROOT, "org.freedesktop.Secret.Service");
    let everything = BTreeMap::<String, String>::new();
    let found = bus.call(service, "SearchItems", &everything)?;
    let (unlocked, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found.body().deserialize()?;
    let mut items = Vec::new();
    for path in unlocked {
        let item = at(path.as_str(), "org.freedesktop.Secret.Item");
        let secret = bus.call(item, "GetSecret", &session)?;
        let ((_, _, secret, _),): ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) =
            secret.body().deserialize()?;
        items.push(Item {
            label: bus.property(item, "Label")?.try_into()?,
            attributes: bus.property(item, "Attributes")?.try_into()?,
            secret,
        });
    }
    Ok(items)
}

/// Locks it, as a screen that is locked or an idle hour may.
///
/// # Errors
/// The keyring does not answer.
pub fn lock(bus: &Bus) -> Result<()> {
    let service = at(ROOT, "org.freedesktop.Secret.Service");
    let collection = OwnedObjectPath::try_from(COLLECTION)?;
    bus.call(service, "Lock", &vec![collection])?;
    Ok(())
}

/// Unlocks it with its password, as a login does: without a prompt.
///
/// # Errors
/// The keyring does not answer.
pub fn unlock(bus: &Bus) -> Result<()> {
    let session = open_session(bus)?;
    let secret = (
        session,
        Vec::<u8>::new(),
        PASSWORD.as_bytes().to_vec(),
        "text/plain",
    );
    let collection = OwnedObjectPath::try_from(COLLECTION)?;
    let inside = at(ROOT, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface");
    bus.call(inside, "UnlockWithMasterPassword", &(collection, secret))?;
    Ok(())
}

/// Deletes every item whose label contains this text, and says how many that were.
///
/// # Errors
/// The keyring does not answer, or is locked.
pub fn delete(bus: &Bus, label: &str) -> Result<usize> {
    let service = at(ROOT, "org.freedesktop.Secret.Service");
    let found = bus.call(service, "SearchItems", &BTreeMap::<String, String>::new())?;
    let (unlocked, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found.body().deserialize()?;
    let mut deleted = 0;
    for path in unlocked {
        let item = at(path.as_str(), "org.freedesktop.Secret.Item");
        let its: String = bus.property(item, "Label")?.try_into()?;
        if its.contains(label) {
            bus.call(item, "Delete", &())?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Ends the one that the bus may have started by itself in the place of another, which would be locked.
///
/// # Errors
/// It does not end within 20 s.
pub(crate) fn end_any(bus: &Bus) -> Result<()> {
    let daemon = Target {
        name: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
    };
    if let Ok(owner) = bus.call(daemon, "GetNameOwner", &NAME) {
        let owner: String = owner.body().deserialize()?;
        let id: u32 = bus
            .call(daemon, "GetConnectionUnixProcessID", &owner)?
            .body()
            .deserialize()?;
        let id = Pid::from_raw(i32::try_from(id)?).context("a process has a number")?;
        kill_process(id, Signal::KILL)?;
    }
    until("the keyring to be gone", SOON, || {
        Ok((!bus.has_owner(NAME)?).then_some(()))
    })
}

fn open_session(bus: &Bus) -> Result<OwnedObjectPath> {
    let service = at(ROOT, "org.freedesktop.Secret.Service");
    let opened = bus.call(service, "OpenSession", &("plain", zbus::Variant::from("")))?;
    let (_, session): (OwnedVariant, OwnedObjectPath) = opened.body().deserialize()?;
    Ok(session)
}

fn at<'a>(path: &'a str, interface: &'a str) -> Target<'a> {
    Target {
        name: NAME,
        path,
        interface,
    }
}
