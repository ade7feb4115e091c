//! What happens to the machine, and what the rules make of it.

use std::time::Duration;

use latchkey_core::engine::{Ask, Ticket};
use latchkey_core::policy::SessionPolicy;

use super::Reference;
use crate::support::judge::{Genuine, Happened};
use crate::support::machine::Machine;
use crate::support::world::World;
use crate::support::{SERVICE, seconds};

/// An answer that takes longer does not count.
const LONGEST_WAY: Duration = seconds(60);

impl Reference {
    pub(super) fn learn(&mut self, machine: &Machine, what: &Happened) {
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
    pub(super) fn settle_resets(&mut self, world: &World) {
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
}
