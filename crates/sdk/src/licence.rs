//! The handles that a product holds. They only pass word to the worker, and wait for it no longer than they say.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use latchkey_core::code::Code;
use latchkey_core::time::Timestamp;
use latchkey_ipc::client::Connection;
use latchkey_ipc::hello::Kind;
use latchkey_ipc::launch;
use latchkey_ipc::messages::{Reply, Request, Role};

use crate::event::{Event, Events, Listeners};
use crate::product::Product;
use crate::status::{Denied, Speaker, Status, own, wall_clock};
use crate::verify::Believed;
use crate::worker::Worker;

/// How long [`Licence::status`] waits for the agent at most.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the agent may take to say who shows the window.
const WINDOW_TIMEOUT: Duration = Duration::from_secs(5);

/// A product's link to the agent. Cheap to clone; the link ends with the last clone and the last [`Permit`].
#[derive(Clone)]
pub struct Licence(Arc<Owner>);

/// That a product may run. Keep it for as long as it does: dropping the last one tells the agent that the product is
/// closed.
#[derive(Debug)]
pub struct Permit {
    owner: Arc<Owner>,
    believed: Believed,
}

/// Ends the worker when the last handle goes.
pub(crate) struct Owner {
    shared: Arc<Shared>,
    commands: Sender<Command>,
}

/// What handles and worker both see.
pub(crate) struct Shared {
    pub(crate) speaker: Speaker,
    pub(crate) product: Product,
    pub(crate) listeners: Listeners,
    status: Mutex<Status>,
    /// Whom to wake when there is a command.
    connection: Mutex<Option<Connection>>,
}

/// What a handle asks of the worker.
pub(crate) enum Command {
    /// Wants a permit.
    Authorize(Wish),
    /// Wants to know where the product stands, from the agent if it can be reached.
    Status(std::sync::mpsc::SyncSender<Status>),
    /// A permit was dropped.
    Released,
    /// The last handle was dropped.
    End,
}

/// Somebody who waits for a permit.
pub(crate) struct Wish {
    owner: Arc<Owner>,
    pub(crate) deadline: Instant,
    answer: std::sync::mpsc::SyncSender<Result<Permit, Denied>>,
}

impl Wish {
    /// Hands out a permit. Where nobody waits any more it comes back at once, as every permit does, by
    /// [`Command::Released`].
    pub(crate) fn grant(self, believed: Believed) {
        let _ = self.answer.send(Ok(Permit {
            owner: self.owner,
            believed,
        }));
    }

    pub(crate) fn deny(self, status: Status) {
        // Who has left does not need to know.
        let _ = self.answer.send(Err(Denied::new(status)));
    }
}

impl Licence {
    pub(crate) fn open(product: Product) -> Result<Self, Denied> {
        let speaker = Speaker::new(product.words(), &product.name);
        let connecting = speaker.status(own(Code::Connecting), String::new(), wall_clock());
        let (commands, received): (Sender<Command>, Receiver<Command>) = channel();
        let shared = Arc::new(Shared {
            speaker,
            product,
            listeners: Listeners::default(),
            status: Mutex::new(connecting),
            connection: Mutex::new(None),
        });
        let worker = Worker::new(Arc::clone(&shared), received);
        let started = std::thread::Builder::new()
            .name("latchkey-sdk".into())
            .spawn(move || worker.run());
        match started {
            Ok(_) => Ok(Self(Arc::new(Owner { shared, commands }))),
            Err(error) => {
                let view = own(Code::AgentNotFound);
                Err(Denied::new(shared.speaker.status(
                    view,
                    error.to_string(),
                    wall_clock(),
                )))
            }
        }
    }

    /// Asks whether the product may run, and waits until that is decided, for at most `timeout`: for as long as somebody
    /// is awaited (a sign-in that is open, a request that is on the wire). A product that holds a [`Permit`] already may ask
    /// again at any time; that verifies one fresh proof.
    ///
    /// # Errors
    /// [`Denied`] with where the product stands, at the latest after `timeout` with what is pending then.
    pub fn authorize(&self, timeout: Duration) -> Result<Permit, Denied> {
        let deadline = Instant::now() + timeout.min(Duration::from_secs(365 * 86_400));
        let (answer, answered) = sync_channel(1);
        let wish = Wish {
            owner: Arc::clone(&self.0),
            deadline,
            answer,
        };
        self.0.send(Command::Authorize(wish));
        answered.recv_timeout(timeout).unwrap_or_else(|error| {
            let status = self.0.shared.status();
            Err(Denied::new(match error {
                // What was true a moment ago is no permit, because nobody has handed one out.
                RecvTimeoutError::Timeout if !status.may_run() => status,
                RecvTimeoutError::Timeout => self.0.say(Code::Connecting, "no answer in time"),
                RecvTimeoutError::Disconnected => {
                    self.0.say(Code::AgentNotFound, "the SDK's thread has ended")
                }
            }))
        })
    }

