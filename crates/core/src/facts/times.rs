//! The machine's time, and each service's own (rule 16): what one service says of the time moves nothing that another has signed.

use crate::clock::Clock;
use crate::time::{Now, Timestamp};

use super::{Facts, Held};

impl Facts {
    /// Anchors every clock in this boot, and raises its floor. The time of a service that has not told it begins as the machine's, as
    /// soon as there is anything that is judged by it.
    pub fn settle(&mut self, now: &Now) {
        self.clock.settle(now);
        for service in self.services.values_mut() {
            if service.clock.is_none() && !service.products.values().all(Held::is_empty) {
                service.clock = Some(self.clock.clone());
            }
            if let Some(clock) = &mut service.clock {
                clock.settle(now);
            }
        }
    }

    /// Takes a service's time from its verified answer to our own request, as its own, and as the machine's where it may tell that.
    pub fn anchor(&mut self, time: Timestamp, now: &Now, service: &str) {
        if self.clock.is_told_better(time, now, service) {
            self.clock.confirmed_by(time, now);
        } else {
            self.clock.anchor(time, now, service);
        }
        if let Some(known) = self.services.get_mut(service) {
            known
                .clock
                .get_or_insert_with(Clock::default)
                .anchor(time, now, service);
        }
    }

    /// How late it is for a service, and so for everything that it has signed.
    pub fn time_of(&self, service: &str, now: &Now) -> Timestamp {
        let own = self.services.get(service).and_then(|known| known.clock.as_ref());
        own.unwrap_or(&self.clock).trusted(now)
    }
}
