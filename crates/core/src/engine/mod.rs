//! The one place where facts change: `handle(now, input) -> effects`, without I/O.
//!
//! | room | concern |
//! | --- | --- |
//! | `mod` | inputs, effects, and the order in which one input is worked off |
//! | `checks` | when a check is made, what its failure means, and who waits for it (rules 2, 19) |
//! | `link` | one service: flights, back-off, and what was learned of reaching it (rules 2, 5, 8) |
//! | `answer` | what a check brought: leases, refusals, time (rules 2, 9, 16) |
//! | `starts` | open products: starts, ends, save windows (rules 1, 5, 20) |
//! | `sign_in` | the one sign-in attempt and everybody who waits for it (rule 17) |
//! | `ending` | reset and sign-out (rule 15) |
//! | `notices` | what the user is told of days and outages (rules 3, 4, 7) |
//! | `ends` | what the user is told when leases have ended (rule 5) |
//! | `picture` | the View |
//! | `vault` | what stands between the agent and its secrets |
//! | `wake` | when something is due next |

mod answer;
mod checks;
mod ending;
mod ends;
mod link;
mod notices;
mod picture;
mod sign_in;
mod starts;
mod vault;
mod wake;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::code::{Code, Reason};
use crate::facts::{Facts, Forget, Held, PendingRelease};
use crate::jws::Thumbprint;
use crate::registration::Registration;
use crate::status::Party;
use crate::time::{HOUR, Now, Timestamp};
use crate::vault::{KeyState, VaultTrouble};
use crate::view::{Problem, SignInEnd, SignInMethod, SignInResult, UserCode, View};

use self::link::Link;
use self::sign_in::SignIn;
use self::starts::Use;

/// A client's connection, as the agent numbers them.
pub type ClientId = u64;
/// Names a request whose answer may come later.
pub type Ticket = u64;
/// Names one thing that was started. An outcome of another attempt than the present one is dropped.
pub type Attempt = u64;

/// One program that has a product open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseKey {
    /// Its connection.
    pub client: ClientId,
    /// Its own number for it.
    pub use_id: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time passed.
    Tick,
    /// The machine woke from sleep.
    Woke,
    /// The machine's network changed.
    NetworkChanged,
    /// The registered products, at start and whenever they change.
    Registry(Vec<Registration>),
    /// A product starts. Its status is read with [`Engine::use_status`] right after.
    Authorize {
        /// Names the use.
        key: UseKey,
        /// Product key.
        product: String,
        /// It was running already, under an agent that has gone since.
        running: bool,
    },
    /// A product is closed.
    Release(UseKey),
    /// A connection is closed.
    ClientGone(ClientId),
    /// Somebody asks for something.
    Ask {
        /// Names the request.
        ticket: Ticket,
        /// Who asks.
        client: ClientId,
        /// What.
        ask: Ask,
    },
    /// Notices were shown.
    Shown(Vec<u64>),
    /// Something that an [`Effect`] asked for came to an end, or got somewhere.
    Outcome {
        /// Which.
        attempt: Attempt,
        /// What came of it.
        outcome: Outcome,
    },
    /// The state was written, or could not be.
    Saved(bool),
    /// The vault is otherwise than before: what stands in the way of the secrets, if anything.
    Vault(Option<VaultTrouble>),
    /// What the vault said of a service's device key.
    Key {
        /// The service.
        service: String,
        /// What it said.
        key: KeyState,
    },
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Sign in.
    SignIn(SignInWish),
    /// End the open sign-in.
    CancelSignIn,
    /// Sign out of this service, or of the only one there is.
    SignOut(Option<String>),
    /// Check every service now.
    Check,
    /// Reset one product, or everything.
    Reset(Option<String>),
}

/// How somebody wants to sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInWish {
    /// The licensing service; the only one there is, when absent.
    pub service: Option<String>,
    /// The user's work address, whose domain leads to their company's identity service; the vendor's own, when absent.
    pub email: Option<String>,
    /// In the browser here, or by a code elsewhere. Whatever is open already, when absent; else the browser.
    pub method: Option<SignInMethod>,
}

