//! Temporary licences (rule 7): asked of the device key while the licensing service is out, one after the other without a gap. They
//! go on from a lease; where there has never been one they let a product start for the first time, if its vendor has signed that.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::facts::{FirstGrounds, Held, first_starts};
use crate::first_start::FirstStart;
use crate::lease::Lease;
use crate::registration::Registration;
use crate::status::{Party, Wire};
use crate::temporary::{SelfSigned, Temporary, TemporaryClaims, begin_at, may_go_on};
use crate::time::{MINUTE, Now, Timestamp};

use super::link::Link;
use super::{Attempt, Dirty, Effect, Engine, NotSigned};

/// So long before one ends the next is given, at most, and so much of its life.
const EARLY: (Duration, u32) = (Duration::from_secs(10 * MINUTE.as_secs()), 4);
/// A device key that could not sign is asked again after this.
const SIGN_AGAIN: Duration = MINUTE;
/// An identity service that gave no ID token is asked again after this.
const PROVE_AGAIN: Duration = Duration::from_secs(5 * MINUTE.as_secs());
/// Whoever starts or runs is told that the service is asked while the key signs; for so long.
const SIGN_WITHIN: Duration = Duration::from_secs(3);
/// The same where the identity service is asked for an ID token first.
const PROVE_WITHIN: Duration = Duration::from_secs(30);

/// A service and a product key.
type Licence = (String, String);

/// What the device key was asked to sign.
#[derive(Debug, Default)]
pub(super) struct Temporaries {
    asked: BTreeMap<Licence, Asked>,
    /// The products that may start for the first time in an outage.
    first_starts: BTreeMap<Licence, Vec<FirstStart>>,
}

/// What temporary licences rest on.
enum Ground<'a> {
    /// They go on from a lease.
    Lease(&'a Lease),
    /// They let a product start that has never had one.
    FirstStart(&'a FirstStart),
}

impl Ground<'_> {
    fn limit(&self) -> Option<u32> {
        match self {
            Self::Lease(lease) => lease.claims().policy.temporary_limit,
            Self::FirstStart(first) => first.claims().policy.temporary_limit,
        }
    }
}

/// The next licence that is to be given.
struct Due {
    claims: TemporaryClaims,
    /// At a first start: the issuer whose ID token goes in.
    identify: Option<String>,
}

#[derive(Debug)]
struct Asked {
    attempt: Attempt,
    /// Since when, in trusted time and in ticks.
    since: Timestamp,
    ticks: Duration,
    /// At a first start the identity service is asked too.
    identify: bool,
    /// It was asked before, for nothing: nobody waits for that again.
    repeated: bool,
    /// The key could not sign.
    failed: bool,
}

impl Asked {
    /// Whom a start waits for, and for how long.
    const fn awaits(&self) -> (Party, Duration) {
        if self.identify {
            (Party::Identity, PROVE_WITHIN)
        } else {
            (Party::Licensing, SIGN_WITHIN)
        }
    }

    fn again_at(&self) -> Duration {
        self.ticks + if self.identify { PROVE_AGAIN } else { SIGN_AGAIN }
    }
}

impl Temporaries {
    /// The registered products are these.
    pub(super) fn register(&mut self, registry: &[Registration]) {
        let signed = registry.iter().map(|entry| {
            let signed = first_starts(registry, &entry.service, &entry.product);
            ((entry.service.clone(), entry.product.clone()), signed)
        });
        self.first_starts = signed.collect();
    }

    fn is_asked(&self, licence: &Licence, now: &Now) -> bool {
        let asked = self.asked.get(licence);
        asked.is_some_and(|asked| now.ticks < asked.again_at())
    }

    /// What a key could not sign it may be able to sign now.
    pub(super) fn try_again(&mut self) {
        self.asked.retain(|_, asked| !asked.failed);
    }

    /// When a key that has not signed is asked again.
    pub(super) fn next_at(&self) -> impl Iterator<Item = Duration> {
        self.asked
            .values()
            .flat_map(|asked| [asked.ticks + asked.awaits().1, asked.again_at()])
    }
}

/// When the next one is given, so that there is no gap.
pub(super) fn next_at(temporary: &Temporary) -> Timestamp {
    let life = temporary.until().since(temporary.signed_at());
    temporary.until() - EARLY.0.min(life / EARLY.1)
}

