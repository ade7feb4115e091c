//! What is under way with one service, and what was learned of reaching it (rules 2, 5 and 8).

mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::hindrance::{Hindrance, NetworkTrouble};
use crate::status::{Party, Wire};
use crate::time::{MINUTE, Now, Timestamp};
use crate::usage::Usage;
use crate::view::Reach;

pub(super) use self::reach::shown_by;
use super::{Attempt, Ticket};

/// Longest life of one check, from the first byte to the verdict.
const CHECK_WITHIN: Duration = MINUTE;
/// How long the check may take that comes before an end is told (rule 5).
const HEAL_WITHIN: Duration = MINUTE;
/// How long a `SESSION_IN_USE` stands while no check can be made (rule 9).
const SESSION_REFUSED_FOR: Duration = Duration::from_secs(15 * 60);
/// What keeps checks away for less time may be the network coming up, or an outage that is being decided.
const FAILS_FOR: Duration = MINUTE;
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
    /// Since when somebody waits for a check that was overtaken, and is made again.
    put_off: Option<Timestamp>,
    /// Failures in a row.
    failures: u32,
    /// When the first of them was, in ticks.
    failing_since: Duration,
    /// When the next try is, after a failure.
    retry_at: Option<Duration>,
    /// What was learned.
    pub(super) reach: Reach,
    /// A failure has shown it since the machine woke and since its network changed.
    pub(super) is_fresh: bool,
    /// Since when no check can be made, because a service is out of reach or something stands in the way, in ticks.
    cut_off_since: Option<Duration>,
    /// For how long the machine had slept before that, since the last answer: nobody could be asked then either.
    slept_for: Duration,
    /// The first of the failures that say the same, and when.
    suspicion: Option<(Reach, Duration, Timestamp)>,
    /// One of the two services answers nothing but that it is busy.
    busy: Option<Busy>,
    /// Something else answered in the licensing service's place, and the identity service is being asked.
    pub(super) is_strange: bool,
    /// The identity service answers, and gives no token.
    is_refused: bool,
    /// Why no check can succeed.
    pub(super) hindrance: Option<(Hindrance, Timestamp)>,
    /// A share of 10 % of `check_every` by which the daily check comes early, 0 to 255.
    jitter: u8,
    /// Requests that wait for the check that is under way, or for the next one.
    waiters: BTreeSet<Ticket>,
    /// Requests that came while it was under way: its failure is no answer to them, because what failed may be mended since.
    late: BTreeSet<Ticket>,
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

/// A service that wants to be asked later.
#[derive(Clone, Copy, Debug)]
struct Busy {
    party: Party,
    /// Since when, in ticks and in trusted time.
    at: Duration,
    since: Timestamp,
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
    /// It is made with credentials that are fetched anew.
    anew: bool,
    /// The machine has slept since, or its network changed: that it fails says nothing about now (rule 8).
    is_of_before: bool,
}

/// A check or a probe that has come back.
#[derive(Debug)]
pub(super) struct Landed {
    /// The minutes of use that it carried.
    pub(super) usage: Vec<Usage>,
    /// It was made with credentials that were to be fetched anew.
    pub(super) anew: bool,
    /// It began before the machine slept, or before its network changed.
    pub(super) is_of_before: bool,
}

impl Link {
    /// Somebody wants a check, and waits for its answer.
    pub(super) fn want_for(&mut self, ticket: Ticket) {
        self.wanted = true;
        match &self.flight {
            Some(_) => self.late.insert(ticket),
            None => self.waiters.insert(ticket),
        };
    }

    /// Whoever waits for the check that is under way waits for this one as well.
    pub(super) fn waits_too(&mut self, ticket: Option<Ticket>) {
        self.waiters.extend(ticket);
    }

    pub(super) fn is_awaited_by(&self, ticket: Ticket) -> bool {
        self.waiters.contains(&ticket) || self.late.contains(&ticket)
    }

    pub(super) fn does_not_wait(&mut self, ticket: Ticket) {
        self.waiters.remove(&ticket);
        self.late.remove(&ticket);
    }

    /// Everyone to whom a failed check is the answer. Who came while it was under way has the next one.
    pub(super) fn take_waiters_of_failure(&mut self) -> BTreeSet<Ticket> {
        std::mem::replace(&mut self.waiters, std::mem::take(&mut self.late))
    }

    /// Everyone to whom a check that was answered is the answer.
    pub(super) fn take_waiters_of_answer(&mut self) -> BTreeSet<Ticket> {
        let mut waiters = std::mem::take(&mut self.waiters);
        waiters.append(&mut self.late);
        waiters
    }

