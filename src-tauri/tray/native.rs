//! The menu and the icon on the desktop. What did not change is not touched, so that an open menu stays open.

use latchkey_core::view::Icon;
use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Wry};

use super::menu::{Action, Entry};
use crate::icon;

/// What the tray shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Face {
    /// The picture.
    pub(super) icon: Icon,
    /// What pointing at it says, where the desktop shows that.
    pub(super) tooltip: String,
    /// The menu.
    pub(super) menu: Vec<Entry>,
}

/// The icon and its menu. Lives on the main thread.
pub(super) struct Native {
    tray: TrayIcon,
    menu: Menu<Wry>,
    shown: Face,
    handles: Vec<Handle>,
}

/// The desktop's side of an [`Entry`].
enum Handle {
    Line(MenuItem<Wry>),
    Separator(PredefinedMenuItem<Wry>),
    Item(MenuItem<Wry>),
    Check(CheckMenuItem<Wry>),
    Submenu(Submenu<Wry>, Vec<Handle>),
}

impl Native {
    /// Puts the icon into the tray. `chosen` is called on the main thread for the entry that the user chose, `clicked`
    /// when they clicked the icon itself, where that does not open the menu.
    ///
    /// # Errors
    /// The desktop's own.
    pub(super) fn new(
        app: &AppHandle,
        face: Face,
        chosen: impl Fn(Action) + Send + Sync + 'static,
        clicked: impl Fn() + Send + Sync + 'static,
    ) -> tauri::Result<Self> {
        let handles = handles(app, &face.menu)?;
        let menu = whole(app, &handles)?;
        let tray = TrayIconBuilder::with_id("latchkey")
            .icon(icon::image(face.icon))
            .tooltip(&face.tooltip)
            .menu(&menu)
            .show_menu_on_left_click(false)
            .on_menu_event(move |_, event| {
                // Ids are made below: what does not parse is another menu's.
                if let Ok(action) = serde_json::from_str(event.id().as_ref()) {
                    chosen(action);
                }
            })
            .on_tray_icon_event(move |_, event| {
                if is_click(&event) {
                    clicked();
                }
            })
            .build(app)?;
        Ok(Self {
            tray,
            menu,
            shown: face,
            handles,
        })
    }

    /// Shows `face` where it differs from what is shown.
    ///
    /// # Errors
    /// The desktop's own; what is shown is then between the two.
    pub(super) fn show(&mut self, face: Face) -> tauri::Result<()> {
        if face.icon != self.shown.icon {
            self.tray.set_icon(Some(icon::image(face.icon)))?;
        }
        if face.tooltip != self.shown.tooltip {
            self.tray.set_tooltip(Some(&face.tooltip))?;
        }
        let app = self.tray.app_handle();
        if same_shape(&self.shown.menu, &face.menu) {
            update(app, &self.menu, &mut self.handles, &self.shown.menu, &face.menu)?;
        } else {
            let handles = handles(app, &face.menu)?;
            let menu = whole(app, &handles)?;
            self.tray.set_menu(Some(menu.clone()))?;
            self.menu = menu;
            self.handles = handles;
        }
        self.shown = face;
        Ok(())
    }
}

fn is_click(event: &tauri::tray::TrayIconEvent) -> bool {
    use tauri::tray::{MouseButton, MouseButtonState, TrayIconEvent};
    matches!(
        event,
        TrayIconEvent::Click {
            button: MouseButton::Left,
            button_state: MouseButtonState::Up,
            ..
        }
    )
}

fn whole(app: &AppHandle, handles: &[Handle]) -> tauri::Result<Menu<Wry>> {
    Menu::with_items(app, &handles.iter().map(Handle::as_item).collect::<Vec<_>>())
}

fn handles(app: &AppHandle, entries: &[Entry]) -> tauri::Result<Vec<Handle>> {
    entries.iter().map(|entry| Handle::new(app, entry)).collect()
}

fn id(action: &Action) -> tauri::Result<String> {
    Ok(serde_json::to_string(action)?)
}

