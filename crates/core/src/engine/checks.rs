//! Checks: when one is made, what its failure means, and who waits for it (rules 2, 8 and 19).

use std::time::Duration;

use crate::code::Code;
use crate::facts::{Account, Held};
use crate::lease::Lease;
use crate::policy::Policy;
use crate::status::Party;
use crate::time::{MINUTE, Now, Timestamp};
use crate::view::Reach;

use super::link::{Landed, Link, shown_by};
use super::{
    Answer, Attempt, CheckAnswered, CheckFailure, CheckOrder, Dirty, Effect, Engine, Query, Side, Ticket,
};

impl Engine {
    /// After sleep or a change of network, everything that failed is tried again at once (rule 2), and a stream of before reaches nobody
    /// any more, however long its connection does not know that.
    pub(super) fn reachability_may_have_changed(&mut self, now: &Now, slept: Duration) {
        let until = now.ticks.saturating_sub(slept);
        for link in self.links.values_mut() {
            link.begin_anew();
            let ended = link.session.ends_stream(until);
            self.effects
                .extend(ended.map(|attempt| Effect::StopListening { attempt }));
        }
    }

    /// A device that nobody has heard of for long enough holds no session, and nobody knows of another's (rules 9 and 11).
    pub(super) fn end_session_refusals(&mut self, now: &Now) {
        let over = |link: &Link| link.session_over_at().is_some_and(|at| now.ticks >= at);
        let links = self.links.iter().filter(|(_, link)| over(link));
        let names: Vec<String> = links.map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(service) = self.facts.services.get_mut(&name) else {
                continue;
            };
            let held = service.products.values_mut();
            if held
                .filter_map(|held| held.end_session_refusal().then_some(()))
                .count()
                > 0
            {
                self.save(Dirty::Both);
            }
        }
    }

    /// Whether a product of the service is kept from running by another device's session.
    pub(super) fn is_refused_a_session(&self, name: &str) -> bool {
        let service = self.facts.services.get(name);
        let mut held = service.into_iter().flat_map(|service| service.products.values());
        held.any(|held| {
            held.refusal()
                .is_some_and(|refusal| refusal.claims().code == Code::SessionInUse)
        })
    }

    pub(super) fn ask_check(&mut self, ticket: Ticket) {
        let mut asked = false;
        let mut problem = "no_products";
        let mut services: Vec<&str> = self.registry.iter().map(|entry| entry.service.as_str()).collect();
        services.sort_unstable();
        services.dedup();
        for name in services {
            match self
                .facts
                .services
                .get(name)
                .and_then(|service| service.account.as_ref())
            {
                Some(Account {
                    sign_in_again: false, ..
                }) => {
                    let link = self.links.entry(name.to_owned()).or_default();
                    link.want_for(ticket);
                    asked = true;
                }
                Some(_) | None => problem = "not_signed_in",
            }
        }
        if !asked {
            let code = if problem == "not_signed_in" {
                Code::SignInRequired
            } else {
                Code::InvalidArgument
            };
            self.answer(ticket, Answer::refused(code, problem));
        }
    }

    /// Starts what is wanted or due, and gives up what has taken too long.
    pub(super) fn work_links(&mut self, now: &Now) {
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            let overdue = self.links.get(&name).and_then(|link| link.overdue(now));
            if let Some(attempt) = overdue {
                let silent = CheckFailure::Unreachable {
                    licensing: Side::Silent,
                    identity: Side::Silent,
                };
                self.checked(now, attempt, Err(silent));
            }
            self.work_link(now, &name);
        }
    }

    fn work_link(&mut self, now: &Now, name: &str) {
        let at = self.time_of(name, now);
        let has_products = self.registry.iter().any(|entry| entry.service == name);
        let service = self.facts.services.get(name);
        let account = service.and_then(|service| service.account.as_ref());
        // Answers for another key than the one that is known here are none for us.
        let is_in = account.is_some_and(|account| !account.sign_in_again) && !self.vault.is_unbound(name);
        let may_check = is_in && has_products;
        let is_time = self.next_check_at(name).is_some_and(|due| due <= at);
        let due = may_check && (is_time || self.session_is_due(now, name));
        // A start of somebody who is not signed in still has to learn whether the network is there (rule 1).
        let somebody_starts = self
            .uses
            .values()
            .any(|open| open.service == name && !open.running);
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        if !link.takes_its_turn(now, due) {
            return;
        }
        let probe = somebody_starts && !is_in;
        if !may_check {
            if !probe {
                link.know_nothing();
            }
            link.cut_off(now);
            for waiter in link.take_waiters() {
                self.answer(waiter, Answer::refused(Code::SignInRequired, "not_signed_in"));
            }
        }
        if probe {
            self.probe(now, name, false);
        } else if may_check {
            self.check(now, name);
        }
    }

    /// Finds out whether the service can be asked. Where a stranger answers in its place, that says nothing of the network.
    fn probe(&mut self, now: &Now, name: &str, strange: bool) {
        let since = self.trusted(now);
        let attempt = self.next_attempt();
        let service = self.facts.services.get(name);
        let account = service.and_then(|service| service.account.as_ref());
        let issuer = account.map(|account| account.issuer.clone());
        let link = self.links.entry(name.to_owned()).or_default();
        link.take_off(attempt, true, since, now);
        link.is_strange = strange;
        self.effects.push(Effect::Probe {
            attempt,
            service: name.to_owned(),
            issuer,
            strange,
        });
    }

    /// Asks the service.
    fn check(&mut self, now: &Now, name: &str) {
        let since = self.trusted(now);
        let attempt = self.next_attempt();
        // What is open until now goes along.
        self.count(now, name, Duration::ZERO);
        let order = self.order(now, name);
        let link = self.links.entry(name.to_owned()).or_default();
        link.take_off(attempt, false, since, now);
        let wisher = link.session.takes_wish(now);
        link.waits_too(wisher);
        let open = order.products.iter().filter(|query| query.open);
        link.session
            .says(open.map(|query| query.product.clone()).collect());
        link.carries(order.usage.clone());
        self.effects.push(Effect::Check {
            attempt,
            order: Box::new(order),
        });
    }

    fn order(&self, now: &Now, name: &str) -> CheckOrder {
        let service = self.facts.services.get(name);
        let account = service.and_then(|service| service.account.as_ref());
        let link = self.links.get(name);
        let anew = link.is_some_and(|link| link.anew);
        let refresh_every = self.policy_of(name).credentials_refresh_every;
        CheckOrder {
            service: name.to_owned(),
            issuer: account.map(|account| account.issuer.clone()).unwrap_or_default(),
            products: self.queries(now, name),
            identify: service.is_none_or(|service| !service.linked),
            // As early as the check itself may come, or it would find them a little too young, and leave them for another day.
            refresh_every: if anew {
                Duration::ZERO
            } else {
                refresh_every - refresh_every / 10
            },
            usage: service.map(|service| service.usage.to_send()).unwrap_or_default(),
        }
    }

    /// What the next check of a service says of each registered product: its versions, whether it is open, and what is wished.
    pub fn queries(&self, now: &Now, name: &str) -> Vec<Query> {
        let session = self.links.get(name).map(|link| &link.session);
        let mut products: Vec<Query> = Vec::new();
        for entry in self.registry.iter().filter(|entry| entry.service == name) {
            match products.iter_mut().find(|query| query.product == entry.product) {
                Some(query) => query.versions.push(entry.version.clone()),
                None => {
                    let is_wanted = session.is_some_and(|session| session.opens(&entry.product, now));
                    let mut uses = self.uses.values();
                    products.push(Query {
                        product: entry.product.clone(),
                        versions: vec![entry.version.clone()],
                        open: is_wanted
                            || uses.any(|open| open.service == name && open.product == entry.product),
                        session: session.and_then(|session| session.wish_for(&entry.product)),
                    });
                }
            }
        }
        products
    }

    /// When the next check of a service is due, by its clock: `check_every` after the last, early by jitter, never later.
    pub(super) fn next_check_at(&self, name: &str) -> Option<Timestamp> {
        let service = self.facts.services.get(name)?;
        let checked_at = service.checked_at?;
        let policy = self.policy_of(name);
        // A check renews the credentials too (rule 13).
        let every = policy.check_every.min(policy.credentials_refresh_every);
        // A lease that ends with its subscription, before the next check would be due, is asked about then. One that was
        // not renewed says nothing about the next check.
        let leases = service.products.values().filter_map(Held::lease);
        let renewed = leases.filter(|lease| lease.checked_at() == checked_at);
        let soonest =
            renewed.map(|lease| Timestamp::from_secs(lease.claims().refresh_after).since(checked_at));
        let every = soonest
            .min()
            .map_or(every, |soonest| soonest.max(MINUTE).min(every));
        let early = every / 10 * u32::from(self.links.get(name).map_or(0, Link::jitter)) / 255;
        Some(checked_at + (every - early))
    }

    /// The policy that the newest leases of a service brought; the defaults before the first. Where those of one check differ, because
    /// they are of several subscriptions, what is due goes by whichever is due first.
    pub(super) fn policy_of(&self, name: &str) -> Policy {
        let service = self.facts.services.get(name);
        let held = service.into_iter().flat_map(|service| service.products.values());
        let leases: Vec<&Lease> = held.filter_map(Held::lease).collect();
        let newest = leases.iter().map(|lease| lease.checked_at()).max();
        let newest = leases.iter().filter(|lease| Some(lease.checked_at()) == newest);
        let policies = newest.map(|lease| lease.claims().policy.clone());
        let earlier = |one: Policy, other: Policy| Policy {
            check_every: one.check_every.min(other.check_every),
            credentials_refresh_every: one.credentials_refresh_every.min(other.credentials_refresh_every),
            heartbeat_every: one.heartbeat_every.min(other.heartbeat_every),
            ..one
        };
        policies.reduce(earlier).unwrap_or_default()
    }

    pub(super) fn on_wire(&mut self, attempt: Attempt, party: Party) {
        self.links
            .values_mut()
            .for_each(|link| link.on_wire(attempt, party));
    }

    /// The service whose check or probe this is.
    fn land(&mut self, attempt: Attempt) -> Option<(String, Landed)> {
        let mut links = self.links.iter_mut();
        links.find_map(|(name, link)| Some((name.clone(), link.land(attempt)?)))
    }

    pub(super) fn probed(&mut self, now: &Now, attempt: Attempt, licensing: Side, identity: Side) {
        let Some((name, landed)) = self.land(attempt) else {
            return;
        };
        let at = self.trusted(now);
        // That it answers now says nothing of the time since it was last heard of.
        self.count(now, &name, Duration::ZERO);
        let Some(link) = self.links.get_mut(&name) else {
            return;
        };
        let before = link.reach;
        let licensing = match std::mem::take(&mut link.is_strange) {
            true => Side::Silent,
            false => licensing,
        };
        match shown_by(licensing, identity) {
            Reach::Online => link.found(now),
            // Another one is wanted already.
            _ if landed.is_of_before => {}
            shown @ (Reach::Unknown
            | Reach::Doubtful
            | Reach::Offline
            | Reach::NeitherAnswers
            | Reach::IdentityOutage
            | Reach::LicensingOutage) => {
                link.found_out(shown, now, at);
            }
        }
        self.ask_the_others(&name, before);
    }

    /// A captive portal or a wrong clock is in the way of a start of somebody who is not signed in as well, and of their sign-in.
    pub(super) fn probe_hindered(&mut self, now: &Now, attempt: Attempt, failure: &CheckFailure) {
        let Some((name, landed)) = self.land(attempt) else {
            return;
        };
        let at = self.trusted(now);
        if let Some(link) = self.links.get_mut(&name) {
            link.is_strange = false;
            if !landed.is_of_before {
                link.failed(failure, now, at);
            }
        }
    }

    /// Where the machine turns out to have no network for one service, what is known of the others is doubtful: they are asked, once
    /// (rule 3: the day is told of the product that ends first, of whichever service it is).
    fn ask_the_others(&mut self, name: &str, before: Reach) {
        let is_offline = |link: &Link| link.reach == Reach::Offline;
        if before != Reach::Offline && self.links.get(name).is_some_and(is_offline) {
            let online = self.links.values_mut().filter(|link| link.reach == Reach::Online);
            online.for_each(Link::want);
        }
    }

    pub(super) fn checked(
        &mut self,
        now: &Now,
        attempt: Attempt,
        result: Result<CheckAnswered, CheckFailure>,
    ) {
        let Some((name, landed)) = self.land(attempt) else {
            return;
        };
        let verdict = match result {
            Ok(answered) if self.believe(now, &name, &answered) => Ok(()),
            nothing => {
                if let Some(link) = self.links.get_mut(&name) {
                    link.brought_nothing(&landed);
                }
                match nothing {
                    Ok(_) => return self.answered_by_a_stranger(now, &name),
                    Err(failure) => Err(failure),
                }
            }
        };
        if verdict.is_ok() {
            self.vault_was_read();
            if let Some(link) = self.links.get_mut(&name) {
                link.answered(now);
                link.ending.contact();
            }
            self.usage_taken(now, &name, &landed.usage);
            if landed.anew {
                self.try_answered(&name);
            }
        }
        let failed = verdict.err();
        if let Some(failure) = &failed {
            self.check_failed(now, &name, failure, landed.is_of_before);
        }
        self.answer_waiters(now, &name, failed.as_ref());
    }

    /// Whatever that was, it was not our service: nothing of it is believed (rule 9). What it is a sign of, the identity service
    /// has a say in as well, and a check with a token that is good still has not asked that one (rule 8).
    fn answered_by_a_stranger(&mut self, now: &Now, name: &str) {
        let at = self.trusted(now);
        self.vault_as_seen(at);
        let silent = CheckFailure::Unreachable {
            licensing: Side::Silent,
            identity: Side::Answers,
        };
        self.answer_waiters(now, name, Some(&silent));
        self.probe(now, name, true);
    }

    fn check_failed(&mut self, now: &Now, name: &str, failure: &CheckFailure, is_of_before: bool) {
        let at = self.trusted(now);
        match failure {
            CheckFailure::Vault(trouble) => self.vault_is(at, Some(*trouble)),
            CheckFailure::VaultEmptied => self.vault_emptied(name),
            CheckFailure::Unreachable { .. }
            | CheckFailure::IdentityRefuses { .. }
            | CheckFailure::Busy { .. }
            | CheckFailure::IdentityBusy { .. }
            | CheckFailure::IdentityOut { .. }
            | CheckFailure::LicensingOut { .. }
            | CheckFailure::SignInAgain
            | CheckFailure::IdTokenRequired
            | CheckFailure::Hindered(_)
            | CheckFailure::IdentityHindered(_) => self.vault_as_seen(at),
        }
        let service = self.facts.services.get_mut(name);
        let again = matches!(failure, CheckFailure::SignInAgain | CheckFailure::VaultEmptied);
        // The ID token went along, and was not enough: it is of a sign-in that the service does not take any more.
        let outgrown = matches!(failure, CheckFailure::IdTokenRequired)
            && service.as_ref().is_some_and(|service| !service.linked);
        if let Some(service) = service.filter(|_| again || outgrown) {
            service.reauthenticate = outgrown;
            if let Some(account) = &mut service.account {
                account.sign_in_again = true;
                self.save(Dirty::One);
            }
            // The identity service is there, the licensing service was not asked, and nobody will be asked again.
            if let Some(link) = self.links.get_mut(name) {
                link.know_nothing();
                link.cut_off(now);
            }
            return;
        }
        if let (CheckFailure::IdTokenRequired, Some(service)) = (failure, self.facts.services.get_mut(name)) {
            service.linked = false;
            self.save(Dirty::One);
        }
        // What fails on the way says nothing about a network that the machine is not in any more: the next check is wanted already.
        if let Some(link) = self.links.get_mut(name).filter(|_| !is_of_before) {
            let before = link.reach;
            link.failed(failure, now, at);
            self.ask_the_others(name, before);
        }
    }

    fn answer_waiters(&mut self, now: &Now, name: &str, failed: Option<&CheckFailure>) {
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        let waiters = match failed {
            Some(_) => link.take_waiters_of_failure(),
            None => link.take_waiters_of_answer(),
        };
        for ticket in waiters {
            if let Some(failure) = failed {
                // One failure is the answer: whoever waits for other services need not wait longer to hear it.
                self.links
                    .values_mut()
                    .for_each(|link| link.does_not_wait(ticket));
                let (code, problem) = in_words(failure);
                self.answer(ticket, Answer::refused(code, problem));
            } else if !self.links.values().any(|link| link.is_awaited_by(ticket)) {
                let until = self.earliest_end(now);
                self.answer(ticket, Answer::Checked { until });
            }
        }
    }

    /// The earliest end of what lets registered products run offline, in the machine's time.
    fn earliest_end(&self, now: &Now) -> Option<Timestamp> {
        let ends = self.registry.iter().filter_map(|entry| {
            let held = self.facts.held(&entry.service, &entry.product)?;
            let lease = held.lease()?;
            let counts = held.refusal().is_none() || held.is_client_outdated();
            (counts && lease.is_good(self.time_of(&entry.service, now)))
                .then(|| self.ours(&entry.service, now, lease.until()))
        });
        ends.min()
    }
}

