//! Toasts of Windows and macOS.

use std::sync::Arc;

use latchkey_words::NoticeText;
use notify_rust::{Notification, NotificationResponse, Timeout};

use super::ToastError;

/// A thread that only waits for a click.
const STACK: usize = 64 * 1024;

/// Shows toasts.
pub(crate) struct Toaster {
    clicked: Arc<dyn Fn() + Send + Sync>,
}

impl Toaster {
    /// `clicked` is called when the user clicks a toast.
    ///
    /// # Errors
    /// None on these systems.
    pub(crate) fn new(clicked: impl Fn() + Send + Sync + 'static) -> Result<Self, ToastError> {
        Ok(Self {
            clicked: Arc::new(clicked),
        })
    }

    /// Shows `text`, and tells `done` what came of it.
    pub(crate) fn show(&self, text: &NoticeText, done: impl FnOnce(Result<(), ToastError>) + 'static) {
        let mut toast = Notification::new();
        toast.appname("Latchkey").summary(&text.title).body(&text.body);
        toast.timeout(if text.stays {
            Timeout::Never
        } else {
            Timeout::Default
        });
        own(&mut toast, text);
        let clicked = Arc::clone(&self.clicked);
        done(
            toast
                .show()
                .map_err(|error| ToastError(error.to_string()))
                .and_then(|handle| {
                    let wait = move || {
                        let clicked = |response: &NotificationResponse| {
                            if matches!(response, NotificationResponse::Default) {
                                clicked();
                            }
                        };
                        // That nobody can click any more is no loss.
                        let _ = handle.wait_for_response(clicked);
                    };
                    let waiting = std::thread::Builder::new()
                        .name("toast".into())
                        .stack_size(STACK)
                        .spawn(wait);
                    waiting.map(drop).map_err(|error| ToastError(error.to_string()))
                }),
        );
    }
}

/// Windows shows a toast under the name of an installed program; one that was just built from source has none.
#[cfg(windows)]
fn own(toast: &mut Notification, text: &NoticeText) {
    use latchkey_words::Urgency;

    if !cfg!(debug_assertions) {
        toast.app_id("dev.latchkey.tray");
    }
    toast.urgency(match text.urgency {
        Urgency::Low => notify_rust::Urgency::Low,
        Urgency::Normal => notify_rust::Urgency::Normal,
        Urgency::Critical => notify_rust::Urgency::Critical,
    });
}

#[cfg(not(windows))]
fn own(_: &mut Notification, _: &NoticeText) {}
