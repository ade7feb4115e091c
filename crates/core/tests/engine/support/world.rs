//! One machine, its agent, its programs, its services and its user, and the verbs that stories are told in.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::engine::{
    Answer, Ask, Attempt, CheckAnswered, ClientId, Engine, Input, Outcome, Ticket, UseKey,
};
use latchkey_core::facts::Facts;
use latchkey_core::jws::Thumbprint;
use latchkey_core::notice::Notice;
use latchkey_core::registration::Registration;
use latchkey_core::time::{Now, Timestamp};
use latchkey_core::view::{StatusView, View};

use super::licensing::Licensing;
use super::machine::Machine;
use super::witness::{Witness, judge_pending};
use super::{ATLAS, QUARRY, SERVICE, seconds};

/// The client that tray and command line ask through.
pub(crate) const TRAY: ClientId = 1;

/// What the user does when a browser opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    SignsIn,
    Denies,
    Ignores,
}

/// How the licensing service's answers arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Honest,
    /// Every signature has one bit turned.
    Tampered,
    /// The signature about this product has one bit turned.
    TamperedAbout(&'static str),
    /// An attacker sends what the service answered to the first check.
    Replayed,
    /// The answer was made for another request.
    Foreign,
    /// Whatever comes, it is this failure.
    Fails(latchkey_core::engine::CheckFailure),
}

/// The system's keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyring {
    Open,
    Locked,
    Missing,
}

/// What the vault holds for one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    pub(crate) tokens: bool,
    pub(crate) device: Option<Thumbprint>,
    /// Until when the access token is accepted.
    pub(crate) access_until: Timestamp,
}

/// A program that has a product open, or waits for it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) product: String,
    /// It was told that it may run.
    pub(crate) running: bool,
    /// Everything it was told, newest last.
    pub(crate) told: Vec<StatusView>,
}

/// Something that will come.
pub(super) struct Due {
    pub(super) at: Duration,
    pub(super) service: String,
    pub(super) attempt: Attempt,
    pub(super) coming: Coming,
}

pub(super) enum Coming {
    Outcome(Outcome),
    /// The browser flow ends well: tokens go into the vault, then the engine hears of it.
    SignedIn,
    /// The viewer acknowledges notices.
    Shown(Vec<u64>),
}

/// A notice, and when it was shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) notice: Notice,
    /// True time.
    pub(crate) at: Timestamp,
}

/// Everything.
pub(crate) struct World {
    pub(crate) machine: Machine,
    /// There is a network.
    pub(crate) network: bool,
    /// The licensing services answer.
    pub(crate) licensing: bool,
    /// The identity service answers.
    pub(crate) identity: bool,
    /// It no longer takes our refresh token.
    pub(crate) grant_revoked: bool,
    pub(crate) wire: Wire,
    pub(crate) user: User,
    pub(crate) keyring: Keyring,
    pub(crate) disk_full: bool,
    /// How long a service takes to answer.
    pub(crate) latency: Duration,
    pub(crate) services: BTreeMap<String, Licensing>,
    pub(crate) registry: Vec<Registration>,
    pub(crate) vault: BTreeMap<String, Secrets>,
    pub(crate) programs: BTreeMap<UseKey, Program>,
    /// Somebody shows notices.
    pub(crate) viewer: bool,
    pub(crate) shown: Vec<Shown>,
    pub(crate) answers: BTreeMap<Ticket, Answer>,
    /// Every effect, when `recording`.
    pub(crate) record: Vec<String>,
    pub(crate) recording: bool,
    /// How often the engine was called, and how often it published.
    pub(crate) handled: u32,
    pub(crate) published: u32,
    /// When checks were begun, in ticks.
    pub(crate) checks: Vec<Duration>,
    /// The agent dies in front of this many-th effect from now.
    pub(crate) dies_in: Option<u32>,
    /// What the first check was answered.
    pub(crate) first_answer: Option<CheckAnswered>,
    /// What is on disk.
    pub(crate) disk: String,
    pub(crate) engine: Option<Engine>,
    pub(super) due: Vec<Due>,
    pub(super) wake: Option<Duration>,
    pub(super) witness: Witness,
    pub(super) devices: u32,
    pub(super) requests: u64,
    asked: u64,
}

impl World {
    /// Two products of one service, installed and never started; everything works, and nobody is signed in.
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    /// The same, with other dice.
    pub(crate) fn seeded(seed: u64) -> Self {
        let service = Licensing::new(SERVICE, 1);
        let registry = vec![
            service.registration(ATLAS, "Atlas"),
            service.registration(QUARRY, "Quarry"),
        ];
        let mut world = Self {
            machine: Machine::new(seed),
            network: true,
            licensing: true,
            identity: true,
            grant_revoked: false,
            wire: Wire::Honest,
            user: User::SignsIn,
            keyring: Keyring::Open,
            disk_full: false,
            latency: Duration::from_millis(200),
            services: BTreeMap::from([(SERVICE.to_owned(), service)]),
            registry,
            vault: BTreeMap::new(),
            programs: BTreeMap::new(),
            viewer: true,
            shown: Vec::new(),
            answers: BTreeMap::new(),
            record: Vec::new(),
            recording: false,
            handled: 0,
            published: 0,
            checks: Vec::new(),
            dies_in: None,
            first_answer: None,
            disk: serde_json::to_string(&Facts::default()).unwrap(),
            engine: None,
            due: Vec::new(),
            wake: None,
            witness: Witness::default(),
            devices: 0,
            requests: 0,
            asked: 0,
        };
        world.launch();
        world
    }

