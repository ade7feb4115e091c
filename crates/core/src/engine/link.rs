//! Reaching a service: when a check is made, what its failure means, and when the next try is (rules 2 and 8).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::code::{Code, Reason};
use crate::facts::Account;
use crate::policy::Policy;
use crate::status::{Party, Wire, is_offline};
use crate::time::{MINUTE, Now, Timestamp};
use crate::view::Reach;

use super::{Answer, Attempt, CheckAnswered, CheckFailure, Dirty, Effect, Engine, Side, Ticket};

/// Longest life of one check, from the first byte to the verdict.
const CHECK_WITHIN: Duration = MINUTE;
/// The shortest and the longest ceiling of a back-off (rule 2).
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5 * 60));
/// Two failures decide, at least this far apart (rule 8).
const DECIDED_AFTER: Duration = Duration::from_secs(10);
/// How long the check may take that comes before an end is told (rule 5).
const HEAL_WITHIN: Duration = MINUTE;
/// How long a start goes on waiting while failures are still being compared.
const DOUBT_FOR: Duration = Duration::from_secs(20);

/// What is under way with one service.
#[derive(Debug, Default)]
pub(super) struct Link {
    flight: Option<Flight>,
    /// A check is wanted now, whatever the back-off says.
    wanted: bool,
    /// Failures in a row.
    failures: u32,
    /// When the next try is, after a failure.
    retry_at: Option<Duration>,
    /// What was learned.
    pub(super) reach: Reach,
    /// Since when neither service can be reached.
    pub(super) offline_since: Option<Timestamp>,
    /// The first of the failures that say the same, and when.
    suspicion: Option<(Reach, Duration, Timestamp)>,
    /// Why no check can succeed.
    pub(super) hindrance: Option<(Reason, Timestamp)>,
    /// A share of 10 % of `check_every` by which the daily check comes early, 0 to 255.
    jitter: u8,
    /// Requests that wait for the check.
    pub(super) waiters: BTreeSet<Ticket>,
    /// The leases whose end was answered with a check first (rule 5).
    pub(super) end_checked: BTreeSet<String>,
    /// Those checks.
    heal: Option<Heal>,
    /// What is under way with a reset, a sign-out or a release.
    pub(super) ending: super::ending::Ending,
}

/// A check that comes before an end is told.
#[derive(Debug)]
struct Heal {
    since: Timestamp,
    until: Duration,
    /// The network may not be up yet: one failure does not end it.
    patient: bool,
}

#[derive(Debug)]
struct Flight {
    attempt: Attempt,
    probe: bool,
    party: Party,
    since: Timestamp,
    /// In ticks, because trusted time may jump while we wait.
    deadline: Duration,
}

