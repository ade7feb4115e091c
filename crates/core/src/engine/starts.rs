//! Open products: how a start is answered, and what an open product is told when its licence ends
//! (rules 1, 2, 5 and 20).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::facts::{Held, SaveWindow};
use crate::hindrance::Hindrance;
use crate::lease::Lease;
use crate::notice::NoticeKind;
use crate::policy::{IdentityOutage, SessionPolicy};
use crate::registration::Registration;
use crate::status::{OpenSignIn, Pending, Status, VAULT_AWAITED_FOR, Why, is_denied, status};
use crate::temporary::Temporary;
use crate::time::{MINUTE, Now, Timestamp};
use crate::view::{Reach, StatusView};

use super::link::Link;
use super::{Dirty, Engine, UseKey};

/// How long a start waits for its check although it holds a good lease (rule 2).
const CONFIRM_WITHIN: Duration = Duration::from_secs(3);

/// The cause of a stop that this lease no longer holds off, by a name of its own.
fn end_of(lease: &Lease) -> String {
    format!("end:{}", lease.claims().binding.jti)
}

/// Whether what is open was told to stop although its lease is held: for want of a token (rule 6).
fn was_denied(held: &Held) -> bool {
    let (Some(window), Some(lease)) = (&held.save_window, held.lease()) else {
        return false;
    };
    let denies = lease.claims().policy.identity_outage == IdentityOutage::Deny;
    denies && window.causes.contains(&end_of(lease))
}

/// One program that has a product open, or is starting.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) service: String,
    pub(super) product: String,
    pub(super) version: String,
    /// It was told that it may run, and has not been closed since.
    pub(super) running: bool,
    /// A start that waits for its check until then, although its lease is good.
    pub(super) confirm_until: Option<Duration>,
    /// Since when its product is not registered any more.
    missing_since: Option<Timestamp>,
    /// Its user has not been told yet how many days remain.
    pub(super) untold: bool,
    told: Option<StatusView>,
}

/// What lets a product run, as it was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grounds<'a> {
    /// The lease, or what its vendor has signed of a registration.
    pub base: Base<'a>,
    /// The keys document that verifies it.
    pub keys: &'a str,
    /// The temporary licence.
    pub temporary: Option<&'a str>,
}

/// What a product rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base<'a> {
    /// A lease, which may have ended where a temporary licence goes on from it.
    Lease(&'a str),
    /// What the vendor has signed of the registration, at a first start in an outage (rule 7).
    FirstStart(&'a str),
}

impl<'a> Base<'a> {
    /// The token.
    pub const fn token(self) -> &'a str {
        match self {
            Self::Lease(token) | Self::FirstStart(token) => token,
        }
    }

    /// The lease, if it is one.
    pub const fn lease(self) -> Option<&'a str> {
        match self {
            Self::Lease(token) => Some(token),
            Self::FirstStart(_) => None,
        }
    }

    /// What the vendor has signed, if it is that.
    pub const fn first_start(self) -> Option<&'a str> {
        match self {
            Self::FirstStart(token) => Some(token),
            Self::Lease(_) => None,
        }
    }
}

impl Engine {
    pub(super) fn start(&mut self, now: &Now, key: UseKey, product: &str, version: String, running: bool) {
        let Some(entry) = self.registry.iter().find(|entry| entry.product == product) else {
            // Nothing to wait for: the answer is in `use_status`.
            self.uses.remove(&key);
            return;
        };
        let service = entry.service.clone();
        let at = self.trusted(now);
        let held = self.facts.held(&service, product);
        let policy = held.and_then(Held::lease).map(|lease| {
            (
                lease.is_good(self.time_of(&service, now)),
                lease.claims().policy.session_policy,
            )
        });
        let is_good = policy.is_some_and(|(is_good, _)| is_good);
        let may_be_over =
            held.is_some_and(|held| held.is_session_in_use() || (held.is_client_outdated() && !is_good));
        let without_seat = held.is_some_and(Held::is_not_assigned) && !running;
        // The next try starts clean: its user is awaited anew (rule 17).
        self.vault_locked
            .take_if(|since| at >= *since + VAULT_AWAITED_FOR);
        self.vault.awaits_anew(&service, at);
        let link = self.links.entry(service.clone()).or_default();
        link.want();
        let believed_online = matches!(link.reach, Reach::Unknown | Reach::Online);
        let confirm = !running
            && believed_online
            && (may_be_over
                || matches!(
                    policy,
                    Some((true, SessionPolicy::Takeover | SessionPolicy::Deny))
                ));
        let confirm_until = confirm.then(|| now.ticks + CONFIRM_WITHIN);
        let name = service.clone();
        self.uses.insert(
            key,
            Use {
                service,
                product: product.to_owned(),
                version,
                running,
                confirm_until,
                missing_since: None,
                untold: !running,
                told: None,
            },
        );
        if without_seat {
            self.not_assigned(now, &name, product);
        }
    }

