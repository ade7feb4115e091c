//! What keeps checks away, as it shows from outside: what is so now, what was so a moment ago, and what two failures have decided
//! (rule 8).

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::engine::{CheckFailure, Side};
use latchkey_core::hindrance::Hindrance;
use latchkey_core::view::Problem;

use crate::support::world::{Keyring, Wire, World};
use crate::support::{SERVICE, minutes, seconds};

/// Two tries that must both fail before an outage counts, or counts no longer: the back-off's ceiling and the way of a check, twice
/// where nothing hurries the second.
pub(super) const UNNOTICED_FOR: Duration = minutes(12);
/// Two failures must be so far apart to decide anything.
const APART: Duration = seconds(10);

/// Nothing else shows behind these (decisions 5 and 6).
const VEILS: [Matter; 3] = [Matter::Keyring, Matter::Busy, Matter::IdentityBusy];

/// One thing that keeps checks away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Matter {
    Nothing,
    Offline,
    NeitherAnswers,
    IdentityOut,
    LicensingOut,
    Busy,
    IdentityBusy,
    Blocked,
    /// An outage of the identity service of which it is known what stands in the way.
    IdentityBlocked,
    ClockWrong,
    Keyring,
    SignInAgain,
}

/// Failures that agree, one after the other.
#[derive(Clone, Copy, Debug)]
struct Failing {
    with: Matter,
    /// When the first arrived, and when the one that decided, in ticks.
    first: Duration,
    decided: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct Reaching {
    /// When each was last so, in ticks; time asleep does not count.
    last: BTreeMap<Matter, Duration>,
    /// The identity service may have said that it wants the user to sign in: that counts until then (rule 6).
    wants_user: bool,
    looked_at: Duration,
    /// What was so when last looked.
    all: Vec<Matter>,
    failing: Option<Failing>,
}

impl Reaching {
    /// The identity service may be believed to be out, or to want the user.
    pub(super) fn may_be_denied(&self, ticks: Duration) -> bool {
        self.wants_user || self.lately(Matter::IdentityOut, ticks)
    }

    /// The identity service may have said that it wants the user, who has not come yet.
    pub(super) fn may_want_user(&self) -> bool {
        self.wants_user
    }

    /// Nothing keeps checks away.
    pub(super) fn is_well(&self) -> bool {
        self.all == [Matter::Nothing] && !self.wants_user
    }

    /// A check was answered, or the user has signed in.
    pub(super) fn answered(&mut self) {
        self.begins_anew();
        self.wants_user = false;
    }

    /// It is so, or was not so long ago that everybody must have noticed.
    pub(super) fn lately(&self, matter: Matter, ticks: Duration) -> bool {
        let last = self.last.get(&matter);
        last.is_some_and(|last| ticks.saturating_sub(*last) <= UNNOTICED_FOR)
    }

    /// It was so, and nothing shows whether it still is: what was known goes on.
    pub(super) fn goes_on(&self, matter: Matter, ticks: Duration) -> bool {
        VEILS.iter().any(|veil| self.all.contains(veil)) && self.lately(matter, ticks)
    }

    /// What two failures have decided, with nothing in between, and still is so; and when they had, in ticks.
    pub(super) fn decided(&self) -> Option<(Matter, Duration)> {
        let failing = self.failing?;
        failing.decided.map(|at| (failing.with, at))
    }

    /// A sleep, another network: failures from before say nothing about now (rule 8).
    pub(super) fn begins_anew(&mut self) {
        self.failing = None;
    }

    pub(super) fn slept(&mut self, time: Duration) {
        self.begins_anew();
        self.looked_at += time;
        self.last.values_mut().for_each(|last| *last += time);
    }

    /// The agent is gone, and with it what it had noticed.
    pub(super) fn forgets(&mut self) {
        *self = Self {
            wants_user: self.wants_user,
            ..Self::default()
        };
    }

    pub(super) fn failed(&mut self, failure: Option<&CheckFailure>, ticks: Duration) {
        let Some(with) = failure.and_then(meaning) else {
            return self.begins_anew();
        };
        match &mut self.failing {
            Some(failing) if failing.with == with => {
                if ticks.saturating_sub(failing.first) >= APART {
                    failing.decided.get_or_insert(ticks);
                }
            }
            failing => {
                *failing = Some(Failing {
                    with,
                    first: ticks,
                    decided: None,
                });
            }
        }
    }

