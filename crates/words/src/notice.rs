//! Notices, as the desktop shows them.

use latchkey_core::code::Code;
use latchkey_core::notice::{Left, Notice, NoticeKind};
use latchkey_core::time::{MINUTE, Timestamp};
use latchkey_core::view::Away;

use crate::Words;
use crate::dates::left_args;
use crate::message::{Value, id};

/// How much a notice may interrupt (Desktop Notifications Specification, "Urgency Levels").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Good to know.
    Low,
    /// The user asked for it, or it changes what they can do now.
    Normal,
    /// Work is at stake.
    Critical,
}

/// A notice, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeText {
    /// The product's name, or Latchkey's where it is about them all.
    pub title: String,
    /// One sentence or two.
    pub body: String,
    /// How much it may interrupt.
    pub urgency: Urgency,
    /// Whether it stays until the user puts it away.
    pub stays: bool,
}

impl Words {
    /// What to show for a notice. Dates are read from the day it arose.
    pub fn notice(&self, notice: &Notice) -> NoticeText {
        let (now, product) = (notice.at, Value::from(&notice.product));
        let show = |id: &str, urgency, stays, args: &[(&str, Value<'_>)]| {
            let args: Vec<_> = args.iter().copied().chain([("product", product)]).collect();
            let title = self.message(&format!("{id}.title"), &args);
            NoticeText {
                title,
                body: self.message(id, &args),
                urgency,
                stays,
            }
        };
        let timed = |id, urgency, stays, away: Away, left: Left, until| {
            let until = self.date_time(until, now);
            let [unit, count] = left_args(left);
            show(
                id,
                urgency,
                stays,
                &[
                    unit,
                    count,
                    ("until", (&until).into()),
                    ("away", away.name().into()),
                ],
            )
        };
        match &notice.kind {
            NoticeKind::Offline { away, left, until } => {
                timed("notice-offline", Urgency::Low, false, *away, *left, *until)
            }
            NoticeKind::FinalWarning { away, left, until } => timed(
                "notice-final-warning",
                Urgency::Critical,
                true,
                *away,
                *left,
                *until,
            ),
            NoticeKind::Ended { days, stop_at: None } => show(
                "notice-ended",
                Urgency::Critical,
                false,
                &[("days", (*days).into())],
            ),
            NoticeKind::Ended {
                days,
                stop_at: Some(stop_at),
            } => {
                let time = self.time(*stop_at, now);
                let args = [("days", (*days).into()), ("time", (&time).into())];
                show("notice-ended-open", Urgency::Critical, true, &args)
            }
            NoticeKind::Connected { until } => {
                let until = self.date(*until, now);
                show(
                    "notice-connected",
                    Urgency::Low,
                    false,
                    &[("until", (&until).into())],
                )
            }
            NoticeKind::MustStop {
                code,
                stop_at,
                holder,
            } => {
                let cause = self.cause(*code, product, holder.as_deref());
                let args = [
                    ("cause", (&cause).into()),
                    ("minutes", minutes(now, *stop_at).into()),
                ];
                show("notice-must-stop", Urgency::Critical, true, &args)
            }
            NoticeKind::Outage => show("notice-outage", Urgency::Low, false, &[]),
            _ => show("notice-other", Urgency::Normal, false, &[]),
        }
    }

    /// What the tray says once, when its icon goes.
    pub fn quit_notice(&self) -> NoticeText {
        let (title, body) = (
            self.message("notice-quit.title", &[]),
            self.message("notice-quit", &[]),
        );
        NoticeText {
            title,
            body,
            urgency: Urgency::Low,
            stays: false,
        }
    }

    fn cause(&self, code: u16, product: Value<'_>, holder: Option<&str>) -> String {
        if let Some(holder) = holder.filter(|_| code == Code::SessionInUse.number()) {
            let args = [("product", product), ("holder", Value::from(holder))];
            return self.message("cause-session-in-use-on", &args);
        }
        let args = [("product", product)];
        let known = Code::from_number(code).and_then(|code| self.find(&id("cause", code.name()), &args));
        known.unwrap_or_else(|| self.message("cause", &args))
    }
}

/// Whole minutes from `now` to `stop_at`, rounded up; at least one.
fn minutes(now: Timestamp, stop_at: Timestamp) -> u32 {
    let minutes = stop_at.since(now).as_millis().div_ceil(MINUTE.as_millis());
    u32::try_from(minutes).unwrap_or(u32::MAX).max(1)
}