/// Where to go to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The identity service.
    pub issuer: String,
    /// The address to open.
    pub url: String,
    /// The code to type there, for a sign-in by code.
    pub code: Option<UserCode>,
    /// When the provider's own patience ends, where that is sooner than ours.
    pub expires_in: Option<Duration>,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done,
    /// The sign-in's address is known.
    SignIn {
        /// Names it.
        attempt: Attempt,
        /// Where to go.
        url: String,
        /// Whether whoever asked is the one that opens it.
        open: bool,
        /// The code to type there, for a sign-in by code.
        code: Option<UserCode>,
    },
    /// Every service answered its check.
    Checked {
        /// The earliest end of the leases held.
        until: Option<Timestamp>,
    },
    /// It was not done.
    Refused {
        /// The status code that fits.
        code: Code,
        /// A stable key with a sentence in `latchkey-words`.
        problem: String,
    },
}

impl Answer {
    pub(crate) fn refused(code: Code, problem: impl Into<String>) -> Self {
        Self::Refused {
            code,
            problem: problem.into(),
        }
    }
}

/// How a side answered when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It answered, whatever it said.
    Answers,
    /// No answer: refused, timed out, 5xx, or something that is not its protocol.
    Silent,
    /// The machine itself has no route or name to it.
    NoRoute,
}

/// Why a check brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckFailure {
    /// A side did not answer.
    Unreachable {
        /// The licensing service.
        licensing: Side,
        /// The identity service.
        identity: Side,
    },
    /// The service is busy (429, or 503 with `Retry-After`): no outage.
    Busy {
        /// When it wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// The vault was not to be had.
    Vault(VaultTrouble),
    /// The vault is open and has nothing, although somebody is signed in.
    VaultEmptied,
    /// The identity service does not take our refresh token (`invalid_grant`), or there is none.
    SignInAgain,
    /// The service does not know the user yet, and wants the ID token.
    IdTokenRequired,
    /// Something stands in the way that trying again will not mend.
    Hindered(Reason),
}

/// What a check brought, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckAnswered {
    /// The `jti` of our request.
    pub request: String,
    /// The keys document that came along.
    pub keys: String,
    /// By product: a lease or a refusal.
    pub products: Vec<(String, Signed)>,
}

/// A token of the service about one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// `latchkey-lease+jwt`
    Lease(String),
    /// `latchkey-refusal+jwt`
    Refusal(String),
}

/// Who signed in, after the tokens are in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The identity service.
    pub issuer: String,
    /// The user there.
    pub subject: String,
    /// Display name; the address where the provider gave no name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// The device key in the vault.
    pub device: Thumbprint,
    /// Another account's key was in its place until now: the release of that device, whose place nobody needs any more.
    pub replaced: Option<Box<PendingRelease>>,
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A check got so far that a request is on the wire.
    OnWire(Party),
    /// A check ended.
    Checked(Result<CheckAnswered, CheckFailure>),
    /// A probe ended: whether the two services answer.
    Probed {
        /// The licensing service.
        licensing: Side,
        /// The identity service.
        identity: Side,
    },
    /// A sign-in's address is known.
    SignInReady(Invitation),
    /// The user came back from the browser.
    SignInReturned,
    /// A sign-in ended.
    SignInEnded(Result<SignedIn, SignInResult>),
    /// A release was signed, or could not be because the device key is out of reach.
    ReleaseSigned(Option<PendingRelease>),
    /// A release reached the service, or did not.
    ReleaseSent(bool),
    /// The vault entry was deleted, or could not be yet.
    Forgotten(bool),
}

/// Something to be done. Effects are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write the facts, and wait until they are safe, before anything that follows. With `both`, to both copies,
    /// so that no fallback revives what was ended.
    Save {
        /// Both copies.
        both: bool,
    },
    /// Check one service.
    Check {
        /// Names it.
        attempt: Attempt,
        /// The service.
        service: String,
        /// The identity service that the user is signed in at.
        issuer: String,
        /// What is asked about: product key, installed versions, open now.
        products: Vec<(String, Vec<String>, bool)>,
        /// Send the ID token along.
        identify: bool,
        /// Refresh credentials that are older than this.
        refresh_every: Duration,
    },
    /// Find out whether the services answer, without signing in.
    Probe {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
    },
    /// Begin a sign-in.
    BeginSignIn {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// The user's work address, if they gave one.
        email: Option<String>,
        /// In the browser here, or by a code elsewhere.
        method: SignInMethod,
        /// How long it may take.
        within: Duration,
    },
    /// A sign-in is on disk: its page may say so.
    SignInKept {
        /// Which.
        attempt: Attempt,
    },
    /// End a sign-in: its listener closes.
    CancelSignIn {
        /// Which.
        attempt: Attempt,
    },
    /// Sign a release with the device key.
    SignRelease {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// Which product; everything, and the device itself, when `None`.
        product: Option<String>,
        /// Trusted time, for its `iat`.
        at: Timestamp,
    },
    /// Bring a release to the service.
    SendRelease {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// The release.
        release: PendingRelease,
    },
    /// Stop everything that is under way for a service, and delete from the vault.
    Forget {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// What.
        what: Forget,
    },
    /// Answer a request.
    Answer {
        /// Which.
        ticket: Ticket,
        /// With what.
        answer: Answer,
    },
    /// The status of an open use is another than it was told.
    UseChanged(UseKey),
    /// The View changed.
    Publish,
    /// Call again at these ticks at the latest; never, when `None`.
    WakeAt(Option<Duration>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    #[default]
    No,
    One,
    Both,
}

