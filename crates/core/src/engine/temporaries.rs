//! Temporary licences (rule 7): asked of the device key while the licensing service is out, one after the other without a gap.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::facts::Held;
use crate::lease::Lease;
use crate::status::{Party, Wire};
use crate::temporary::{SelfSigned, Temporary, TemporaryClaims, begin_at, may_go_on};
use crate::time::{MINUTE, Now, Timestamp};

use super::link::Link;
use super::{Attempt, Dirty, Effect, Engine};

/// So long before one ends the next is given, at most, and so much of its life.
const EARLY: (Duration, u32) = (Duration::from_secs(10 * MINUTE.as_secs()), 4);
/// A device key that could not sign is asked again after this.
const SIGN_AGAIN: Duration = MINUTE;
/// Whoever starts or runs is told that the service is asked while the key signs; for so long.
const SIGN_WITHIN: Duration = Duration::from_secs(3);

/// A service and a product key.
type Licence = (String, String);

/// What the device key was asked to sign.
#[derive(Debug, Default)]
pub(super) struct Temporaries {
    asked: BTreeMap<Licence, Asked>,
}

#[derive(Debug)]
struct Asked {
    attempt: Attempt,
    /// Since when, in trusted time and in ticks.
    since: Timestamp,
    ticks: Duration,
    /// The key could not sign.
    failed: bool,
}

impl Temporaries {
    fn is_asked(&self, licence: &Licence, now: &Now) -> bool {
        let asked = self.asked.get(licence);
        asked.is_some_and(|asked| now.ticks < asked.ticks + SIGN_AGAIN)
    }

    /// When a key that has not signed is asked again.
    pub(super) fn next_at(&self) -> impl Iterator<Item = Duration> {
        self.asked
            .values()
            .flat_map(|asked| [asked.ticks + SIGN_WITHIN, asked.ticks + SIGN_AGAIN])
    }
}

/// When the next one is given, so that there is no gap.
pub(super) fn next_at(temporary: &Temporary) -> Timestamp {
    let life = temporary.until().since(temporary.signed_at());
    temporary.until() - EARLY.0.min(life / EARLY.1)
}

impl Engine {
    /// Whether temporary licences follow as soon as it is time: the user is signed in, the licensing service is out, nothing was
    /// refused, and they are not used up.
    fn goes_on(&self, service: &str, held: Option<&Held>) -> bool {
        let is_out = self.link(service).is_some_and(Link::is_licensing_out);
        let may_sign =
            self.is_signed_in(service) && !self.vault.is_keyless(service) && !self.vault.is_unbound(service);
        let may_follow = held.is_some_and(|held| {
            let limit = held
                .lease()
                .and_then(|lease| lease.claims().policy.temporary_limit);
            held.refusal().is_none() && limit.is_none_or(|limit| held.temporaries() < limit)
        });
        is_out && may_sign && may_follow
    }

    /// Whether a product that holds this lease need not fear its end, because temporary licences go on from it.
    pub(super) fn outlives_its_lease(&self, service: &str, lease: &Lease) -> bool {
        let held = self.facts.held(service, &lease.claims().binding.aud);
        may_go_on(lease) && self.goes_on(service, held)
    }

    /// The next licence that is to be given to a product now.
    fn due(&self, service: &str, product: &str, at: Timestamp) -> Option<TemporaryClaims> {
        let held = self.facts.held(service, product);
        let lease = held
            .filter(|_| self.goes_on(service, held))
            .and_then(Held::lease)?;
        let begins = begin_at(lease) <= at;
        let lasts = held
            .and_then(Held::temporary)
            .is_some_and(|temporary| temporary.is_good(at) && at < next_at(temporary));
        let number = held.map_or(0, Held::temporaries).saturating_add(1);
        let is_out = self.link(service).is_some_and(Link::is_licensing_out_now);
        TemporaryClaims::of(lease, number, at).filter(|_| is_out && begins && !lasts)
    }

    /// Asks for what is due.
    pub(super) fn work_temporaries(&mut self, now: &Now) {
        let at = self.trusted(now);
        let licences: Vec<Licence> = self
            .registry
            .iter()
            .map(|entry| (entry.service.clone(), entry.product.clone()))
            .collect();
        for licence in licences {
            let (service, product) = &licence;
            let Some(claims) = self.due(service, product, at) else {
                self.temporaries.asked.remove(&licence);
                continue;
            };
            if self.temporaries.is_asked(&licence, now) {
                continue;
            }
            let attempt = self.next_attempt();
            self.effects.push(Effect::SignTemporary {
                attempt,
                service: service.clone(),
                claims: Box::new(claims),
            });
            let asked = Asked {
                attempt,
                since: at,
                ticks: now.ticks,
                failed: false,
            };
            self.temporaries.asked.insert(licence, asked);
        }
    }

    pub(super) fn temporary_signed(&mut self, attempt: Attempt, signed: Option<SelfSigned>) {
        let mut asked = self.temporaries.asked.iter_mut();
        let Some((licence, asked)) = asked.find(|(_, asked)| asked.attempt == attempt) else {
            return;
        };
        let (name, product) = licence.clone();
        let service = self.facts.services.get_mut(&name);
        let held = service.and_then(|service| service.products.get_mut(&product));
        let is_taken = held
            .zip(signed)
            .is_some_and(|(held, signed)| held.take_temporary(signed));
        asked.failed = !is_taken;
        if is_taken {
            self.save(Dirty::One);
            // The lease ends anew with this licence, and a check goes first then as well.
            if let Some(link) = self.links.get_mut(&name) {
                link.end_checked.clear();
            }
        }
    }

    /// While the key signs, whoever starts or runs is not told that it is over.
    pub(super) fn signing(&self, now: &Now, service: &str, product: &str) -> Option<Wire> {
        let licence = (service.to_owned(), product.to_owned());
        let asked = self.temporaries.asked.get(&licence)?;
        let is_awaited = !asked.failed && now.ticks < asked.ticks + SIGN_WITHIN;
        is_awaited.then(|| Wire {
            party: Party::Licensing,
            since: asked.since,
            until: asked.since + SIGN_WITHIN,
        })
    }

    /// The instants at which temporary licences begin, follow and end.
    pub(super) fn temporary_instants(&self) -> impl Iterator<Item = Timestamp> {
        let out = |service: &str| self.link(service).is_some_and(Link::is_licensing_out);
        self.registry.iter().flat_map(move |entry| {
            let held = self.facts.held(&entry.service, &entry.product);
            let begins = held
                .and_then(Held::lease)
                .filter(|_| out(&entry.service))
                .map(begin_at);
            let given = held.and_then(Held::temporary);
            begins
                .into_iter()
                .chain(given.map(next_at))
                .chain(given.map(Temporary::until))
        })
    }
}
