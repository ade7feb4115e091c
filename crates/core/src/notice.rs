//! What the user is told, once per cause. The words stand in the Fluent files of `latchkey-words`.

use serde::{Deserialize, Serialize};

use crate::lenient;
use crate::time::{DAY, HOUR, Timestamp};
use crate::view::Away;

/// Time left, as people count it: days, and hours under 24 h (rules 3 and 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// `ceil(left / 24 h)`, 24 h or more left.
    Days(u32),
    /// `ceil(left / 1 h)`, less than 24 h left.
    Hours(u32),
}

impl Left {
    /// What is left at `now` before `until`; zero hours when nothing is.
    pub fn between(now: Timestamp, until: Timestamp) -> Self {
        let left = until.since(now);
        let ceil = |unit: std::time::Duration| {
            u32::try_from(left.as_millis().div_ceil(unit.as_millis())).unwrap_or(u32::MAX)
        };
        if left < DAY {
            Self::Hours(ceil(HOUR))
        } else {
            Self::Days(ceil(DAY))
        }
    }

    /// The instant after `now` at which this count becomes another, or `None` when nothing is left.
    pub fn changes_at(now: Timestamp, until: Timestamp) -> Option<Timestamp> {
        if now >= until {
            return None;
        }
        let unit = match Self::between(now, until) {
            Self::Days(_) => DAY,
            Self::Hours(_) => HOUR,
        };
        let left = u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX);
        let unit = u64::try_from(unit.as_millis()).unwrap_or(u64::MAX);
        // A count is a ceiling, so it goes on until the whole unit below it is reached; then one millisecond more
        // under 24 h, where the unit itself changes.
        let into = (left - 1) % unit + 1;
        Some(now.shifted(i64::try_from(into).unwrap_or(i64::MAX)))
    }
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum NoticeKind {
    /// Offline, with time to spare (rule 3). Urgency low.
    Offline {
        /// Why the days are counted.
        #[serde(default, deserialize_with = "lenient::known_or_default")]
        away: Away,
        /// Time left.
        left: Left,
        /// The end, exclusive.
        until: Timestamp,
    },
    /// The final days (rule 4). Urgency critical; it stays.
    FinalWarning {
        /// Why the days are counted.
        #[serde(default, deserialize_with = "lenient::known_or_default")]
        away: Away,
        /// Time left.
        left: Left,
        /// The end, exclusive.
        until: Timestamp,
    },
    /// The grace is used up (rule 5). Urgency critical.
    Ended {
        /// For how many days the lease was good offline.
        days: u32,
        /// When an open product must have stopped, if one was open.
        #[serde(default)]
        stop_at: Option<Timestamp>,
    },
    /// Connected again after a warning. Urgency low.
    Connected {
        /// Good offline until.
        until: Timestamp,
    },
    /// A refusal or a reset ended an open product's permission. Urgency critical.
    MustStop {
        /// The status code behind it.
        code: u16,
        /// When the product must have stopped.
        stop_at: Timestamp,
        /// The name of the user's other device that has the session now (code 16), if the service says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<String>,
    },
    /// The licensing service is not answering (rule 7). Urgency low.
    Outage,
}

/// Something to tell the user, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Counts up; names the notice in acknowledgements.
    pub id: u64,
    /// The name of the product it is about, as people call it.
    pub product: String,
    /// When it arose.
    pub at: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub kind: NoticeKind,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::MINUTE;

    #[test]
    fn days_are_a_ceiling_and_hours_begin_under_a_day() {
        let until = Timestamp::from_secs(0) + 30 * DAY;
        let at = |left| Left::between(until - left, until);
        assert_eq!(at(30 * DAY), Left::Days(30));
        assert_eq!(at(29 * DAY + HOUR), Left::Days(30));
        assert_eq!(at(DAY), Left::Days(1));
        assert_eq!(at(DAY - HOUR / 3600), Left::Hours(24));
        assert_eq!(at(HOUR), Left::Hours(1));
        assert_eq!(at(HOUR / 2), Left::Hours(1));
        assert_eq!(Left::between(until, until), Left::Hours(0));
    }

    #[test]
    fn a_count_changes_when_a_whole_day_or_hour_is_left() {
        let until = Timestamp::from_secs(0) + 30 * DAY;
        let changes = |left| Left::changes_at(until - left, until);
        assert_eq!(changes(DAY + HOUR), Some(until - DAY));
        assert_eq!(changes(HOUR + MINUTE), Some(until - HOUR));
        assert_eq!(changes(DAY + Duration::from_millis(1)), Some(until - DAY));
        assert_eq!(changes(MINUTE), Some(until));
        assert_eq!(changes(Duration::ZERO), None);
    }

    proptest::proptest! {
        #[test]
        fn the_count_changes_exactly_when_it_says(left in 1_i64..3_000_000_000) {
            let now = Timestamp::from_millis(0);
            let until = now.shifted(left);
            let count = Left::between(now, until);
            let change = Left::changes_at(now, until).unwrap();
            proptest::prop_assert!(change > now && change <= until);
            proptest::prop_assert_eq!(Left::between(change.shifted(-1), until), count);
            proptest::prop_assert_ne!(Left::between(change.shifted(1), until), count);
        }
    }
}