    pub(super) fn look(&mut self, world: &World) {
        let ticks = world.machine.ticks;
        let all = matters(world);
        // A keyring that is closed, or a service that is busy, shows nothing else: what was known goes on (decisions 5 and 6). A
        // portal or a wrong clock ends outages, and the rules leave open whether it ends being offline.
        let veiled = |veils: &[Matter]| veils.iter().any(|veil| self.all.contains(veil));
        let aged = ticks.saturating_sub(self.looked_at);
        let all_goes_on = veiled(&VEILS);
        let offline_goes_on = veiled(&[Matter::Blocked, Matter::ClockWrong]);
        for (matter, last) in &mut self.last {
            let is_offline = matches!(matter, Matter::Offline | Matter::NeitherAnswers);
            if all_goes_on || (offline_goes_on && is_offline) {
                *last += aged;
            }
        }
        self.looked_at = ticks;
        // Until now everything was as it was when last looked.
        for matter in self.all.iter().chain(&all) {
            self.last.insert(*matter, ticks);
        }
        if matches!(world.gives_no_token, Some(CheckFailure::IdentityHindered(_))) {
            self.last.insert(Matter::IdentityBlocked, ticks);
        }
        self.all.clone_from(&all);
        self.wants_user |= all.contains(&Matter::SignInAgain);
        if self.failing.is_some_and(|failing| all != [failing.with]) {
            self.begins_anew();
        }
    }
}

fn meaning(failure: &CheckFailure) -> Option<Matter> {
    match failure {
        CheckFailure::Unreachable { licensing, identity } => match (licensing, identity) {
            (Side::NoRoute, Side::NoRoute) => Some(Matter::Offline),
            (Side::Answers, Side::Silent) => Some(Matter::IdentityOut),
            (Side::Silent, Side::Answers) => Some(Matter::LicensingOut),
            (Side::Silent, Side::Silent) => Some(Matter::NeitherAnswers),
            _ => None,
        },
        CheckFailure::IdentityRefuses { .. }
        | CheckFailure::IdentityOut { .. }
        | CheckFailure::IdentityHindered(_) => Some(Matter::IdentityOut),
        _ => None,
    }
}

/// Whatever a check might meet now; where it is more than one thing, it depends on what is asked first.
fn matters(world: &World) -> Vec<Matter> {
    let mut all = Vec::new();
    if world.keyring != Keyring::Open {
        all.push(Matter::Keyring);
    }
    if !world.network {
        all.push(Matter::Offline);
        return all;
    }
    let revoked = world.grant_revoked || world.view().problems.contains(&Problem::SignInAgain);
    if revoked {
        all.push(Matter::SignInAgain);
    }
    let gives = match &world.gives_no_token {
        None => world.identity,
        Some(CheckFailure::IdentityBusy { .. }) => {
            all.push(Matter::IdentityBusy);
            world.identity
        }
        Some(_) => false,
    };
    match &world.wire {
        Wire::Honest => {}
        Wire::Fails(CheckFailure::Busy { .. }) => all.push(Matter::Busy),
        Wire::Fails(CheckFailure::Hindered(Hindrance::ClockWrong { .. })) => all.push(Matter::ClockWrong),
        Wire::Fails(_) => all.push(Matter::Blocked),
        // Somebody else answers in the service's place.
        Wire::Tampered | Wire::TamperedAbout(_) | Wire::Replayed | Wire::Foreign => {
            all.push(Matter::LicensingOut);
            all.push(Matter::NeitherAnswers);
        }
    }
    if !gives {
        all.push(Matter::IdentityOut);
    }
    match (world.licensing, world.identity) {
        (true, true) => {}
        (true, false) => all.push(Matter::IdentityOut),
        (false, true) => all.push(Matter::LicensingOut),
        (false, false) => all.push(Matter::NeitherAnswers),
    }
    all.sort_unstable();
    all.dedup();
    // Whoever has a token that is good does without the identity service, and whoever does not answer refuses nothing.
    if !world.licensing && !world.identity && world.gives_no_token.is_none() {
        all.retain(|matter| *matter != Matter::IdentityOut);
    }
    if all.is_empty() || all == [Matter::IdentityOut] && has_token(world) {
        all.push(Matter::Nothing);
    }
    all
}

/// The access token in the vault is accepted.
pub(super) fn has_token(world: &World) -> bool {
    let secrets = world.vault.get(SERVICE);
    secrets.is_some_and(|secrets| secrets.tokens && world.machine.real < secrets.access_until)
}
