//! Who may run, as rules 1 to 9 and 15 word it. Small on purpose, and written without a look at the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Ask, Ticket, UseKey};
use latchkey_core::policy::{IdentityOutage, Policy, SessionPolicy};
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use super::asking::{Asking, Present};
use super::bases;
use super::clock::Mischief;
use super::codes::{self, Standing, Waits};
use super::counted::Counted;
use super::known::{Known, Licence};
use super::notices::Told;
use super::reach::{Matter, Reaching, UNNOTICED_FOR};
use super::sessions::Heard;
use super::spreading::Spreads;
use super::temporaries::{Given, Grounds};
use super::usage::Used;
use crate::support::judge::{Genuine, Happened, Judge};
use crate::support::machine::Machine;
use crate::support::world::{Keyring, Program, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, days, hours, minutes, seconds};

/// An answer that takes longer does not count.
const LONGEST_WAY: Duration = seconds(60);
/// A start with a good lease waits this long for its check.
const CONFIRMED_WITHIN: Duration = seconds(3);
/// The check that goes first, and the save window.
const HEALED_WITHIN: Duration = seconds(60);
/// A correction of the clock by less than a minute moves no `stop_at`.
const CLOCK_CORRECTION: Duration = seconds(61);
/// Rule 7: how long a temporary licence lives.
const TEMPORARY_FOR: Duration = hours(4);
/// Rule 6: what is open runs on for so long after the last check, where nothing may start.
const OPEN_RUNS_ON_FOR: Duration = days(1);
/// The key signs at once; a start may be waiting for it meanwhile.
const SIGNED_WITHIN: Duration = seconds(60);
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

    /// What is known of a product, for whoever judges its code.
    fn standing(&self, product: &str, world: &World) -> Standing {
        let now = self.known.clock.trusted(&world.machine);
        let licence = self.known.licences.get(product);
        let deny = licence.is_some_and(|licence| licence.policy.identity_outage == IdentityOutage::Deny);
        Standing {
            signed_in: self.known.signed_in,
            refusal: licence.and_then(|licence| licence.refusal),
            lease: licence.and_then(|licence| Some(now < licence.until?)),
            may_be_denied: deny && self.reaching.may_be_denied(world.machine.ticks),
            sign_in: world.view().sign_in.is_some(),
        }
    }

    /// What it is told beside that it may run or not.
    fn judge_words(&self, product: &str, seen: &StatusView, world: &World) {
        let concerns = |scope: &Option<String>| scope.as_deref().is_none_or(|one| one == product);
        if self.resets.iter().any(|(_, scope)| concerns(scope)) {
            return;
        }
        let machine = &world.machine;
        let licence = self.known.licences.get(product);
        // Whether a session refusal has ended meanwhile, only the next check tells for certain.
        if licence.is_some_and(|licence| licence.may_be_free) {
            return;
        }
        if seen.code != 0 {
            let standing = self.standing(product, world);
            return codes::judge(seen, &standing, &self.reaching, machine.ticks);
        }
        let lease = licence.and_then(|licence| {
            Some(bases::Lease {
                until: licence.until?,
                checked_at: licence.checked_at,
                policy: &licence.policy,
                is_outdated: licence.refusal == Some(Code::ClientOutdated),
            })
        });
        // The newest is what counts, but for one that was given and lost again.
        let mut claims = world.temporaries.iter().rev();
        let mut given = |end: i64| claims.any(|claims| claims.aud == product && claims.exp == end);
        let now = self.known.clock.trusted(machine);
        bases::judge(
            seen,
            lease.as_ref(),
            &mut given,
            &self.reaching,
            now,
            machine.ticks,
        );
    }

    fn judge_temporaries(&mut self, world: &World) {
        let ticks = world.machine.ticks;
        let seems_out = [Matter::LicensingOut, Matter::NeitherAnswers]
            .into_iter()
            .any(|matter| self.reaching.lately(matter, ticks));
        // An agent that has died since went by what it had seen.
        let seemed_out = std::mem::replace(&mut self.seemed_out, seems_out);
        let is_out = seems_out || (std::mem::take(&mut self.is_another_agent) && seemed_out);
        for claims in self.given.read(world) {
            let licence = self.known.licences.get(&claims.aud);
            let lease = licence.filter(|licence| licence.until.is_some());
            let grounds = Grounds {
                signed_in: self.known.signed_in,
                is_refused: licence.is_some_and(|licence| licence.refusal.is_some() && !licence.may_be_free),
                is_out,
                lease: lease.map(|licence| (licence.checked_at, &licence.policy)),
            };
            self.given.judge(claims, &grounds);
        }
    }

    fn judge_asking(&mut self, world: &World) {
        // Whether the policy of a product that is refused still counts, the rules leave open.
        let licences = self.known.licences.values();
        let leases = licences.filter(|licence| licence.until.is_some() && licence.refusal.is_none());
        let check_every = leases.map(|licence| licence.policy.check_every).min();
        let in_order = self.reaching.is_well() && world.latency <= seconds(2) && world.dies_in.is_none();
        self.asking.judge(Present {
            ticks: world.machine.ticks,
            signed_in: self.known.signed_in && self.resets.is_empty() && !self.reaching.may_want_user(),
            in_order,
            check_every: check_every.unwrap_or(Policy::default().check_every),
        });
        let runs = |key: &UseKey| world.engine().use_of(*key).is_some() && world.status(*key).code == 0;
        let programs = world
            .programs
            .iter()
            .filter(|(key, program)| in_order && program.running && runs(key));
        let open = programs.map(|(_, program)| program.product.clone()).collect();
        let deletes = !self.known.signed_in || !self.resets.is_empty() || self.void != self.forgotten;
        self.forgotten = self.void;
        self.counted.judge(open, deletes, world);
        let keys = world
            .programs
            .keys()
            .filter(|key| world.engine().use_of(**key).is_some());
        let told: Vec<StatusView> = keys.map(|key| world.status(*key)).collect();
        let now = self.known.clock.trusted(&world.machine);
        self.spreads.judge(&told, in_order, now, world);
    }

    fn answered(&mut self, answer: &Genuine, machine: &Machine) {
        let on_its_way = machine.ticks - answer.asked;
        if answer.check <= self.void || on_its_way >= LONGEST_WAY || !self.known.signed_in {
            return;
        }
        self.unreached_since = None;
        self.slept = Duration::ZERO;
        self.reaching.answered();
        self.asking.answered(machine.ticks);
        self.counted.answered(machine.ticks);
        self.known.clock.checked(answer.at, machine, &self.mischief);
        self.known.take(answer);
        self.told.answered(answer.at);
    }

    fn asked(&mut self, ticket: Ticket, ask: &Ask) {
        match ask {
            Ask::SignOut(_) if self.known.signed_in => {
                self.known.reset(None);
                self.void = self.begun;
            }
            Ask::Reset(scope) => {
                let held = |product: &String| {
                    self.known.licences.contains_key(product) || self.held.contains(product)
                };
                if scope.as_ref().map_or(self.ever_signed_in, held) {
                    self.resets.push((ticket, scope.clone()));
                    self.void = self.begun;
                }
            }
            Ask::SignOut(_) | Ask::SignIn(_) | Ask::CancelSignIn | Ask::Check | Ask::Session { .. } => {}
        }
    }

    /// Resets that were answered are done. What became of one in which the agent died, only the disk can tell.
    fn settle_resets(&mut self, world: &World) {
        let died = std::mem::take(&mut self.died);
        for (ticket, scope) in std::mem::take(&mut self.resets) {
            let done = if died {
                let facts = world.facts();
                match &scope {
                    Some(product) => facts.held(SERVICE, product).is_none_or(|held| held.is_empty()),
                    None => facts.services.get(SERVICE).is_none_or(|service| {
                        let mut held = service.products.values();
                        service.account.is_none() && held.all(|held| held.is_empty())
                    }),
                }
            } else {
                world.answer(ticket).is_some()
            };
            if done {
                self.known.reset(scope.as_ref());
                self.stored.reset(scope.as_ref());
            } else if !died {
                self.resets.push((ticket, scope));
            }
        }
    }

    fn judge_product(&mut self, product: &str, world: &World) {
        let machine = &world.machine;
        let [starts, runs] = [false, true].map(|is_open| self.may(is_open, product, machine));
        if runs != MayRun::No {
            self.lost.remove(product);
        }
        let seen = world.product(product);
        self.given.seen(product, &seen);
        if starts == MayRun::Yes || seen.code == 0 {
            self.told.may_run(product);
        }
        let waits = world
            .programs
            .iter()
            .any(|(key, program)| program.product == product && self.is_confirming(*key, program, machine));
        // Whoever asks without opening it hears what is said to a start, or of what is open.
        let either = if starts == runs { starts } else { MayRun::Either };
        self.judge_code(either, &seen, waits, product);
        self.judge_words(product, &seen, world);
        // Programs whose agent has just come back have not all spoken to it yet.
        let programs = world
            .programs
            .iter()
            .filter(|(key, program)| program.product == product && world.engine().use_of(**key).is_some());
        for (key, program) in programs {
            let seen = world.status(*key);
            if seen.code == 0 {
                self.told.may_run(product);
            }
            let waits = self.is_confirming(*key, program, machine);
            let may_run = if program.running { runs } else { starts };
            self.judge_code(may_run, &seen, waits, product);
            self.judge_words(product, &seen, world);
            self.waits.judge(*key, &seen, machine.ticks);
            if program.running && may_run == MayRun::No {
                self.judge_stop(product, &seen, machine);
            }
        }
    }

    fn is_confirming(&self, key: UseKey, program: &Program, machine: &Machine) -> bool {
        let started = self.starts.get(&key);
        !program.running && started.is_some_and(|at| machine.ticks - *at < CONFIRMED_WITHIN)
    }

    fn judge_code(&self, may_run: MayRun, seen: &StatusView, waits: bool, product: &str) {
        let story = || format!("{product}: {seen:?}\n{self:#?}");
        match may_run {
            MayRun::Yes => assert!(
                seen.code == 0 || (waits && seen.code <= 3),
                "blocked within grace: {}",
                story()
            ),
            MayRun::No => assert_ne!(seen.code, 0, "licensed past its end: {}", story()),
            MayRun::ByTemporary(latest) | MayRun::Bridged(latest) => {
                assert!(
                    seen.code == 0 || may_run == MayRun::ByTemporary(latest),
                    "a gap in an outage: {}",
                    story()
                );
                let until = seen.until.filter(|_| seen.basis == Some(Basis::Temporary));
                assert!(
                    seen.code != 0 || until.is_some_and(|until| until <= latest),
                    "licensed past its end, and not by a temporary licence: {}",
                    story()
                );
            }
            MayRun::Either => {}
        }
    }

    /// A program that must stop has one save window, which begins when it could first be told.
    fn judge_stop(&mut self, product: &str, seen: &StatusView, machine: &Machine) {
        let now = machine.ticks;
        let trusted = self.known.clock.trusted(machine);
        let lost = self.lost.entry(product.to_owned()).or_insert(Lost {
            at: now,
            stop_at: None,
        });
        let Some(stop_at) = seen.stop_at else {
            assert!(
                matches!(seen.code, 2 | 3) && lost.stop_at.is_none(),
                "no time to save: {seen:?} {lost:?}"
            );
            assert!(
                now - lost.at <= HEALED_WITHIN,
                "the check that goes first takes too long: {lost:?}"
            );
            return;
        };
        if stop_at <= trusted {
            return;
        }
        let stop_at = now + stop_at.since(trusted);
        // Quarry may have run without a lease, under the policy of its registration, which is the default.
        let without = (product == QUARRY).then(|| Policy::default().save_window);
        let window = self.known.save_windows.get(product).copied().max(without);
        let window = window.unwrap_or_default();
        let latest = lost.at + HEALED_WITHIN + window;
        assert!(
            stop_at <= latest + CLOCK_CORRECTION,
            "a longer save window: {seen:?} {lost:?}"
        );
        let first = *lost.stop_at.get_or_insert(stop_at);
        assert!(
            stop_at <= first + CLOCK_CORRECTION,
            "a second save window: {seen:?} {lost:?}"
        );
    }

    /// The leases that have ended: those that nothing else is said of, and those behind a session refusal, which ends
    /// when it ends.
    fn leases_that_ended(&self, machine: &Machine) -> [Vec<(String, Timestamp)>; 2] {
        let now = self.known.clock.trusted(machine);
        [None, Some(Code::SessionInUse)].map(|refusal| {
            let licences = self
                .known
                .licences
                .iter()
                .filter(|(_, licence)| licence.refusal == refusal);
            let ends = licences.filter_map(|(product, licence)| {
                let until = self.given.end_of(product, licence.until?);
                Some((product.clone(), until))
            });
            ends.filter(|(_, until)| *until <= now).collect()
        })
    }
}