const fn shown_in_words(shown: Reach) -> (Code, &'static str) {
    match shown {
        Reach::IdentityOutage => (Code::IdentityUnavailable, "identity_unreachable"),
        Reach::LicensingOutage => (Code::LicensingUnavailable, "licensing_unreachable"),
        Reach::NeitherAnswers => (Code::LicensingUnavailable, "neither_answers"),
        Reach::Unknown | Reach::Online | Reach::Doubtful | Reach::Offline => {
            (Code::LicensingUnavailable, "offline")
        }
    }
}

/// The code and the problem's key of a failed check.
const fn in_words(failure: &CheckFailure) -> (Code, &'static str) {
    match failure {
        CheckFailure::Unreachable { licensing, identity } => shown_in_words(shown_by(*licensing, *identity)),
        CheckFailure::LicensingOut { identity, .. } => shown_in_words(shown_by(Side::Silent, *identity)),
        CheckFailure::IdentityRefuses { problem } => (Code::IdentityUnavailable, problem),
        CheckFailure::Busy { .. } => (Code::LicensingUnavailable, "service_busy"),
        CheckFailure::IdentityBusy { .. } | CheckFailure::IdentityOut { .. } => {
            (Code::IdentityUnavailable, "identity_unavailable")
        }
        CheckFailure::Vault(trouble) => (Code::AuthPending, trouble.key()),
        CheckFailure::VaultEmptied => (Code::SignInRequired, "vault_entry_gone"),
        CheckFailure::SignInAgain => (Code::SignInRequired, "sign_in_again"),
        CheckFailure::IdTokenRequired => (Code::SignInRequired, "id_token_required"),
        CheckFailure::Hindered(by) | CheckFailure::IdentityHindered(by) => (Code::AuthPending, by.key()),
    }
}
