//! The thread between a product's handles and the agent: one at a time it takes what they ask and what the agent says.
//!
//! It is awake only when something happens. Nothing it does to the agent takes longer than [`link::CALL_TIMEOUT`], except
//! reaching and starting it.

mod ending;
mod link;
mod retry;
mod verdict;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use latchkey_core::code::Code;
use latchkey_core::view::StatusView;
use latchkey_ipc::messages::Event as AgentEvent;

use crate::licence::{Command, Shared, Wish};
use crate::status::{Status, own};
use crate::ticks::Ticks;
use crate::verify::{Base, Verifier};
use ending::{End, Stop};
use link::{Link, LinkError};
use retry::Retry;

/// How long the end is waited for at most, before it is looked at again: waiting stands still while the machine sleeps.
const LOOK: Duration = Duration::from_secs(600);
/// How often in a row the agent may go away before whoever waits for it is told.
const TRIES: u32 = 3;

pub(crate) struct Worker {
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    verifier: Verifier,
    link: Option<Link>,
    retry: Retry,
    /// When a product that runs, and that the agent does not know, is opened there again.
    reopen: Retry,
    /// Who waits for a permit, and whether the agent has been asked since the last one came.
    wishes: Vec<Wish>,
    asked: bool,
    /// Who wants to know where the product stands.
    questions: Vec<SyncSender<Status>>,
    /// Permits that are out.
    permits: usize,
    /// What was verified last, and when it ends by this process's own count.
    granted: Option<Granted>,
    stop: Stop,
}