impl Link {
    /// A check is to be made now.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.flight.is_none() && self.ending.is_idle()
    }

    pub(super) fn is_checking(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| !flight.probe)
    }

    /// Leases have ended, and one check goes first; more than one when the machine has just come up.
    pub(super) fn heal(&mut self, ended: BTreeSet<String>, now: &Now, at: Timestamp, patient: bool) {
        if ended.is_subset(&self.end_checked) {
            return;
        }
        self.end_checked = ended;
        self.heal = Some(Heal {
            since: at,
            until: now.ticks + HEAL_WITHIN,
            patient,
        });
        self.want();
    }

    /// What open products wait for whose leases have ended, while the check that goes first is under way.
    pub(super) fn healing(&self, now: &Now) -> Option<Wire> {
        let is_trying = self.is_checking() || self.wanted || self.retry_at.is_some();
        let heal = self
            .heal
            .as_ref()
            .filter(|heal| now.ticks < heal.until && is_trying)?;
        Some(Wire {
            party: Party::Licensing,
            since: heal.since,
            until: heal.since + HEAL_WITHIN,
        })
    }

    pub(super) fn heal_until(&self) -> Option<Duration> {
        self.heal.as_ref().map(|heal| heal.until)
    }

    pub(super) fn is_flying(&self) -> bool {
        self.flight.is_some()
    }

    pub(super) fn retry_at(&self) -> Option<Duration> {
        self.retry_at
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.flight.as_ref().map(|flight| flight.deadline)
    }

    /// Until when a start waits for failures to be compared.
    pub(super) fn doubt_until(&self) -> Option<Duration> {
        self.suspicion
            .filter(|_| self.reach == Reach::Doubtful)
            .map(|(_, at, _)| at + DOUBT_FOR)
    }

    /// An answer that is under way no longer counts. Whoever may still be asked then, is asked anew.
    pub(super) fn abandon(&mut self) {
        if self.flight.take().is_some() {
            self.wanted = true;
        }
    }

    /// Nobody can be asked, so what was learned does not stay true.
    fn know_nothing(&mut self) {
        self.reach = Reach::Unknown;
        self.offline_since = None;
        self.suspicion = None;
        self.hindrance = None;
        self.failures = 0;
    }

    /// Whether tries have failed for so long that it is not the network coming up, or an outage being decided.
    pub(super) fn keeps_failing(&self) -> bool {
        self.failures > 5
    }

    /// Trusted time jumped: what is pending has lasted as long as before.
    pub(super) fn shift(&mut self, millis: i64) {
        let since = [
            self.flight.as_mut().map(|flight| &mut flight.since),
            self.offline_since.as_mut(),
            self.suspicion.as_mut().map(|(.., since)| since),
            self.hindrance.as_mut().map(|(_, since)| since),
            self.heal.as_mut().map(|heal| &mut heal.since),
        ];
        for since in since.into_iter().flatten() {
            *since = since.shifted(millis);
        }
    }

    /// What a start of a product would wait for.
    pub(super) fn wire(&self, now: &Now) -> Option<Wire> {
        if let Some(flight) = &self.flight {
            return Some(Wire {
                party: flight.party,
                since: flight.since,
                until: flight.since + CHECK_WITHIN,
            });
        }
        // Between the tries that decide whether we are offline, the start goes on waiting for them.
        let (_, at, since) = self
            .suspicion
            .filter(|_| self.reach_of_start() == Reach::Doubtful && self.retry_at.is_some())?;
        (now.ticks < at + DOUBT_FOR).then_some(Wire {
            party: Party::Licensing,
            since,
            until: since + DOUBT_FOR,
        })
    }

    /// Ends the flight of this attempt, if it is the present one.
    fn land(&mut self, attempt: Attempt) -> bool {
        let mine = self
            .flight
            .as_ref()
            .is_some_and(|flight| flight.attempt == attempt);
        if mine {
            self.flight = None;
        }
        mine
    }

    fn answered(&mut self, now: &Now) {
        self.failures = 0;
        self.retry_at = None;
        self.suspicion = None;
        self.hindrance = None;
        self.heal = None;
        self.reach = Reach::Online;
        self.offline_since = None;
        self.jitter = now.entropy.to_le_bytes()[0];
    }

    /// Rule 8: what a failure shows counts when a second one, 10 s later, shows the same.
    fn learn(&mut self, shown: Reach, now: &Now, at: Timestamp) {
        self.hindrance = None;
        let decided = match self.suspicion {
            _ if self.reach == shown => true,
            Some((same, first, _)) if same == shown => now.ticks.saturating_sub(first) >= DECIDED_AFTER,
            Some(_) | None => {
                self.suspicion = Some((shown, now.ticks, at));
                false
            }
        };
        if decided {
            self.reach = shown;
            self.suspicion = None;
        } else if matches!(self.reach, Reach::Unknown | Reach::Online) {
            self.reach = Reach::Doubtful;
        }
        self.offline_since = is_offline(self.reach).then(|| self.offline_since.unwrap_or(at));
    }

    /// Something was reached: failures need not be compared any more.
    fn undoubt(&mut self) {
        self.suspicion = None;
        if self.reach == Reach::Doubtful {
            self.reach = Reach::Unknown;
        }
    }

    fn back_off(&mut self, now: &Now, at_least: Duration) {
        let ceiling = BACK_OFF
            .0
            .saturating_mul(1 << self.failures.min(16))
            .min(BACK_OFF.1);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX).max(1);
        let full_jitter = Duration::from_millis(now.entropy % millis);
        let retry_at = now.ticks + full_jitter.max(at_least).max(Duration::from_millis(50));
        // The failure that decides is not waited for longer than it must be.
        let decides = self.suspicion.map(|(_, first, _)| first + DECIDED_AFTER);
        let decides = decides.filter(|at| now.ticks < *at);
        self.retry_at = Some(decides.map_or(retry_at, |at| at.min(retry_at)));
    }

    /// What a start goes by: the machine's own word that there is no route need not be compared with anything.
    pub(super) fn reach_of_start(&self) -> Reach {
        match self.suspicion {
            Some((Reach::Offline, ..)) if self.reach == Reach::Doubtful => Reach::Offline,
            Some(_) | None => self.reach,
        }
    }
}

