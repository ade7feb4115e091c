//! The page that the browser shows when it comes back from signing in.

use crate::{Sentence, Words};

/// What the page tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// The user is signed in.
    SignedIn,
    /// The sign-in did not work; why is a problem of its own.
    Failed,
    /// The page belongs to no open sign-in.
    NotOurs,
}

impl Words {
    /// The page's title, and what its reader can do.
    pub fn callback(&self, told: Callback) -> Sentence {
        let id = match told {
            Callback::SignedIn => "callback-signed-in",
            Callback::Failed => "callback-failed",
            Callback::NotOurs => "callback-not-ours",
        };
        Sentence {
            text: self.message(id, &[]),
            next_step: self.message(&format!("{id}.next"), &[]),
        }
    }
}
