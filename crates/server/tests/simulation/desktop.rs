//! One machine: its clocks, its disk, its keyring, its agent's engine and its programs. What the engine wants is carried out by the
//! [`World`](super::world::World).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use latchkey_core::engine::{Attempt, Effect, Engine, Input, Ticket};
use latchkey_core::facts::{Facts, Forget};
use latchkey_core::jws::{SigningKey, Thumbprint};
use latchkey_core::registration::Registration;
use latchkey_core::time::{BootId, Now, Timestamp};
use latchkey_core::view::StatusView;
use sha2::{Digest as _, Sha256};

use super::judge::Wait;
use super::parts::{Power, Program, Ran, Stream, Told, Vault};
use super::products::{Each, PRODUCTS, Which};
use super::tokenless::Tokenless;

pub(crate) struct Desktop {
    pub(crate) name: String,
    pub(crate) user: usize,
    pub(crate) network: bool,
    pub(crate) power: Power,
    pub(crate) disk_full: bool,
    pub(crate) wall_ahead: i64,
    /// The wall clock was ahead of the truth since the last answer: what that costs is the user's (rule 16).
    pub(crate) was_ahead: bool,
    pub(crate) vault: Option<Vault>,
    pub(crate) programs: Each<Option<Program>>,
    pub(crate) stream: Option<Stream>,
    pub(crate) told: Each<Told>,
    /// The check that was asked last, as [`Told::by`] names it.
    pub(crate) asked: (u64, Attempt),
    /// As of the last save.
    pub(crate) told_on_disk: Each<Told>,
    /// The key of the last sign-in that the agent knows of, and as of the last save.
    knows_key: Option<Thumbprint>,
    key_on_disk: Option<Thumbprint>,
    /// It was told since that the user must sign in again, by whichever service; and as of the last save.
    pub(crate) must_sign_in: bool,
    must_sign_in_on_disk: bool,
    /// Since when a start, or an open program, waits for something, by product.
    pub(crate) waits: Each<Option<Wait>>,
    /// When an open program was first told to stop, and how far the clock was off then.
    pub(crate) told_to_stop: Each<Option<(Timestamp, i64)>>,
    /// The agent dies in front of this many-th effect from now.
    pub(crate) dies_in: Option<usize>,
    /// When the disk was last written to: what passed since is hidden from the next boot.
    saved_at: Timestamp,
    /// Which process this is: what was under way for another is lost.
    pub(crate) life: u64,
    /// The agent's timer, in ticks.
    pub(crate) wake: Option<Duration>,
    pub(crate) unanswered: BTreeSet<Ticket>,
    /// What arrived while the machine slept.
    pub(crate) missed: Vec<Input>,
    pub(crate) ran: Each<Ran>,
    /// Every device key that it ever had.
    pub(crate) jkts: Vec<Thumbprint>,
    /// When the licensing service, and it alone, was last out of its reach.
    pub(crate) out_at: Option<Timestamp>,
    /// Until it has looked again, it goes by what it saw before.
    pub(crate) woke_at: Option<Timestamp>,
    /// Since when it has been so, with nobody asking for anything else.
    pub(crate) out_since: Option<Timestamp>,
    /// The ends of the temporary licences that it was seen to run on since its last lease.
    pub(crate) given: Each<BTreeSet<Timestamp>>,
    /// What its user has lost is held back: the service answers it as in an outage, or gives it what it had.
    pub(crate) withheld: bool,
    /// What it has seen of an identity service that gives no token.
    pub(crate) tokenless: Tokenless,
    /// When it could last reach the service.
    pub(super) reachable_at: Option<Timestamp>,
    /// How the last save went, as this process knows.
    pub(crate) saved_well: bool,
    pub(super) engine: Option<Engine>,
    pub(super) disk: String,
    boot: u32,
    booted_at: Timestamp,
    keys: u32,
}

