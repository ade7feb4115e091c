//! Minutes of use on a machine: the truth that the judge goes by (rule 12).

use std::time::Duration;

use latchkey_core::facts::Facts;
use latchkey_core::time::{MINUTE, Timestamp};
use latchkey_core::usage::Usage;

use super::desktop::Desktop;
use super::products::which;

/// Without a stream, two heartbeats after the last answer count as online (decision 6).
const UNNOTICED: Duration = Duration::from_secs(10 * MINUTE.as_secs());
/// What is open is counted once an hour; until then a crash loses it (decision 3).
const UNCOUNTED: i64 = 61 * 60_000;

/// What was counted for any service.
fn counted(facts: &Facts) -> Vec<Usage> {
    let usage = facts.services.values().map(|service| &service.usage);
    let all = usage.flat_map(|usage| usage.to_send().into_iter().chain(usage.sent().cloned()));
    all.collect()
}

impl Desktop {
    /// Minutes that the service does not have yet.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = Usage> {
        let engine = self.engine.iter();
        let services = engine.flat_map(|engine| engine.facts().services.values());
        services.flat_map(|service| service.usage.to_send())
    }

    /// For how long of this time it may have been online, as far as it knows, in milliseconds.
    pub(crate) fn possibly_online(&mut self, service_up: bool, since: Timestamp, at: Timestamp) -> i64 {
        if self.network && service_up {
            self.reachable_at = Some(at);
        }
        let until = self
            .reachable_at
            .map(|reachable_at| at.min(reachable_at + UNNOTICED));
        until.map_or(0, |until| until.offset_from(since).max(0))
    }

    pub(super) fn counted(&self) -> (Vec<Usage>, bool) {
        let facts = self.engine().map(latchkey_core::engine::Engine::facts);
        let mut services = facts.into_iter().flat_map(|facts| facts.services.values());
        let signed_in = services.any(|service| service.account.is_some());
        (self.unsent().collect(), signed_in)
    }

    /// Of these minutes, none is left where somebody was signed in and is not any more (decision 3).
    pub(super) fn loses(&mut self, (before, was_signed_in): &(Vec<Usage>, bool)) {
        let (_, is_signed_in) = self.counted();
        if let Some(engine) = self.engine().filter(|_| !before.is_empty()) {
            let left = counted(engine.facts());
            self.are_lost(before, &left);
        }
        if *was_signed_in && !is_signed_in {
            self.ran.iter_mut().for_each(|ran| ran.lost += UNCOUNTED);
        }
    }

    /// The agent dies.
    pub(super) fn loses_what_is_not_saved(&mut self) {
        let Some(engine) = self.engine() else { return };
        let before = counted(engine.facts());
        let facts: Facts = serde_json::from_str(&self.disk).unwrap();
        self.are_lost(&before, &counted(&facts));
        self.ran.iter_mut().for_each(|ran| ran.lost += UNCOUNTED);
    }

    fn are_lost(&mut self, before: &[Usage], left: &[Usage]) {
        for one in before {
            let same = left
                .iter()
                .find(|left| (&left.product, left.day, left.since) == (&one.product, one.day, one.since));
            let left = same.map_or(0, |same| same.minutes);
            self.ran[which(&one.product)].lost += i64::from(one.minutes.saturating_sub(left)) * 60_000;
        }
    }
}
