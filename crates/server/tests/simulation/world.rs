//! Machines, services, and the network between them, on one clock that is a number. Everything that happens is written down, so
//! that a seed that breaks a rule tells how.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use latchkey_core::code::Basis;
use latchkey_core::engine::{Attempt, Effect, Input, Outcome};
use latchkey_core::policy::Policy;
use latchkey_core::time::{DAY, HOUR, Timestamp};

use super::desktop::Desktop;
use super::dice::Dice;
use super::events::{Event, FAIR, Sender, Weather};
use super::judge::{Between, Judge, is_fine};
use super::parts::Power;
use super::products::{Each, all};
use super::seats::Seats;
use super::service::LicensingService;

/// Friday 2027-01-15, 08:00 UTC.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const USERS: usize = 2;
pub(crate) const DESKTOPS_OF_ONE: usize = 3;
/// How long a machine waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const AT_ONCE: Duration = Duration::from_millis(10);
/// What a reader wants to see of the history of a failure.
const REMEMBERED: usize = 80;

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) dice: Dice,
    pub(crate) service: LicensingService,
    pub(crate) identity_up: bool,
    pub(crate) weather: Weather,
    /// Whoever begins a sign-in ends it, and leaves nothing as it is.
    pub(super) everybody_is_patient: bool,
    pub(crate) desktops: Vec<Desktop>,
    /// How many other people there are in the organisation.
    pub(super) crowd: usize,
    pub(crate) seats: Seats,
    pub(super) judge: Judge,
    pub(super) queue: BTreeMap<(Timestamp, u64), Event>,
    pub(super) counter: u64,
    history: VecDeque<String>,
    digest: DefaultHasher,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.history {
                println!("{line}");
            }
        }
    }
}

impl World {
    pub(crate) fn new(seed: u64, policies: Each<Policy>, first_starts: bool, crowd: usize) -> Self {
        let desktops = (0..USERS * DESKTOPS_OF_ONE).map(|at| {
            let user = at / DESKTOPS_OF_ONE;
            Desktop::new(format!("user{user}-{}", at % DESKTOPS_OF_ONE), user, START)
        });
        let mut world = Self {
            now: START + HOUR,
            dice: Dice::new(seed),
            service: LicensingService::new(policies, first_starts, USERS, crowd, START),
            identity_up: true,
            weather: FAIR,
            everybody_is_patient: false,
            desktops: desktops.collect(),
            crowd,
            seats: Seats::default(),
            judge: Judge::default(),
            queue: BTreeMap::new(),
            counter: 0,
            history: VecDeque::new(),
            digest: DefaultHasher::new(),
        };
        world.note(&format!("seed {seed}"));
        for user in 0..USERS + crowd {
            let has = if user < USERS { all() } else { 0..1 };
            has.for_each(|which| world.seats.set(user, which, true));
        }
        for desktop in 0..world.desktops.len() {
            world.launch(desktop);
        }
        world
    }

    pub(crate) fn note(&mut self, what: &str) {
        let passed = self.now.since(START);
        let (days, seconds) = (passed.as_secs() / DAY.as_secs(), passed.as_secs() % DAY.as_secs());
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let line = format!(
            "day {days} {hours:02}:{minutes:02}:{:02}.{:03}  {what}",
            seconds % 60,
            passed.subsec_millis()
        );
        line.hash(&mut self.digest);
        if std::env::var_os("SIMULATE_ALOUD").is_some() {
            println!("{line}");
        }
        self.history.push_back(line);
        if self.history.len() > REMEMBERED {
            self.history.pop_front();
        }
    }

