//! Open products: how a start is answered, and what an open product is told when its licence ends
//! (rules 1, 2, 5 and 20).

use std::time::Duration;

use crate::facts::{Held, SaveWindow};
use crate::notice::NoticeKind;
use crate::policy::SessionPolicy;
use crate::status::{OpenSignIn, Pending, Status, status};
use crate::time::{MINUTE, Now, Timestamp};
use crate::view::{Reach, StatusView};

use super::link::Link;
use super::{Dirty, Engine, UseKey};

/// How long a start waits for its check although it holds a good lease (rule 2).
const CONFIRM_WITHIN: Duration = Duration::from_secs(3);
/// How long the check may take that comes before an end is told (rule 5).
const HEAL_WITHIN: Duration = MINUTE;

/// One program that has a product open, or is starting.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) service: String,
    pub(super) product: String,
    /// It was told that it may run, and has not been closed since.
    pub(super) running: bool,
    /// A start that waits for its check until then, although its lease is good.
    pub(super) confirm_until: Option<Duration>,
    /// Its user has not been told yet how many days remain.
    pub(super) untold: bool,
    told: Option<StatusView>,
}

impl Engine {
    pub(super) fn start(&mut self, now: &Now, key: UseKey, product: &str, running: bool) {
        let Some(entry) = self.registry.iter().find(|entry| entry.product == product) else {
            // Nothing to wait for: the answer is in `use_status`.
            self.uses.remove(&key);
            return;
        };
        let service = entry.service.clone();
        let at = self.trusted(now);
        let policy = self
            .facts
            .held(&service, product)
            .and_then(Held::lease)
            .map(|lease| (lease.is_good(at), lease.claims().policy.session_policy));
        let link = self.links.entry(service.clone()).or_default();
        link.want();
        let believed_online = matches!(link.reach, Reach::Unknown | Reach::Online);
        let confirm = !running
            && believed_online
            && matches!(
                policy,
                Some((true, SessionPolicy::Takeover | SessionPolicy::Deny))
            );
        let confirm_until = confirm.then(|| now.ticks + CONFIRM_WITHIN);
        self.uses.insert(
            key,
            Use {
                service,
                product: product.to_owned(),
                running,
                confirm_until,
                untold: !running,
                told: None,
            },
        );
    }

    /// Where an open product, or a start, stands. A product that is not registered has no use and is told so.
    pub fn use_status(&self, now: &Now, key: UseKey) -> StatusView {
        let at = self.trusted(now);
        let Some(open) = self.uses.get(&key) else {
            return status(&self.facts, &Pending::default(), None, at).view(at, None);
        };
        let status = self.status_of_use(now, open);
        let stop_at = self.stop_at(open, &status);
        status.view(at, stop_at)
    }

    /// Where a product stands for whoever asks without opening it.
    pub fn product_status(&self, now: &Now, product: &str) -> StatusView {
        let at = self.trusted(now);
        let Some(entry) = self.registry.iter().find(|entry| entry.product == product) else {
            return status(&self.facts, &Pending::default(), None, at).view(at, None);
        };
        let (status, stop_at) = self.status_of_product(now, &entry.service, product);
        status.view(at, stop_at)
    }

    /// The lease and the keys document that let a use run, when it may.
    pub fn grant(&self, now: &Now, key: UseKey) -> Option<(&str, &str)> {
        let open = self.uses.get(&key)?;
        let service = self.facts.services.get(&open.service)?;
        let lease = service.products.get(&open.product)?.lease()?;
        let may_run = matches!(self.status_of_use(now, open), Status::Ok { .. });
        may_run.then_some((lease.token(), service.keys.as_deref()?))
    }

    /// The product and the service of a use.
    pub fn use_of(&self, key: UseKey) -> Option<(&str, &str)> {
        self.uses
            .get(&key)
            .map(|open| (open.product.as_str(), open.service.as_str()))
    }

    fn status_of_use(&self, now: &Now, open: &Use) -> Status {
        let at = self.trusted(now);
        let entry = self.registry.iter().find(|entry| entry.product == open.product);
        let pending = if open.running {
            self.pending_of_running(now, open)
        } else {
            self.pending_of_start(now, open)
        };
        status(&self.facts, &pending, entry, at)
    }

    /// A start waits for whatever may still let it run.
    fn pending_of_start(&self, now: &Now, open: &Use) -> Pending {
        let link = self.links.get(&open.service);
        Pending {
            wire: link.and_then(|link| link.wire(now)),
            confirm: open.confirm_until.is_some_and(|until| now.ticks < until),
            ..self.pending_of_service(&open.service)
        }
    }

    /// An open product is told why it must stop, not what a start would wait for; only the check that
    /// comes before the end holds that back.
    fn pending_of_running(&self, now: &Now, open: &Use) -> Pending {
        let link = self.links.get(&open.service);
        let healing =
            link.filter(|link| link.heal_until.is_some_and(|until| now.ticks < until) && link.is_checking());
        Pending {
            wire: healing.and_then(|link| link.wire(now)),
            reach: link.map(|link| link.reach).unwrap_or_default(),
            ..Pending::default()
        }
    }

