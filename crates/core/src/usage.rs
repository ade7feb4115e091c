//! Minutes of use (rule 12): counted online, kept until the service has them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{DAY, LocalDay, Timestamp};

/// A whole day.
const MINUTES_OF_A_DAY: u32 = 24 * 60;
/// What the service has is kept for so many days, so that an answer that was lost is made good; what it does not have is
/// kept for so many at most.
const KEPT_DAYS: (i64, i64) = (1, 400);

/// How many sums go with one check: a check is no large message. The rest go with the next.
const SENT_AT_ONCE: usize = 200;

/// Minutes that a product was used online in one day. Always the sum of the day so far: the highest that was ever sent counts,
/// so that sending it again changes nothing. Sums that began apart, as after a sign-out, are added by the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Product key.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The day, in UTC.
    pub day: LocalDay,
    /// When this sum began.
    #[serde(default = "before_all")]
    pub since: Timestamp,
    /// Minutes, at most 1,440.
    pub minutes: u32,
}

/// Of a sum that does not say when it began.
const fn before_all() -> Timestamp {
    Timestamp::from_secs(0)
}

/// What was counted on one device for one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counted(Vec<Day>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    #[serde(flatten)]
    usage: Usage,
    /// Milliseconds on top of the whole minutes.
    rest: u32,
    /// How many minutes the service has.
    taken: u32,
}

impl Counted {
    /// Counts the time of `used` that ended at `until`. What fell into an earlier day is counted there.
    pub fn count(&mut self, product: &str, version: &str, used: Duration, until: Timestamp) {
        let mut until = until;
        let mut used = used;
        while !used.is_zero() {
            let day = LocalDay::of(until.shifted(-1), 0);
            let into_the_day = until.since(day.end(0) - DAY);
            let part = used.min(into_the_day).max(Duration::from_millis(1)).min(used);
            self.add(product, version, day, part, until);
            used -= part;
            until = until - part;
        }
    }

