//! The product's tray item as the panel sees it: icon, title, and the menu, which can be read and clicked.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use zbus::{OwnedVariant, Variant};

use crate::bus::{Bus, Target};
use crate::wait::{SOON, until};

const WATCHER: Target<'static> = Target {
    name: "org.kde.StatusNotifierWatcher",
    path: "/StatusNotifierWatcher",
    interface: "org.kde.StatusNotifierWatcher",
};

/// One entry of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    id: i32,
    /// What it says, without the mark of its access key; empty for a separator.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it is shown.
    pub visible: bool,
    /// The entries below it.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// Finds an entry by what it says, at any depth, in the order in which a person reads.
    pub fn find(&self, found: &dyn Fn(&str) -> bool) -> Option<&Entry> {
        if self.visible && found(&self.label) {
            return Some(self);
        }
        self.entries.iter().find_map(|entry| entry.find(found))
    }

    fn has(&self, id: i32) -> bool {
        self.id == id || self.entries.iter().any(|entry| entry.has(id))
    }

    /// All that is shown, indented by depth: for messages and snapshots.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        self.write(0, &mut lines);
        lines.join("\n")
    }

    fn write(&self, depth: usize, lines: &mut Vec<String>) {
        for entry in self.entries.iter().filter(|entry| entry.visible) {
            let label = if entry.label.is_empty() {
                "─"
            } else {
                &entry.label
            };
            let disabled = if entry.enabled || entry.label.is_empty() {
                ""
            } else {
                " (disabled)"
            };
            lines.push(format!("{}{label}{disabled}", "  ".repeat(depth)));
            entry.write(depth + 1, lines);
        }
    }
}

/// The product's item in the tray.
#[derive(Debug)]
pub struct Tray<'a> {
    bus: &'a Bus,
    name: String,
    path: String,
    menu: String,
}

impl<'a> Tray<'a> {
    /// Waits for the item of the program with this process id.
    ///
    /// # Errors
    /// It does not appear within 20 s.
    pub fn wait_for(bus: &'a Bus, process: u32) -> Result<Self> {
        until("the tray item", SOON, || {
            // A panel's tray that crashes comes back, and the item with it.
            if !bus.has_owner(WATCHER.name)? {
                return Ok(None);
            }
            let items = match &*bus.property(WATCHER, "RegisteredStatusNotifierItems")? {
                Variant::Array(items) => items.inner().iter().filter_map(text).collect::<Vec<_>>(),
                other => bail!("the tray's items are {other:?}"),
            };
            for item in items {
                // An item is registered as a bus name followed by a path.
                let (name, path) = item.split_at(item.find('/').unwrap_or(item.len()));
                if owner(bus, name).is_ok_and(|owner| owner == process) {
                    let path = if path.is_empty() {
                        "/StatusNotifierItem"
                    } else {
                        path
                    };
                    let target = Target {
                        name,
                        path,
                        interface: "org.kde.StatusNotifierItem",
                    };
                    let menu = bus.property(target, "Menu")?;
                    let menu = text(&menu).context("an item's menu is a path")?;
                    return Ok(Some(Self {
                        bus,
                        name: name.to_owned(),
                        path: path.to_owned(),
                        menu,
                    }));
                }
            }
            Ok(None)
        })
    }

    fn property(&self, name: &str) -> Result<String> {
        let target = Target {
            name: &self.name,
            path: &self.path,
            interface: "org.kde.StatusNotifierItem",
        };
        let value = self.bus.property(target, name)?;
        text(&value).with_context(|| format!("{name} is no text"))
    }

    /// The icon's name: for the product's own icons, the path of a picture.
    ///
    /// # Errors
    /// The item is gone.
    pub fn icon(&self) -> Result<String> {
        self.property("IconName")
    }

    /// The item's title.
    ///
    /// # Errors
    /// The item is gone.
    pub fn title(&self) -> Result<String> {
        self.property("Title")
    }

    /// The whole menu as it is now, below an entry that says nothing.
    ///
    /// # Errors
    /// The item is gone.
    pub fn menu(&self) -> Result<Entry> {
        type Layout = (u32, (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>));
        // The menu's owner may build it only when it is about to be shown.
        self.call("AboutToShow", &0_i32)?;
        // A slice: an array of a fixed length would travel as a structure.
        let every_property: &[&str] = &[];
        let message = self.call("GetLayout", &(0_i32, -1_i32, every_property))?;
        let (_, (id, properties, entries)): Layout = message.body().deserialize()?;
        let property = |name: &str| properties.get(name).map(|value| &**value);
        entry(id, property, entries.iter().map(|entry| &**entry))
    }

