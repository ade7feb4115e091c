//! What can happen to a real gnome-keyring behind the product's back.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use stories::bus::{Bus, Target};
use stories::prelude::*;
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

/// What lets the bus start a keyring by itself.
const ACTIVATION: [&str; 2] = ["org.freedesktop.secrets.service", "org.gnome.keyring.service"];

const SERVICE: Target<'static> = Target {
    name: "org.freedesktop.secrets",
    path: "/org/freedesktop/secrets",
    interface: "org.freedesktop.Secret.Service",
};

fn item(path: &OwnedObjectPath) -> Target<'_> {
    Target {
        path: path.as_str(),
        interface: "org.freedesktop.Secret.Item",
        ..SERVICE
    }
}

fn session(bus: &Bus) -> Result<OwnedObjectPath> {
    let opened = bus.call(SERVICE, "OpenSession", &("plain", Variant::from("")))?;
    let (_, session): (OwnedVariant, OwnedObjectPath) = opened.body().deserialize()?;
    Ok(session)
}

/// Latchkey's entries.
fn entries(bus: &Bus) -> Result<Vec<OwnedObjectPath>> {
    let ours = BTreeMap::from([("service", "Latchkey")]);
    let found = bus.call(SERVICE, "SearchItems", &ours)?;
    let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found.body().deserialize()?;
    ensure!(locked.is_empty(), "the keyring is locked");
    ensure!(!unlocked.is_empty(), "the keyring holds nothing of Latchkey's");
    Ok(unlocked)
}

/// Makes something else of what Latchkey keeps there, and returns what it was.
pub(crate) fn change_entry(bus: &Bus, change: impl Fn(&str) -> String) -> Result<String> {
    let entries = entries(bus)?;
    let [path] = entries.as_slice() else {
        bail!("{} entries are kept", entries.len())
    };
    let session = session(bus)?;
    let secret = bus.call(item(path), "GetSecret", &session)?;
    let ((_, _, kept, kind),): ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) =
        secret.body().deserialize()?;
    let kept = String::from_utf8(kept)?;
    let changed = change(&kept).into_bytes();
    let secret = ((session, Vec::<u8>::new(), changed, kind),);
    bus.call(item(path), "SetSecret", &secret)?;
    Ok(kept)
}

/// There is none, and none comes by itself until this is dropped.
pub(crate) struct Away {
    laid: Vec<PathBuf>,
}

impl Away {
    pub(crate) fn take(desk: &Desktop) -> Result<Self> {
        let empty = desk.folder().join("empty");
        fs::write(&empty, "")?;
        let mut away = Self { laid: Vec::new() };
        for name in ACTIVATION {
            let file = PathBuf::from("/usr/share/dbus-1/services").join(name);
            mount(&["--bind"], &[&empty, &file])?;
            away.laid.push(file);
        }
        reload(desk.bus())?;
        desk.end_part("keyring")?;
        Ok(away)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.laid.iter().for_each(unmount);
    }
}

fn reload(bus: &Bus) -> Result<()> {
    let daemon = Target {
        name: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
    };
    bus.call(daemon, "ReloadConfig", &())?;
    Ok(())
}

/// The folder that it is kept in is read-only until this is dropped.
pub(crate) struct ReadOnly(PathBuf);

impl ReadOnly {
    pub(crate) fn make(desk: &Desktop) -> Result<Self> {
        let folder = desk.home().join(".local/share/keyrings");
        mount(&["--bind"], &[&folder, &folder])?;
        let made = Self(folder);
        mount(&["-o", "remount,bind,ro"], &[&made.0])?;
        Ok(made)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// In this program's own namespace: the rest of the machine does not see it.
fn mount(options: &[&str], paths: &[&PathBuf]) -> Result<()> {
    let status = Command::new("mount").args(options).args(paths).status()?;
    ensure!(status.success(), "mount {options:?} {paths:?} failed ({status})");
    Ok(())
}

fn unmount(path: &PathBuf) {
    // Lazily: what is open there may stay so, and nobody can be told from a drop.
    let _ = Command::new("umount").arg("--lazy").arg(path).status();
}
