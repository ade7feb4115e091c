//! The one place where facts change: `handle(now, input) -> effects`, without I/O.
//!
//! | room | concern |
//! | --- | --- |
//! | `mod` | the engine, and the order in which one input is worked off |
//! | `messages` | what comes in, and what goes out: inputs, outcomes, effects |
//! | `checks` | when a check is made, what its failure means, and who waits for it (rules 2, 19) |
//! | `link` | one service: flights, back-off, and what was learned of reaching it (rules 2, 5, 8) |
//! | `answer` | what a check brought: leases, refusals (rules 2, 9) |
//! | `sessions` | what keeps a session, and what ends it: heartbeats, the stream of pushes, wishes (rules 2 and 11) |
//! | `spreading` | a seat that was just assigned (rule 14) |
//! | `temporaries` | temporary licences in a licensing outage (rule 7) |
//! | `usage` | minutes of use (rule 12) |
//! | `starts` | open products: starts, ends, save windows (rules 1, 5, 20) |
//! | `sign_in` | the one sign-in attempt and everybody who waits for it (rule 17) |
//! | `ending` | reset and sign-out (rule 15) |
//! | `notices` | what the user is told of days and outages (rules 3, 4, 7) |
//! | `ends` | what the user is told when leases have ended (rule 5) |
//! | `picture` | the View |
//! | `times` | the machine's time and each service's own (rule 16) |
//! | `pause` | how long whoever failed waits before the next try (rule 2) |
//! | `saving` | what is to be on disk, and a disk that takes nothing |
//! | `vault` | what stands between the agent and its secrets |
//! | `wake` | when something is due next |

mod answer;
mod checks;
mod ending;
mod ends;
mod link;
mod messages;
mod notices;
mod pause;
mod picture;
mod saving;
mod sessions;
mod sign_in;
mod spreading;
mod starts;
mod temporaries;
mod times;
mod usage;
mod vault;
mod wake;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::code::Code;
use crate::facts::{Facts, Held};
use crate::registration::Registration;
use crate::time::{Now, Timestamp};
use crate::view::{Problem, SignInEnd, SignInResult, View};