/// A label in which nothing is a mnemonic: `&` is only itself.
fn literal(label: &str) -> String {
    label.replace('&', "&&")
}

/// Whether one menu can become the other by new words and ticks alone: what an entry does is part of its identity.
fn same_shape(old: &[Entry], new: &[Entry]) -> bool {
    let same = |pair: (&Entry, &Entry)| match pair {
        (Entry::Line(_), Entry::Line(_)) | (Entry::Separator, Entry::Separator) => true,
        (Entry::Item { action: old, .. }, Entry::Item { action: new, .. })
        | (Entry::Check { action: old, .. }, Entry::Check { action: new, .. }) => old == new,
        (Entry::Submenu { entries: old, .. }, Entry::Submenu { entries: new, .. }) => same_shape(old, new),
        _ => false,
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

/// Something that entries are in.
trait Parent {
    /// Puts `new` in the place of the entry at `position`.
    fn replace(&self, position: usize, new: &dyn IsMenuItem<Wry>) -> tauri::Result<()>;
}

impl Parent for Menu<Wry> {
    fn replace(&self, position: usize, new: &dyn IsMenuItem<Wry>) -> tauri::Result<()> {
        self.remove_at(position)?;
        self.insert(new, position)
    }
}

impl Parent for Submenu<Wry> {
    fn replace(&self, position: usize, new: &dyn IsMenuItem<Wry>) -> tauri::Result<()> {
        self.remove_at(position)?;
        self.insert(new, position)
    }
}

fn update(
    app: &AppHandle,
    parent: &dyn Parent,
    handles: &mut [Handle],
    old: &[Entry],
    new: &[Entry],
) -> tauri::Result<()> {
    for (at, ((handle, old), new)) in handles.iter_mut().zip(old).zip(new).enumerate() {
        match (&mut *handle, old, new) {
            // The desktop ticks it by itself when it is clicked, whatever comes of that.
            (Handle::Check(item), _, Entry::Check { checked, .. }) => item.set_checked(*checked)?,
            _ if old == new => {}
            (Handle::Line(item), _, Entry::Line(label))
            | (Handle::Item(item), _, Entry::Item { label, .. }) => {
                item.set_text(literal(label))?;
            }
            (
                Handle::Submenu(submenu, handles),
                Entry::Submenu {
                    label: old_label,
                    entries: old,
                },
                Entry::Submenu { label, entries },
            ) if old_label == label => update(app, submenu, handles, old, entries)?,
            // On GTK a submenu keeps the words that it was made with, whatever it is told later.
            (Handle::Submenu(..), ..) => {
                *handle = Handle::new(app, new)?;
                parent.replace(at, handle.as_item())?;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Handle {
    fn new(app: &AppHandle, entry: &Entry) -> tauri::Result<Self> {
        Ok(match entry {
            Entry::Line(text) => Self::Line(MenuItem::new(app, literal(text), false, None::<&str>)?),
            Entry::Separator => Self::Separator(PredefinedMenuItem::separator(app)?),
            Entry::Item { label, action } => Self::Item(MenuItem::with_id(
                app,
                id(action)?,
                literal(label),
                true,
                None::<&str>,
            )?),
            Entry::Check {
                label,
                action,
                checked,
            } => Self::Check(CheckMenuItem::with_id(
                app,
                id(action)?,
                literal(label),
                true,
                *checked,
                None::<&str>,
            )?),
            Entry::Submenu { label, entries } => {
                let handles = handles(app, entries)?;
                let items: Vec<_> = handles.iter().map(Self::as_item).collect();
                Self::Submenu(Submenu::with_items(app, literal(label), true, &items)?, handles)
            }
        })
    }

    fn as_item(&self) -> &dyn IsMenuItem<Wry> {
        match self {
            Self::Line(item) | Self::Item(item) => item,
            Self::Separator(item) => item,
            Self::Check(item) => item,
            Self::Submenu(item, _) => item,
        }
    }
}