    /// The same, signed in and checked.
    pub(crate) fn signed_in() -> Self {
        let mut world = Self::new();
        world.sign_in();
        world
    }

    /// The service of most stories.
    pub(crate) fn service(&mut self) -> &mut Licensing {
        self.services.get_mut(SERVICE).unwrap()
    }

    /// Another product, of a service that is known or of a new one.
    pub(crate) fn install(&mut self, address: &str, seed: u8, product: &str) {
        let service = self
            .services
            .entry(address.to_owned())
            .or_insert_with(|| Licensing::new(address, seed));
        self.registry.push(service.registration(product, product));
        self.input(Input::Registry(self.registry.clone()));
    }

    // --- the agent ---

    pub(crate) fn is_alive(&self) -> bool {
        self.engine.is_some()
    }

    /// The agent starts, reads what is on disk, and its programs come back.
    pub(crate) fn launch(&mut self) {
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
        self.engine = None;
        self.due.clear();
        self.wake = None;
        self.dies_in = None;
    }

    pub(crate) fn restart(&mut self) {
        self.crash();
        self.launch();
    }

    pub(crate) fn now(&mut self) -> Now {
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
        facts
    }

    /// Trusted time, as the engine sees it.
    pub(crate) fn trusted(&mut self) -> Timestamp {
        let now = self.now();
        self.engine().trusted(&now)
    }

    // --- programs and people ---

    /// A program starts; from then on it is told of every change.
    pub(crate) fn start(&mut self, product: &str) -> UseKey {
        self.asked += 1;
        let key = UseKey {
            client: 1000 + self.asked,
            use_id: 1,
        };
        self.authorize(key, product, false);
        key
    }

    /// A program asks for its product.
    pub(crate) fn authorize(&mut self, key: UseKey, product: &str, running: bool) {
        let program = self.programs.entry(key).or_insert_with(|| Program {
            product: product.to_owned(),
            running,
            told: Vec::new(),
        });
        program.running = running;
        self.input(Input::Authorize {
            key,
            product: product.to_owned(),
            running,
        });
        if self.is_alive() {
            self.tell(key);
        }
    }

    /// A program closes.
    pub(crate) fn close(&mut self, key: UseKey) {
        self.programs.remove(&key);
        if self.is_alive() {
            self.input(Input::Release(key));
        }
    }

    /// Where a program stands now.
    pub(crate) fn status(&mut self, key: UseKey) -> StatusView {
        let now = self.now();
        let status = self.engine().use_status(&now, key);
        let trusted = self.engine().trusted(&now);
        judge_pending(&status, trusted);
        status
    }

    /// The codes that a program was told, in order, without repetitions.
    pub(crate) fn told(&self, key: UseKey) -> Vec<u16> {
        let mut codes: Vec<u16> = self.programs[&key]
            .told
            .iter()
            .map(|status| status.code)
            .collect();
        codes.dedup();
        codes
    }

    /// Where a product stands, for whoever asks without opening it.
    pub(crate) fn product(&mut self, product: &str) -> StatusView {
        let now = self.now();
        self.engine().product_status(&now, product)
    }

    /// The code of [`Self::product`].
    pub(crate) fn code(&mut self, product: &str) -> u16 {
        self.product(product).code
    }

    /// A program is told where it stands.
    pub(super) fn tell(&mut self, key: UseKey) {
        let told = self.status(key);
        if let Some(program) = self.programs.get_mut(&key) {
            program.running |= told.may_run();
            program.told.push(told);
        }
    }

    /// Asks through the tray.
    pub(crate) fn ask(&mut self, ask: Ask) -> Ticket {
        self.ask_as(TRAY, ask)
    }

    pub(crate) fn ask_as(&mut self, client: ClientId, ask: Ask) -> Ticket {
        self.asked += 1;
        let ticket = self.asked;
        self.input(Input::Ask { ticket, client, ask });
        ticket
    }

    /// The answer to a request, if there is one yet.
    pub(crate) fn answer(&self, ticket: Ticket) -> Option<&Answer> {
        self.answers.get(&ticket)
    }

    /// The user signs in at [`SERVICE`], and the first check is answered.
    pub(crate) fn sign_in(&mut self) {
        self.user = User::SignsIn;
        self.ask(Ask::SignIn(Some(SERVICE.to_owned())));
        self.pass(seconds(60));
        assert!(
            self.view().accounts[0].user.is_some(),
            "signed in: {:?}",
            self.view()
        );
    }

    // --- time ---

    /// Time passes, and everything happens when it is due.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.machine.ticks + time;
        while let Some(next) = self.next_due().filter(|next| *next <= end) {
            self.go_to(next);
            self.work();
        }
        self.go_to(end);
    }

    /// Time passes, and the agent is called every `step` besides.
    pub(crate) fn pass_ticking(&mut self, time: Duration, step: Duration) {
        let end = self.machine.ticks + time;
        while self.machine.ticks < end {
            self.pass(step.min(end - self.machine.ticks));
            self.input(Input::Tick);
        }
    }

    /// The machine sleeps; nothing of it runs, and its connections are gone when it wakes.
    pub(crate) fn sleep(&mut self, time: Duration) {
        self.machine.pass(time);
        self.connections_break();
        self.input(Input::Woke);
    }

    /// The machine is switched off, and on again; nothing is running but the agent.
    pub(crate) fn reboot(&mut self, off_for: Duration) {
        self.crash();
        self.programs.clear();
        self.machine.reboot(off_for);
        self.launch();
    }

    /// The cable is pulled, or plugged in.
    pub(crate) fn set_network(&mut self, up: bool) {
        self.network = up;
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
    }
}
