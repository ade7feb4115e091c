//! What keeps a session and what ends it: heartbeats, the stream of pushes, and what the user wishes (rules 2 and 11).
//!
//! A heartbeat is a check like any other. While the stream of pushes is open none is needed: the service sees that this device is
//! there. The stream is there only while a program has a product open or waits for one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::code::Code;
use crate::facts::Held;
use crate::session::{SessionWish, WaitingDevice};
use crate::time::{MINUTE, Now};
use crate::view::Reach;

use super::pause::pause;
use super::starts::Use;
use super::{Answer, Attempt, ClientId, Effect, Engine, Ticket};

/// Programs that are closed together make one check; and one that was refused and asks again each second was never closed.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// What is wanted here counts as open for so long, until somebody opens it.
const OPENED_WITHIN: Duration = Duration::from_secs(2 * 60);
/// However often a service pushes, a check is not made oftener.
const BETWEEN_PUSHES: Duration = Duration::from_secs(1);
/// One that ends sooner was as good as none: a proxy or a service that closes it at once is not asked for it twice a second.
const STANDS_FROM: Duration = MINUTE;

/// What of one service concerns its session.
#[derive(Debug, Default)]
pub(super) struct SessionLink {
    /// When the service last answered a check, or saw our stream, in ticks.
    pub(super) heard_at: Option<Duration>,
    /// A check is due then: something was pushed, or closed.
    pub(super) due_at: Option<Duration>,
    /// What the user wants, and of which product.
    pub(super) wish: Option<Wish>,
    /// What is wanted here although nothing has it open, and until when that counts as open: a session was taken over for it, or
    /// whoever started it heard of another device's session and thinks about what to do.
    wanted: BTreeMap<String, Duration>,
    /// Devices that wait for a session that this one has.
    pub(super) waiting: Vec<WaitingDevice>,
    /// The products that the last check said are open: each may be covered by a subscription of its own, and so have its own session.
    said_open: BTreeSet<String>,
    stream: Stream,
}

/// What somebody wishes of a session, until a check takes it along. That one answers them, and no other carries it. It goes with
/// whoever wished for it (rule 17): nobody would hear what became of it.
#[derive(Debug)]
pub(super) struct Wish {
    client: ClientId,
    pub(super) product: String,
    pub(super) wish: SessionWish,
    pub(super) ticket: Ticket,
}

/// The stream of pushes.
#[derive(Debug, Default)]
struct Stream {
    /// The one that stands or is being opened.
    attempt: Option<Attempt>,
    /// Since when it stands.
    stands_since: Option<Duration>,
    /// When it is tried again.
    again_at: Option<Duration>,
    /// How often in a row it could not be had, or not for long.
    failures: u32,
    /// How many have ended since it last stood.
    ends: u32,
}

impl SessionLink {
    pub(super) fn stream_stands(&self) -> bool {
        self.stream.stands_since.is_some()
    }

    /// The stream was seen until then, and is no use any more. Says which it is.
    pub(super) fn ends_stream(&mut self, until: Duration) -> Option<Attempt> {
        if self.stream_stands() {
            self.heard_at = Some(until);
        }
        std::mem::take(&mut self.stream).attempt
    }

    /// When the check is due that was asked for: soon after another one it waits a little.
    fn check_at(&self) -> Option<Duration> {
        let earliest = self
            .heard_at
            .map_or(Duration::ZERO, |heard| heard + BETWEEN_PUSHES);
        self.due_at.map(|due| due.max(earliest))
    }

    pub(super) fn next_at(&self) -> impl Iterator<Item = Duration> {
        let wanted_until = self.wanted.values().copied();
        let others = self.stream.again_at.into_iter().chain(wanted_until);
        self.check_at().into_iter().chain(others)
    }

    /// Whether the user wants this product here, and it may just not have been opened yet.
    pub(super) fn opens(&self, product: &str, now: &Now) -> bool {
        let wanted_until = self.wanted.get(product);
        self.wish_for(product).is_some() || wanted_until.is_some_and(|until| now.ticks < *until)
    }

    /// What the next check is to say of the product's session.
    pub(super) fn wish_for(&self, product: &str) -> Option<SessionWish> {
        let wish = self.wish.as_ref().filter(|wish| wish.product == product)?;
        Some(wish.wish)
    }

