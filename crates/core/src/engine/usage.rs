//! Minutes of use: online ones alone (rule 12).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::time::{LocalDay, Now};
use crate::usage::Usage;
use crate::view::Reach;

use super::{Dirty, Engine};

impl Engine {
    /// Begins to count what was opened, and ends counting what was closed, or is offline.
    pub(super) fn work_meters(&mut self, now: &Now) {
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            let open: BTreeSet<(String, String)> = self
                .uses
                .values()
                .filter(|open| open.service == name && open.running)
                .map(|open| (open.product.clone(), open.version.clone()))
                .collect();
            let account = self
                .facts
                .services
                .get(&name)
                .and_then(|service| service.account.as_ref());
            let is_nobodys = account.is_none();
            let Some(link) = self.links.get_mut(&name) else {
                continue;
            };
            if link.reach != Reach::Online || is_nobodys {
                // Nobody knows since when: offline minutes are never recorded. And nobody's are no one's.
                link.meters.clear();
                continue;
            }
            let closed = link.meters.keys().any(|meter| !open.contains(meter));
            if closed {
                self.count(now, &name, Duration::ZERO);
            }
            let Some(link) = self.links.get_mut(&name) else {
                continue;
            };
            link.meters.retain(|meter, _| open.contains(meter));
            for meter in open {
                link.meters.entry(meter).or_insert(now.ticks);
            }
        }
    }

    /// Counts the time of what is open until now, but for the time that the machine slept.
    pub(super) fn count(&mut self, now: &Now, name: &str, slept: Duration) {
        let at = self.time_of(name, now);
        let lasts = self.heard_lasts(name);
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        // Without a stream, nobody knows for how long after the last answer the network was there.
        let online_until = if link.session.stream_stands() {
            Duration::MAX
        } else {
            link.session.heard_at.unwrap_or_default() + lasts
        };
        let Some(service) = self
            .facts
            .services
            .get_mut(name)
            .filter(|service| service.account.is_some())
        else {
            link.meters.clear();
            return;
        };
        let before = service.usage.clone();
        for ((product, version), since) in &mut link.meters {
            let until = now.ticks.min(online_until);
            let used = until.saturating_sub(*since);
            let used = used.min(now.ticks.saturating_sub(*since).saturating_sub(slept));
            let unknown = now.ticks.saturating_sub(until);
            service.usage.count(product, version, used, at - unknown);
            *since = now.ticks;
        }
        if service.usage != before {
            self.save(Dirty::One);
        }
    }

    /// Counts everything that is open.
    pub(super) fn count_all(&mut self, now: &Now, slept: Duration) {
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            self.count(now, &name, slept);
        }
    }

    /// The service has taken what the check sent.
    pub(super) fn usage_taken(&mut self, now: &Now, name: &str, sent: &[Usage]) {
        let today = LocalDay::of(self.time_of(name, now), 0);
        if let Some(service) = self.facts.services.get_mut(name) {
            service.usage.taken(sent);
            service.usage.prune(today);
        }
    }
}