    /// Where an open product, or a start, stands, in its service's time: whoever has it open reckons by that. A product that is not
    /// registered has no use and is told so.
    pub fn use_status(&self, now: &Now, key: UseKey) -> StatusView {
        let Some(open) = self.uses.get(&key) else {
            return self.not_registered(now);
        };
        let status = self.status_of_use(now, open);
        let stop_at = self.stop_at(open, &status);
        status.view(self.time_of(&open.service, now), stop_at)
    }

    /// Where a product stands for whoever asks without opening it, in the machine's time.
    pub fn product_status(&self, now: &Now, product: &str) -> StatusView {
        let Some(entry) = self.registry.iter().find(|entry| entry.product == product) else {
            return self.not_registered(now);
        };
        let (status, stop_at) = self.status_of_product(now, entry);
        self.shown_status(now, &entry.service, &status, stop_at)
    }

    fn not_registered(&self, now: &Now) -> StatusView {
        let at = self.trusted(now);
        status(&self.facts, &Pending::default(), None, at).view(at, None)
    }

    /// What lets a use run, when it may.
    pub fn grant(&self, now: &Now, key: UseKey) -> Option<Grounds<'_>> {
        let open = self.uses.get(&key)?;
        let service = self.facts.services.get(&open.service)?;
        let held = service.products.get(&open.product)?;
        let may_run = matches!(self.status_of_use(now, open), Status::Ok { .. });
        let base = match held.lease() {
            Some(lease) => Base::Lease(lease.token()),
            None => {
                let mut signed = self.signed_by_vendor(&open.service, &open.product).iter();
                let temporary = held.temporary()?;
                Base::FirstStart(signed.find(|first| temporary.is_of(first))?.token())
            }
        };
        may_run.then_some(Grounds {
            base,
            keys: service.keys.as_deref()?,
            temporary: held.temporary().map(Temporary::token),
        })
    }

    /// What is open goes by the service that its product is registered for, also where that is another one now.
    pub(super) fn follow_registrations(&mut self) {
        for open in self.uses.values_mut() {
            let mine = self.registry.iter().filter(|entry| entry.product == open.product);
            let services: Vec<&String> = mine.map(|entry| &entry.service).collect();
            if let [first, ..] = services[..]
                && !services.contains(&&open.service)
            {
                open.service.clone_from(first);
            }
        }
    }

    /// Notes since when an open product is not registered any more.
    pub(super) fn note_missing(&mut self, at: Timestamp) {
        for open in self.uses.values_mut() {
            let is_registered = self.registry.iter().any(|entry| entry.product == open.product);
            open.missing_since = (!is_registered).then(|| open.missing_since.unwrap_or(at));
        }
    }

    /// The product and the service of a use.
    pub fn use_of(&self, key: UseKey) -> Option<(&str, &str)> {
        self.uses
            .get(&key)
            .map(|open| (open.product.as_str(), open.service.as_str()))
    }

    pub(super) fn status_of_use(&self, now: &Now, open: &Use) -> Status {
        let Some(entry) = self.registry.iter().find(|entry| entry.product == open.product) else {
            let since = open.missing_since.unwrap_or_else(|| self.trusted(now));
            let its = since.shifted(self.ahead(&open.service, now));
            return status(&self.facts, &Pending::default(), None, its);
        };
        let pending = if open.running {
            self.pending_of_running(now, open)
        } else {
            self.pending_of_start(now, open)
        };
        self.judge(now, entry, &pending)
    }

    /// A start waits for whatever may still let it run.
    fn pending_of_start(&self, now: &Now, open: &Use) -> Pending {
        let link = self.links.get(&open.service);
        let held = self.facts.held(&open.service, &open.product);
        // Only who holds no lease takes the machine's own word that there is no route (rule 8).
        let reach = match held.and_then(Held::lease) {
            Some(_) => link.map(|link| link.reach),
            None => link.map(Link::reach_of_start),
        };
        Pending {
            wire: link
                .and_then(|link| link.wire(now))
                .or_else(|| self.signing(now, &open.service, &open.product)),
            confirm: open.confirm_until.is_some_and(|until| now.ticks < until),
            spreading: self.spreading(now, &open.service, &open.product),
            reach: reach.unwrap_or_default(),
            ..self.pending_of_service(now, &open.service)
        }
    }

    /// An open product is told why it must stop, not what a start would wait for; only the check that
    /// comes before the end holds that back.
    fn pending_of_running(&self, now: &Now, open: &Use) -> Pending {
        let link = self.links.get(&open.service);
        Pending {
            wire: link
                .and_then(|link| link.healing(now))
                .filter(|_| self.has_ended(now, open).is_some())
                .or_else(|| self.signing(now, &open.service, &open.product)),
            running: true,
            ..self.pending_of_nobody(&open.service)
        }
    }

    /// What is known about a service, with nobody who waits for anything.
    pub(super) fn pending_of_nobody(&self, service: &str) -> Pending {
        let link = self.links.get(service);
        Pending {
            reach: link.map(|link| link.reach).unwrap_or_default(),
            busy: link.and_then(Link::busy),
            key_awaited: self.vault.awaits_key(service),
            keyless: self.vault.is_keyless(service),
            unbound: self.vault.is_unbound(service),
            ..Pending::default()
        }
    }

    fn pending_of_service(&self, now: &Now, service: &str) -> Pending {
        let link = self.links.get(service);
        Pending {
            sign_in: self.sign_in.as_ref().map(|open| OpenSignIn {
                service: open.service.clone(),
                since: open.since,
                until: open.until,
            }),
            vault_locked: self.vault_locked,
            vault_silent: self.vault.silent_since(),
            hindrance: link
                .and_then(|link| link.hindrance.clone())
                .map(|(by, since)| (self.with_difference(now, by), since)),
            ..self.pending_of_nobody(service)
        }
    }

    /// A clock of which TLS or a token says just that it is wrong may be known better.
    fn with_difference(&self, now: &Now, by: Hindrance) -> Hindrance {
        match by {
            Hindrance::ClockWrong { ahead: None } => Hindrance::ClockWrong {
                ahead: self.clock_ahead(now),
            },
            Hindrance::ClockWrong { .. } | Hindrance::ServiceOutdated | Hindrance::Blocked(_) => by,
        }
    }

    /// Where a product stands as a whole, in its service's time: with whatever its starts wait for, and the save window of its open
    /// programs.
    pub(super) fn status_of_product(&self, now: &Now, entry: &Registration) -> (Status, Option<Timestamp>) {
        let (service, product) = (entry.service.as_str(), entry.product.as_str());
        let mine = || {
            self.uses
                .values()
                .filter(|open| open.product == product && open.service == service)
        };
        let starting = mine().find(|open| !open.running);
        let running = mine().find(|open| open.running);
        let pending = match (starting, running) {
            (Some(open), _) => self.pending_of_start(now, open),
            (None, Some(open)) => self.pending_of_running(now, open),
            (None, None) => self.pending_of_service(now, service),
        };
        let status = self.judge(now, entry, &pending);
        let stop_at = running.and_then(|open| self.stop_at(open, &status));
        (status, stop_at)
    }

    fn stop_at(&self, open: &Use, status: &Status) -> Option<Timestamp> {
        let must_stop = open.running && !matches!(status, Status::Ok { .. });
        let held = self
            .facts
            .held(&open.service, &open.product)
            .filter(|_| must_stop)?;
        held.save_window.as_ref().map(|window| window.stop_at)
    }

    /// What ended a licence. Every check brings a refusal anew, and it is still the same cause.
    fn cause(&self, service: &str, product: &str, status: &Status) -> String {
        if let Status::Refused(refusal) = status {
            return format!("refusal:{}", refusal.claims().code.number());
        }
        match self.facts.held(service, product).and_then(Held::lease) {
            Some(lease) => end_of(lease),
            None => format!(
                "ended:{}",
                self.facts
                    .services
                    .get(service)
                    .map_or(0, |service| service.ended)
            ),
        }
    }

    /// Marks what may run, and gives what must stop its save window.
    pub(super) fn work_uses(&mut self, now: &Now) {
        let keys: Vec<UseKey> = self.uses.keys().copied().collect();
        for key in keys {
            let Some(open) = self.uses.get(&key) else { continue };
            match self.status_of_use(now, open) {
                Status::Ok { .. } => self.may_run(key),
                Status::OnWire(_)
                // What is open had its proof: it runs on until the vault gives the key again, and nothing else ends it.
                | Status::AuthPending { why: Why::VaultLocked, .. } => {}
                status @ (Status::AuthPending { .. }
                | Status::Refused(_)
                | Status::OfflineLimitReached { .. }
                | Status::LeaseInvalid
                | Status::FirstStartOffline { .. }
                | Status::SignInRequired
                | Status::IdentityUnavailable
                | Status::LicensingUnavailable) => self.must_stop(now, key, &status),
            }
        }
    }

    /// Before open products are told that their leases have ended, one check is tried for all of them (rule 5).
    pub(super) fn check_before_the_end(&mut self, now: &Now) {
        let at = self.trusted(now);
        let mut ended: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for open in self.uses.values().filter(|open| open.running) {
            if let Some(what) = self.has_ended(now, open) {
                ended.entry(open.service.clone()).or_default().insert(what);
            }
        }
        for (service, leases) in ended {
            let patient = now.ticks.saturating_sub(self.up_since) < MINUTE;
            self.links
                .entry(service)
                .or_default()
                .heal(leases, now, at, patient);
        }
    }

    /// What of an open product has ended that a check may heal, by a name of its own: whoever is not signed in is not asked about.
    fn has_ended(&self, now: &Now, open: &Use) -> Option<String> {
        let service = self.facts.services.get(&open.service)?;
        let account = service.account.as_ref()?;
        let held = service.products.get(&open.product)?;
        let its_time = self.time_of(&open.service, now);
        let ended = held.has_ended(its_time);
        // What is known of the identity service may be of before the machine slept: it may be back, and the check goes first. Whoever was
        // told already need not wait for it.
        let is_fresh = self.link(&open.service).is_some_and(|link| link.is_fresh);
        let denied = || {
            let pending = Pending {
                running: true,
                ..self.pending_of_nobody(&open.service)
            };
            let lease = held.lease().filter(|_| !was_denied(held))?;
            (!is_fresh && is_denied(lease, Some(service), &pending, its_time))
                .then(|| format!("denied:{}", lease.claims().binding.jti))
        };
        ended.or_else(denied).filter(|_| !account.sign_in_again)
    }

    /// What may run has a save window ahead of it again; but what was told to stop and may run just because an outage is not decided
    /// yet wins none by that: an agent that was started anew knows of no outage (rules 5 and 6).
    fn may_run(&mut self, key: UseKey) {
        let Some(open) = self.uses.get_mut(&key) else {
            return;
        };
        open.running = true;
        open.confirm_until = None;
        let undecided = self.links.get(&open.service).is_none_or(Link::is_undecided);
        let service = self.facts.services.get_mut(&open.service);
        let held = service.and_then(|service| service.products.get_mut(&open.product));
        let Some(held) = held.filter(|held| !(undecided && was_denied(held))) else {
            return;
        };
        if held.save_window.take().is_some() {
            self.save(Dirty::One);
        }
    }

    fn must_stop(&mut self, now: &Now, key: UseKey, status: &Status) {
        let Some(open) = self.uses.get(&key).filter(|open| open.running) else {
            return;
        };
        let (service, product) = (open.service.clone(), open.product.clone());
        let (at, ahead) = (self.time_of(&service, now), self.ahead(&service, now));
        let cause = self.cause(&service, &product, status);
        let name = self.name_of(&service, &product);
        let entry = self.facts.services.entry(service).or_default();
        let held = entry.products.entry(product).or_default();
        let begins = SaveWindow {
            causes: BTreeSet::new(),
            stop_at: at + held.save_for(),
        };
        // Another cause wins no time while the product could not run since the first.
        let window = held.save_window.get_or_insert(begins);
        let stop_at = window.stop_at;
        if !window.causes.insert(cause) {
            return;
        }
        self.save(Dirty::One);
        if let Status::Refused(refusal) = status {
            let claims = refusal.claims();
            self.note(
                at.shifted(-ahead),
                name,
                NoticeKind::MustStop {
                    code: claims.code.number(),
                    stop_at: stop_at.shifted(-ahead),
                    holder: claims.detail.holder.as_ref().map(|device| device.name.clone()),
                },
            );
        }
    }

    /// Uses whose status is another than they were told.
    pub(super) fn changed_uses(&mut self, now: &Now) -> Vec<UseKey> {
        let statuses: Vec<(UseKey, StatusView)> = self
            .uses
            .keys()
            .map(|key| (*key, self.use_status(now, *key)))
            .collect();
        let mut changed = Vec::new();
        for (key, status) in statuses {
            if let Some(open) = self
                .uses
                .get_mut(&key)
                .filter(|open| open.told.as_ref() != Some(&status))
            {
                open.told = Some(status);
                changed.push(key);
            }
        }
        changed
    }

    /// What people call a product.
    pub(super) fn name_of(&self, service: &str, product: &str) -> String {
        let entry = self
            .registry
            .iter()
            .find(|entry| entry.product == product && entry.service == service);
        entry.map_or_else(|| product.to_owned(), |entry| entry.name.clone())
    }

    pub(super) fn link(&self, service: &str) -> Option<&Link> {
        self.links.get(service)
    }
}