    fn add(&mut self, product: &str, version: &str, day: LocalDay, part: Duration, until: Timestamp) {
        let same =
            |one: &Day| one.usage.product == product && one.usage.version == version && one.usage.day == day;
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(Day {
                usage: Usage {
                    product: product.to_owned(),
                    version: version.to_owned(),
                    day,
                    since: until - part,
                    minutes: 0,
                },
                rest: 0,
                taken: 0,
            });
            self.0.len() - 1
        });
        if let Some(one) = self.0.get_mut(at) {
            let millis = u128::from(one.rest) + part.as_millis();
            let minutes = u32::try_from(millis / 60_000).unwrap_or(MINUTES_OF_A_DAY);
            one.usage.minutes = one.usage.minutes.saturating_add(minutes).min(MINUTES_OF_A_DAY);
            one.rest = u32::try_from(millis % 60_000).unwrap_or(0);
        }
    }

    /// What the service does not have yet, as much as goes at once.
    pub fn to_send(&self) -> Vec<Usage> {
        let untaken = self.0.iter().filter(|day| day.usage.minutes > day.taken);
        untaken.take(SENT_AT_ONCE).map(|day| day.usage.clone()).collect()
    }

    /// The service has these. Says whether that was news.
    pub fn taken(&mut self, sent: &[Usage]) -> bool {
        let mut news = false;
        for one in sent {
            let same = |day: &&mut Day| {
                let day = &day.usage;
                (&day.product, &day.version, day.day, day.since)
                    == (&one.product, &one.version, one.day, one.since)
            };
            if let Some(day) = self.0.iter_mut().find(same).filter(|day| day.taken < one.minutes) {
                day.taken = one.minutes;
                news = true;
            }
        }
        news
    }

    /// Forgets days that the service has, and those that nobody will want any more.
    pub fn prune(&mut self, today: LocalDay) {
        self.0.retain(|day| {
            let age = today.0.saturating_sub(day.usage.day.0);
            let has_all = day.taken >= day.usage.minutes;
            age <= if has_all { KEPT_DAYS.0 } else { KEPT_DAYS.1 }
        });
    }

    /// What the service has already, for as long as it is kept: the user can see it after it was sent, too.
    pub fn sent(&self) -> impl Iterator<Item = &Usage> {
        let sent = self
            .0
            .iter()
            .filter(|day| day.usage.minutes <= day.taken && day.taken > 0);
        sent.map(|day| &day.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MINUTE;

    const MIDNIGHT: Timestamp = Timestamp::from_secs(20_000 * 86_400);

    fn sums(counted: &Counted) -> Vec<(i64, u32)> {
        counted
            .to_send()
            .iter()
            .map(|usage| (usage.day.0, usage.minutes))
            .collect()
    }

    #[test]
    fn what_spans_midnight_is_counted_on_both_days() {
        let mut counted = Counted::default();
        counted.count("ATLAS", "1", 10 * MINUTE, MIDNIGHT + 4 * MINUTE);
        assert_eq!(sums(&counted), [(20_000, 4), (19_999, 6)]);
        counted.count("ATLAS", "1", 3 * MINUTE, MIDNIGHT);
        assert_eq!(
            sums(&counted),
            [(20_000, 4), (19_999, 9)],
            "its last instant is of the day before"
        );
    }

    #[test]
    fn seconds_add_up_to_minutes() {
        let mut counted = Counted::default();
        for passed in 1..=7 {
            counted.count(
                "ATLAS",
                "1",
                Duration::from_secs(20),
                MIDNIGHT + passed * Duration::from_secs(20),
            );
        }
        assert_eq!(sums(&counted), [(20_000, 2)]);
        let mut counted = Counted::default();
        counted.count("ATLAS", "1", Duration::from_secs(20), MIDNIGHT);
        assert_eq!(counted.sent().count(), 0, "no minute of it is there, or was sent");
    }

    #[test]
    fn what_the_service_has_is_not_sent_again_and_what_it_lacks_is() {
        let mut counted = Counted::default();
        counted.count("ATLAS", "1", 5 * MINUTE, MIDNIGHT + 5 * MINUTE);
        let sent = counted.to_send();
        assert_eq!(sent[0].since, MIDNIGHT, "when it was begun to be counted");
        counted.count("ATLAS", "1", 2 * MINUTE, MIDNIGHT + 7 * MINUTE);
        assert!(counted.taken(&sent));
        assert_eq!(sums(&counted), [(20_000, 7)], "counted while it was on the wire");
        assert_eq!(counted.sent().count(), 0, "not all of it");
        assert!(counted.taken(&counted.to_send()) && !counted.taken(&sent));
        assert_eq!(sums(&counted), []);
        counted.prune(LocalDay(20_001));
        let sent: Vec<u32> = counted.sent().map(|usage| usage.minutes).collect();
        assert_eq!(sent, [7]);
        counted.prune(LocalDay(20_002));
        assert_eq!(counted, Counted::default());
    }

    #[test]
    fn what_the_service_has_of_one_it_does_not_have_of_another() {
        let mut counted = Counted::default();
        for (product, version, until) in [
            ("ATLAS", "1", MIDNIGHT),
            ("ATLAS", "1", MIDNIGHT + DAY),
            ("ATLAS", "2", MIDNIGHT),
            ("QUARRY", "1", MIDNIGHT),
        ] {
            counted.count(product, version, MINUTE, until);
        }
        let sent = counted.to_send();
        assert_eq!(sent.len(), 4);
        for one in &sent {
            let mut counted = counted.clone();
            let only = std::slice::from_ref(one);
            assert!(counted.taken(only), "{one:?}");
            let others: Vec<Usage> = sent.iter().filter(|other| *other != one).cloned().collect();
            assert_eq!(counted.to_send(), others);
            assert!(!counted.taken(only), "that is no news");
        }
    }

    #[test]
    fn a_day_has_no_more_minutes_than_it_has() {
        let mut counted = Counted::default();
        counted.count("ATLAS", "1", 3 * DAY, MIDNIGHT);
        counted.count("ATLAS", "1", DAY, MIDNIGHT);
        assert_eq!(
            sums(&counted),
            [(19_999, 1_440), (19_998, 1_440), (19_997, 1_440)]
        );
    }
}
