//! Trusted time (rule 16). What a service has signed is judged by its own; everything else, and what people are shown, is in the
//! machine's.

use crate::keys::Keys;
use crate::registration::Registration;
use crate::status::{Pending, Status, status};
use crate::time::{Now, Timestamp};
use crate::view::StatusView;

use super::Engine;

/// Less than this, in milliseconds, is how long an answer takes; a program need not be told another `stop_at` for it.
const A_JUMP: u64 = 60_000;

impl Engine {
    /// The machine's trusted time.
    pub fn trusted(&self, now: &Now) -> Timestamp {
        self.facts.clock.trusted(now)
    }

    /// A service's trusted time.
    pub fn time_of(&self, service: &str, now: &Now) -> Timestamp {
        self.facts.time_of(service, now)
    }

    /// How far a service's time is ahead of the machine's, in milliseconds.
    pub(super) fn ahead(&self, service: &str, now: &Now) -> i64 {
        self.time_of(service, now).offset_from(self.trusted(now))
    }

    /// An instant of a service's time, in the machine's.
    pub(super) fn ours(&self, service: &str, now: &Now, its: Timestamp) -> Timestamp {
        its.shifted(-self.ahead(service, now))
    }

    /// Where a registered product stands, in its service's time.
    pub(super) fn judge(&self, now: &Now, entry: &Registration, pending: &Pending) -> Status {
        let pending = pending.shifted(self.ahead(&entry.service, now));
        status(
            &self.facts,
            &pending,
            Some(entry),
            self.time_of(&entry.service, now),
        )
    }

    /// A status of a service's time as people are shown it.
    pub(super) fn shown_status(
        &self,
        now: &Now,
        service: &str,
        status: &Status,
        stop_at: Option<Timestamp>,
    ) -> StatusView {
        let its = status.view(self.time_of(service, now), stop_at);
        its.shifted(-self.ahead(service, now))
    }

    /// A service says how late it is, in what verifies by these keys. Whatever is pending lasts as long as it would have.
    pub(super) fn told_the_time(&mut self, service: &str, now: &Now, time: Timestamp, keys: &Keys) {
        let before = (self.trusted(now), self.time_of(service, now));
        let known = self.facts.services.get_mut(service);
        if known.is_some_and(|known| known.keep_keys(keys)) {
            self.facts.verify(&self.registry);
        }
        self.facts.anchor(time, now, service);
        self.time_jumped(self.trusted(now).offset_from(before.0));
        self.its_time_jumped(service, self.time_of(service, now).offset_from(before.1));
    }

    fn time_jumped(&mut self, millis: i64) {
        let since = self.vault_locked.iter_mut().chain(self.vault.instants_mut());
        let sign_in = self.sign_in.iter_mut();
        let sign_in = sign_in.flat_map(|open| [&mut open.since, &mut open.until]);
        for instant in since.chain(sign_in) {
            *instant = instant.shifted(millis);
        }
        self.links.values_mut().for_each(|link| link.shift(millis));
    }

    /// The registered products are these: which root key vouches for a service, and so what the time is there, may be another one.
    pub(super) fn verify(&mut self, now: &Now) {
        let names: Vec<String> = self.facts.services.keys().cloned().collect();
        let before: Vec<_> = names.iter().map(|name| self.time_of(name, now)).collect();
        self.facts.verify(&self.registry);
        for (name, before) in names.iter().zip(before) {
            self.its_time_jumped(name, self.time_of(name, now).offset_from(before));
        }
    }

    fn its_time_jumped(&mut self, service: &str, millis: i64) {
        if millis.unsigned_abs() < A_JUMP {
            return;
        }
        let service = self.facts.services.get_mut(service);
        let held = service
            .into_iter()
            .flat_map(|service| service.products.values_mut());
        for window in held.filter_map(|held| held.save_window.as_mut()) {
            window.stop_at = window.stop_at.shifted(millis);
        }
    }
}
