//! Rule 10 at the service: which devices hold a place, so that whoever is refused for want of one is refused with reason. By the
//! service's clock, in seconds.

use std::collections::{BTreeMap, BTreeSet};

use latchkey_core::code::Code;
use latchkey_core::policy::Policy;
use latchkey_server::store::records::Release;

use crate::products::{PRODUCTS, Which};
use crate::service::Said;

/// What a lease counts for.
#[derive(Debug)]
struct Place {
    /// When it was taken.
    since: i64,
    /// When its lease was last granted, and when that ends.
    granted_at: i64,
    exp: i64,
}

#[derive(Debug, Default)]
pub(super) struct Places {
    /// By user, product and device key.
    taken: BTreeMap<(usize, Which), BTreeMap<String, Place>>,
    /// Keys of devices that the service knows, and of those of them that were given up.
    known: BTreeSet<String>,
    released: BTreeSet<String>,
}

impl Places {
    pub(super) fn is_released(&self, jkt: &str) -> bool {
        self.released.contains(jkt)
    }

    /// How many other devices than this one hold a place, by the service's clock.
    pub(super) fn of_others(&self, whose: (usize, Which), jkt: &str, now: i64) -> usize {
        let others = self.taken.get(&whose).into_iter().flatten();
        others
            .filter(|(other, place)| *other != jkt && now < place.exp)
            .count()
    }

    /// Judges what was said of a place, and follows it.
    pub(super) fn answered(
        &mut self,
        whose: (usize, Which),
        jkt: &str,
        said: Said,
        policy: &Policy,
        now: i64,
    ) {
        self.known.insert(jkt.to_owned());
        let places = self.taken.entry(whose).or_default();
        let is_good = |place: &Place| now < place.exp;
        let mine = places
            .get(jkt)
            .filter(|place| is_good(place))
            .map(|place| place.since);
        let others = places
            .iter()
            .filter(|(other, place)| *other != jkt && is_good(place));
        let others: Vec<i64> = others.map(|(_, place)| place.since).collect();
        // Where the limit was lowered, those that came first keep their places. Of two of one second, either may be the first.
        let count = |is_before: fn(i64, i64) -> bool| {
            let before = others
                .iter()
                .filter(|since| mine.is_none_or(|mine| is_before(**since, mine)));
            before.count()
        };
        let limit = policy.device_limit as usize;
        match said {
            Said::Lease(lease) => {
                let before = count(|other, mine| other < mine);
                assert!(before < limit, "{jkt} is one of more than {limit}: {places:?}");
                let place = Place {
                    since: mine.unwrap_or(now),
                    granted_at: now,
                    exp: lease.exp,
                };
                places.insert(jkt.to_owned(), place);
            }
            Said::Refusal(Code::DeviceLimit) => {
                let before = count(|other, mine| other <= mine);
                assert!(
                    before >= limit,
                    "{jkt} is no more than one of {limit}: {places:?}"
                );
            }
            Said::Refusal(Code::NotAssigned | Code::SubscriptionEnded) => {
                places.remove(jkt);
            }
            Said::Refusal(code) => assert_eq!(
                code == Code::DeviceReleased,
                self.released.contains(jkt),
                "{jkt} was given up"
            ),
        }
    }

    /// A device gives itself up, or products: whatever it was granted until then. Says of which products it has no lease any more.
    pub(super) fn gave_up(&mut self, release: &Release) -> BTreeSet<Which> {
        let Some(products) = &release.products else {
            self.released(&release.jkt.0);
            return BTreeSet::new();
        };
        let signed_at = release.signed_at.as_secs();
        let mut without = BTreeSet::from([0, 1]);
        for ((_, which), places) in &mut self.taken {
            if products.iter().any(|product| product == PRODUCTS[*which]) {
                places.retain(|jkt, place| *jkt != release.jkt.0 || place.granted_at > signed_at);
            }
            if places.contains_key(&release.jkt.0) {
                without.remove(which);
            }
        }
        without
    }

    /// The device is given up, by whomever.
    pub(super) fn released(&mut self, jkt: &str) {
        for places in self.taken.values_mut() {
            places.remove(jkt);
        }
        if self.known.contains(jkt) {
            self.released.insert(jkt.to_owned());
        }
    }

    /// The user has lost the seat by an admin's own action.
    pub(super) fn freed(&mut self, whose: (usize, Which)) {
        self.taken.remove(&whose);
    }
}
