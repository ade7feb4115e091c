//! Reset and sign-out (rule 15): what is signed first, deleted next, and brought to the service when it can be.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::code::Code;
use crate::facts::{Forget, Held, PendingRelease};
use crate::time::{MINUTE, Now};
use crate::usage::Counted;
use crate::view::SignInResult;

use super::pause::pause;
use super::{Answer, Attempt, Dirty, Effect, Engine, Ticket};

/// How long the device key is waited for before a reset goes on without a release.
const SIGN_WITHIN: Duration = Duration::from_secs(15);
/// How long the vault may take to delete, and the service to take a release.
const WORK_WITHIN: Duration = MINUTE;

/// What is under way with the end of an account at one service.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Resets that wait for their releases to be signed.
    signing: Vec<Signing>,
    /// The vault is deleting: attempt, deadline.
    forgetting: Option<(Attempt, Duration)>,
    /// A release is on the wire: attempt, deadline.
    sending: Option<(Attempt, Duration)>,
    /// When the vault or the service is tried again.
    forget_at: Option<Duration>,
    send_at: Option<Duration>,
    failures: u32,
    /// Requests to be answered when the vault has deleted.
    waiters: BTreeSet<Ticket>,
}

#[derive(Debug)]
struct Signing {
    attempt: Attempt,
    product: Option<String>,
    deadline: Duration,
    ticket: Ticket,
}

impl Ending {
    pub(super) fn is_idle(&self) -> bool {
        !self.is_blocking() && self.sending.is_none()
    }

    /// While an account ends, no check of it is begun.
    pub(super) fn is_blocking(&self) -> bool {
        !self.signing.is_empty() || self.forgetting.is_some()
    }

    /// Resets wait for their releases to be signed: a moment, and the service is asked again.
    pub(super) fn is_signing(&self) -> bool {
        !self.signing.is_empty() && self.forgetting.is_none()
    }

    fn has_to_answer(&self, ticket: Ticket) -> bool {
        self.waiters.contains(&ticket) || self.signing.iter().any(|signing| signing.ticket == ticket)
    }

    /// The service was reached: what waits for it is tried at once.
    pub(super) fn contact(&mut self) {
        self.send_at = None;
        self.failures = 0;
    }

    pub(super) fn next_at(&self) -> impl Iterator<Item = Duration> {
        let signing = self.signing.iter().map(|signing| signing.deadline);
        let others = [
            self.forgetting.map(|(_, deadline)| deadline),
            self.sending.map(|(_, deadline)| deadline),
            self.forget_at,
            self.send_at,
        ];
        signing.chain(others.into_iter().flatten())
    }

    fn back_off(&mut self, now: &Now, retry_after: Option<Duration>) -> Duration {
        let pause = pause(self.failures, retry_after, now.entropy.rotate_left(17));
        self.failures = self.failures.saturating_add(1);
        now.ticks + pause
    }

    /// Whether it was this attempt that sends a release. It does no more.
    fn take_sending(&mut self, attempt: Attempt) -> bool {
        self.sending.take_if(|(sending, _)| *sending == attempt).is_some()
    }
}

impl Engine {
    pub(super) fn ask_reset(&mut self, now: &Now, ticket: Ticket, product: Option<String>) {
        let services = match &product {
            Some(product) => {
                let entry = self.registry.iter().find(|entry| entry.product == *product);
                match entry.map(|entry| entry.service.clone()) {
                    Some(service) => BTreeSet::from([service]),
                    None => {
                        return self
                            .answer(ticket, Answer::refused(Code::InvalidArgument, "unknown_product"));
                    }
                }
            }
            None => {
                self.end_sign_in(SignInResult::Cancelled);
                self.services_of_secrets()
            }
        };
        let mut begun = false;
        for service in services {
            let is_empty = |product: &String| self.facts.held(&service, product).is_none_or(Held::is_empty);
            if !product.as_ref().is_some_and(is_empty) {
                begun = true;
                self.begin_reset(now, &service, product.clone(), ticket);
            }
        }
        if !begun {
            self.answer(ticket, Answer::Done);
        }
    }

    /// Every service that may have something in the vault: those of registered products too, because a state that was lost knows of none.
    fn services_of_secrets(&self) -> BTreeSet<String> {
        let registered = self.registry.iter().map(|entry| &entry.service);
        registered.chain(self.facts.services.keys()).cloned().collect()
    }

