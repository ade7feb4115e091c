//! The end of leases, told once for all products of a service that end together (rule 5).

use std::collections::BTreeSet;

use crate::facts::Held;
use crate::notice::NoticeKind;
use crate::registration::Registration;
use crate::status::Status;
use crate::time::{DAY, Now, Timestamp};

use super::Engine;

/// A lease that has ended, and whose end was not told.
struct End {
    product: String,
    /// The lease's `jti`.
    lease: String,
    good_for_days: u32,
    stop_at: Option<Timestamp>,
    /// The user is told the days of this lease, or a program that it must stop: the end is no surprise.
    is_known: bool,
}

impl Engine {
    pub(super) fn tell_ends(&mut self, now: &Now) {
        let services: BTreeSet<String> = self.registry.iter().map(|entry| entry.service.clone()).collect();
        for service in services {
            if !self.somebody_waits(now, &service) {
                self.tell_ends_of(now, &service);
            }
        }
    }

    fn tell_ends_of(&mut self, now: &Now, service: &str) {
        let ends = self.ends_to_tell(now, service);
        // Of those that are open, the one that must stop first; the first there is when none is.
        let Some(first) = ends.iter().min_by_key(|end| (end.stop_at.is_none(), end.stop_at)) else {
            return;
        };
        let kind = NoticeKind::Ended {
            days: first.good_for_days,
            stop_at: first.stop_at,
        };
        let name = self.name_of(service, &first.product);
        self.facts.told.warned_of.insert(service.to_owned());
        for end in ends {
            let service = self.facts.services.get_mut(service);
            if let Some(held) = service.and_then(|service| service.products.get_mut(&end.product)) {
                held.end_told = Some(end.lease);
            }
        }
        self.note(self.trusted(now), name, kind);
    }

    /// A check that may heal the end is under way, and a start or an open program waits for it.
    fn somebody_waits(&self, now: &Now, service: &str) -> bool {
        let mut uses = self.uses.values().filter(|open| open.service == service);
        uses.any(|open| self.status_of_use(now, open).is_on_wire())
    }

    /// All ends of a service, or none while none of them is known.
    fn ends_to_tell(&self, now: &Now, service: &str) -> Vec<End> {
        let entries = self.registry.iter().filter(|entry| entry.service == service);
        let ends: Vec<End> = entries.filter_map(|entry| self.untold_end(now, entry)).collect();
        if ends.iter().any(|end| end.is_known) {
            ends
        } else {
            Vec::new()
        }
    }

    fn untold_end(&self, now: &Now, entry: &Registration) -> Option<End> {
        let at = self.time_of(&entry.service, now);
        let held = self.facts.held(&entry.service, &entry.product)?;
        let lease = Held::lease(held).filter(|lease| lease.until() <= at)?;
        let jti = &lease.claims().binding.jti;
        let pending = self.pending_of_nobody(&entry.service);
        let is_the_cause = matches!(
            self.judge(now, entry, &pending),
            Status::OfflineLimitReached { .. }
        );
        if held.end_told.as_ref() == Some(jti) || !is_the_cause {
            return None;
        }
        let (_, stop_at) = self.status_of_product(now, entry);
        let good_for = lease.until().since(lease.checked_at());
        Some(End {
            product: entry.product.clone(),
            lease: jti.clone(),
            good_for_days: u32::try_from(good_for.as_secs().div_ceil(DAY.as_secs())).unwrap_or(u32::MAX),
            stop_at: stop_at.map(|stop_at| self.ours(&entry.service, now, stop_at)),
            is_known: stop_at.is_some() || self.counts_down(now, &entry.service, lease),
        })
    }
}