    /// Where the product stands: as it was last told while it runs, otherwise asked of the agent, for at most 2 s. Only a product that
    /// is open has a proof, so without a [`Permit`] this is never code 0: what the agent says would be an OK is code 1, with what else is
    /// known in [`Status::view`].
    pub fn status(&self) -> Status {
        let (answer, answered) = sync_channel(1);
        self.0.send(Command::Status(answer));
        answered
            .recv_timeout(STATUS_TIMEOUT)
            .unwrap_or_else(|_| self.0.shared.status())
    }

    /// What the product is told from now on. Every caller has events of its own.
    pub fn events(&self) -> Events {
        self.0.shared.listeners.listen()
    }

    /// Calls `callback` with every event from now on, on a thread of its own, until the licence ends.
    ///
    /// # Errors
    /// What the system says when it starts no thread.
    pub fn on_change(&self, callback: impl FnMut(Event) + Send + 'static) -> std::io::Result<()> {
        let events = self.events();
        let thread = std::thread::Builder::new().name("latchkey-events".into());
        thread.spawn(move || events.for_each(callback)).map(drop)
    }

    /// Shows Latchkey's window where licences are managed and reset (rule 15): the one that is open, or a new one.
    ///
    /// # Errors
    /// [`Denied`] with code 20 when neither the agent nor the window can be started.
    pub fn open_manage_licences(&self) -> Result<(), Denied> {
        let failed = |problem: &dyn std::fmt::Display| {
            Denied::new(self.0.say(Code::AgentNotFound, &problem.to_string()))
        };
        let screen = format!("product:{}", self.0.shared.product.key);
        let address = self.0.shared.product.address().map_err(|error| failed(&error))?;
        let connection = launch::connect_or_start_at(&address, Kind::Sdk, launch::START_TIMEOUT)
            .map_err(|error| failed(&error))?;
        let claim = Request::Claim {
            role: Role::Window,
            show: screen.clone(),
        };
        match connection.call(claim, WINDOW_TIMEOUT) {
            Ok(Reply::Claimed { granted: false }) => Ok(()),
            Ok(_) => {
                // Nobody shows it. The role goes with this connection, for the window that is started to take.
                drop(connection);
                launch::start_window(&address, &screen).map_err(|error| failed(&error))
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

impl std::fmt::Debug for Licence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Permit {
    /// Until when the lease is good offline, exclusive; or, past its end, the temporary licence (rule 7). It may have been renewed
    /// since: [`Licence::status`] knows.
    pub fn until(&self) -> Timestamp {
        self.believed.until()
    }

    /// Named features of the product that the subscription includes; none at a first start in an outage, when nobody knows them
    /// (rule 7).
    pub fn entitlements(&self) -> &[String] {
        let lease = self.believed.base.lease();
        lease.map_or(&[], |lease| &lease.claims().entitlements)
    }

    /// The organisation that holds the subscription; empty at a first start in an outage.
    pub fn organisation(&self) -> &str {
        let lease = self.believed.base.lease();
        lease.map_or("", |lease| &lease.claims().org)
    }

    /// The product is closed. Dropping the permit does the same.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.owner.send(Command::Released);
    }
}

impl Owner {
    fn send(&self, command: Command) {
        // A worker that has ended needs no commands; whoever waits for an answer is told by its absence.
        let _ = self.commands.send(command);
        self.shared.wake();
    }

    fn say(&self, code: Code, detail: &str) -> Status {
        self.shared
            .speaker
            .status(own(code), detail.to_owned(), wall_clock())
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Licence")
            .field("product", &self.shared.product.key)
            .field("status", &self.shared.status().name)
            .finish()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.send(Command::End);
    }
}

impl Shared {
    pub(crate) fn status(&self) -> Status {
        self.status_slot().clone()
    }

    /// Whether the status is another than before.
    pub(crate) fn set_status(&self, status: Status) -> bool {
        let mut before = self.status_slot();
        let changed = *before != status;
        *before = status;
        changed
    }

    pub(crate) fn set_connection(&self, connection: Option<Connection>) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    fn wake(&self) {
        if let Some(connection) = &*self.connection.lock().unwrap_or_else(PoisonError::into_inner) {
            connection.wake();
        }
    }

    fn status_slot(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
