//! How time passes, and how the agent lives and dies in it.

use std::time::Duration;

use latchkey_core::engine::{Engine, Input};
use latchkey_core::facts::Facts;
use latchkey_core::time::{Now, Timestamp};
use latchkey_core::view::View;

use super::judge::Happened;
use super::world::World;

impl World {
    pub(crate) fn is_alive(&self) -> bool {
        self.engine.is_some()
    }

    /// The agent starts, reads what is on disk, and its programs come back.
    pub(crate) fn launch(&mut self) {
        self.happened(&Happened::Launched);
        let facts: Facts = serde_json::from_str(&self.disk).unwrap();
        self.engine = Some(Engine::new(facts, Vec::new()));
        self.witness.restarted();
        self.input(Input::Registry(self.registry.clone()));
        for (key, program) in self.programs.clone() {
            self.authorize(key, &program.product, program.running);
        }
    }

    /// The agent dies: what was not saved is lost, and so is everything under way.
    pub(crate) fn crash(&mut self) {
        self.happened(&Happened::Died);
        self.engine = None;
        self.last_answer = None;
        self.unanswered.clear();
        self.due.clear();
        self.streams.clear();
        self.wake = None;
        self.dies_in = None;
        (self.saved_well, self.unheard) = (true, None);
    }

    /// The agent ends because it is told to.
    pub(crate) fn end(&mut self) {
        let now = self.now();
        if let Some(engine) = &mut self.engine {
            engine.ends(&now);
            self.save(true);
        }
        self.crash();
    }

    pub(crate) fn restart(&mut self) {
        self.crash();
        self.launch();
    }

    pub(crate) fn now(&self) -> Now {
        self.machine.now()
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("the agent runs")
    }

    pub(crate) fn view(&self) -> &View {
        self.engine().view()
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.engine().facts()
    }

    /// What is stored about licences, without the time and what the user was told of it.
    pub(crate) fn facts_beside_the_clock(&self) -> serde_json::Value {
        let mut facts = serde_json::to_value(self.facts()).unwrap();
        facts["clock"].take();
        facts["told"].take();
        // Its own time and the minutes of use go on by themselves.
        let services = facts["services"]
            .as_object_mut()
            .into_iter()
            .flat_map(|all| all.values_mut());
        for service in services {
            service["usage"].take();
            service["times"].take();
        }
        facts
    }

    /// Trusted time, as the engine sees it.
    pub(crate) fn trusted(&self) -> Timestamp {
        let now = self.now();
        self.engine().trusted(&now)
    }

    /// Time passes, and everything happens when it is due.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.machine.ticks + time;
        while let Some(next) = self.next_due().filter(|next| *next <= end) {
            self.go_to(next);
            self.work();
            self.come_back();
        }
        self.go_to(end);
    }

    /// Somebody needs the agent, so one that died is started again.
    pub(crate) fn come_back(&mut self) {
        if self.comes_back && !self.is_alive() {
            self.launch();
        }
    }

    /// Time passes, and the agent is called every `step` besides.
    pub(crate) fn pass_ticking(&mut self, time: Duration, step: Duration) {
        let end = self.machine.ticks + time;
        while self.machine.ticks < end {
            self.pass(step.min(end - self.machine.ticks));
            self.input(Input::Tick);
        }
    }

    /// The machine sleeps; nothing of it runs, and its connections are gone when it wakes. Its stream does not know that yet.
    pub(crate) fn sleep(&mut self, time: Duration) {
        self.machine.pass(time);
        self.connections_break();
        self.happened(&Happened::Slept(time));
        self.input(Input::Woke { slept: time });
    }

    /// The machine is switched off, and on again; nothing is running but the agent.
    pub(crate) fn reboot(&mut self, off_for: Duration) {
        self.crash();
        self.programs.clear();
        self.machine.reboot(off_for);
        self.happened(&Happened::Booted(off_for));
        self.launch();
    }

    /// The cable is pulled, or plugged in.
    pub(crate) fn set_network(&mut self, up: bool) {
        self.network = up;
        self.happened(&Happened::NetworkChanged);
        self.input(Input::NetworkChanged);
    }

    fn next_due(&self) -> Option<Duration> {
        let due = self.due.iter().map(|due| due.at).min();
        [due, self.wake.filter(|_| self.is_alive())]
            .into_iter()
            .flatten()
            .min()
    }

    fn go_to(&mut self, ticks: Duration) {
        self.machine.pass(ticks.saturating_sub(self.machine.ticks));
    }

    /// Whatever is due at this moment: what comes first, and the timer if nothing does.
    fn work(&mut self) {
        let ticks = self.machine.ticks;
        match self.due.iter().position(|due| due.at <= ticks) {
            Some(at) => {
                let due = self.due.remove(at);
                self.arrive(due);
            }
            None => {
                // The engine says anew when it wants to be called.
                self.wake = None;
                self.input(Input::Tick);
            }
        }
    }

    /// Something happens.
    pub(crate) fn input(&mut self, input: Input) {
        let Some(engine) = self.engine.as_mut() else {
            return;
        };
        self.machine.roll();
        let now = self.machine.now();
        let effects = engine.handle(&now, input);
        self.handled += 1;
        self.witness
            .judge(&now, &effects, engine.view(), engine.trusted(&now));
        for effect in effects {
            if let Some(left) = self.dies_in.as_mut() {
                if *left == 0 {
                    return self.crash();
                }
                *left -= 1;
            }
            if self.recording {
                self.record.push(format!("{:?} {effect:?}", self.machine.ticks));
            }
            self.carry_out(effect);
        }
        if let Some(mut judge) = self.judge.take() {
            judge.judge(self);
            self.judge = Some(judge);
        }
        if let Some(saved) = self.unheard.take() {
            self.input(Input::Saved(saved));
        }
    }
}
