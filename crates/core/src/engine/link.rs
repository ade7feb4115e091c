//! What is under way with one service, and what was learned of reaching it: flights, failures, back-off (rules 2, 5 and 8).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::code::Reason;
use crate::network::NetworkTrouble;
use crate::status::{Party, Wire, is_offline};
use crate::time::{MINUTE, Now, Timestamp};
use crate::usage::Usage;
use crate::view::Reach;

use super::{Attempt, CheckFailure, Side, Ticket};

/// Longest life of one check, from the first byte to the verdict.
const CHECK_WITHIN: Duration = MINUTE;
/// The shortest and the longest ceiling of a back-off (rule 2).
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5 * 60));
/// Two failures decide, at least this far apart (rule 8).
const DECIDED_AFTER: Duration = Duration::from_secs(10);
/// How long the check may take that comes before an end is told (rule 5).
const HEAL_WITHIN: Duration = MINUTE;
/// How long a `SESSION_IN_USE` stands while no check can be made (rule 9).
const SESSION_REFUSED_FOR: Duration = Duration::from_secs(15 * 60);
/// How long a start goes on waiting while failures are still being compared, or the service is busy.
const DOUBT_FOR: Duration = Duration::from_secs(20);

/// What is under way with one service.
#[derive(Debug, Default)]
pub(super) struct Link {
    flight: Option<Flight>,
    /// A check is wanted now, whatever the back-off says.
    wanted: bool,
    /// The next one is made with credentials that are fetched anew.
    pub(super) anew: bool,
    /// Failures in a row.
    failures: u32,
    /// When the next try is, after a failure.
    retry_at: Option<Duration>,
    /// What was learned.
    pub(super) reach: Reach,
    /// A failure has shown it since the machine woke and since its network changed.
    is_fresh: bool,
    /// Since when no check can be made, because a service is out of reach or something stands in the way, in ticks.
    cut_off_since: Option<Duration>,
    /// The first of the failures that say the same, and when.
    suspicion: Option<(Reach, Duration, Timestamp)>,
    /// Since when the service has answered nothing but that it is busy.
    busy: Option<(Duration, Timestamp)>,
    /// Something else answered in the licensing service's place, and the identity service is being asked.
    pub(super) is_strange: bool,
    /// The identity service answers, and gives no token.
    is_refused: bool,
    /// Why no check can succeed.
    pub(super) hindrance: Option<(Reason, Timestamp)>,
    /// Where that is the network: what of it, if it is known.
    blocked: Option<NetworkTrouble>,
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
    /// What keeps a session, and what ends it.
    pub(super) session: super::sessions::SessionLink,
    /// Seats that were just assigned, by product.
    pub(super) spreading: BTreeMap<String, super::spreading::Spreading>,
    /// Since when the time of what is open has not been counted, by product and version.
    pub(super) meters: BTreeMap<(String, String), Duration>,
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
    /// The minutes of use that it carries.
    usage: Vec<Usage>,
}

impl Link {
    /// Everyone who waits for an answer, also those whose wish no check has taken along yet.
    pub(super) fn take_waiters(&mut self) -> BTreeSet<Ticket> {
        let mut waiters = std::mem::take(&mut self.waiters);
        waiters.extend(self.session.wish.take().map(|wish| wish.ticket));
        waiters
    }

