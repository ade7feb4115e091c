//! The machine's time, and each service's own (rule 16): what one service says of the time moves nothing that another has signed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::jws::Thumbprint;
use crate::time::{Now, Timestamp};

use super::{Facts, Held};

/// A service's own time. It is kept by the root key that vouches for whoever tells it: whoever registers a product with a root key of
/// their own under a vendor's address, and answers in the vendor's place, moves nothing that the vendor has signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The root key that vouches for what is held now.
    root: Option<Thumbprint>,
    /// What was told under each.
    told: BTreeMap<Thumbprint, Clock>,
}

impl Times {
    /// From now on this root key vouches for what is held. Says whether another one did.
    pub(super) fn are_of(&mut self, root: &Thumbprint) -> bool {
        let changed = self.root.as_ref() != Some(root);
        self.root = Some(root.clone());
        changed
    }

    /// A root key follows another one that the same vendor pins: the time goes on as it was.
    pub(super) fn go_on_under(&mut self, root: &Thumbprint) {
        if let Some(clock) = self.clock().cloned() {
            self.told.entry(root.clone()).or_insert(clock);
        }
    }

    fn clock(&self) -> Option<&Clock> {
        self.told.get(self.root.as_ref()?)
    }

    /// How late it is, if anybody has told.
    pub fn trusted(&self, now: &Now) -> Option<Timestamp> {
        self.clock().map(|clock| clock.trusted(now))
    }

    fn anchor(&mut self, time: Timestamp, now: &Now) {
        if let Some(root) = &self.root {
            let clock = self.told.entry(root.clone()).or_default();
            clock.anchor(time, now, &root.0);
        }
    }

    /// Anchors every clock in this boot. Where nobody has told the time of what `is_held`, that begins as the machine's.
    fn settle(&mut self, now: &Now, is_held: bool, machine: &Clock) {
        if let Some(root) = self.root.as_ref().filter(|_| is_held) {
            let begins = || machine.clone();
            self.told.entry(root.clone()).or_insert_with(begins);
        }
        self.told.values_mut().for_each(|clock| clock.settle(now));
    }
}

impl Facts {
    /// Anchors every clock in this boot, and raises its floor.
    pub fn settle(&mut self, now: &Now) {
        self.clock.settle(now);
        for service in self.services.values_mut() {
            let is_held = !service.products.values().all(Held::is_empty);
            service.times.settle(now, is_held, &self.clock);
        }
    }

    /// Takes a service's time from its verified answer to our own request, as its own, and as the machine's where it may tell that.
    pub fn anchor(&mut self, time: Timestamp, now: &Now, service: &str) {
        let Some(known) = self.services.get_mut(service) else {
            return;
        };
        let root = known.times.root.as_ref().map_or("", |root| &root.0);
        let by = format!("{service} {root}");
        if self.clock.is_told_better(time, now, &by) {
            self.clock.confirmed_by(time, now);
        } else {
            self.clock.anchor(time, now, &by);
        }
        known.times.anchor(time, now);
    }

    /// How late it is for a service, and so for everything that it has signed.
    pub fn time_of(&self, service: &str, now: &Now) -> Timestamp {
        let own = self.services.get(service);
        let own = own.and_then(|known| known.times.trusted(now));
        own.unwrap_or_else(|| self.clock.trusted(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Service;
    use std::time::Duration;

    /// A service whose answers this root key vouches for, and which holds something or not.
    fn service(root: &str, is_held: bool) -> Service {
        let held = Held {
            lease: is_held.then(|| "a token".to_owned()),
            ..Held::default()
        };
        Service {
            times: Times {
                root: Some(Thumbprint(root.to_owned())),
                ..Times::default()
            },
            products: [("ATLAS".to_owned(), held)].into(),
            ..Service::default()
        }
    }

    #[test]
    fn the_time_of_what_is_held_begins_as_the_machines_and_goes_its_own_way() {
        let now = Now {
            wall: Timestamp::from_secs(1_800_000_000),
            ticks: Duration::from_secs(100),
            boot: crate::time::BootId("boot".to_owned()),
            utc_offset: 0,
            entropy: 0,
        };
        let mut facts = Facts::default();
        for (name, is_held) in [("holds", true), ("holds nothing", false), ("another", false)] {
            facts.services.insert(name.to_owned(), service(name, is_held));
        }
        facts.settle(&now);
        let day = Duration::from_secs(86_400);
        facts.anchor(now.wall - day, &now, "another");
        assert_eq!(
            facts.clock.trusted(&now),
            now.wall - day,
            "it may tell the machine's"
        );
        assert_eq!(facts.time_of("holds", &now), now.wall);
        assert_eq!(facts.time_of("holds nothing", &now), now.wall - day);
    }
}
