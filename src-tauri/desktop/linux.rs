//! Desktops of Linux: a display that may not be there, and a tray that may be missing.

use gtk::gio::{self, DBusCallFlags};
use gtk::glib;
use gtk::prelude::*;

/// The libraries that `tray-icon` looks for. Where it finds none of them, it aborts the program.
const INDICATORS: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
/// How long the session bus may take, in milliseconds.
const PATIENCE: i32 = 2_000;

/// Connects to the display, without which Tauri panics.
///
/// # Errors
/// There is none.
pub(crate) fn begin() -> anyhow::Result<()> {
    glib::set_prgname(Some("latchkey-tray"));
    glib::set_application_name("Latchkey");
    gtk::init().map_err(|_| {
        anyhow::anyhow!("there is no display: start it in a desktop session (DISPLAY, WAYLAND_DISPLAY)")
    })
}

/// Whether the library that makes a tray icon is installed.
pub(crate) fn has_tray_library() -> bool {
    INDICATORS.iter().any(|name| loads(name))
}

#[expect(unsafe_code, reason = "loading a library runs its code")]
fn loads(name: &str) -> bool {
    // SAFETY: it is the very library that `tray-icon` loads next; its initialisers have no preconditions.
    let library = unsafe { libloading::Library::new(name) };
    // It stays: GLib's types do not survive that the library which made them is unloaded.
    library.map(std::mem::forget).is_ok()
}

/// Whether anybody shows tray icons now. One that is made is shown as soon as somebody does.
pub(crate) fn has_tray() -> bool {
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    let property = (WATCHER, "IsStatusNotifierHostRegistered");
    let answer = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).and_then(|bus| {
        bus.call_sync(
            Some(WATCHER),
            "/StatusNotifierWatcher",
            "org.freedesktop.DBus.Properties",
            "Get",
            Some(&property.to_variant()),
            None,
            DBusCallFlags::NO_AUTO_START,
            PATIENCE,
            gio::Cancellable::NONE,
        )
    });
    answer.is_ok_and(|answer| {
        answer
            .child_value(0)
            .as_variant()
            .and_then(|value| value.get())
            .unwrap_or(false)
    })
}