const fn shown_by(licensing: Side, identity: Side) -> Reach {
    match (licensing, identity) {
        (Side::Answers, Side::Answers) => Reach::Online,
        (Side::Answers, Side::Silent | Side::NoRoute) => Reach::IdentityOutage,
        (Side::Silent | Side::NoRoute, Side::Answers) => Reach::LicensingOutage,
        (Side::NoRoute, Side::NoRoute) => Reach::Offline,
        (Side::Silent, Side::Silent | Side::NoRoute) | (Side::NoRoute, Side::Silent) => Reach::NeitherAnswers,
    }
}

impl Engine {
    /// After sleep or a change of network, everything that failed is tried again at once (rule 2).
    pub(super) fn reachability_may_have_changed(&mut self) {
        for link in self.links.values_mut() {
            link.failures = 0;
            // A failure of before says nothing about now (rule 8).
            link.suspicion = None;
            link.want();
        }
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
                    link.want();
                    link.waiters.insert(ticket);
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
            let overdue = self.links.get(&name).and_then(|link| {
                link.flight
                    .as_ref()
                    .filter(|flight| now.ticks >= flight.deadline)
                    .map(|flight| flight.attempt)
            });
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
        let at = self.trusted(now);
        let products = self.queries(name);
        let service = self.facts.services.get(name);
        let account = service.and_then(|service| service.account.as_ref());
        let may_check = account.is_some_and(|account| !account.sign_in_again) && !products.is_empty();
        let due = may_check && self.next_check_at(name).is_some_and(|due| due <= at);
        let identify = service.is_none_or(|service| !service.linked);
        let refresh_every = self.policy_of(name).credentials_refresh_every;
        // A start of somebody who is not signed in still has to learn whether the network is there (rule 1).
        let somebody_starts = self
            .uses
            .values()
            .any(|open| open.service == name && !open.running);
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        if link.flight.is_some() || link.ending.is_blocking() {
            return;
        }
        let retry = link.retry_at.is_some_and(|at| now.ticks >= at);
        if !(link.wanted || retry || (due && link.retry_at.is_none())) {
            return;
        }
        link.wanted = false;
        link.retry_at = None;
        let probe = somebody_starts && account.is_none_or(|account| account.sign_in_again);
        if !may_check && !probe {
            link.know_nothing();
            for waiter in std::mem::take(&mut link.waiters) {
                self.answer(waiter, Answer::refused(Code::SignInRequired, "not_signed_in"));
            }
            return;
        }
        self.attempts += 1;
        let attempt = self.attempts;
        link.flight = Some(Flight {
            attempt,
            probe,
            party: Party::Licensing,
            since: at,
            deadline: now.ticks + CHECK_WITHIN,
        });
        let service = name.to_owned();
        self.effects.push(if probe {
            Effect::Probe { attempt, service }
        } else {
            Effect::Check {
                attempt,
                service,
                products,
                identify,
                refresh_every,
            }
        });
    }

