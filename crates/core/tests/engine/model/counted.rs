//! No minute of use is lost (rule 12): what ran online, with everything in order, has been sent with the check after the next.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::time::{DAY, LocalDay, Timestamp};

use crate::support::world::World;
use crate::support::{hours, minutes};

/// Whole minutes are counted: at both ends of a stretch, and at the end of each day in it.
const ENDS: Duration = minutes(2);
/// What is counted is written down once an hour: an agent that dies takes so much with it (decision 3).
const UNSAVED: Duration = hours(1).saturating_add(minutes(15));

/// The time of one product.
#[derive(Debug, Default)]
struct Time {
    /// Since when it has run online without a break, in ticks.
    since: Option<Duration>,
    /// What must have been counted.
    counted: Duration,
    /// How much of that had been when a check was last answered.
    written: Duration,
}

impl Time {
    /// Everything until now, less what the ends of the stretch may cost.
    fn until(&self, ticks: Duration) -> Duration {
        let Some(since) = self.since else {
            return self.counted;
        };
        let stretch = ticks.saturating_sub(since);
        let days = u32::try_from(stretch.as_secs() / DAY.as_secs()).unwrap() + 1;
        self.counted + stretch.saturating_sub(ENDS + minutes(days))
    }

    fn ends(&mut self, ticks: Duration) {
        self.counted = self.until(ticks);
        self.since = None;
    }
}

#[derive(Debug, Default)]
pub(super) struct Counted {
    times: BTreeMap<String, Time>,
    /// The highest that was sent of each product, day and sum.
    sent: BTreeMap<(String, LocalDay, Timestamp), u32>,
    read: usize,
    /// What was open and might run when last looked.
    runs: Vec<String>,
    /// Something deletes what was not sent, or did when last looked.
    deletes: bool,
}

impl Counted {
    /// A check is answered: from now on whatever runs is known to be online.
    pub(super) fn answered(&mut self, ticks: Duration) {
        for time in self.times.values_mut() {
            time.written = time.until(ticks);
        }
        for product in &self.runs {
            let time = self.times.entry(product.clone()).or_default();
            time.since.get_or_insert(ticks);
        }
    }

    /// The machine slept, or its agent died.
    pub(super) fn is_interrupted(&mut self, ticks: Duration, died: bool) {
        for time in self.times.values_mut() {
            time.ends(ticks);
            if died {
                time.counted = time.counted.saturating_sub(UNSAVED).max(time.written);
            }
        }
    }

    /// `runs` is what is open and may run while everything is in order; `deletes` whether a reset or a sign-out is under way.
    pub(super) fn judge(&mut self, runs: Vec<String>, deletes: bool, world: &World) {
        let ticks = world.machine.ticks;
        let new = &world.orders[self.read..];
        for usage in new.iter().flat_map(|order| &order.usage) {
            let key = (usage.product.clone(), usage.day, usage.since);
            let most = self.sent.entry(key).or_default();
            *most = usage.minutes.max(*most);
        }
        let all_kept = !deletes && !self.deletes;
        for (product, time) in &mut self.times {
            if !runs.contains(product) {
                time.ends(ticks);
            }
            if new.is_empty() && all_kept {
                continue;
            }
            let sums = self.sent.iter().filter(|((sent, ..), _)| sent == product);
            let sent = minutes(sums.map(|(_, minutes)| minutes).sum());
            if !all_kept {
                (time.counted, time.written) = (sent, sent);
                time.since = time.since.map(|_| ticks);
            }
            assert!(
                time.written <= sent,
                "{product}: {sent:?} are sent, and it ran for longer: {time:?}"
            );
        }
        self.read = world.orders.len();
        (self.runs, self.deletes) = (runs, deletes);
    }
}