impl Engine {
    /// What temporary licences of a product rest on. A first start is one that somebody makes: nothing is given in advance.
    fn ground(&self, service: &str, product: &str) -> Option<Ground<'_>> {
        let held = self.facts.held(service, product);
        if let Some(lease) = held.and_then(Held::lease) {
            return Some(Ground::Lease(lease));
        }
        let is_first = held.is_none_or(Held::may_be_first);
        let mut uses = self.uses.values();
        let is_wanted = uses.any(|open| open.service == service && open.product == product);
        let newest = self.signed_by_vendor(service, product).first();
        newest.filter(|_| is_first && is_wanted).map(Ground::FirstStart)
    }

    /// What the vendor has signed of a product's registrations, the newest first.
    pub(super) fn signed_by_vendor(&self, service: &str, product: &str) -> &[FirstStart] {
        let licence = (service.to_owned(), product.to_owned());
        let signed = self.temporaries.first_starts.get(&licence);
        signed.map_or(&[], Vec::as_slice)
    }

    /// Whether temporary licences follow as soon as it is time: the user is signed in, the licensing service is out, nothing was
    /// refused, and they are not used up.
    fn goes_on(&self, service: &str, held: Option<&Held>, ground: &Ground<'_>) -> bool {
        let is_out = self.link(service).is_some_and(Link::is_licensing_out);
        let may_sign = self.is_signed_in(service) && !self.vault.is_keyless(service);
        let is_refused = held.and_then(Held::refusal).is_some();
        let given = held.map_or(0, Held::temporaries);
        let is_left = ground.limit().is_none_or(|limit| given < limit);
        is_out && may_sign && !is_refused && is_left
    }

    /// Whether a product that holds this lease need not fear its end, because temporary licences go on from it.
    pub(super) fn outlives_its_lease(&self, service: &str, lease: &Lease) -> bool {
        let held = self.facts.held(service, &lease.claims().binding.aud);
        may_go_on(lease) && self.goes_on(service, held, &Ground::Lease(lease))
    }

    /// The next licence that is to be given to a product now.
    fn due(&self, service: &str, product: &str, at: Timestamp) -> Option<Due> {
        let ground = self.ground(service, product)?;
        let held = self.facts.held(service, product);
        let is_out = self.link(service).is_some_and(Link::is_licensing_out_now);
        let lasts = held
            .and_then(Held::temporary)
            .is_some_and(|temporary| temporary.is_good(at) && at < next_at(temporary));
        if !is_out || lasts || !self.goes_on(service, held, &ground) {
            return None;
        }
        let number = held.map_or(0, Held::temporaries).saturating_add(1);
        match ground {
            Ground::Lease(lease) => {
                let claims = TemporaryClaims::of(lease, number, at).filter(|_| begin_at(lease) <= at)?;
                Some(Due {
                    claims,
                    identify: None,
                })
            }
            Ground::FirstStart(first) => {
                let known = self.facts.services.get(service)?;
                let (account, device) = known.account.as_ref().zip(known.device.as_ref())?;
                let subject = &account.subject;
                Some(Due {
                    claims: TemporaryClaims::of_first_start(first, device, subject, number, at),
                    identify: Some(account.issuer.clone()),
                })
            }
        }
    }

    /// Asks for what is due.
    pub(super) fn work_temporaries(&mut self, now: &Now) {
        let licences: Vec<Licence> = self
            .registry
            .iter()
            .map(|entry| (entry.service.clone(), entry.product.clone()))
            .collect();
        for licence in licences {
            let (service, product) = &licence;
            let at = self.time_of(service, now);
            let Some(Due { claims, identify }) = self.due(service, product, at) else {
                self.temporaries.asked.remove(&licence);
                continue;
            };
            if self.temporaries.is_asked(&licence, now) {
                continue;
            }
            let attempt = self.next_attempt();
            let asked = Asked {
                attempt,
                since: self.trusted(now),
                ticks: now.ticks,
                identify: identify.is_some(),
                repeated: self.temporaries.asked.contains_key(&licence),
                failed: false,
            };
            self.effects.push(Effect::SignTemporary {
                attempt,
                service: service.clone(),
                claims: Box::new(claims),
                identify,
            });
            self.temporaries.asked.insert(licence, asked);
        }
    }

    pub(super) fn temporary_signed(&mut self, attempt: Attempt, signed: Result<SelfSigned, NotSigned>) {
        let mut asked = self.temporaries.asked.iter_mut();
        let Some((licence, asked)) = asked.find(|(_, asked)| asked.attempt == attempt) else {
            return;
        };
        let (name, product) = licence.clone();
        let signed_by_vendor = self.temporaries.first_starts.get(licence);
        let Some(service) = self.facts.services.get_mut(&name) else {
            return;
        };
        let keys = service.verified_keys(&name, &self.registry);
        let first = FirstGrounds {
            signed: signed_by_vendor.map_or(&[], Vec::as_slice),
            keys: keys.as_ref(),
            device: service.device.as_ref(),
        };
        let is_taken = match &signed {
            Ok(signed) => {
                let held = service.products.entry(product).or_default();
                held.take_temporary(signed.clone(), first)
            }
            Err(NotSigned::SignInAgain) => {
                let account = service.account.as_mut();
                account
                    .into_iter()
                    .for_each(|account| account.sign_in_again = true);
                false
            }
            Err(NotSigned::OutOfReach) => false,
        };
        asked.failed = !is_taken;
        if is_taken || signed == Err(NotSigned::SignInAgain) {
            self.save(Dirty::One);
        }
        if is_taken && let Some(link) = self.links.get_mut(&name) {
            // What lets it run ends anew with this licence, and a check goes first then as well.
            link.end_checked.clear();
        }
    }

    /// While the key signs, whoever starts or runs is not told that it is over.
    pub(super) fn signing(&self, now: &Now, service: &str, product: &str) -> Option<Wire> {
        let licence = (service.to_owned(), product.to_owned());
        let asked = self.temporaries.asked.get(&licence)?;
        let (party, within) = asked.awaits();
        let is_awaited = !asked.failed && !asked.repeated && now.ticks < asked.ticks + within;
        is_awaited.then(|| Wire {
            party,
            since: asked.since,
            until: asked.since + within,
        })
    }

    /// The instants at which temporary licences of a service's products begin, follow and end, by its clock.
    pub(super) fn temporary_instants(&self, service: &str) -> impl Iterator<Item = Timestamp> {
        let is_out = self.link(service).is_some_and(Link::is_licensing_out);
        let entries = self.registry.iter().filter(move |entry| entry.service == service);
        entries.flat_map(move |entry| {
            let held = self.facts.held(&entry.service, &entry.product);
            let begins = held.and_then(Held::lease).filter(|_| is_out).map(begin_at);
            let given = held.and_then(Held::temporary);
            begins
                .into_iter()
                .chain(given.map(next_at))
                .chain(given.map(Temporary::until))
        })
    }
}