struct Granted {
    base: Base,
    end: End,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, commands: Receiver<Command>) -> Self {
        let product = &shared.product;
        let verifier = Verifier::new(&product.key, &product.service, product.roots.as_slice());
        Self {
            shared,
            commands,
            verifier,
            link: None,
            retry: Retry::default(),
            reopen: Retry::default(),
            wishes: Vec::new(),
            asked: false,
            questions: Vec::new(),
            permits: 0,
            granted: None,
            stop: Stop::default(),
        }
    }

    pub(crate) fn run(mut self) {
        while self.take_commands() {
            self.refuse_overdue();
            self.reach_agent();
            self.watch_the_end();
            self.let_go();
            if !self.wait() {
                break;
            }
        }
        self.shared.set_connection(None);
        self.shared.listeners.end();
    }

    /// Takes everything that was asked; `false` when nobody can ask any more.
    fn take_commands(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    if !self.take(command) {
                        return false;
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, command: Command) -> bool {
        match command {
            Command::Authorize(wish) => {
                self.wishes.push(wish);
                self.asked = false;
            }
            Command::Status(question) if self.permits > 0 => answer(&question, self.shared.status()),
            Command::Status(question) => self.questions.push(question),
            Command::Released => self.released(),
            Command::End => return false,
        }
        true
    }

    /// What was proven lets the product run for as long as it is open.
    fn released(&mut self) {
        self.permits = self.permits.saturating_sub(1);
        if self.permits == 0 && self.shared.status().may_run() {
            let closed = self.say(own(Code::Connecting), "the product is closed");
            self.shared.set_status(closed);
        }
    }

    /// Waits for whatever comes first; `false` when nobody can ask any more.
    fn wait(&mut self) -> bool {
        if self.link.is_none() && self.is_awaited() {
            // The connection was lost while asking: once more, [`TRIES`] times at most.
            return true;
        }
        let now = Instant::now();
        let deadlines = self.wishes.iter().map(|wish| wish.deadline);
        let end = self
            .granted
            .as_ref()
            .filter(|_| self.permits > 0)
            .map(|granted| granted.end.at().since(Ticks::now()).min(LOOK));
        let retry = self
            .retry
            .due()
            .filter(|_| self.link.is_none() && self.permits > 0);
        let is_closed = self.link.as_ref().is_some_and(|link| !link.is_open());
        let reopen = self.reopen.due().filter(|_| is_closed && self.permits > 0);
        let next = deadlines.chain(retry).chain(reopen).min();
        let left = next.map(|next| next.saturating_duration_since(now));
        let left = left.into_iter().chain(end).min();
        if let Some(link) = &self.link {
            match link.connection.next_event(left.unwrap_or(Duration::MAX)) {
                Ok(Some(event)) => self.hear(event),
                Ok(None) => {}
                Err(closed) => self.lost(&closed.into()),
            }
            return true;
        }
        let command = match left {
            Some(left) => self.commands.recv_timeout(left),
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match command {
            Ok(command) => self.take(command),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Whoever's time is up is told what is pending.
    fn refuse_overdue(&mut self) {
        let now = Instant::now();
        if self.wishes.iter().all(|wish| now < wish.deadline) {
            return;
        }
        // A product that runs stays licensed while its agent is reached anew; whoever asks meanwhile gets no permit.
        let mut status = self.shared.status();
        if status.may_run() {
            status = self.say(own(Code::Connecting), "");
        }
        for wish in self.wishes.extract_if(.., |wish| wish.deadline <= now) {
            wish.deny(status.clone());
        }
    }

    /// Whether somebody waits for an answer right now.
    fn is_awaited(&self) -> bool {
        !self.wishes.is_empty() || !self.questions.is_empty()
    }

    /// Does what the present wishes need: connects, and asks.
    fn reach_agent(&mut self) {
        let awaited = self.is_awaited();
        if !awaited && self.permits == 0 {
            return;
        }
        if self.link.is_none() && (awaited || self.retry.is_due()) {
            self.connect();
        }
        if self.link.is_some() && !self.questions.is_empty() {
            self.ask_status();
        }
        let opens = self.link.as_ref().is_some_and(|link| !link.is_open()) && self.reopen.is_due();
        if (!self.wishes.is_empty() && !self.asked) || (opens && self.permits > 0) {
            self.ask();
        }
    }

    /// Closes the connection, and with it the product, when nobody needs it any more.
    fn let_go(&mut self) {
        if self.permits > 0 || self.is_awaited() {
            return;
        }
        if self.link.take().is_some() {
            self.shared.set_connection(None);
        }
        self.granted = None;
        self.stop = Stop::default();
    }

    fn connect(&mut self) {
        match Link::connect(&self.shared.product) {
            Ok(link) => {
                self.shared.set_connection(Some(link.connection.clone()));
                // Who asked for something while there was none to wake is not left waiting for the next event.
                link.connection.wake();
                self.link = Some(link);
                self.asked = false;
            }
            Err(error) => {
                self.retry.failed();
                self.without_agent(&error.to_string());
            }
        }
    }

    /// The agent cannot be reached. A product that runs goes on: its lease is good until its end (rule 20).
    fn without_agent(&mut self, detail: &str) {
        if self.permits == 0 {
            self.set_status(own(Code::AgentNotFound), detail);
        }
        let status = self.say(own(Code::AgentNotFound), detail);
        self.wishes.drain(..).for_each(|wish| wish.deny(status.clone()));
        self.questions
            .drain(..)
            .for_each(|question| answer(&question, status.clone()));
    }

    fn ask_status(&mut self) {
        let Some(link) = &self.link else { return };
        match link.status(&self.shared.product.key) {
            Ok(view) => {
                let (view, detail) = unproven(view);
                self.set_status(view, detail);
                let status = self.shared.status();
                self.questions
                    .drain(..)
                    .for_each(|question| answer(&question, status.clone()));
            }
            Err(error) => self.lost(&error),
        }
    }

    /// Asks the agent for a grant: opens the product there, or wants a fresh proof for what is open.
    fn ask(&mut self) {
        let Some(link) = &mut self.link else { return };
        self.asked = true;
        match link.ask(&self.shared.product, self.granted.is_some()) {
            Ok(answer) => self.consider(answer),
            Err(error) => self.lost(&error),
        }
    }

    fn hear(&mut self, event: AgentEvent) {
        let Some(link) = &self.link else { return };
        // An event says that something is new, and the answer to a question says what: events wait in a queue while
        // answers overtake them, and the grant of an event answers a nonce that was used before.
        if matches!(event, AgentEvent::Use { use_id, .. } if link.is_open_as(use_id)) {
            self.ask();
        }
    }

    /// The connection has ended. What runs goes on; what waits is asked again.
    fn lost(&mut self, error: &LinkError) {
        self.link = None;
        self.shared.set_connection(None);
        self.asked = false;
        self.retry.failed();
        if self.retry.failures() >= TRIES {
            self.without_agent(&error.to_string());
        }
    }
}

/// What the agent says of a product that is not open, with what there is to add. An OK is nothing without its proof, and only who
/// opens the product is given that.
fn unproven(view: StatusView) -> (StatusView, &'static str) {
    if !view.may_run() {
        return (view, "");
    }
    let StatusView { code, name, .. } = own(Code::Connecting);
    let view = StatusView { code, name, ..view };
    (
        view,
        "the agent says that it may run, which is proven when it is opened",
    )
}

fn answer(question: &SyncSender<Status>, status: Status) {
    // Who has left does not need to know.
    let _ = question.send(status);
}