/// The engine: facts, and what of them is under way.
#[derive(Debug, Default)]
pub struct Engine {
    facts: Facts,
    registry: Vec<Registration>,
    links: BTreeMap<String, Link>,
    uses: BTreeMap<UseKey, Use>,
    sign_in: Option<SignIn>,
    last_sign_in: Option<SignInEnd>,
    attempts: Attempt,
    /// Resets and sign-outs of which a part could not be done yet.
    endings_failed: BTreeSet<Ticket>,
    /// The wall clock was seen to be wrong.
    clock_wrong: bool,
    vault_locked: Option<Timestamp>,
    vault: vault::Vault,
    state_problems: Vec<Problem>,
    start_told_at: Option<Duration>,
    /// When the machine last woke, or this agent started.
    up_since: Duration,
    floor_saved: Timestamp,
    dirty: Dirty,
    view: View,
    effects: Vec<Effect>,
}

impl Engine {
    /// An engine that goes on from stored facts. `problems` are what reading them brought up.
    pub fn new(facts: Facts, problems: Vec<Problem>) -> Self {
        Self {
            facts,
            state_problems: problems,
            ..Self::default()
        }
    }

    /// What is to be stored.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The registered products.
    pub fn registry(&self) -> &[Registration] {
        &self.registry
    }

    /// The whole state, as of the last input.
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Trusted time (rule 16).
    pub fn trusted(&self, now: &Now) -> Timestamp {
        self.facts.clock.trusted(now)
    }

    /// Whether nothing is under way, open or due, so that the agent may end (the next client starts it again).
    pub fn is_idle(&self) -> bool {
        self.uses.is_empty()
            && self.sign_in.is_none()
            && self.links.values().all(Link::is_idle)
            && self
                .facts
                .services
                .values()
                .all(|service| service.account.is_none() && service.forget.is_none())
    }

    /// Works one input off. Effects are to be carried out in order.
    pub fn handle(&mut self, now: &Now, input: Input) -> Vec<Effect> {
        self.facts.clock.settle(now);
        match input {
            Input::Tick => {}
            Input::Woke => {
                self.up_since = now.ticks;
                self.reachability_may_have_changed();
            }
            Input::NetworkChanged => self.reachability_may_have_changed(),
            Input::Registry(registry) => self.register(now, registry),
            Input::Authorize {
                key,
                product,
                running,
            } => self.start(now, key, &product, running),
            Input::Release(key) => {
                self.uses.remove(&key);
            }
            Input::ClientGone(client) => {
                self.uses.retain(|key, _| key.client != client);
                self.asker_gone(client);
            }
            Input::Ask { ticket, client, ask } => self.ask(now, ticket, client, ask),
            Input::Shown(ids) => self.shown(&ids),
            Input::Outcome { attempt, outcome } => self.outcome(now, attempt, outcome),
            Input::Saved(saved) => self.saved(saved),
            Input::Vault(trouble) => self.vault_seen(now, trouble),
            Input::Key { service, key } => self.key_is(now, service, key),
        }
        self.advance(now);
        std::mem::take(&mut self.effects)
    }

    fn ask(&mut self, now: &Now, ticket: Ticket, client: ClientId, ask: Ask) {
        match ask {
            Ask::SignIn(wish) => self.ask_sign_in(now, ticket, client, wish),
            Ask::CancelSignIn => {
                self.end_sign_in(SignInResult::Cancelled);
                self.answer(ticket, Answer::Done);
            }
            Ask::SignOut(service) => self.ask_sign_out(now, ticket, service),
            Ask::Check => self.ask_check(ticket),
            Ask::Reset(product) => self.ask_reset(now, ticket, product),
        }
    }