    /// Nobody is signed in: what one user took over is not open for the next. Says who still wished for something.
    fn has_no_user(&mut self) -> Option<Ticket> {
        self.said_open.clear();
        self.wanted.clear();
        self.waiting.clear();
        self.wish.take().map(|wish| wish.ticket)
    }

    /// A check begins that takes the wish along: who waits for its answer.
    pub(super) fn takes_wish(&mut self, now: &Now) -> Option<Ticket> {
        let wish = self.wish.take()?;
        match wish.wish {
            SessionWish::TakeOver => self.is_wanted(wish.product, now),
            SessionWish::HandOver => drop(self.wanted.remove(&wish.product)),
        }
        Some(wish.ticket)
    }

    fn is_wanted(&mut self, product: String, now: &Now) {
        self.wanted.insert(product, now.ticks + OPENED_WITHIN);
    }

    /// A check begins that says what is open.
    pub(super) fn says(&mut self, open: BTreeSet<String>) {
        self.said_open = open;
    }

    fn pushed(&mut self, now: &Now) {
        self.due_at.get_or_insert(now.ticks);
    }
}

impl Stream {
    fn ended(&mut self, now: &Now, retry_after: Option<Duration>) {
        let stood = |since: Duration| now.ticks.saturating_sub(since) >= STANDS_FROM;
        if self.stands_since.is_some_and(stood) {
            self.failures = 0;
        }
        let pause = pause(self.failures, retry_after, now.entropy.rotate_left(31));
        *self = Self {
            attempt: None,
            stands_since: None,
            again_at: Some(now.ticks + pause),
            failures: self.failures.saturating_add(1),
            ends: self.ends.saturating_add(1),
        };
    }
}

impl Engine {
    /// *Use here instead*, or the holder gives the session to whoever waits for it.
    pub(super) fn ask_session(&mut self, ticket: Ticket, client: ClientId, product: &str, wish: SessionWish) {
        let Some(entry) = self.registry.iter().find(|entry| entry.product == product) else {
            return self.answer(ticket, Answer::refused(Code::InvalidArgument, "unknown_product"));
        };
        let name = entry.service.clone();
        if !self.is_signed_in(&name) {
            return self.answer(ticket, Answer::refused(Code::SignInRequired, "not_signed_in"));
        }
        let link = self.links.entry(name).or_default();
        let wish = Wish {
            client,
            product: product.to_owned(),
            wish,
            ticket,
        };
        // Whoever wished for something else before is answered by the check that is under way.
        let earlier = link.session.wish.replace(wish);
        link.waits_too(earlier.map(|earlier| earlier.ticket));
        link.want();
    }

    /// Whoever wished for something has gone before a check took it along.
    pub(super) fn wisher_gone(&mut self, client: ClientId) {
        for link in self.links.values_mut() {
            link.session.wish.take_if(|wish| wish.client == client);
        }
    }

    /// Somebody is signed in whom the identity service still vouches for, with the device key that is here.
    pub(super) fn is_signed_in(&self, name: &str) -> bool {
        let account = self
            .facts
            .services
            .get(name)
            .and_then(|service| service.account.as_ref());
        account.is_some_and(|account| !account.sign_in_again) && !self.vault.is_unbound(name)
    }

    /// Whether a program has a product of this service open, or somebody waits for one.
    pub(super) fn is_in_use(&self, name: &str) -> bool {
        let mut links = self.links.get(name).into_iter();
        self.uses.values().any(|open| open.service == name)
            || links.any(|link| !link.session.wanted.is_empty())
    }

    /// A program has closed a product. Who was refused because of another device's session may still want it here, and goes on
    /// waiting (rule 11).
    pub(super) fn closed(&mut self, now: &Now, open: Use) {
        let held = self.facts.held(&open.service, &open.product);
        let waits = !open.running && held.is_some_and(Held::is_session_in_use);
        if let Some(link) = self.links.get_mut(&open.service).filter(|_| waits) {
            link.session.is_wanted(open.product, now);
        }
    }

    /// When the session must be confirmed, in ticks: never while the stream of pushes stands.
    pub(super) fn heartbeat_at(&self, name: &str) -> Option<Duration> {
        let session = &self.links.get(name)?.session;
        let heard_at = session.heard_at.filter(|_| !session.stream_stands())?;
        (self.is_in_use(name) && self.is_signed_in(name))
            .then(|| heard_at + self.policy_of(name).heartbeat_every)
    }