impl Desktop {
    pub(crate) fn new(name: String, user: usize, at: Timestamp) -> Self {
        Self {
            name,
            user,
            network: true,
            power: Power::On,
            disk_full: false,
            wall_ahead: 0,
            was_ahead: false,
            vault: None,
            programs: Each::default(),
            stream: None,
            told: Each::default(),
            told_on_disk: Each::default(),
            asked: (0, 0),
            knows_key: None,
            key_on_disk: None,
            must_sign_in: false,
            must_sign_in_on_disk: false,
            waits: Each::default(),
            told_to_stop: Each::default(),
            dies_in: None,
            saved_at: at,
            life: 0,
            wake: None,
            unanswered: BTreeSet::new(),
            missed: Vec::new(),
            ran: Each::default(),
            jkts: Vec::new(),
            out_at: None,
            woke_at: None,
            out_since: None,
            given: Each::default(),
            withheld: false,
            tokenless: Tokenless::default(),
            reachable_at: None,
            saved_well: true,
            engine: None,
            disk: serde_json::to_string(&Facts::default()).unwrap(),
            boot: 1,
            booted_at: at,
            keys: 0,
        }
    }

    pub(crate) const fn is_on(&self) -> bool {
        matches!(self.power, Power::On)
    }

    pub(crate) const fn is_alive(&self) -> bool {
        self.engine.is_some() && self.is_on()
    }

    pub(crate) fn now(&self, real: Timestamp, entropy: u64) -> Now {
        Now {
            wall: real.shifted(self.wall_ahead),
            ticks: real.since(self.booted_at),
            boot: BootId(format!("{}-{}", self.name, self.boot)),
            utc_offset: 3600,
            entropy,
        }
    }

    /// What it was told is for a key that the keyring no longer has, or it does not know that it has it: the disk was full when it
    /// got the present one.
    pub(crate) fn lost_its_key(&self, which: Which) -> bool {
        let key = self.key();
        key.is_none() || self.told[which].jkt.as_ref() != key
    }

    /// The key that the keyring has, if the agent knows that: answers for another one are none for it.
    pub(super) fn key(&self) -> Option<&Thumbprint> {
        let has = self.vault.as_ref().map(|vault| &vault.jkt);
        has.filter(|has| self.knows_key.as_ref() == Some(has))
    }

    /// When the agent's timer rings.
    pub(crate) fn rings_at(&self) -> Option<Timestamp> {
        self.is_alive()
            .then_some(self.wake)
            .flatten()
            .map(|ticks| self.booted_at + ticks)
    }

    pub(crate) fn handle(&mut self, real: Timestamp, entropy: u64, input: Input) -> Vec<Effect> {
        if !self.is_on() {
            return Vec::new();
        }
        let now = self.now(real, entropy);
        let before = self.counted();
        let effects = match self.engine.as_mut() {
            Some(engine) => engine.handle(&now, input),
            None => Vec::new(),
        };
        self.loses(&before);
        // What it writes down with this says that nobody is signed in.
        if effects
            .iter()
            .any(|effect| matches!(effect, Effect::Forget { .. }))
        {
            self.knows_key = None;
        }
        effects
    }

    /// Where the open program of a product stands.
    pub(crate) fn status(&self, which: Which, real: Timestamp) -> Option<StatusView> {
        let engine = self.engine.as_ref().filter(|_| self.is_on())?;
        let program = self.programs[which]?;
        Some(engine.use_status(&self.now(real, 0), program.key))
    }

    /// The agent was told of the program since it started.
    pub(crate) fn knows(&self, program: Program) -> bool {
        let engine = self.engine.as_ref();
        engine.is_some_and(|engine| engine.use_of(program.key).is_some())
    }

    /// Where a product stands, open or not.
    pub(crate) fn product(&self, which: Which, real: Timestamp) -> Option<StatusView> {
        let engine = self.engine.as_ref().filter(|_| self.is_on())?;
        Some(engine.product_status(&self.now(real, 0), PRODUCTS[which]))
    }

    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    pub(crate) fn save(&mut self, at: Timestamp) {
        self.saved_well = !self.disk_full;
        if self.saved_well {
            self.saved_at = at;
            let engine = self.engine.as_ref().expect("it has just asked for this");
            self.disk = serde_json::to_string(engine.facts()).unwrap();
            self.told_on_disk = self.told.clone();
            self.key_on_disk = self.knows_key.clone();
            self.must_sign_in_on_disk = self.must_sign_in;
        }
    }

