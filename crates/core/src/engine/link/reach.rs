//! What a check that was answered, or failed, shows of both services (rule 8), and when the next one is tried (rule 2).

use std::time::Duration;

use crate::hindrance::Hindrance;
use crate::status::{Party, is_offline};
use crate::time::{Now, Timestamp};
use crate::view::Reach;

use super::super::pause::pause;
use super::super::{CheckFailure, Side};
use super::{Busy, Link};

/// Two failures decide, at least this far apart (rule 8).
const DECIDED_AFTER: Duration = Duration::from_secs(10);

impl Link {
    /// A check was answered.
    pub(in super::super) fn answered(&mut self, now: &Now) {
        self.found(now);
        self.cut_off_since = None;
        self.slept_for = Duration::ZERO;
    }

    /// The service is there. That is no check: whoever can make none, because they must sign in first, is cut off all the same.
    pub(in super::super) fn found(&mut self, now: &Now) {
        self.failures = 0;
        self.retry_at = None;
        self.suspicion = None;
        self.hindrance = None;
        self.busy = None;
        self.is_refused = false;
        self.heal = None;
        self.reach = Reach::Online;
        self.session.heard_at = Some(now.ticks);
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
        self.is_fresh = decided;
        if decided {
            self.reach = shown;
            self.suspicion = None;
        } else if matches!(self.reach, Reach::Unknown | Reach::Online) {
            self.reach = Reach::Doubtful;
        }
        match self.reach {
            Reach::Offline | Reach::NeitherAnswers | Reach::IdentityOutage | Reach::LicensingOutage => {
                self.cut_off(now);
            }
            Reach::Online => self.cut_off_since = None,
            // What stood in the way before stands there until something has answered.
            Reach::Unknown | Reach::Doubtful => {}
        }
        // The machine's own word that there is no route need not be compared with anything.
        if shown == Reach::Offline {
            self.cut_off(now);
        }
    }

    /// No check can be made that one needs. Whoever sits in an outage, in front of a portal or of a locked keyring, or must sign in, must not
    /// be worse off than with the cable pulled (rule 9).
    pub(in super::super) fn cut_off(&mut self, now: &Now) {
        self.cut_off_since.get_or_insert(now.ticks);
    }

    /// Something was reached: failures need not be compared any more.
    fn undoubt(&mut self) {
        self.suspicion = None;
        if self.reach == Reach::Doubtful {
            self.reach = Reach::Unknown;
        }
    }

    /// Something stands between the machine and the service: whether that is out, nobody knows any more.
    fn forget_the_outage(&mut self) {
        if self.is_licensing_out() {
            self.reach = Reach::Unknown;
        }
    }

    /// Both services were reached, and one is busy. An outage of it that is known goes on until it does what it is asked.
    fn is_told_to_wait(&mut self, party: Party, before: Option<Busy>, now: &Now, since: Timestamp) {
        if is_offline(self.reach) {
            self.reach = Reach::Unknown;
        }
        // It was asked just now, and does not do it.
        self.is_fresh |= party == Party::Licensing && self.is_licensing_out();
        let same = before.filter(|busy| busy.party == party);
        self.busy = same.or(Some(Busy {
            party,
            at: now.ticks,
            since,
        }));
    }