    /// Everyone who waits for an answer, also those whose wish no check has taken along yet.
    pub(super) fn take_waiters(&mut self) -> BTreeSet<Ticket> {
        let mut waiters = self.take_waiters_of_answer();
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
        // What ends while another end is being asked about is asked about with it, and makes nobody wait longer.
        self.heal.take_if(|heal| now.ticks >= heal.until);
        self.heal.get_or_insert(Heal {
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

    /// What was learned says nothing about now, and somebody is being asked.
    pub(super) fn is_old_news(&self) -> bool {
        !self.is_fresh && (self.wanted || self.is_flying())
    }

    /// Whether somebody is being asked, or failures are being compared.
    pub(super) fn is_deciding(&self) -> bool {
        self.is_flying() || self.suspicion.is_some()
    }

    /// Whether nothing is known yet of what keeps checks away, if anything does.
    pub(super) const fn is_undecided(&self) -> bool {
        match self.reach {
            Reach::Doubtful => true,
            Reach::Unknown => self.hindrance.is_none(),
            Reach::Online
            | Reach::Offline
            | Reach::NeitherAnswers
            | Reach::IdentityOutage
            | Reach::LicensingOutage => false,
        }
    }

    /// Until when a start waits for failures to be compared.
    pub(super) fn doubt_until(&self) -> Option<Duration> {
        self.suspicion
            .filter(|_| self.reach == Reach::Doubtful)
            .map(|(_, at, _)| at + DOUBT_FOR)
    }

    /// An answer that is under way no longer counts. Whoever may still be asked then, is asked anew.
    pub(super) fn abandon(&mut self) {
        if let Some(flight) = self.flight.take() {
            self.wanted = true;
            self.anew |= flight.anew && !self.spreading.is_empty();
            self.put_off = Some(flight.since);
        }
    }

    /// What of the network stands in the way.
    pub(super) fn blocked(&self) -> Option<NetworkTrouble> {
        match self.hindrance.as_ref()? {
            (Hindrance::Blocked(obstacle), _) => Some(obstacle.by),
            (Hindrance::ServiceOutdated | Hindrance::ClockWrong { .. }, _) => None,
        }
    }

    /// Nobody can be asked, so what was learned does not stay true.
    pub(super) fn know_nothing(&mut self) {
        self.reach = Reach::Unknown;
        self.suspicion = None;
        self.hindrance = None;
        self.busy = None;
        self.is_refused = false;
        self.failures = 0;
    }

    /// Who has said last that it is busy.
    pub(super) fn busy(&self) -> Option<Party> {
        self.busy.map(|busy| busy.party)
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

    /// Whether tries have failed so often, and for so long, that nothing is being decided any more.
    pub(super) fn keeps_failing(&self, now: &Now) -> bool {
        let time = now.ticks.saturating_sub(self.failing_since);
        self.failures > 5 && time >= FAILS_FOR
    }

    /// Trusted time jumped: what is pending has lasted as long as before.
    pub(super) fn shift(&mut self, millis: i64) {
        let since = [
            self.flight.as_mut().map(|flight| &mut flight.since),
            self.suspicion.as_mut().map(|(.., since)| since),
            self.busy.as_mut().map(|busy| &mut busy.since),
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
        if let Some(flight) = &mut self.flight {
            flight.is_of_before = true;
        }
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
        if !probe {
            self.waiters.append(&mut self.late);
        }
        self.put_off = None;
        self.flight = Some(Flight {
            attempt,
            probe,
            party: Party::Licensing,
            since,
            deadline: now.ticks + CHECK_WITHIN,
            usage: Vec::new(),
            anew: false,
            is_of_before: false,
        });
    }

    /// What the check that begins carries.
    pub(super) fn carries(&mut self, usage: Vec<Usage>) {
        let anew = std::mem::take(&mut self.anew);
        if let Some(flight) = &mut self.flight {
            (flight.usage, flight.anew) = (usage, anew);
        }
    }

    /// This one brought nothing: what was to be fetched anew for whoever waits for a seat is fetched by the next (rule 14).
    pub(super) fn brought_nothing(&mut self, landed: &Landed) {
        self.anew |= landed.anew && !self.spreading.is_empty();
    }

    /// The request of this attempt has got so far.
    pub(super) fn on_wire(&mut self, attempt: Attempt, party: Party) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.attempt == attempt) {
            flight.party = party;
        }
    }

    /// When no check could be made for so long that no session counts any more (rule 9).
    pub(super) fn session_over_at(&self) -> Option<Duration> {
        let since = self.cut_off_since?;
        Some((since + SESSION_REFUSED_FOR).saturating_sub(self.slept_for))
    }

    pub(super) fn slept(&mut self, time: Duration) {
        // What is cut off already has been for the time of the sleep, too: ticks go on.
        if self.cut_off_since.is_none() {
            self.slept_for += time;
        }
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
        // A check that a reset of another product has overtaken is made again when that is signed, in a moment.
        if let Some(since) = self.put_off.filter(|_| self.wanted && self.ending.is_signing()) {
            return Some(Wire {
                party: Party::Licensing,
                since,
                until: since + CHECK_WITHIN,
            });
        }
        // Between the tries that decide what is out of reach, the start goes on waiting for them; but for the machine's own word
        // that there is no route, and where it is known what stands in the way. A service that is busy is waited for where it is asked again by then.
        let retry_at = self.retry_at?;
        let suspicion = self.suspicion.filter(|_| self.hindrance.is_none());
        let compared = suspicion.filter(|(shown, ..)| *shown != Reach::Offline);
        let compared = compared.map(|(_, at, since)| (Party::Licensing, at, since));
        let busy = self.busy.filter(|busy| retry_at < busy.at + DOUBT_FOR);
        let busy = busy.map(|busy| (busy.party, busy.at, busy.since));
        let (party, at, since) = compared.or(busy)?;
        (now.ticks < at + DOUBT_FOR).then_some(Wire {
            party,
            since,
            until: since + DOUBT_FOR,
        })
    }

    /// Ends the flight of this attempt, if it is the present one.
    pub(super) fn land(&mut self, attempt: Attempt) -> Option<Landed> {
        let landed = self.flight.take_if(|flight| flight.attempt == attempt)?;
        Some(Landed {
            usage: landed.usage,
            anew: landed.anew,
            is_of_before: landed.is_of_before,
        })
    }
}