use self::link::Link;
pub use self::messages::{
    Answer, Ask, Attempt, CheckAnswered, CheckFailure, CheckOrder, ClientId, Effect, Input, Invitation,
    NotSigned, Outcome, Query, Side, SignInWish, Signed, SignedIn, Ticket, UseKey,
};
use self::saving::{Dirty, Saving};
use self::sign_in::SignIn;
use self::starts::Use;
pub use self::starts::{Base, Grounds};

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
    temporaries: temporaries::Temporaries,
    /// The wall clock was seen to be wrong.
    clock_wrong: bool,
    vault_locked: Option<Timestamp>,
    vault: vault::Vault,
    state_problems: Vec<Problem>,
    /// When a start was last told of its days, in ticks, and until when they go.
    start_told: Option<(Duration, Timestamp)>,
    /// When the machine last woke or changed its network, or this agent started.
    up_since: Duration,
    saving: Saving,
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

    /// Whether nothing is under way, open or due, so that the agent may end (the next client starts it again).
    pub fn is_idle(&self) -> bool {
        self.uses.is_empty()
            && !self.saving.is_behind()
            && self.sign_in.is_none()
            && self.links.values().all(Link::is_idle)
            && self
                .facts
                .services
                .values()
                .all(|service| service.has_nothing_to_do())
    }

    /// Works one input off. Effects are to be carried out in order.
    pub fn handle(&mut self, now: &Now, input: Input) -> Vec<Effect> {
        self.facts.settle(now);
        match input {
            Input::Tick => {}
            Input::Woke { slept } => {
                self.up_since = now.ticks;
                self.count_all(now, slept);
                self.links.values_mut().for_each(|link| link.slept(slept));
                self.reachability_may_have_changed(now, slept);
            }
            Input::NetworkChanged => {
                self.up_since = now.ticks;
                self.count_all(now, Duration::ZERO);
                self.reachability_may_have_changed(now, Duration::ZERO);
            }
            Input::Registry(registry) => self.register(now, registry),
            Input::Authorize {
                key,
                product,
                version,
                running,
            } => self.start(now, key, &product, version, running),
            Input::Release(key) => {
                let closed = self.uses.remove(&key);
                closed.into_iter().for_each(|open| self.closed(now, open));
            }
            Input::ClientGone(client) => {
                let closed = self.uses.extract_if(.., |key, _| key.client == client);
                let closed: Vec<_> = closed.map(|(_, open)| open).collect();
                closed.into_iter().for_each(|open| self.closed(now, open));
                self.asker_gone(client);
                self.wisher_gone(client);
            }
            Input::Ask { ticket, client, ask } => self.ask(now, ticket, client, ask),
            Input::Shown(ids) => self.shown(&ids),
            Input::Outcome { attempt, outcome } => self.outcome(now, attempt, outcome),
            Input::Saved(saved) => self.saved(now, saved),
            Input::Vault(trouble) => self.vault_seen(now, trouble),
            Input::Changed(service) => self.changed(&service),
            Input::Key { service, key } => self.key_is(now, service, key),
        }
        self.advance(now);
        std::mem::take(&mut self.effects)
    }

    /// The agent ends, and is told so: what is open is counted until now (rule 12), and nothing is begun any more. The facts are to
    /// be stored once more.
    pub fn ends(&mut self, now: &Now) {
        self.facts.settle(now);
        self.count_all(now, Duration::ZERO);
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
            Ask::Session { product, wish } => self.ask_session(ticket, client, &product, wish),
        }
    }

    fn outcome(&mut self, now: &Now, attempt: Attempt, outcome: Outcome) {
        match outcome {
            Outcome::OnWire(party) => self.on_wire(attempt, party),
            Outcome::Checked(result) => self.checked(now, attempt, result),
            Outcome::Probed { licensing, identity } => self.probed(now, attempt, licensing, identity),
            Outcome::ProbeHindered(failure) => self.probe_hindered(now, attempt, &failure),
            Outcome::Listening => self.listening(now, attempt),
            Outcome::Pushed => self.pushed(now, attempt),
            Outcome::ListeningEnded { retry_after } => self.listening_ended(now, attempt, retry_after),
            Outcome::SignInReady(invitation) => self.sign_in_ready(now, attempt, invitation),
            Outcome::SignInReturned => self.sign_in_returned(attempt),
            Outcome::SignInEnded(result) => self.sign_in_ended(attempt, result),
            Outcome::ReleaseSigned(release) => self.release_signed(now, attempt, release),
            Outcome::TemporarySigned(signed) => self.temporary_signed(attempt, signed),
            Outcome::ReleaseSent => self.release_sent(attempt),
            Outcome::ReleaseNotSent { retry_after } => self.release_not_sent(now, attempt, retry_after),
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
        self.work_spreading(now);
        self.work_links(now);
        // A product whose session refusal ends goes on by a temporary licence from that instant on (rule 7).
        self.end_session_refusals(now);
        self.work_temporaries(now);
        self.work_uses(now);
        self.work_meters(now);
        self.work_sessions(now);
        self.work_notices(now);
        self.keep_floor(now);
        self.tell(now);
    }

    /// A wall clock that was tampered with asks for a check, once (rule 16).
    fn watch_the_clock(&mut self, now: &Now) {
        if self.links.is_empty() {
            return;
        }
        let is_wrong = self.wall_was_set(now);
        if is_wrong && !self.clock_wrong {
            self.links.values_mut().for_each(Link::want);
        }
        self.clock_wrong = is_wrong;
    }

    /// What must survive is on disk before anyone is told: the save goes in front of every effect of this input.
    fn tell(&mut self, now: &Now) {
        let changed: Vec<UseKey> = self.changed_uses(now);
        self.effects.extend(changed.into_iter().map(Effect::UseChanged));
        if self.repaint(now) {
            self.effects.push(Effect::Publish);
        }
        self.save_first(now);
        let wake = self.next_wake(now);
        self.effects.push(Effect::WakeAt(wake));
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
        self.follow_registrations();
        self.note_missing(self.trusted(now));
        self.verify(now);
        self.temporaries.register(&self.registry);
        for entry in &self.registry {
            let link = self.links.entry(entry.service.clone()).or_default();
            let held = self.facts.held(&entry.service, &entry.product);
            let known = self.facts.services.get(&entry.service);
            let never_checked = known.is_none_or(|known| known.checked_at.is_none());
            // This may be the agent that the service has asked for.
            if never_checked || held.is_none_or(|held| held.is_unanswered() || held.is_client_outdated()) {
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