    /// Whether a check is due for the sake of the session.
    pub(super) fn session_is_due(&self, now: &Now, name: &str) -> bool {
        let check_at = self.links.get(name).and_then(|link| link.session.check_at());
        check_at
            .into_iter()
            .chain(self.heartbeat_at(name))
            .any(|at| at <= now.ticks)
    }

    /// Opens and closes streams, and notices that something was closed.
    pub(super) fn work_sessions(&mut self, now: &Now) {
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            let (in_use, signed_in) = (self.is_in_use(&name), self.is_signed_in(&name));
            let service = self.facts.services.get(&name);
            // Before its first check the service does not know this device.
            let known = service.is_some_and(|service| service.user.is_some());
            let issuer = service
                .and_then(|service| service.account.as_ref())
                .map(|account| account.issuer.clone());
            let Some(link) = self.links.get_mut(&name) else {
                continue;
            };
            let online = link.reach == Reach::Online;
            if !signed_in {
                let wisher = link.session.has_no_user();
                link.waits_too(wisher);
            }
            let session = &mut link.session;
            let uses = &self.uses;
            session.wanted.retain(|product, until| {
                let mut uses = uses.values();
                now.ticks < *until && !uses.any(|open| open.service == name && open.product == *product)
            });
            if signed_in && online {
                let said = session.said_open.len();
                let (uses, wanted) = (&self.uses, &session.wanted);
                session.said_open.retain(|product| {
                    let mut uses = uses.values();
                    wanted.contains_key(product)
                        || uses.any(|open| open.service == name && open.product == *product)
                });
                if session.said_open.len() < said {
                    session.due_at.get_or_insert(now.ticks + SETTLED_AFTER);
                }
            }
            let wanted = in_use && signed_in && known && online;
            let stream = &mut session.stream;
            match (stream.attempt, issuer.filter(|_| wanted)) {
                (None, Some(issuer)) if stream.again_at.is_none_or(|at| now.ticks >= at) => {
                    self.attempts += 1;
                    stream.attempt = Some(self.attempts);
                    stream.again_at = None;
                    self.effects.push(Effect::Listen {
                        attempt: self.attempts,
                        service: name,
                        issuer,
                    });
                }
                (Some(attempt), None) => {
                    *stream = Stream::default();
                    self.effects.push(Effect::StopListening { attempt });
                }
                (None, None) => *stream = Stream::default(),
                (None | Some(_), Some(_)) => {}
            }
        }
    }

    fn stream_of(&mut self, attempt: Attempt) -> Option<&mut SessionLink> {
        let sessions = self.links.values_mut().map(|link| &mut link.session);
        sessions
            .into_iter()
            .find(|session| session.stream.attempt == Some(attempt))
    }

    pub(super) fn listening(&mut self, now: &Now, attempt: Attempt) {
        // What was before it is not known by it.
        self.count_all(now, Duration::ZERO);
        if let Some(session) = self.stream_of(attempt) {
            session.stream.stands_since = Some(now.ticks);
            session.stream.ends = 0;
        }
    }

    pub(super) fn pushed(&mut self, now: &Now, attempt: Attempt) {
        if let Some(session) = self.stream_of(attempt) {
            session.pushed(now);
        }
    }

    /// The stream has ended: until now the service saw us. Streams end with their tokens, and are opened again; where that is not
    /// to be had, a check finds out what has happened.
    pub(super) fn listening_ended(&mut self, now: &Now, attempt: Attempt, retry_after: Option<Duration>) {
        // While a stream stands, what is open counts in full; from here on only as far as the last answer lasts.
        self.count_all(now, Duration::ZERO);
        if let Some(session) = self.stream_of(attempt) {
            if session.stream_stands() {
                session.heard_at = Some(now.ticks);
            } else if session.stream.ends == 1 {
                session.pushed(now);
            }
            session.stream.ended(now, retry_after);
        }
    }

    /// Something happened at a service that this device had a part in.
    pub(super) fn changed(&mut self, name: &str) {
        if let Some(link) = self.links.get_mut(name) {
            link.want();
        }
    }

    /// How long time counts as online after the service was last heard of.
    pub(super) fn heard_lasts(&self, name: &str) -> Duration {
        (2 * self.policy_of(name).heartbeat_every).max(2 * MINUTE)
    }
}