    /// Waits for an entry that says something which `found` accepts.
    ///
    /// # Errors
    /// There is none within `limit`; shows the menu as it is.
    pub fn wait_for_entry(
        &self,
        awaited: &str,
        limit: Duration,
        found: &dyn Fn(&str) -> bool,
    ) -> Result<Entry> {
        let mut last = String::new();
        until(&format!("{awaited} in the tray's menu"), limit, || {
            let menu = self.menu()?;
            last = menu.text();
            Ok(menu.find(found).cloned())
        })
        .with_context(|| format!("the menu is\n{last}"))
    }

    /// Waits for an entry that says just this.
    ///
    /// # Errors
    /// There is none within 20 s.
    pub fn wait_for_label(&self, label: &str) -> Result<Entry> {
        self.wait_for_entry(&format!("{label:?}"), SOON, &|text| text == label)
    }

    /// Waits for an entry that says this among other things: "Offline — 27 days left" for "Offline".
    ///
    /// # Errors
    /// There is none within 20 s.
    pub fn wait_for_words(&self, words: &str) -> Result<Entry> {
        self.wait_for_entry(&format!("an entry with {words:?}"), SOON, &|text| {
            text.contains(words)
        })
    }

    /// Clicks the entry that says this, once it is there and can be clicked.
    ///
    /// # Errors
    /// It does not come, or stays disabled.
    pub fn click(&self, label: &str) -> Result<()> {
        until(&format!("{label:?} to be clickable"), SOON, || {
            Ok(self.try_click(label)?.then_some(()))
        })
        .with_context(|| {
            format!(
                "the menu is\n{}",
                self.menu().map(|menu| menu.text()).unwrap_or_default()
            )
        })
    }

    /// Clicks the entry that says this, if it is there now and can be clicked; says whether it was.
    ///
    /// # Errors
    /// The item is gone.
    pub fn try_click(&self, label: &str) -> Result<bool> {
        let menu = self.menu()?;
        let Some(entry) = menu.find(&|text| text == label).filter(|entry| entry.enabled) else {
            return Ok(false);
        };
        let nothing = Variant::from(0_i32);
        match self.call("Event", &(entry.id, "clicked", nothing, 0_u32)) {
            // The menu was made anew between the look and the click, as any person would see.
            Err(_) if !self.menu()?.has(entry.id) => Ok(false),
            clicked => clicked.map(|_| true),
        }
    }

    fn call<B: serde::Serialize + zbus::DynamicType>(&self, method: &str, body: &B) -> Result<zbus::Message> {
        let target = Target {
            name: &self.name,
            path: &self.menu,
            interface: "com.canonical.dbusmenu",
        };
        self.bus.call(target, method, body)
    }
}

fn owner(bus: &Bus, name: &str) -> Result<u32> {
    let target = Target {
        name: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
    };
    Ok(bus
        .call(target, "GetConnectionUnixProcessID", &name)?
        .body()
        .deserialize()?)
}

/// Reads one entry of `com.canonical.dbusmenu`, whose absent properties have defaults.
fn entry<'v>(
    id: i32,
    property: impl Fn(&str) -> Option<&'v Variant<'v>>,
    entries: impl Iterator<Item = &'v Variant<'v>>,
) -> Result<Entry> {
    let flag = |name| !matches!(property(name), Some(Variant::Bool(false)));
    let is_separator = property("type")
        .and_then(text)
        .is_some_and(|kind| kind == "separator");
    let label = property("label")
        .and_then(text)
        .filter(|_| !is_separator)
        .unwrap_or_default();
    Ok(Entry {
        id,
        label: without_access_key(&label),
        enabled: flag("enabled"),
        visible: flag("visible"),
        entries: entries.map(nested).collect::<Result<_>>()?,
    })
}

fn nested(value: &Variant<'_>) -> Result<Entry> {
    let value = match value {
        Variant::Variant(inner) => inner,
        other => other,
    };
    let Variant::Structure(structure) = value else {
        bail!("an entry is {value:?}")
    };
    let [
        Variant::I32(id),
        Variant::Dict(properties),
        Variant::Array(entries),
    ] = structure.fields()
    else {
        bail!("an entry is {structure:?}")
    };
    let properties: HashMap<String, &Variant<'_>> = properties
        .iter()
        .filter_map(|(name, value)| Some((text(name)?, value)))
        .collect();
    let property = |name: &str| properties.get(name).map(|value| unwrapped(value));
    entry(*id, property, entries.inner().iter())
}

fn unwrapped<'v>(value: &'v Variant<'v>) -> &'v Variant<'v> {
    match value {
        Variant::Variant(inner) => inner,
        other => other,
    }
}

fn text(value: &Variant<'_>) -> Option<String> {
    match unwrapped(value) {
        Variant::Str(text) => Some(text.to_string()),
        Variant::ObjectPath(path) => Some(path.to_string()),
        _ => None,
    }
}

/// A single underscore marks the access key; two of them are one.
fn without_access_key(label: &str) -> String {
    label.replace("__", "\0").replace('_', "").replace('\0', "_")
}