impl Judge for Reference {
    fn happened(&mut self, machine: &Machine, what: &Happened) {
        match what {
            Happened::Checking(check) => {
                self.begun = *check;
                self.asking.begun(machine.ticks);
            }
            // One that was given up says nothing any more.
            Happened::Failed(check, failure) => {
                if *check == self.begun && *check > self.void {
                    // What was on its way before the machine slept or changed its network is no failure of now (rule 8).
                    if *check > self.of_before {
                        self.reaching.failed(failure.as_ref(), machine.ticks);
                    }
                    self.asking.failed(machine.ticks);
                }
            }
            Happened::NetworkChanged => {
                self.of_before = self.begun;
                self.reaching.begins_anew();
                // Whoever waits, waits for what is asked now.
                self.waits.begin_anew();
                self.asking.wants_one();
            }
            Happened::Answered(answer) => {
                self.heard.answered(machine.ticks);
                self.answered(answer, machine);
            }
            Happened::Saved => {
                self.known.clock.saved(machine);
                self.stored = self.known.clone();
            }
            Happened::SignedIn => {
                if !self.known.signed_in {
                    self.known.licences.clear();
                }
                self.known.signed_in = true;
                self.reaching.answered();
                self.asking.is_interrupted();
                self.ever_signed_in = true;
                self.void = self.begun;
            }
            Happened::Asked(ticket, ask) => {
                self.asking.something_happens();
                self.asked(*ticket, ask);
            }
            Happened::Started {
                key,
                product,
                running,
            } => {
                if !running {
                    self.asking.wants_one();
                    let licence = self.known.licences.get(product);
                    let policy = licence.map(|licence| licence.policy.session_policy);
                    // Where both may run, nobody waits; but for the check that says whether a refusal still stands.
                    let is_refused = licence.is_some_and(|licence| licence.refusal.is_some());
                    if policy != Some(SessionPolicy::Report) || is_refused {
                        self.starts.insert(*key, machine.ticks);
                    }
                    self.told.started();
                }
            }
            Happened::Died => {
                self.heard.is_interrupted();
                self.used.passes(machine.ticks);
                self.reaching.forgets();
                self.counted.is_interrupted(machine.ticks, true);
                self.waits.begin_anew();
                self.asking.is_interrupted();
                self.died = true;
                self.is_another_agent = true;
                self.starts.clear();
                // A window that was not begun may begin anew; one that was, may not.
                self.lost.retain(|_, lost| lost.stop_at.is_some());
            }
            Happened::Slept(time) => {
                if self.unreached_since.is_none() {
                    self.slept += *time;
                }
                self.heard.is_interrupted();
                self.of_before = self.begun;
                self.reaching.slept(*time);
                self.counted
                    .is_interrupted(machine.ticks.saturating_sub(*time), false);
                self.waits.begin_anew();
                self.asking.is_interrupted();
                self.asking.wants_one();
                self.used.passes(machine.ticks.saturating_sub(*time));
                self.used.begins_at(machine.ticks);
                self.lost.retain(|_, lost| lost.stop_at.is_some());
            }
            Happened::Booted(off_for) => {
                self.used.begins_at(machine.ticks);
                self.mischief.off_for(*off_for);
                self.unreached_since = None;
                self.lost.clear();
            }
            Happened::Launched => {
                self.known = self.stored.clone();
                self.known.clock.look(machine, &mut self.mischief);
            }
            Happened::Shown(notice) => self.told.shown(notice, self.leases_that_ended(machine)),
        }
    }