    /// How far the agent's idea of the time is ahead, in milliseconds.
    pub(crate) fn clock_ahead(&self, real: Timestamp) -> i64 {
        let trusted = self
            .engine
            .as_ref()
            .map(|engine| engine.trusted(&self.now(real, 0)));
        trusted.map_or(0, |trusted| trusted.offset_from(real))
    }

    /// How far it is off.
    pub(crate) fn clock_is_off(&self, real: Timestamp) -> Duration {
        Duration::from_millis(self.clock_ahead(real).unsigned_abs())
    }

    /// Somebody is signed in whom the identity service vouches for, and the agent knows so: a sign-in that a full disk did not take
    /// is forgotten with the next crash.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.may_refresh() && !self.must_sign_in && self.key().is_some()
    }

    /// The keyring has deleted what it was told to.
    pub(crate) fn forgets(&mut self, what: Forget) {
        if what == Forget::Everything {
            self.vault = None;
        } else if let Some(vault) = &mut self.vault {
            vault.tokens = false;
        }
    }

    /// The agent starts from what is on disk; the first input it needs.
    pub(crate) fn launch(&mut self, registry: Vec<Registration>) -> Input {
        let facts: Facts = serde_json::from_str(&self.disk).unwrap();
        self.engine = Some(Engine::new(facts, Vec::new()));
        self.saved_well = true;
        Input::Registry(registry)
    }

    /// The agent dies: what was not saved is lost, and so is everything under way.
    pub(crate) fn crash(&mut self) {
        self.loses_what_is_not_saved();
        self.engine = None;
        self.life += 1;
        self.wake = None;
        self.dies_in = None;
        self.stream = None;
        self.unanswered.clear();
        self.missed.clear();
        self.told = self.told_on_disk.clone();
        self.knows_key = self.key_on_disk.clone();
        self.must_sign_in = self.must_sign_in_on_disk;
        self.waits = Each::default();
        self.tokenless.begin_anew();
        if self.disk_full {
            // How many there were is forgotten with the rest.
            self.given = Each::default();
            self.told_to_stop = Each::default();
        }
    }

    pub(crate) fn switch_off(&mut self) {
        self.crash();
        self.programs = Each::default();
        self.told_to_stop = Each::default();
        self.power = Power::Off;
    }

    pub(crate) fn switch_on(&mut self, at: Timestamp) {
        self.power = Power::On;
        self.boot += 1;
        self.booted_at = at;
        let off = at.offset_from(self.saved_at);
        let told = self.told.iter_mut().chain(&mut self.told_on_disk);
        told.for_each(|told| told.off += off);
    }

    /// The same in every run of a seed.
    fn new_key(&mut self) -> Arc<SigningKey> {
        self.keys += 1;
        let scalar = Sha256::digest(format!("{}-key-{}", self.name, self.keys));
        let key = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
        Arc::new(SigningKey::P256(Box::new(key)))
    }

    /// A sign-in ends well: tokens, and a device key unless there is one.
    pub(crate) fn sign_in(&mut self, at: Timestamp, access_until: Timestamp) -> Thumbprint {
        let key = match self.vault.take() {
            Some(vault) => vault.key,
            None => {
                // No lease of another key is good for this one.
                self.told.iter_mut().for_each(|told| told.given_up = true);
                self.new_key()
            }
        };
        let jkt = key.jwk().thumbprint();
        self.jkts.push(jkt.clone());
        self.knows_key = Some(jkt.clone());
        self.must_sign_in = false;
        self.vault = Some(Vault {
            key,
            jkt: jkt.clone(),
            tokens: true,
            access_until,
            signed_in_at: at,
            granted: true,
        });
        jkt
    }
}