    fn outcome(&mut self, now: &Now, attempt: Attempt, outcome: Outcome) {
        match outcome {
            Outcome::OnWire(party) => self.on_wire(attempt, party),
            Outcome::Checked(result) => self.checked(now, attempt, result),
            Outcome::Probed { licensing, identity } => self.probed(now, attempt, licensing, identity),
            Outcome::SignInReady(invitation) => self.sign_in_ready(now, attempt, invitation),
            Outcome::SignInReturned => self.sign_in_returned(attempt),
            Outcome::SignInEnded(result) => self.sign_in_ended(attempt, result),
            Outcome::ReleaseSigned(release) => self.release_signed(now, attempt, release),
            Outcome::ReleaseSent(sent) => self.release_sent(now, attempt, sent),
            Outcome::Forgotten(done) => self.forgotten(now, attempt, done),
        }
    }

    /// What follows from the facts and the time, after every input: always in this order, so that one input's
    /// effects do not depend on which timer was noticed first.
    fn advance(&mut self, now: &Now) {
        self.expire_sign_in(now);
        self.watch_the_clock(now);
        self.work_endings(now);
        self.check_before_the_end(now);
        self.work_links(now);
        self.end_session_refusals(now);
        self.work_uses(now);
        self.work_notices(now);
        self.keep_floor(now);
        self.tell(now);
    }

    /// A wall clock that was tampered with asks for a check, once (rule 16).
    fn watch_the_clock(&mut self, now: &Now) {
        if self.links.is_empty() {
            return;
        }
        let is_wrong = self.wall_is_wrong(now);
        if is_wrong && !self.clock_wrong {
            self.links.values_mut().for_each(Link::want);
        }
        self.clock_wrong = is_wrong;
    }

    fn saved(&mut self, saved: bool) {
        self.state_problems
            .retain(|problem| *problem != Problem::StateNotSaved);
        if !saved {
            self.state_problems.push(Problem::StateNotSaved);
        }
    }

    /// The floor is written at least once an hour, so that a power cut hides at most that (rule 16).
    fn keep_floor(&mut self, now: &Now) {
        if self.trusted(now).since(self.floor_saved) >= HOUR && !self.facts.services.is_empty() {
            self.save(Dirty::One);
        }
    }

    /// What must survive is on disk before anyone is told: the save goes in front of every effect of this input.
    fn tell(&mut self, now: &Now) {
        let changed: Vec<UseKey> = self.changed_uses(now);
        self.effects.extend(changed.into_iter().map(Effect::UseChanged));
        if self.repaint(now) {
            self.effects.push(Effect::Publish);
        }
        let dirty = std::mem::take(&mut self.dirty);
        if dirty != Dirty::No {
            self.floor_saved = self.trusted(now);
            self.effects.insert(
                0,
                Effect::Save {
                    both: dirty == Dirty::Both,
                },
            );
        }
        let wake = self.next_wake(now);
        self.effects.push(Effect::WakeAt(wake));
    }

    fn save(&mut self, dirty: Dirty) {
        self.dirty = self.dirty.max(dirty);
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.effects.push(Effect::Answer { ticket, answer });
    }

    fn next_attempt(&mut self) -> Attempt {
        self.attempts += 1;
        self.attempts
    }

    /// The licensing service that a request means: the one it names, or the only one there is.
    fn service_or_only(&self, service: Option<String>) -> Result<String, Answer> {
        let mut known: Vec<&str> = self.registry.iter().map(|entry| entry.service.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        match (service, known.as_slice()) {
            (Some(service), known) if known.contains(&service.as_str()) => Ok(service),
            (Some(_), _) => Err(Answer::refused(Code::InvalidArgument, "unknown_service")),
            (None, []) => Err(Answer::refused(Code::InvalidArgument, "no_products")),
            (None, [only]) => Ok((*only).to_owned()),
            (None, _) => Err(Answer::refused(Code::InvalidArgument, "several_services")),
        }
    }

    fn register(&mut self, now: &Now, registry: Vec<Registration>) {
        if self.links.is_empty() {
            self.up_since = now.ticks;
        }
        self.registry = registry;
        self.note_missing(self.trusted(now));
        self.facts.verify(&self.registry);
        for entry in &self.registry {
            let link = self.links.entry(entry.service.clone()).or_default();
            let held = self.facts.held(&entry.service, &entry.product);
            if held.is_none_or(|held| held.is_empty()) {
                link.want();
            }
        }
        // What is still to be deleted or brought to a service does not depend on a product of it.
        for (name, service) in &self.facts.services {
            if service.forget.is_some() || !service.releases.is_empty() {
                self.links.entry(name.clone()).or_default();
            }
        }
    }
}
