//! Toasts by the Desktop Notifications Specification 1.2, over the session bus connection that GTK has anyway: a notice
//! may stay for days, and waiting for a click on it costs no thread here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gtk::gio::{self, DBusCallFlags, DBusConnection, DBusSignalFlags};
use gtk::glib::{Variant, VariantTy};
use gtk::prelude::*;
use latchkey_words::{NoticeText, Urgency};

use super::ToastError;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The action of a click on the toast itself.
const CLICK: &str = "default";
/// How long the notification service may take, being started included, in milliseconds.
const PATIENCE: i32 = 5_000;

/// Shows toasts, from the main thread.
pub(crate) struct Toaster {
    /// The session bus, and our subscription to clicks.
    bus: DBusConnection,
    /// The toast that is shown, or was; 0 before the first.
    shown: Arc<AtomicU32>,
}

impl Toaster {
    /// Connects to the session bus; `clicked` is called when the user clicks a toast.
    ///
    /// # Errors
    /// There is no session bus.
    pub(crate) fn new(clicked: impl Fn() + 'static) -> Result<Self, ToastError> {
        let bus = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).map_err(failed)?;
        let shown = Arc::new(AtomicU32::new(0));
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
                    .is_some_and(|(id, _)| id == own.load(Ordering::Relaxed))
                {
                    clicked();
                }
            },
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
            self.shown.load(Ordering::Relaxed),
            "latchkey-tray",
            &text.title,
            body.as_str(),
            vec![CLICK, "Latchkey"],
            hints,
            timeout,
        );
        let shown = Arc::clone(&self.shown);
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
                        shown.store(id, Ordering::Relaxed);
                    }
                }));
            },
        );
    }
}

fn failed(error: gtk::glib::Error) -> ToastError {
    ToastError(error.message().to_owned())
}
