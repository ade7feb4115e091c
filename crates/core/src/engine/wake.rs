//! When something is due next, so that the agent sleeps until then and no longer.

use std::time::Duration;

use crate::facts::Held;
use crate::notice::Left;
use crate::status::{DENIED_AFTER, VAULT_AWAITED_FOR, unconfirmed_from};
use crate::time::{LocalDay, Now, Timestamp};

use super::Engine;

impl Engine {
    /// The ticks at which the engine wants to be called again at the latest.
    pub(super) fn next_wake(&self, now: &Now) -> Option<Duration> {
        let at = self.trusted(now);
        let ours = to_come(now, at, self.instants(now, at));
        let theirs = self.links.keys().flat_map(|name| {
            let at = self.time_of(name, now);
            to_come(now, at, self.instants_of(name, at))
        });
        let earliest = self
            .ticks(now)
            .filter(|ticks| *ticks > now.ticks)
            .chain(ours)
            .chain(theirs)
            .min();
        // Whatever is already due and still here waits for an outcome, not for time.
        earliest
    }

    fn ticks(&self, now: &Now) -> impl Iterator<Item = Duration> {
        let links = self.links.values().flat_map(|link| {
            let mine = [
                link.deadline(),
                link.retry_at(),
                link.doubt_until(),
                link.heal_until(),
            ];
            let mine = mine.into_iter().flatten();
            mine.chain(link.ending.next_at()).chain(link.session.next_at())
        });
        let heartbeats = self
            .links
            .iter()
            .filter(|(_, link)| !link.is_flying() && link.retry_at().is_none());
        let heartbeats = heartbeats.filter_map(|(name, _)| self.heartbeat_at(name));
        let uses = self.uses.values().filter_map(|open| open.confirm_until);
        let sessions = self
            .links
            .iter()
            .filter(|(name, _)| self.is_refused_a_session(name))
            .filter_map(|(_, link)| link.session_over_at());
        links
            .chain(uses)
            .chain(sessions)
            .chain(heartbeats)
            .chain(self.spreading_next_at(now))
            .chain(self.temporaries.next_at())
            .chain(self.saving.again_at())
            .chain(self.sign_in.as_ref().map(|open| open.deadline))
    }

    /// What is due by the machine's time.
    fn instants(&self, now: &Now, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let awaited = self.vault_locked.into_iter().chain(self.vault.awaited());
        let vault = awaited.map(|since| since + VAULT_AWAITED_FOR);
        let signed_in = self
            .facts
            .services
            .values()
            .any(|service| service.account.is_some());
        let midnight = signed_in.then(|| LocalDay::of(at, now.utc_offset).end(now.utc_offset));
        let floor = signed_in.then(|| self.saving.floor_due());
        vault.chain(midnight).chain(floor)
    }

    /// What is due by a service's time.
    fn instants_of(&self, name: &str, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let leases = self
            .registry
            .iter()
            .filter(move |entry| entry.service == name)
            .filter_map(|entry| {
                self.facts
                    .held(&entry.service, &entry.product)
                    .and_then(Held::lease)
            });
        let counts = leases.clone().filter_map(move |lease| {
            // One millisecond on, because a count is a ceiling: it is still the old one at the change itself.
            Left::changes_at(at, lease.until()).map(|change| change.shifted(1).min(lease.until()))
        });
        let warnings = leases
            .clone()
            .map(|lease| (lease.until() - lease.claims().policy.final_warning).shifted(1));
        let others = leases.flat_map(|lease| [unconfirmed_from(lease), lease.checked_at() + DENIED_AFTER]);
        let ends = counts.chain(warnings).chain(others);
        self.check_due(name)
            .into_iter()
            .chain(ends)
            .chain(self.temporary_instants(name))
    }

    /// When the next check is due by itself, if none is under way or about to be tried again.
    fn check_due(&self, name: &str) -> Option<Timestamp> {
        self.links
            .get(name)
            .filter(|link| !link.is_flying() && link.retry_at().is_none())?;
        let account = self.facts.services.get(name)?.account.as_ref()?;
        (!account.sign_in_again).then(|| self.next_check_at(name))?
    }
}

/// The ticks of the instants that are still to come, for whom it is so late.
fn to_come(
    now: &Now,
    at: Timestamp,
    instants: impl Iterator<Item = Timestamp>,
) -> impl Iterator<Item = Duration> {
    let ticks = now.ticks;
    let to_come = instants.filter(move |instant| *instant > at);
    to_come.map(move |instant| ticks + instant.since(at))
}
