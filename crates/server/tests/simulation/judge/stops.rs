//! Rules 5 and 20: an open program that must stop may save its work, once.

use std::time::Duration;

use latchkey_core::policy::Policy;
use latchkey_core::time::{MINUTE, Timestamp};
use latchkey_core::view::StatusView;

use super::Judge;
use crate::desktop::Desktop;
use crate::products::Which;

/// A service's clock may be a minute off either way, and moves the machine's.
const CLOCKS: Duration = Duration::from_secs(2 * MINUTE.as_secs() + 1);

impl Judge {
    /// The time to save begins when the program could first be told, and no other cause and no restart adds to it.
    pub(super) fn stops_in_time(
        &self,
        desktop: &mut Desktop,
        which: Which,
        status: &StatusView,
        policy: &Policy,
        now: Timestamp,
    ) {
        let is_open = desktop.programs[which].is_some_and(|program| program.running);
        if status.may_run() || !is_open {
            desktop.told_to_stop[which] = None;
            return;
        }
        let Some(stop_at) = status.stop_at else { return };
        let ahead = desktop.clock_ahead(now);
        let moved = |(_, before): &(Timestamp, i64)| Duration::from_millis((ahead - before).unsigned_abs());
        let told = desktop.told_to_stop[which].filter(|told| moved(told) <= CLOCKS);
        let (first, _) = *desktop.told_to_stop[which].insert(told.unwrap_or((now, ahead)));
        let stops_at = stop_at.shifted(-ahead);
        // What is over gives nobody any time, wherever the clock has gone since.
        assert!(
            stops_at <= now || stops_at <= first + policy.save_window + CLOCKS,
            "{} was told at {first:?}, and may go on until {stops_at:?}: {status:?}",
            desktop.name
        );
    }
}
