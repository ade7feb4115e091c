//! Who may run, as rules 1 to 9 and 15 word it. Small on purpose, and written without a look at the engine.

mod judges;
mod learns;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::{Ticket, UseKey};
use latchkey_core::policy::IdentityOutage;
use latchkey_core::time::Timestamp;

use super::asking::Asking;
use super::clock::Mischief;
use super::codes::Waits;
use super::counted::Counted;
use super::known::{Known, Licence};
use super::notices::Told;
use super::reach::{Matter, Reaching, UNNOTICED_FOR};
use super::sessions::Heard;
use super::spreading::Spreads;
use super::temporaries::Given;
use super::usage::Used;
use crate::support::judge::{Happened, Judge};
use crate::support::machine::Machine;
use crate::support::world::World;
use crate::support::{QUARRY, days, hours, minutes, seconds};

/// Rule 7: how long a temporary licence lives.
const TEMPORARY_FOR: Duration = hours(4);
/// Rule 6: what is open runs on for so long after the last check, where nothing may start.
const OPEN_RUNS_ON_FOR: Duration = days(1);
/// The key signs at once; a start may be waiting for it meanwhile.
const SIGNED_WITHIN: Duration = seconds(60);
/// A session refusal ends when whoever has it could not be asked about for so long (rule 9).
const SESSION_ENDS_AFTER: Duration = minutes(15);

/// Whether a product may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MayRun {
    Yes,
    No,
    /// The rules leave it open for a while.
    Either,
    /// Only on a temporary licence, which ends by then: the service seemed to be out not so long ago.
    ByTemporary(Timestamp),
    /// On such a licence it must: there is no gap, and no action by the user (rule 7).
    Bridged(Timestamp),
}

/// A product that may not run although a program has it open.
#[derive(Debug)]
struct Lost {
    /// When it was first seen, in ticks.
    at: Duration,
    /// When the program was first told that it must have stopped, in ticks.
    stop_at: Option<Duration>,
}

/// The model.
#[derive(Debug, Default)]
pub(super) struct Reference {
    known: Known,
    stored: Known,
    mischief: Mischief,
    told: Told,
    heard: Heard,
    used: Used,
    counted: Counted,
    /// The check that was begun last, and the last whose answer counts no longer.
    begun: usize,
    void: usize,
    /// The last that was begun before the machine slept or changed its network.
    of_before: usize,
    /// Up to which one the minutes that were not sent may have been deleted.
    forgotten: usize,
    ever_signed_in: bool,
    /// Products of which there is something to reset: a licence, or a temporary one of a first start.
    held: BTreeSet<String>,
    resets: Vec<(Ticket, Option<String>)>,
    died: bool,
    starts: BTreeMap<UseKey, Duration>,
    lost: BTreeMap<String, Lost>,
    /// Since when something that a check needs could not be reached, without an answer since.
    unreached_since: Option<Duration>,
    /// For how long the machine slept between the last answer and that: nobody could be asked then either.
    slept: Duration,
    reaching: Reaching,
    waits: Waits,
    given: Given,
    asking: Asking,
    spreads: Spreads,
    /// The licensing service seemed to be out when last looked, and the agent is another since.
    seemed_out: bool,
    is_another_agent: bool,
    /// When the licensing service last seemed to be out, in trusted time.
    out_at: Option<Timestamp>,
    /// When it last did not answer, whether the identity service did or not: a first start asks that one again itself.
    silent_at: Option<Timestamp>,
}

impl Reference {
    pub(super) fn new(machine: &Machine) -> Self {
        let mut reference = Self::default();
        reference.known.clock.look(machine, &mut reference.mischief);
        reference
    }

    fn may_run(&self, product: &str, machine: &Machine) -> MayRun {
        if self
            .resets
            .iter()
            .any(|(_, scope)| scope.as_deref().is_none_or(|one| one == product))
        {
            return MayRun::Either;
        }
        if !self.known.signed_in {
            return MayRun::No;
        }
        let now = self.known.clock.trusted(machine);
        let by_temporary = |out_at: Option<Timestamp>| {
            let latest = out_at.map(|out| out + UNNOTICED_FOR + TEMPORARY_FOR);
            let latest = latest.filter(|latest| now < *latest);
            latest.map_or(MayRun::No, MayRun::ByTemporary)
        };
        let known = self.known.licences.get(product);
        let stands = known.is_some_and(|licence| match licence.refusal {
            Some(Code::SessionInUse) => !licence.may_be_free,
            refusal => refusal.is_some(),
        });
        let Some((licence, until)) = known.and_then(|licence| Some((licence, licence.until?))) else {
            // A first start: the vendor of Quarry has signed that it may be one in an outage.
            let turned_away = stands || self.known.turned_away.contains(product);
            let may_be_given = product == QUARRY && !turned_away;
            return if may_be_given {
                by_temporary(self.silent_at)
            } else {
                MayRun::No
            };
        };
        if until <= now {
            let goes_on_from = licence.checked_at + licence.policy.outage_keep_for;
            let may_be_given = !stands && goes_on_from <= now;
            return match by_temporary(self.out_at) {
                MayRun::ByTemporary(latest) if may_be_given && self.is_bridged(licence, machine) => {
                    MayRun::Bridged(latest)
                }
                may if may_be_given => may,
                _ => MayRun::No,
            };
        }
        match licence.refusal {
            None | Some(Code::ClientOutdated) => MayRun::Yes,
            Some(Code::SessionInUse) if licence.may_be_free => MayRun::Either,
            Some(_) => MayRun::No,
        }
    }

    /// The same for a program that waits for its start, or is open: rule 6 tells them apart.
    fn may(&self, is_open: bool, product: &str, machine: &Machine) -> MayRun {
        let may_run = self.may_run(product, machine);
        let licence = self.known.licences.get(product);
        let denies = |licence: &&Licence| licence.policy.identity_outage == IdentityOutage::Deny;
        let Some(licence) = licence.filter(denies).filter(|_| may_run == MayRun::Yes) else {
            return may_run;
        };
        let now = self.known.clock.trusted(machine);
        if is_open && now < licence.checked_at + OPEN_RUNS_ON_FOR {
            return may_run;
        }
        // One that was given before runs to its end.
        let temporary = self
            .out_at
            .is_some_and(|out| now < out + UNNOTICED_FOR + TEMPORARY_FOR);
        match self.reaching.decided() {
            Some((Matter::IdentityOut, _)) if !temporary => MayRun::No,
            _ if self.reaching.may_be_denied(machine.ticks) => MayRun::Either,
            _ => may_run,
        }
    }

    /// The outage is known, and was before temporary licences were to begin; nothing stands in their way.
    fn is_bridged(&self, licence: &Licence, machine: &Machine) -> bool {
        let Some((Matter::LicensingOut, decided)) = self.reaching.decided() else {
            return false;
        };
        let now = self.known.clock.trusted(machine);
        let begins = licence.checked_at + licence.policy.outage_keep_for;
        // A session refusal that it goes on after has ended by then at the latest.
        let after = licence.refusal.map_or(Duration::ZERO, |_| SESSION_ENDS_AFTER);
        licence.policy.temporary_limit.is_none()
            && !self.reaching.may_want_user()
            && now.since(begins) >= SIGNED_WITHIN
            && machine.ticks.saturating_sub(decided) >= after + SIGNED_WITHIN
    }
}

impl Judge for Reference {
    fn happened(&mut self, machine: &Machine, what: &Happened) {
        self.learn(machine, what);
    }

    fn judge(&mut self, world: &World) {
        self.judge_all(world);
    }
}
