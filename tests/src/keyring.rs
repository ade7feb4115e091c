//! What lies in the session's keyring (Secret Service).

use std::collections::BTreeMap;

use anyhow::Result;
use zbus::{OwnedObjectPath, OwnedVariant};

use crate::bus::{Bus, Target};

const NAME: &str = "org.freedesktop.secrets";

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
    let service = at("/org/freedesktop/secrets", "org.freedesktop.Secret.Service");
    let nothing = zbus::Variant::from("");
    let opened = bus.call(service, "OpenSession", &("plain", nothing))?;
    let (_, session): (OwnedVariant, OwnedObjectPath) = opened.body().deserialize()?;
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

fn at<'a>(path: &'a str, interface: &'a str) -> Target<'a> {
    Target {
        name: NAME,
        path,
        interface,
    }
}