    fn begin_reset(&mut self, now: &Now, service: &str, product: Option<String>, ticket: Ticket) {
        let at = self.time_of(service, now);
        let attempt = self.next_attempt();
        let link = self.links.entry(service.to_owned()).or_default();
        // Answers to requests that are under way came too late from here on.
        link.abandon();
        let interrupted = link.take_waiters();
        link.ending.signing.push(Signing {
            attempt,
            product: product.clone(),
            deadline: now.ticks + SIGN_WITHIN,
            ticket,
        });
        self.effects.push(Effect::SignRelease {
            attempt,
            service: service.to_owned(),
            product,
            at,
        });
        for waiter in interrupted {
            self.answer(waiter, Answer::refused(Code::SignInRequired, "reset_meanwhile"));
        }
    }

    pub(super) fn release_signed(&mut self, now: &Now, attempt: Attempt, release: Option<PendingRelease>) {
        let found = self.links.iter_mut().find_map(|(name, link)| {
            let signing = &mut link.ending.signing;
            let at = signing.iter().position(|signing| signing.attempt == attempt)?;
            Some((name.clone(), signing.remove(at)))
        });
        if let Some((name, signing)) = found {
            self.finish_reset(now, &name, signing, release);
        }
    }

    fn finish_reset(&mut self, now: &Now, name: &str, signing: Signing, release: Option<PendingRelease>) {
        if let Some(link) = self.links.get_mut(name) {
            link.ending.contact();
        }
        let service = self.facts.services.entry(name.to_owned()).or_default();
        service.releases.extend(release);
        service.ended += 1;
        match &signing.product {
            Some(product) => {
                let service = self.facts.services.get_mut(name);
                if let Some(held) = service.and_then(|service| service.products.get_mut(product)) {
                    held.clear();
                }
                self.save(Dirty::Both);
                self.ended(signing.ticket, true);
            }
            None => {
                self.end_account(name);
                if let Some(service) = self.facts.services.get_mut(name) {
                    service.device = None;
                }
                if let Some(link) = self.links.get_mut(name) {
                    link.ending.waiters.insert(signing.ticket);
                }
                self.forget(now, name, Forget::Everything);
            }
        }
    }

    /// One service's part of a request is over. The request is answered once, when every part is.
    fn ended(&mut self, ticket: Ticket, well: bool) {
        if !well {
            self.endings_failed.insert(ticket);
        }
        if self.links.values().any(|link| link.ending.has_to_answer(ticket)) {
            return;
        }
        let answer = if self.endings_failed.remove(&ticket) {
            Answer::refused(Code::AuthPending, "vault_not_deleted")
        } else {
            Answer::Done
        };
        self.answer(ticket, answer);
    }

    pub(super) fn ask_sign_out(&mut self, now: &Now, ticket: Ticket, service: Option<String>) {
        let name = match self.service_or_only(service) {
            Ok(name) => name,
            Err(refused) => return self.answer(ticket, refused),
        };
        let link = self.links.entry(name.clone()).or_default();
        link.ending.waiters.insert(ticket);
        let known = self.facts.services.get(&name);
        if known.is_some_and(|service| service.account.is_some()) {
            self.sign_out(&name);
        }
        // Also where nobody is known to be signed in: a state that was lost knows of no tokens, and the vault may have them.
        self.forget(now, &name, Forget::Tokens);
    }

    fn sign_out(&mut self, name: &str) {
        let link = self.links.entry(name.to_owned()).or_default();
        link.abandon();
        for waiter in link.take_waiters() {
            self.answer(
                waiter,
                Answer::refused(Code::SignInRequired, "signed_out_meanwhile"),
            );
        }
        if let Some(service) = self.facts.services.get_mut(name) {
            service.ended += 1;
        }
        self.end_account(name);
    }

    /// The account and everything that was signed for it goes; save windows and the clock stay.
    pub(super) fn end_account(&mut self, name: &str) {
        let Some(service) = self.facts.services.get_mut(name) else {
            return;
        };
        service.account = None;
        service.user = None;
        service.linked = false;
        service.checked_at = None;
        // Nobody else's minutes are sent in another's name.
        service.usage = Counted::default();
        service.products.values_mut().for_each(Held::clear);
        self.nothing_to_say_of(name);
        self.save(Dirty::Both);
    }

    /// Has the vault delete, and ends what would write into it. It is written down first, so that a crash in between
    /// does not keep a secret.
    pub(super) fn forget(&mut self, now: &Now, name: &str, what: Forget) {
        if self.sign_in.as_ref().is_some_and(|open| open.service == name) {
            self.end_sign_in(SignInResult::Cancelled);
        }
        let attempt = self.next_attempt();
        let service = self.facts.services.entry(name.to_owned()).or_default();
        // What an earlier reset is still to delete is deleted all the same.
        let what = service.forget.map_or(what, |earlier| earlier.max(what));
        service.forget = Some(what);
        self.save(Dirty::Both);
        let link = self.links.entry(name.to_owned()).or_default();
        link.abandon();
        link.ending.forget_at = None;
        link.ending.forgetting = Some((attempt, now.ticks + WORK_WITHIN));
        self.effects.push(Effect::Forget {
            attempt,
            service: name.to_owned(),
            what,
        });
    }

