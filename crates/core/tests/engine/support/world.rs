//! One machine, its agent, its programs, its services and its user, and the verbs that stories are told in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_core::engine::{
    Answer, Attempt, CheckAnswered, CheckFailure, CheckOrder, ClientId, Engine, Input, Outcome, Ticket,
    UseKey,
};
use latchkey_core::facts::Facts;
use latchkey_core::jws::Thumbprint;
use latchkey_core::notice::Notice;
use latchkey_core::policy::Policy;
use latchkey_core::registration::Registration;
use latchkey_core::temporary::TemporaryClaims;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use super::judge::{Genuine, Happened, Judge};
use super::licensing::Licensing;
use super::machine::Machine;
use super::witness::Witness;
use super::{ATLAS, QUARRY, SERVICE};

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
    Fails(CheckFailure),
}

/// The system's keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyring {
    Open,
    Locked,
    Missing,
}

/// What becomes of a temporary licence that the device key is to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    Works,
    Fails,
    /// No answer ever comes.
    Hangs,
}

/// What the vault holds for one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    pub(crate) tokens: bool,
    pub(crate) device: Option<Thumbprint>,
    /// Whose the device key is.
    pub(crate) subject: Option<&'static str>,
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
    /// A check ends: which, and with what the service really said, if it is that.
    Checked(usize, Result<CheckAnswered, CheckFailure>, Option<Genuine>),
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
    /// A refresh there brings a new ID token.
    pub(crate) id_tokens: bool,
    pub(crate) signing: Signing,
    pub(crate) wire: Wire,
    pub(crate) user: User,
    /// Who the user is, at the provider.
    pub(crate) subject: &'static str,
    /// Of every sign-in: whether the user is to prove anew who they are, whatever the browser remembers.
    pub(crate) sign_ins_anew: Vec<bool>,
    pub(crate) keyring: Keyring,
    pub(crate) disk_full: bool,
    /// How often the disk was to take something.
    pub(crate) save_tries: u32,
    /// How the last save went, and what of that the engine has not heard yet.
    pub(super) saved_well: bool,
    pub(super) unheard: Option<bool>,
    /// The service serves streams of pushes.
    pub(crate) streams_served: bool,
    /// Whoever wants a stream, or brings a release, is to come back then.
    pub(crate) sheds: Option<Duration>,
    /// Those that stand.
    pub(super) streams: Vec<(Attempt, String)>,
    /// Every check that was made, as it was ordered.
    pub(crate) orders: Vec<CheckOrder>,
    /// The identity service answers, and gives no access token: this is what it means.
    pub(crate) gives_no_token: Option<CheckFailure>,
    /// How long a service takes to answer.
    pub(crate) latency: Duration,
    pub(crate) services: BTreeMap<String, Licensing>,
    pub(crate) registry: Vec<Registration>,
    pub(crate) vault: BTreeMap<String, Secrets>,
    pub(crate) programs: BTreeMap<UseKey, Program>,
    /// Somebody shows notices.
    pub(crate) viewer: bool,
    pub(crate) shown: Vec<Shown>,
    /// Every status that a program was told: code, reason or basis, and whether with a time to stop.
    pub(crate) told_of: BTreeSet<(u16, Option<&'static str>, bool)>,
    pub(crate) answers: BTreeMap<Ticket, Answer>,
    /// Requests that this agent has not answered yet.
    pub(crate) unanswered: BTreeSet<Ticket>,
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
    /// An agent that died is started again at once.
    pub(crate) comes_back: bool,
    /// What the first check was answered.
    pub(crate) first_answer: Option<CheckAnswered>,
    /// What this agent's last check was answered.
    pub(crate) last_answer: Option<(Attempt, CheckAnswered)>,
    /// Whoever watches.
    pub(crate) judge: Option<Box<dyn Judge>>,
    /// What is on disk.
    pub(crate) disk: String,
    /// The copy that a damaged state is mended from.
    pub(crate) backup: String,
    /// How often both were written.
    pub(crate) saved_twice: usize,
    pub(crate) engine: Option<Engine>,
    pub(super) due: Vec<Due>,
    pub(super) wake: Option<Duration>,
    pub(super) witness: Witness,
    /// Temporary licences that the device key signed.
    pub(crate) temporaries: Vec<TemporaryClaims>,
    pub(super) devices: u8,
    pub(super) requests: u64,
    pub(super) asked: u64,
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
            id_tokens: true,
            signing: Signing::Works,
            wire: Wire::Honest,
            gives_no_token: None,
            user: User::SignsIn,
            subject: "maya",
            sign_ins_anew: Vec::new(),
            keyring: Keyring::Open,
            disk_full: false,
            save_tries: 0,
            saved_well: true,
            unheard: None,
            streams_served: true,
            sheds: None,
            streams: Vec::new(),
            orders: Vec::new(),
            latency: Duration::from_millis(200),
            services: BTreeMap::from([(SERVICE.to_owned(), service)]),
            registry,
            vault: BTreeMap::new(),
            programs: BTreeMap::new(),
            viewer: true,
            shown: Vec::new(),
            told_of: BTreeSet::new(),
            answers: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            record: Vec::new(),
            recording: false,
            handled: 0,
            published: 0,
            checks: Vec::new(),
            dies_in: None,
            comes_back: false,
            first_answer: None,
            last_answer: None,
            judge: None,
            disk: serde_json::to_string(&Facts::default()).unwrap(),
            backup: String::new(),
            saved_twice: 0,
            engine: None,
            due: Vec::new(),
            wake: None,
            witness: Witness::default(),
            temporaries: Vec::new(),
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

    /// Whoever watches hears of it before the engine does.
    pub(super) fn happened(&mut self, what: &Happened) {
        if let Some(judge) = &mut self.judge {
            judge.happened(&self.machine, what);
        }
    }

    /// The service of most stories.
    pub(crate) fn service(&mut self) -> &mut Licensing {
        self.service_at(SERVICE)
    }

    pub(crate) fn service_at(&mut self, address: &str) -> &mut Licensing {
        self.services.get_mut(address).unwrap()
    }

    /// The vendor of [`SERVICE`] signs that a product may start for the first time in an outage.
    pub(crate) fn may_first_start(&mut self, product: &str, policy: Policy) {
        let service = self.services.get_mut(SERVICE).unwrap();
        service.first_start = Some(policy);
        for entry in self.registry.iter_mut().filter(|entry| entry.product == product) {
            *entry = service.registration(product, &entry.name);
        }
        service.first_start = None;
        self.input(Input::Registry(self.registry.clone()));
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
}
