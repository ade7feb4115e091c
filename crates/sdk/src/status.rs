//! Where a product stands, in numbers for programs and in words for people.

use std::time::SystemTime;

use latchkey_core::code::Code;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;
use latchkey_words::Words;

/// Where the product stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The stable number (`docs/rules.md`, "Status codes").
    pub code: u16,
    /// The stable name.
    pub name: String,
    /// One sentence for the user.
    pub message: String,
    /// The one next step.
    pub next_step: String,
    /// What else is known, for support and logs, in plain English; often empty. Never a secret.
    pub detail: String,
    /// Everything the agent says: basis, reason, deadlines, the devices that hold the places, …
    pub view: StatusView,
}

impl Status {
    /// The code, if this version of the SDK knows its number.
    pub fn code(&self) -> Option<Code> {
        self.view.code()
    }

    /// Whether the product may start, or go on.
    pub fn may_run(&self) -> bool {
        self.view.may_run()
    }

    /// Whether the answer is still to come.
    pub fn is_pending(&self) -> bool {
        self.view.is_pending()
    }
}

/// The product may not start, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// Where the product stands; never code 0.
    pub status: Box<Status>,
}

impl Denied {
    pub(crate) fn new(status: Status) -> Self {
        Self {
            status: Box::new(status),
        }
    }

    /// The stable number.
    pub fn code(&self) -> u16 {
        self.status.code
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Status {
            code,
            name,
            message,
            next_step,
            ..
        } = &*self.status;
        write!(f, "{message} {next_step} ({code} {name})")
    }
}

impl std::error::Error for Denied {}

/// Puts views into words.
pub(crate) struct Speaker {
    words: Words,
    product: String,
}

impl Speaker {
    pub(crate) fn new(words: Words, product: &str) -> Self {
        Self {
            words,
            product: product.to_owned(),
        }
    }

    pub(crate) fn status(&self, view: StatusView, detail: String, now: Timestamp) -> Status {
        let sentence = self.words.status(&view, &self.product, now);
        Status {
            code: view.code,
            name: view.name.clone(),
            message: sentence.text,
            next_step: sentence.next_step,
            detail,
            view,
        }
    }
}

/// A status that the SDK gives itself.
pub(crate) fn own(code: Code) -> StatusView {
    StatusView {
        code: code.number(),
        name: code.name().to_owned(),
        ..StatusView::default()
    }
}

/// The wall clock: good enough to put a date into words where no trusted time is known.
#[expect(clippy::disallowed_methods, reason = "the edge: here the wall clock is read")]
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
