//! What a command that goes on waits for: the agent's events and answers, Ctrl-C, and the end of whoever reads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use latchkey_ipc::client::{CallError, Connection};
use latchkey_ipc::messages::{Event, Reply, Request};

use crate::failure::Failure;
use crate::reader;

/// Threads that wait and hand on.
const STACK: usize = 512 * 1024;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// The agent says something unasked.
    Event(Event),
    /// The agent answers.
    Answer(Result<Reply, CallError>),
    /// The connection to the agent has ended.
    AgentGone,
    /// Ctrl-C, or the system asks this process to end.
    Interrupted,
    /// Nobody reads standard output any more.
    ReaderGone,
}

/// All of it, in one queue.
pub(crate) struct Inputs {
    sender: Sender<Input>,
    receiver: Receiver<Input>,
}

impl Inputs {
    /// Begins to listen for Ctrl-C. Once in the life of the process.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(crate) fn new() -> Result<Self, Failure> {
        let (sender, receiver) = channel();
        let interrupted = sender.clone();
        ctrlc::set_handler(move || {
            let _ = interrupted.send(Input::Interrupted);
        })
        .map_err(|error| Failure::failed("internal", error))?;
        Ok(Self { sender, receiver })
    }

    /// Takes the agent's events from now on.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn follow(&self, connection: &Connection) -> Result<(), Failure> {
        let connection = connection.clone();
        self.spawn(move |sender| {
            for event in connection.events() {
                if sender.send(Input::Event(event)).is_err() {
                    return;
                }
            }
            let _ = sender.send(Input::AgentGone);
        })
    }

    /// Asks the agent without waiting here.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn ask(
        &self,
        connection: &Connection,
        request: Request,
        patience: Duration,
    ) -> Result<(), Failure> {
        let connection = connection.clone();
        self.spawn(move |sender| {
            let _ = sender.send(Input::Answer(connection.call(request, patience)));
        })
    }

    /// Notices when nobody reads standard output any more, also while nothing is printed.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn notice_end_of_reader(&self) -> Result<(), Failure> {
        self.spawn(|sender| {
            if reader::wait_until_gone() {
                let _ = sender.send(Input::ReaderGone);
            }
        })
    }

    /// The next thing that happens; `None` when nothing does in time.
    pub(crate) fn next(&self, patience: Duration) -> Option<Input> {
        // This side keeps a sender, so the queue itself never ends.
        self.receiver.recv_timeout(patience).ok()
    }

    fn spawn(&self, wait: impl FnOnce(Sender<Input>) + Send + 'static) -> Result<(), Failure> {
        let sender = self.sender.clone();
        let spawned = thread::Builder::new()
            .name("input".into())
            .stack_size(STACK)
            .spawn(move || wait(sender));
        spawned
            .map(drop)
            .map_err(|error| Failure::failed("internal", error))
    }
}