    /// Tries at once what the vault could not delete yet.
    pub(super) fn forget_now(&mut self, now: &Now, name: &str) {
        let is_forgetting = self
            .links
            .get(name)
            .is_some_and(|link| link.ending.forgetting.is_some());
        let what = self.facts.services.get(name).and_then(|service| service.forget);
        if let Some(what) = what.filter(|_| !is_forgetting) {
            self.forget(now, name, what);
        }
    }

    pub(super) fn forgotten(&mut self, now: &Now, attempt: Attempt, done: bool) {
        let Some((name, link)) = self.links.iter_mut().find(|(_, link)| {
            link.ending
                .forgetting
                .is_some_and(|(forgetting, _)| forgetting == attempt)
        }) else {
            return;
        };
        let name = name.clone();
        link.ending.forgetting = None;
        let waiters = std::mem::take(&mut link.ending.waiters);
        if done {
            self.vault_was_read();
            self.vault.begins_anew(&name);
            if let Some(service) = self.facts.services.get_mut(&name) {
                service.forget = None;
            }
            self.save(Dirty::Both);
        } else {
            link.ending.forget_at = Some(
                link.ending
                    .back_off(now, None)
                    .max(now.ticks + Duration::from_secs(5)),
            );
        }
        for ticket in waiters {
            self.ended(ticket, done);
        }
    }

    pub(super) fn release_not_sent(&mut self, now: &Now, attempt: Attempt, retry_after: Option<Duration>) {
        let mut endings = self.links.values_mut().map(|link| &mut link.ending);
        if let Some(ending) = endings.find_map(|ending| ending.take_sending(attempt).then_some(ending)) {
            ending.send_at = Some(ending.back_off(now, retry_after));
        }
    }

    pub(super) fn release_sent(&mut self, attempt: Attempt) {
        let mut links = self.links.iter_mut();
        let Some((name, link)) = links.find_map(|(name, link)| {
            let its = link.ending.take_sending(attempt);
            its.then_some((name, link))
        }) else {
            return;
        };
        link.ending.contact();
        if let Some(service) = self.facts.services.get_mut(name)
            && !service.releases.is_empty()
        {
            service.releases.remove(0);
        }
        self.save(Dirty::One);
    }

    /// Starts what is to be signed, deleted or sent, and goes on without what has taken too long.
    pub(super) fn work_endings(&mut self, now: &Now) {
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            let Some(link) = self.links.get_mut(&name) else {
                continue;
            };
            let late = |deadline: Duration| now.ticks >= deadline;
            let signing = link.ending.signing.iter();
            let signing_late: Vec<Attempt> = signing
                .filter(|signing| late(signing.deadline))
                .map(|signing| signing.attempt)
                .collect();
            let forgetting_late = link.ending.forgetting.filter(|(_, deadline)| late(*deadline));
            let sending_late = link.ending.sending.filter(|(_, deadline)| late(*deadline));
            for attempt in signing_late {
                self.release_signed(now, attempt, None);
            }
            if let Some((attempt, _)) = forgetting_late {
                self.forgotten(now, attempt, false);
            }
            if let Some((attempt, _)) = sending_late {
                self.release_not_sent(now, attempt, None);
            }
            self.work_ending(now, &name);
        }
    }

    fn work_ending(&mut self, now: &Now, name: &str) {
        let forget = self.facts.services.get(name).and_then(|service| service.forget);
        let release = self
            .facts
            .services
            .get(name)
            .and_then(|service| service.releases.first().cloned());
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        let ending = &link.ending;
        // A sign-in that is open is not cut off: it replaces what is to be deleted.
        let signing_in = self.sign_in.as_ref().is_some_and(|open| open.service == name);
        let forget_due =
            ending.forgetting.is_none() && ending.forget_at.is_none_or(|at| now.ticks >= at) && !signing_in;
        if let Some(what) = forget.filter(|_| forget_due) {
            self.forget(now, name, what);
        }
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        let send_due = link.ending.sending.is_none() && link.ending.send_at.is_none_or(|at| now.ticks >= at);
        if let Some(release) = release.filter(|_| send_due) {
            self.attempts += 1;
            let attempt = self.attempts;
            link.ending.send_at = None;
            link.ending.sending = Some((attempt, now.ticks + WORK_WITHIN));
            self.effects.push(Effect::SendRelease {
                attempt,
                service: name.to_owned(),
                release,
            });
        }
    }
}
