//! Toasts by the Desktop Notifications Specification 1.2, over the session bus connection that GTK has anyway: a notice
//! may stay for days, and waiting for a click on it costs no thread here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gtk::gio::{self, DBusCallFlags, DBusConnection, DBusSignalFlags};
use gtk::glib::{Variant, VariantTy};
use gtk::prelude::*;
use latchkey_words::{NoticeText, Urgency};

use super::ToastError;
use super::shown::Shown;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";
/// The action of a click on the toast itself.
const CLICK: &str = "default";
/// How long the notification service may take, being started included, in milliseconds.
const PATIENCE: i32 = 5_000;

/// Shows toasts, from the main thread.
pub(crate) struct Toaster {
    /// The session bus, and our subscription to clicks.
    bus: DBusConnection,
    shown: Arc<Mutex<Shown>>,
}

impl Toaster {
    /// Connects to the session bus; `clicked` is called when the user clicks a toast.
    ///
    /// # Errors
    /// There is no session bus.
    pub(crate) fn new(clicked: impl Fn() + 'static) -> Result<Self, ToastError> {
        let bus = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).map_err(failed)?;
        let shown = Arc::new(Mutex::new(Shown::default()));
        let own = Arc::clone(&shown);
        bus.signal_subscribe(
            Some(SERVICE),
            Some(SERVICE),
            Some("ActionInvoked"),
            Some(PATH),
            None,
            DBusSignalFlags::NONE,
            move |_, _, _, _, _, arguments| {
                if arguments
                    .get::<(u32, String)>()
                    .is_some_and(|(id, _)| own.lock().unwrap_or_else(PoisonError::into_inner).is_ours(id))
                {
                    clicked();
                }
            },
        );
        // Another notification service counts anew, and what it calls by our numbers is not ours.
        let own = Arc::clone(&shown);
        bus.signal_subscribe(
            Some(BUS),
            Some(BUS),
            Some("NameOwnerChanged"),
            None,
            Some(SERVICE),
            DBusSignalFlags::NONE,
            move |_, _, _, _, _, _| *own.lock().unwrap_or_else(PoisonError::into_inner) = Shown::default(),
        );
        Ok(Self { bus, shown })
    }

    /// Shows `text`, and tells `done` what came of it.
    pub(crate) fn show(&self, text: &NoticeText, done: impl FnOnce(Result<(), ToastError>) + 'static) {
        let urgency: u8 = match text.urgency {
            Urgency::Low => 0,
            Urgency::Normal => 1,
            Urgency::Critical => 2,
        };
        let hints = HashMap::from([
            ("urgency", urgency.to_variant()),
            ("desktop-entry", "latchkey-tray".to_variant()),
        ]);
        let timeout: i32 = if text.stays { 0 } else { -1 };
        // The body is markup.
        let body = gtk::glib::markup_escape_text(&text.body);
        let notify = (
            "Latchkey",
            self.shown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .gives_way(text),
            "latchkey-tray",
            &text.title,
            body.as_str(),
            vec![CLICK, "Latchkey"],
            hints,
            timeout,
        );
        let (shown, text) = (Arc::clone(&self.shown), text.clone());
        self.bus.call(
            Some(SERVICE),
            PATH,
            SERVICE,
            "Notify",
            Some(&notify.to_variant()),
            Some(VariantTy::new("(u)").unwrap_or(VariantTy::ANY)),
            DBusCallFlags::NONE,
            PATIENCE,
            gio::Cancellable::NONE,
            move |reply| {
                done(reply.map_err(failed).map(|id: Variant| {
                    if let Some((id,)) = id.get::<(u32,)>() {
                        shown
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .is_shown(&text, id);
                    }
                }));
            },
        );
    }
}

fn failed(error: gtk::glib::Error) -> ToastError {
    ToastError(error.message().to_owned())
}