    /// Every registered product of a service, with its versions and whether it is open.
    fn queries(&self, name: &str) -> Vec<(String, Vec<String>, bool)> {
        let mut products: Vec<(String, Vec<String>, bool)> = Vec::new();
        for entry in self.registry.iter().filter(|entry| entry.service == name) {
            match products
                .iter_mut()
                .find(|(product, ..)| *product == entry.product)
            {
                Some((_, versions, _)) => versions.push(entry.version.clone()),
                None => {
                    let open = self
                        .uses
                        .values()
                        .any(|open| open.running && open.product == entry.product);
                    products.push((entry.product.clone(), vec![entry.version.clone()], open));
                }
            }
        }
        products
    }

    /// When the next check of a service is due: `check_every` after the last, early by jitter, never later.
    pub(super) fn next_check_at(&self, name: &str) -> Option<Timestamp> {
        let policy = self.policy_of(name);
        // A check renews the credentials too (rule 13).
        let every = policy.check_every.min(policy.credentials_refresh_every);
        let checked_at = self.facts.services.get(name)?.checked_at?;
        let early = every / 10 * u32::from(self.links.get(name).map_or(0, |link| link.jitter)) / 255;
        Some(checked_at + (every - early))
    }

    /// The policy that the newest lease of a service brought; the defaults before the first.
    pub(super) fn policy_of(&self, name: &str) -> Policy {
        let leases = self
            .facts
            .services
            .get(name)
            .into_iter()
            .flat_map(|service| service.products.values());
        let newest = leases
            .filter_map(|held| held.lease())
            .max_by_key(|lease| lease.checked_at());
        newest
            .map(|lease| lease.claims().policy.clone())
            .unwrap_or_default()
    }

    pub(super) fn on_wire(&mut self, attempt: Attempt, party: Party) {
        for link in self.links.values_mut() {
            if let Some(flight) = link.flight.as_mut().filter(|flight| flight.attempt == attempt) {
                flight.party = party;
            }
        }
    }

    fn land(&mut self, attempt: Attempt) -> Option<String> {
        self.links
            .iter_mut()
            .find_map(|(name, link)| link.land(attempt).then(|| name.clone()))
    }

    pub(super) fn probed(&mut self, now: &Now, attempt: Attempt, licensing: Side, identity: Side) {
        let Some(name) = self.land(attempt) else { return };
        let at = self.trusted(now);
        let Some(link) = self.links.get_mut(&name) else {
            return;
        };
        match shown_by(licensing, identity) {
            Reach::Online => link.answered(now),
            shown @ (Reach::Unknown
            | Reach::Doubtful
            | Reach::Offline
            | Reach::NeitherAnswers
            | Reach::IdentityOutage
            | Reach::LicensingOutage) => {
                link.learn(shown, now, at);
                link.back_off(now, Duration::ZERO);
            }
        }
    }

    pub(super) fn checked(
        &mut self,
        now: &Now,
        attempt: Attempt,
        result: Result<CheckAnswered, CheckFailure>,
    ) {
        let Some(name) = self.land(attempt) else { return };
        let verdict = match result {
            Ok(answered) if self.believe(now, &name, &answered) => Ok(()),
            // Whatever that was, it was not our service: nothing of it is believed (rule 9).
            Ok(_) => Err(CheckFailure::Unreachable {
                licensing: Side::Silent,
                identity: Side::Answers,
            }),
            Err(failure) => Err(failure),
        };
        if verdict.is_ok() {
            self.vault_locked = None;
            self.vault_unavailable = false;
            if let Some(link) = self.links.get_mut(&name) {
                link.answered(now);
                link.ending.contact();
            }
        }
        let failed = verdict.err();
        if let Some(failure) = &failed {
            self.check_failed(now, &name, failure);
        }
        self.answer_waiters(&name, failed.as_ref());
    }