    /// What has happened so far, in one number: two histories that differ have another.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(super) fn note_of(&mut self, desktop: usize, what: &str) {
        let line = format!("{}: {what}", self.desktops[desktop].name);
        self.note(&line);
    }

    /// Time passes, and everything happens when it is due.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let event = self.queue.first_key_value().map(|((at, _), _)| *at);
            let timers = self.desktops.iter().enumerate();
            let timer = timers
                .filter_map(|(at, desktop)| Some((desktop.rings_at()?, at)))
                .min();
            match (event, timer) {
                (event, Some((at, desktop))) if at <= end && event.is_none_or(|event| at < event) => {
                    self.go_to(at);
                    self.desktops[desktop].wake = None;
                    self.input(desktop, Input::Tick);
                }
                (Some(at), _) if at <= end => {
                    let (_, event) = self.queue.pop_first().expect("it is there");
                    self.go_to(at);
                    self.happen(event);
                }
                _ => break,
            }
        }
        self.go_to(end);
    }

    pub(super) fn go_to(&mut self, at: Timestamp) {
        let at = at.max(self.now);
        for desktop in 0..self.desktops.len() {
            let sides = self.sides(desktop);
            self.desktops[desktop].could_see(sides, self.now, at);
        }
        if at > self.now {
            self.time_passes_until(at);
        }
        self.now = at;
    }

    fn time_passes_until(&mut self, at: Timestamp) {
        let passed = i64::try_from(at.since(self.now).as_millis()).unwrap();
        let fair = self.is_fair();
        let up = self.service.up;
        for desktop in &mut self.desktops {
            let possibly = desktop.possibly_online(up, self.now, at);
            for which in all() {
                if !desktop.programs[which].is_some_and(|program| program.running) {
                    continue;
                }
                let Some(status) = desktop.status(which, self.now) else {
                    continue;
                };
                desktop.ran[which].possibly += possibly;
                let confirmed = status.may_run() && status.basis == Some(Basis::Lease);
                if confirmed && fair && is_fine(desktop) && desktop.stream.is_some() {
                    desktop.ran[which].online += passed;
                }
            }
        }
        let between = Between {
            is_fair: fair,
            is_steady: self.works() && self.weather.lost == 0,
            slowest: Duration::from_millis(self.weather.slowest as u64 + 20),
        };
        self.judge
            .time_passes(&self.desktops, &self.service, between, (self.now, at));
    }

    pub(super) fn is_fair(&self) -> bool {
        self.works() && self.weather == FAIR
    }

    /// Nothing is wrong with the services.
    fn works(&self) -> bool {
        let service = &self.service;
        service.up && !service.is_full() && service.dies.is_none() && self.identity_up
    }

    pub(super) fn at(&mut self, after: Duration, event: Event) {
        self.counter += 1;
        self.queue.insert((self.now + after, self.counter), event);
    }

    pub(super) fn sender(&self, desktop: usize, attempt: Attempt) -> Sender {
        Sender {
            desktop,
            life: self.desktops[desktop].life,
            attempt,
        }
    }

    pub(super) fn outcome(&mut self, after: Duration, from: Sender, outcome: Outcome) {
        let input = Input::Outcome {
            attempt: from.attempt,
            outcome,
        };
        self.at(after, Event::Heard(from, input));
    }

    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Asked(from, question) => self.asked(from, &question),
            Event::Answered(from, answered) => self.answered(from, answered),
            Event::Released(from, release) => self.released(from, &release),
            Event::Heard(from, input) => self.heard(from, input),
            Event::SignedIn(from) => self.signed_in(from),
            Event::Launched(desktop) => {
                if self.desktops[desktop].is_on() && self.desktops[desktop].engine().is_none() {
                    self.launch(desktop);
                }
            }
            Event::Woken(desktop) => self.wake_up(desktop),
            Event::SwitchedOn(desktop) => {
                if self.desktops[desktop].power == Power::Off {
                    self.note_of(desktop, "is switched on");
                    let now = self.now;
                    self.desktops[desktop].switch_on(now);
                    self.launch(desktop);
                }
            }
            Event::Beat => self.beat(),
            Event::Connected(desktop) => self.set_network(desktop, true),
            Event::LicensingBack => self.set_licensing(true),
            Event::ServiceHasRoom => {
                self.note("the disk of the service has room again");
                self.service.fill(None);
            }
            Event::AdminComes => {
                let give_back = self.dice.percent(50);
                self.end_hold(give_back);
            }
            Event::IdentityBack => {
                self.note("the identity service answers");
                self.set_identity(true);
            }
        }
        self.pass_pushes_on();
    }

    /// Whoever waits has not waited for too long until now.
    pub(super) fn has_waited(&self, desktop: usize) {
        for which in all() {
            let may_be_lost = self.weather.lost > 0;
            self.judge
                .still_waits(&self.desktops[desktop], which, may_be_lost, self.now);
        }
    }

    /// What an agent is told, and what it wants for it. How its saves went it hears in between, where that is news.
    pub(crate) fn input(&mut self, desktop: usize, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            self.has_waited(desktop);
            let was_well = self.desktops[desktop].saved_well;
            let Some(saves) = self.work_off(desktop, input) else {
                return;
            };
            let saved_well = self.desktops[desktop].saved_well;
            let news = saves && !(was_well && saved_well);
            next = news.then_some(Input::Saved(saved_well));
            self.judge_products(desktop);
        }
    }

    /// Says whether something was to be saved; nothing where the agent died over it.
    fn work_off(&mut self, desktop: usize, input: Input) -> Option<bool> {
        let (now, entropy) = (self.now, self.dice.throw());
        let effects = self.desktops[desktop].handle(now, entropy, input);
        let saves = effects.iter().any(|effect| matches!(effect, Effect::Save { .. }));
        for effect in effects {
            if let Some(left) = self.desktops[desktop].dies_in.as_mut() {
                if *left == 0 {
                    self.note_of(desktop, &format!("the agent dies before {effect:?}"));
                    self.crash(desktop);
                    return None;
                }
                *left -= 1;
            }
            self.carry_out(desktop, effect);
        }
        Some(saves)
    }

    fn judge_products(&mut self, desktop: usize) {
        let now = self.now;
        for which in all() {
            let machine = &mut self.desktops[desktop];
            let before = machine.programs[which];
            if let (Some(status), Some(program)) = (machine.status(which, now), &mut machine.programs[which])
            {
                program.running |= status.may_run();
            }
            self.judge.judge(machine, which, before, &self.service, now);
        }
    }
}