    fn pending_of_service(&self, service: &str) -> Pending {
        let link = self.links.get(service);
        Pending {
            sign_in: self.sign_in.as_ref().map(|open| OpenSignIn {
                for_this_service: open.service == service,
                since: open.since,
                until: open.until,
            }),
            reach: link.map(|link| link.reach).unwrap_or_default(),
            vault_locked: self.vault_locked,
            hindrance: link.and_then(|link| link.hindrance),
            ..Pending::default()
        }
    }

    /// Where a product stands as a whole: with whatever its starts wait for, and the save window of its open programs.
    pub(super) fn status_of_product(
        &self,
        now: &Now,
        service: &str,
        product: &str,
    ) -> (Status, Option<Timestamp>) {
        let at = self.trusted(now);
        let mine = || {
            self.uses
                .values()
                .filter(|open| open.product == product && open.service == service)
        };
        let entry = self
            .registry
            .iter()
            .find(|entry| entry.product == product && entry.service == service);
        let starting = mine().find(|open| !open.running);
        let running = mine().find(|open| open.running);
        let pending = match (starting, running) {
            (Some(open), _) => self.pending_of_start(now, open),
            (None, Some(open)) => self.pending_of_running(now, open),
            (None, None) => self.pending_of_service(service),
        };
        let status = status(&self.facts, &pending, entry, at);
        let stop_at = running.and_then(|open| self.stop_at(open, &status));
        (status, stop_at)
    }

    fn stop_at(&self, open: &Use, status: &Status) -> Option<Timestamp> {
        let must_stop = open.running && !matches!(status, Status::Ok { .. } | Status::OnWire(_));
        let held = self
            .facts
            .held(&open.service, &open.product)
            .filter(|_| must_stop)?;
        let window = held.save_window.as_ref()?;
        (window.cause == self.cause(&open.service, held, status)).then_some(window.stop_at)
    }

    /// What ended a licence: one save window each.
    fn cause(&self, service: &str, held: &Held, status: &Status) -> String {
        if let Status::Refused(refusal) = status {
            return format!("refusal:{}", refusal.claims().binding.jti);
        }
        match held.lease() {
            Some(lease) => format!("end:{}", lease.claims().binding.jti),
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
        self.check_before_the_end(now);
        let keys: Vec<UseKey> = self.uses.keys().copied().collect();
        for key in keys {
            let Some(open) = self.uses.get(&key) else { continue };
            match self.status_of_use(now, open) {
                Status::Ok { .. } => {
                    if let Some(open) = self.uses.get_mut(&key) {
                        open.running = true;
                        open.confirm_until = None;
                    }
                }
                Status::OnWire(_) => {}
                status @ (Status::AuthPending { .. }
                | Status::Refused(_)
                | Status::OfflineLimitReached { .. }
                | Status::LeaseInvalid
                | Status::FirstStartOffline
                | Status::SignInRequired
                | Status::IdentityUnavailable
                | Status::LicensingUnavailable) => self.must_stop(now, key, &status),
            }
        }
    }

    /// Before an open product is told that its lease has ended, one check is tried (rule 5).
    fn check_before_the_end(&mut self, now: &Now) {
        let at = self.trusted(now);
        let mut wanted: Vec<(String, String)> = Vec::new();
        for open in self.uses.values().filter(|open| open.running) {
            let signed_in = self.facts.services.get(&open.service).is_some_and(|service| {
                service
                    .account
                    .as_ref()
                    .is_some_and(|account| !account.sign_in_again)
            });
            let lease = self
                .facts
                .held(&open.service, &open.product)
                .and_then(Held::lease);
            if let Some(lease) = lease.filter(|lease| signed_in && lease.until() <= at) {
                wanted.push((open.service.clone(), lease.claims().binding.jti.clone()));
            }
        }
        for (service, lease) in wanted {
            let link = self.links.entry(service).or_default();
            if link.end_checked.as_ref() != Some(&lease) {
                link.end_checked = Some(lease);
                link.heal_until = Some(now.ticks + HEAL_WITHIN);
                link.want();
                self.work_links(now);
            }
        }
    }

    fn must_stop(&mut self, now: &Now, key: UseKey, status: &Status) {
        let at = self.trusted(now);
        let Some(open) = self.uses.get(&key).filter(|open| open.running) else {
            return;
        };
        let (service, product) = (open.service.clone(), open.product.clone());
        let Some(held) = self.facts.held(&service, &product) else {
            return;
        };
        let cause = self.cause(&service, held, status);
        let name = self.name_of(&service, &product);
        let entry = self.facts.services.entry(service).or_default();
        let held = entry.products.entry(product).or_default();
        if held
            .save_window
            .as_ref()
            .is_some_and(|window| window.cause == cause)
        {
            return;
        }
        let stop_at = at + held.save_for();
        held.save_window = Some(SaveWindow { cause, stop_at });
        self.save(Dirty::One);
        if let Status::Refused(refusal) = status {
            self.note(
                at,
                name,
                NoticeKind::MustStop {
                    code: refusal.claims().code.number(),
                    stop_at,
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