    fn check_failed(&mut self, now: &Now, name: &str, failure: &CheckFailure) {
        let at = self.trusted(now);
        // Only the newest obstacle is known to be there.
        self.vault_locked =
            matches!(failure, CheckFailure::VaultLocked).then(|| self.vault_locked.unwrap_or(at));
        self.vault_unavailable = *failure == CheckFailure::VaultUnavailable;
        let service = self.facts.services.get_mut(name);
        if let (CheckFailure::SignInAgain, Some(service)) = (failure, service) {
            if let Some(account) = &mut service.account {
                account.sign_in_again = true;
                self.save(Dirty::One);
            }
            // The identity service is there, the licensing service was not asked, and nobody will be asked again.
            if let Some(link) = self.links.get_mut(name) {
                link.know_nothing();
            }
            return;
        }
        if let (CheckFailure::IdTokenRequired, Some(service)) = (failure, self.facts.services.get_mut(name)) {
            service.linked = false;
            self.save(Dirty::One);
        }
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        link.heal.take_if(|heal| !heal.patient);
        let hindered = link.hindrance.take();
        if !matches!(failure, CheckFailure::Unreachable { .. }) {
            link.undoubt();
        }
        let mut at_least = Duration::ZERO;
        match failure {
            CheckFailure::Unreachable { licensing, identity } => {
                link.learn(shown_by(*licensing, *identity), now, at)
            }
            CheckFailure::Busy { retry_after } => at_least = retry_after.unwrap_or_default().min(BACK_OFF.1),
            CheckFailure::Hindered(reason) => {
                let since = hindered
                    .filter(|(same, _)| same == reason)
                    .map_or(at, |(_, since)| since);
                link.hindrance = Some((*reason, since));
            }
            CheckFailure::VaultLocked
            | CheckFailure::VaultUnavailable
            | CheckFailure::SignInAgain
            | CheckFailure::IdTokenRequired => {}
        }
        link.back_off(now, at_least);
    }

    fn answer_waiters(&mut self, name: &str, failed: Option<&CheckFailure>) {
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        for ticket in std::mem::take(&mut link.waiters) {
            if let Some(failure) = failed {
                // One failure is the answer: whoever waits for other services need not wait longer to hear it.
                self.links.values_mut().for_each(|link| {
                    link.waiters.remove(&ticket);
                });
                let (code, problem) = in_words(failure);
                self.answer(ticket, Answer::refused(code, problem));
            } else if self.links.values().all(|link| !link.waiters.contains(&ticket)) {
                let until = self.earliest_end();
                self.answer(ticket, Answer::Checked { until });
            }
        }
    }

    /// The earliest end of the leases held for registered products.
    pub(super) fn earliest_end(&self) -> Option<Timestamp> {
        let held = self
            .registry
            .iter()
            .filter_map(|entry| self.facts.held(&entry.service, &entry.product));
        held.filter_map(|held| held.lease())
            .map(|lease| lease.until())
            .min()
    }
}

/// The code and the problem's key of a failed check.
const fn in_words(failure: &CheckFailure) -> (Code, &'static str) {
    match failure {
        CheckFailure::Unreachable { licensing, identity } => match shown_by(*licensing, *identity) {
            Reach::IdentityOutage => (Code::IdentityUnavailable, "identity_unreachable"),
            Reach::LicensingOutage => (Code::LicensingUnavailable, "licensing_unreachable"),
            Reach::Unknown | Reach::Online | Reach::Doubtful | Reach::Offline | Reach::NeitherAnswers => {
                (Code::LicensingUnavailable, "offline")
            }
        },
        CheckFailure::Busy { .. } => (Code::LicensingUnavailable, "service_busy"),
        CheckFailure::VaultLocked => (Code::AuthPending, "vault_locked"),
        CheckFailure::VaultUnavailable => (Code::AuthPending, "vault_unavailable"),
        CheckFailure::SignInAgain => (Code::SignInRequired, "sign_in_again"),
        CheckFailure::IdTokenRequired => (Code::SignInRequired, "id_token_required"),
        CheckFailure::Hindered(reason) => (Code::AuthPending, reason.name()),
    }
}