    fn judge(&mut self, world: &World) {
        if !world.is_alive() {
            return;
        }
        self.settle_resets(world);
        self.reaching.look(world);
        self.judge_asking(world);
        self.heard.judge(world);
        self.used.judge(world);
        // Whatever is not our service, although the identity service is there, is an outage of it.
        let answers = world.licensing && world.wire == Wire::Honest;
        let goes_on = |matter| self.reaching.goes_on(matter, world.machine.ticks);
        let silent = world.network && !answers;
        let out = (silent && world.identity) || goes_on(Matter::LicensingOut);
        let silent = silent || out || goes_on(Matter::NeitherAnswers);
        let now = Some(self.known.clock.trusted(&world.machine));
        self.silent_at = now.filter(|_| silent).or(self.silent_at);
        self.out_at = now.filter(|_| out).or(self.out_at);
        let gives_tokens = world.identity && world.gives_no_token.is_none();
        // Nor can whoever is signed out be asked about.
        let wants_user = world.grant_revoked || self.reaching.may_want_user() || !self.known.signed_in;
        let is_cut_off =
            !world.network || !answers || !gives_tokens || wants_user || world.keyring != Keyring::Open;
        if is_cut_off && self.unreached_since.is_none() {
            self.unreached_since = Some(world.machine.ticks);
        }
        let long_enough = |since: Duration| {
            let awake = world.machine.ticks.saturating_sub(since);
            awake + self.slept >= SESSION_ENDS_AFTER
        };
        if self.unreached_since.is_some_and(long_enough) {
            let known = self.known.licences.values_mut();
            let licences = known.chain(self.stored.licences.values_mut());
            licences.for_each(|licence| licence.may_be_free = true);
        }
        self.judge_temporaries(world);
        if !self.known.signed_in {
            self.known.clock.promise_nothing();
        }
        self.known
            .clock
            .judge(world.trusted(), &world.machine, &self.mischief);
        for product in [ATLAS, QUARRY] {
            self.judge_product(product, world);
        }
        let products = [ATLAS, QUARRY].into_iter().map(str::to_owned);
        let is_held = |product: &String| {
            let held = world.facts().held(SERVICE, product);
            held.is_some_and(|held| !held.is_empty())
        };
        self.held = products.filter(is_held).collect();
    }
}