    /// A check brought nothing.
    pub(in super::super) fn failed(&mut self, failure: &CheckFailure, now: &Now, at: Timestamp) {
        self.heal.take_if(|heal| !heal.patient);
        let hindered = self.hindrance.take();
        let busy = self.busy.take();
        self.is_refused = matches!(failure, CheckFailure::IdentityRefuses { .. });
        match shown_in(failure) {
            Some(shown) => self.learn(shown, now, at),
            None => self.undoubt(),
        }
        let retry_after = match failure {
            CheckFailure::Busy { retry_after } => {
                self.is_told_to_wait(Party::Licensing, busy, now, at);
                *retry_after
            }
            CheckFailure::IdentityBusy { retry_after } => {
                self.is_told_to_wait(Party::Identity, busy, now, at);
                *retry_after
            }
            CheckFailure::IdentityOut { retry_after } | CheckFailure::LicensingOut { retry_after, .. } => {
                Some(*retry_after)
            }
            CheckFailure::Hindered(by) => {
                self.forget_the_outage();
                self.cut_off(now);
                let since = since_when(by, hindered, at);
                // What lets nobody start under `deny` needs the licensing service, and ends as everything is decided (rule 8).
                if self.reach == Reach::IdentityOutage && at.since(since) >= DECIDED_AFTER {
                    self.reach = Reach::Unknown;
                }
                self.hindrance = Some((by.clone(), since));
                None
            }
            CheckFailure::IdentityHindered(by) => {
                self.hindrance = Some((by.clone(), since_when(by, hindered, at)));
                None
            }
            CheckFailure::Vault(_) => {
                self.cut_off(now);
                None
            }
            CheckFailure::Unreachable { .. }
            | CheckFailure::IdentityRefuses { .. }
            | CheckFailure::VaultEmptied
            | CheckFailure::SignInAgain
            | CheckFailure::IdTokenRequired => None,
        };
        self.back_off(now, retry_after);
    }

    /// A probe found a side silent.
    pub(in super::super) fn found_out(&mut self, shown: Reach, now: &Now, at: Timestamp) {
        self.busy = None;
        self.learn(shown, now, at);
        self.back_off(now, None);
    }

    fn back_off(&mut self, now: &Now, retry_after: Option<Duration>) {
        let retry_at = now.ticks + pause(self.failures, retry_after, now.entropy);
        if self.failures == 0 {
            self.failing_since = now.ticks;
        }
        self.failures = self.failures.saturating_add(1);
        // The failure that decides is not waited for longer than it must be.
        let decides = self.suspicion.map(|(_, first, _)| first + DECIDED_AFTER);
        let decides = decides.filter(|at| now.ticks < *at);
        self.retry_at = Some(decides.map_or(retry_at, |at| at.min(retry_at)));
    }

    /// What a start goes by: the machine's own word that there is no route need not be compared with anything.
    pub(in super::super) fn reach_of_start(&self) -> Reach {
        match self.suspicion {
            Some((Reach::Offline, ..)) => Reach::Offline,
            Some(_) | None => self.reach,
        }
    }
}

/// Since when this stands in the way: what did before, may be the same.
fn since_when(by: &Hindrance, before: Option<(Hindrance, Timestamp)>, at: Timestamp) -> Timestamp {
    let same = before.filter(|(before, _)| before.reason() == by.reason());
    same.map_or(at, |(_, since)| since)
}

/// What a failure shows of both services, where it shows anything.
const fn shown_in(failure: &CheckFailure) -> Option<Reach> {
    match failure {
        CheckFailure::Unreachable { licensing, identity } => Some(shown_by(*licensing, *identity)),
        CheckFailure::LicensingOut { identity, .. } => Some(shown_by(Side::Silent, *identity)),
        // As a token that is not taken: to the user it is as if there were none (rule 6).
        CheckFailure::IdentityRefuses { .. }
        | CheckFailure::IdentityOut { .. }
        | CheckFailure::IdentityHindered(_) => Some(Reach::IdentityOutage),
        CheckFailure::Busy { .. }
        | CheckFailure::IdentityBusy { .. }
        | CheckFailure::Vault(_)
        | CheckFailure::VaultEmptied
        | CheckFailure::SignInAgain
        | CheckFailure::IdTokenRequired
        | CheckFailure::Hindered(_) => None,
    }
}

/// What the two sides together show (rules 6 to 8).
pub(in super::super) const fn shown_by(licensing: Side, identity: Side) -> Reach {
    match (licensing, identity) {
        (Side::Answers, Side::Answers) => Reach::Online,
        (Side::Answers, Side::Silent | Side::NoRoute) => Reach::IdentityOutage,
        (Side::Silent | Side::NoRoute, Side::Answers) => Reach::LicensingOutage,
        (Side::NoRoute, Side::NoRoute) => Reach::Offline,
        (Side::Silent, Side::Silent | Side::NoRoute) | (Side::NoRoute, Side::Silent) => Reach::NeitherAnswers,
    }
}
