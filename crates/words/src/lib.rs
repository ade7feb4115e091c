//! Every word people read: tray, window, command line and SDK say the same thing, in the user's language and zone.
//!
//! The words stand in `locales/<language>/*.ftl` ([Fluent](https://projectfluent.org)), which the window's TypeScript
//! reads as well; `docs/writing.md` says how they are written. Nothing here has a clock: where the answer depends on
//! what day it is, the caller says `now`.
//!
//! | room | concern |
//! | --- | --- |
//! | `language` | which languages there are, and which one is spoken |
//! | `dates` | instants, as people in that zone and language read them |
//! | `message` | one message with its arguments |
//! | `status` | status codes and reasons |
//! | `line` | the status line |
//! | `notice` | notices |
//! | `menu` | the tray's menu |
//! | `problem` | what went wrong, by its stable key |
//! | `callback` | the page that the browser comes back to |
//! | `privacy` | the fields that a check sends |

mod callback;
mod dates;
mod language;
mod line;
mod menu;
mod message;
mod notice;
mod privacy;
mod problem;
mod status;

use jiff::tz::TimeZone;

pub use callback::Callback;
pub use jiff;
pub use menu::MenuItem;
pub use message::Value;
pub use notice::{NoticeText, Urgency};
pub use privacy::FieldText;

/// What is to be told, and what its reader can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// One sentence; two where an open product must stop.
    pub text: String,
    /// The one next step. "Nothing to do." is one.
    pub next_step: String,
}

/// The words in one language and time zone. Cheap to keep, a few hundred microseconds to make.
pub struct Words {
    bundle: message::Bundle,
    language: &'static language::Language,
    dates: dates::Dates,
}

impl Words {
    /// The words in the language and time zone of the system.
    pub fn system() -> Self {
        Self::with(language::system(), TimeZone::system())
    }

    /// The words in the language that fits `locale` best (BCP 47 or POSIX; English where none fits), in the time
    /// zone of the system.
    pub fn for_locale(locale: &str) -> Self {
        Self::new(locale, TimeZone::system())
    }

    /// The words in the language that fits `locale` best, in this time zone.
    pub fn new(locale: &str, zone: TimeZone) -> Self {
        Self::with(language::spoken([locale]), zone)
    }

    fn with(language: &'static language::Language, zone: TimeZone) -> Self {
        Self {
            bundle: language.bundle(),
            dates: dates::Dates::new(&language.dates, zone),
            language,
        }
    }

    /// The language that is spoken: `en` or `de`.
    pub fn language(&self) -> &'static str {
        self.language.tag
    }

    /// The IANA name of the time zone, where it has one.
    pub fn time_zone(&self) -> Option<&str> {
        self.dates.zone_name()
    }
}
