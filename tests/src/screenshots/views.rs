//! The gallery's Views by their names, and the notices that the agent can give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use latchkey_core::code::Code;
use latchkey_core::notice::{Left, Notice, NoticeKind};
use latchkey_core::time::{DAY, HOUR, MINUTE, Timestamp};
use latchkey_core::view::{Away, View};
use latchkey_words::Words;
use latchkey_words::jiff::tz::TimeZone;
use serde_json::{Value, json};

/// The zone that the gallery shows its times in (`ZONE` in ui/gallery/fixtures.ts).
pub(crate) const ZONE: &str = "Europe/Berlin";

/// The gallery's Views.
pub(crate) struct Views(BTreeMap<String, View>);

impl Views {
    /// Reads what the gallery wrote.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let all: BTreeMap<String, Value> = serde_json::from_str(&text)?;
        // Some fixtures are about no View having come.
        let told = all.into_iter().filter(|(_, view)| view.is_object());
        told.map(|(name, mut view)| {
            // The window reads no notices, so its fixtures have none.
            view["notices"] = json!([]);
            let read = serde_json::from_value(view).with_context(|| format!("the View {name:?}"))?;
            Ok((name, read))
        })
        .collect::<Result<_>>()
        .map(Self)
    }

    /// The View with this name.
    pub(crate) fn named(&self, name: &str) -> Result<&View> {
        self.0
            .get(name)
            .with_context(|| format!("the gallery has no View {name:?}"))
    }
}

/// What the programs say, in the language and zone that the session has.
pub(crate) fn words() -> Result<Words> {
    let zone = TimeZone::get(ZONE).with_context(|| format!("the time zone {ZONE}"))?;
    Ok(Words::new("en", zone))
}

/// A notice: the picture's name, the View that it comes with, and what it says at that View's time.
type Pictured = (&'static str, &'static str, fn(Timestamp) -> NoticeKind);

/// Each notice that the agent can give.
pub(crate) const NOTICES: [Pictured; 12] = [
    ("offline", "offline", |now| {
        let (left, until) = left(now, 27 * DAY - HOUR);
        NoticeKind::Offline {
            away: Away::Offline,
            left,
            until,
        }
    }),
    ("identity-outage", "offline-identity", |now| {
        let (left, until) = left(now, 29 * DAY - 3 * HOUR);
        NoticeKind::Offline {
            away: Away::IdentityOutage,
            left,
            until,
        }
    }),
    ("subscription", "subscription-final", |now| {
        let (left, until) = left(now, 2 * DAY - HOUR);
        NoticeKind::FinalWarning {
            away: Away::Subscription,
            left,
            until,
        }
    }),
    ("outdated", "outdated-final", |now| {
        let (left, until) = left(now, 2 * DAY - HOUR);
        NoticeKind::FinalWarning {
            away: Away::Outdated,
            left,
            until,
        }
    }),
    ("final-days", "final-days", |now| {
        let (left, until) = left(now, 3 * DAY - HOUR);
        NoticeKind::FinalWarning {
            away: Away::Offline,
            left,
            until,
        }
    }),
    ("final-hours", "final-hours", |now| {
        let (left, until) = left(now, 5 * HOUR - 10 * MINUTE);
        NoticeKind::FinalWarning {
            away: Away::Offline,
            left,
            until,
        }
    }),
    ("ending", "stopping-offline", |now| NoticeKind::Ended {
        days: 30,
        stop_at: Some(now + 10 * MINUTE),
    }),
    ("ended", "stopped-offline", |_| NoticeKind::Ended {
        days: 30,
        stop_at: None,
    }),
    ("connected", "licensed", |now| NoticeKind::Connected {
        until: now + 30 * DAY,
    }),
    ("seat-taken", "stopped-not-assigned", |now| NoticeKind::MustStop {
        code: Code::NotAssigned.number(),
        stop_at: now + 10 * MINUTE,
        holder: None,
    }),
    ("session-taken", "stopped-session", |now| NoticeKind::MustStop {
        code: Code::SessionInUse.number(),
        stop_at: now + 10 * MINUTE,
        holder: Some("STUDIO-2".to_owned()),
    }),
    ("outage", "outage-licensing", |_| NoticeKind::Outage),
];

fn left(now: Timestamp, left: std::time::Duration) -> (Left, Timestamp) {
    let until = now + left;
    (Left::between(now, until), until)
}

/// A notice about Atlas, as the agent would number it.
pub(crate) fn notice(id: u64, at: Timestamp, kind: NoticeKind) -> Notice {
    Notice {
        id,
        product: "Atlas".to_owned(),
        at,
        kind,
    }
}
