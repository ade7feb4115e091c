//! What the engine must not do, nor leave undone.

use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::UseKey;
use latchkey_core::policy::{IdentityOutage, Policy};
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use super::super::asking::Present;
use super::super::bases;
use super::super::codes::{self, Standing};
use super::super::reach::Matter;
use super::super::temporaries::Grounds;
use super::{Lost, MayRun, Reference, SESSION_ENDS_AFTER};
use crate::support::machine::Machine;
use crate::support::world::{Keyring, Program, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, seconds};

/// A start with a good lease waits this long for its check.
const CONFIRMED_WITHIN: Duration = seconds(3);
/// The check that goes first, and the save window.
const HEALED_WITHIN: Duration = seconds(60);
/// A correction of the clock by less than a minute moves no `stop_at`.
const CLOCK_CORRECTION: Duration = seconds(61);

impl Reference {
    pub(super) fn judge_all(&mut self, world: &World) {
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
    pub(super) fn leases_that_ended(&self, machine: &Machine) -> [Vec<(String, Timestamp)>; 2] {
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
}