    /// A check is to be made now.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// A check is to be made now, with credentials that are fetched anew.
    pub(super) fn want_anew(&mut self) {
        self.wanted = true;
        self.anew = true;
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

    /// The licensing service is out; the last that was known of it, where the machine has woken since.
    pub(super) fn is_licensing_out(&self) -> bool {
        self.reach == Reach::LicensingOutage
    }

    /// The same, and it is no news of before the machine slept.
    pub(super) fn is_licensing_out_now(&self) -> bool {
        self.is_licensing_out() && self.is_fresh
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

    /// Whether somebody is being asked, or failures are being compared.
    pub(super) fn is_deciding(&self) -> bool {
        self.is_flying() || self.suspicion.is_some()
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

    /// What of the network stands in the way.
    pub(super) fn blocked(&self) -> Option<NetworkTrouble> {
        self.blocked.filter(|_| self.hindrance.is_some())
    }

    /// Nobody can be asked, so what was learned does not stay true.
    pub(super) fn know_nothing(&mut self) {
        self.reach = Reach::Unknown;
        self.cut_off_since = None;
        self.suspicion = None;
        self.hindrance = None;
        self.busy = None;
        self.is_refused = false;
        self.failures = 0;
    }

    /// Whether the last that was heard of the service is that it is busy.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Somebody signs in: what was refused before says nothing about them.
    pub(super) fn signed_in(&mut self) {
        self.hindrance = None;
        self.is_refused = false;
    }

    /// Whether the identity service answers and gives no token: a sign-in may be the way back.
    pub(super) const fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether tries have failed for so long that it is not the network coming up, or an outage being decided.
    pub(super) fn keeps_failing(&self) -> bool {
        self.failures > 5
    }

    /// Trusted time jumped: what is pending has lasted as long as before.
    pub(super) fn shift(&mut self, millis: i64) {
        let since = [
            self.flight.as_mut().map(|flight| &mut flight.since),
            self.suspicion.as_mut().map(|(.., since)| since),
            self.busy.as_mut().map(|(_, since)| since),
            self.hindrance.as_mut().map(|(_, since)| since),
            self.heal.as_mut().map(|heal| &mut heal.since),
        ];
        let spreading = self.spreading.values_mut().map(|spreading| &mut spreading.since);
        for since in since.into_iter().flatten().chain(spreading) {
            *since = since.shifted(millis);
        }
    }

    /// After sleep or a change of network: a failure of before says nothing about now (rule 8).
    pub(super) fn begin_anew(&mut self) {
        self.is_fresh = false;
        self.failures = 0;
        self.suspicion = None;
        self.busy = None;
        self.want();
    }

    /// The flight that has taken too long.
    pub(super) fn overdue(&self, now: &Now) -> Option<Attempt> {
        let flight = self.flight.as_ref().filter(|flight| now.ticks >= flight.deadline);
        flight.map(|flight| flight.attempt)
    }

    /// Whether somebody is to be asked now, because it is wanted, time to try again, or `due`. Then it is not any more.
    pub(super) fn takes_its_turn(&mut self, now: &Now, due: bool) -> bool {
        let retry = self.retry_at.is_some_and(|at| now.ticks >= at);
        let is_free = self.flight.is_none() && !self.ending.is_blocking();
        let turn = is_free && (self.wanted || retry || (due && self.retry_at.is_none()));
        if turn {
            self.wanted = false;
            self.retry_at = None;
            self.session.due_at = None;
        }
        turn
    }

    /// A check or a probe begins.
    pub(super) fn take_off(&mut self, attempt: Attempt, probe: bool, since: Timestamp, now: &Now) {
        self.is_strange = false;
        self.flight = Some(Flight {
            attempt,
            probe,
            party: Party::Licensing,
            since,
            deadline: now.ticks + CHECK_WITHIN,
            usage: Vec::new(),
        });
    }

    /// What the check that begins carries.
    pub(super) fn carries(&mut self, usage: Vec<Usage>) {
        if let Some(flight) = &mut self.flight {
            flight.usage = usage;
        }
    }

    /// The request of this attempt has got so far.
    pub(super) fn on_wire(&mut self, attempt: Attempt, party: Party) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.attempt == attempt) {
            flight.party = party;
        }
    }

    /// When no check could be made for so long that no session counts any more (rule 9).
    pub(super) fn session_over_at(&self) -> Option<Duration> {
        self.cut_off_since.map(|since| since + SESSION_REFUSED_FOR)
    }

    pub(super) const fn jitter(&self) -> u8 {
        self.jitter
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
        // Between the tries that decide what is out of reach, the start goes on waiting for them; but for the machine's own word
        // that there is no route. A service that is busy is waited for where it is asked again by then.
        let retry_at = self.retry_at?;
        let compared = self.suspicion.filter(|(shown, ..)| *shown != Reach::Offline);
        let compared = compared.map(|(_, at, since)| (at, since));
        let busy = self.busy.filter(|(at, _)| retry_at < *at + DOUBT_FOR);
        let (at, since) = compared.or(busy)?;
        (now.ticks < at + DOUBT_FOR).then_some(Wire {
            party: Party::Licensing,
            since,
            until: since + DOUBT_FOR,
        })
    }

    /// Ends the flight of this attempt, if it is the present one. Says what it carried.
    pub(super) fn land(&mut self, attempt: Attempt) -> Option<Vec<Usage>> {
        let landed = self.flight.take_if(|flight| flight.attempt == attempt);
        landed.map(|flight| flight.usage)
    }

    pub(super) fn answered(&mut self, now: &Now) {
        self.failures = 0;
        self.retry_at = None;
        self.suspicion = None;
        self.hindrance = None;
        self.busy = None;
        self.is_refused = false;
        self.heal = None;
        self.reach = Reach::Online;
        self.cut_off_since = None;
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
    }

    /// No check can be made that one needs. Whoever sits in an outage, in front of a portal or of a locked keyring must not be worse off than
    /// with the cable pulled (rule 9).
    fn cut_off(&mut self, now: &Now) {
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

    /// A check brought nothing.
    pub(super) fn failed(&mut self, failure: &CheckFailure, now: &Now, at: Timestamp) {
        self.heal.take_if(|heal| !heal.patient);
        let hindered = self.hindrance.take();
        let busy = self.busy.take();
        self.is_refused = matches!(failure, CheckFailure::IdentityRefuses { .. });
        self.blocked = None;
        match shown_in(failure) {
            Some(shown) => self.learn(shown, now, at),
            None => self.undoubt(),
        }
        let mut at_least = Duration::ZERO;
        match failure {
            CheckFailure::Busy { retry_after } => {
                // It was reached. An outage of it that is known goes on until it does what it is asked.
                if is_offline(self.reach) {
                    self.reach = Reach::Unknown;
                }
                self.busy = busy.or(Some((now.ticks, at)));
                at_least = retry_after.unwrap_or_default().min(BACK_OFF.1);
            }
            CheckFailure::IdentityBusy { retry_after } => {
                at_least = retry_after.unwrap_or_default().min(BACK_OFF.1);
            }
            CheckFailure::IdentityOut { retry_after } => at_least = (*retry_after).min(BACK_OFF.1),
            CheckFailure::Hindered(reason) => {
                self.forget_the_outage();
                self.cut_off(now);
                self.hindered(*reason, hindered, at);
            }
            CheckFailure::Blocked(trouble) => {
                self.forget_the_outage();
                self.cut_off(now);
                self.hindered(Reason::NetworkBlocked, hindered, at);
                self.blocked = Some(*trouble);
            }
            CheckFailure::Vault(_) => self.cut_off(now),
            CheckFailure::Unreachable { .. }
            | CheckFailure::IdentityRefuses { .. }
            | CheckFailure::VaultEmptied
            | CheckFailure::SignInAgain
            | CheckFailure::IdTokenRequired => {}
        }
        self.back_off(now, at_least);
    }

    fn hindered(&mut self, reason: Reason, before: Option<(Reason, Timestamp)>, at: Timestamp) {
        let since = before
            .filter(|(same, _)| *same == reason)
            .map_or(at, |(_, since)| since);
        self.hindrance = Some((reason, since));
    }

    /// A probe found a side silent.
    pub(super) fn found_out(&mut self, shown: Reach, now: &Now, at: Timestamp) {
        self.busy = None;
        self.learn(shown, now, at);
        self.back_off(now, Duration::ZERO);
    }

    fn back_off(&mut self, now: &Now, at_least: Duration) {
        let ceiling = BACK_OFF
            .0
            .saturating_mul(1 << self.failures.min(16))
            .min(BACK_OFF.1);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX).max(1);
        let full_jitter = Duration::from_millis(now.entropy % millis);
        // Who was told to come back later than they would anyway was told so together with everybody else.
        let tenth = u64::try_from((at_least / 10).as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let later = at_least + Duration::from_millis(now.entropy.rotate_left(17) % tenth);
        let retry_at = now.ticks + full_jitter.max(later).max(Duration::from_millis(50));
        // The failure that decides is not waited for longer than it must be.
        let decides = self.suspicion.map(|(_, first, _)| first + DECIDED_AFTER);
        let decides = decides.filter(|at| now.ticks < *at);
        self.retry_at = Some(decides.map_or(retry_at, |at| at.min(retry_at)));
    }

    /// What a start goes by: the machine's own word that there is no route need not be compared with anything.
    pub(super) fn reach_of_start(&self) -> Reach {
        match self.suspicion {
            Some((Reach::Offline, ..)) => Reach::Offline,
            Some(_) | None => self.reach,
        }
    }
}

/// What a failure shows of both services, where it shows anything.
const fn shown_in(failure: &CheckFailure) -> Option<Reach> {
    match failure {
        CheckFailure::Unreachable { licensing, identity } => Some(shown_by(*licensing, *identity)),
        // As a token that is not taken: to the user it is as if there were none (rule 6).
        CheckFailure::IdentityRefuses { .. } | CheckFailure::IdentityOut { .. } => {
            Some(Reach::IdentityOutage)
        }
        CheckFailure::Busy { .. }
        | CheckFailure::IdentityBusy { .. }
        | CheckFailure::Vault(_)
        | CheckFailure::VaultEmptied
        | CheckFailure::SignInAgain
        | CheckFailure::IdTokenRequired
        | CheckFailure::Hindered(_)
        | CheckFailure::Blocked(_) => None,
    }
}

/// What the two sides together show (rules 6 to 8).
pub(super) const fn shown_by(licensing: Side, identity: Side) -> Reach {
    match (licensing, identity) {
        (Side::Answers, Side::Answers) => Reach::Online,
        (Side::Answers, Side::Silent | Side::NoRoute) => Reach::IdentityOutage,
        (Side::Silent | Side::NoRoute, Side::Answers) => Reach::LicensingOutage,
        (Side::NoRoute, Side::NoRoute) => Reach::Offline,
        (Side::Silent, Side::Silent | Side::NoRoute) | (Side::NoRoute, Side::Silent) => Reach::NeitherAnswers,
    }
}
