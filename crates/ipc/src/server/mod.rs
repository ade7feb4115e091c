//! The agent's side: one task for each client, between a socket and the agent's one loop.
//!
//! The loop takes [`Incoming`] from one bounded channel and answers through each client's [`Outbox`], which never makes
//! it wait: a client that does not take what it is told is dropped. Idle clients cost no wake-ups.

mod connection;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::address::{Address, AddressError};
use crate::frame::{self, FrameError};
use crate::hello::Hello;
use crate::messages::{Call, Event, Message, Reply};
#[cfg(unix)]
use unix::{Endpoint, Mark, Stream, is_same};
#[cfg(windows)]
use windows::{Endpoint, Mark, Stream, is_same};

/// How long a client may take to say hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last frames may take to go out when a connection or the agent ends.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// How many clients are served at a time.
pub const CONNECTIONS: usize = 4096;
/// How many frames may wait for one client.
pub const OUTBOX: usize = 256;
/// Wait after a failed accept: out of descriptors, most likely, which takes a moment to mend.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Why nobody can listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another agent of this user listens already.
    #[error("another agent is running")]
    AlreadyRunning,
    /// The address is no good.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// What the system says.
    #[error("the agent cannot listen: {0}")]
    Io(#[from] std::io::Error),
}

/// Names a client for as long as the agent runs; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

impl ClientId {
    /// Of whichever address.
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// What happens at the socket, in order for each client.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// A client of this user has said hello, in a version of the protocol that both sides speak.
    Connected {
        /// Its name from now on.
        client: ClientId,
        /// Who it says it is.
        hello: Hello,
        /// Where answers go. Dropping every clone closes the connection, once what waits in it has gone out.
        outbox: Outbox,
    },
    /// A request that this version knows.
    Call {
        /// Whose.
        client: ClientId,
        /// What is asked.
        call: Call,
    },
    /// The connection has ended. Comes once, last, for every client that connected.
    Gone {
        /// Whose.
        client: ClientId,
    },
}

/// A frame to clients, written once for as many as get it.
#[derive(Clone)]
pub struct Outgoing(Arc<[u8]>);

impl Outgoing {
    /// The reply to call `id`.
    ///
    /// # Errors
    /// [`FrameError::TooLong`].
    pub fn answer(id: u64, reply: Reply) -> Result<Self, FrameError> {
        Self::encode(&Message::Answer { id, reply })
    }

    /// An event.
    ///
    /// # Errors
    /// [`FrameError::TooLong`].
    pub fn event(event: Event) -> Result<Self, FrameError> {
        Self::encode(&Message::Event(event))
    }

    fn encode<T: serde::Serialize>(value: &T) -> Result<Self, FrameError> {
        frame::encode(value, frame::MESSAGE_LIMIT).map(|frame| Self(frame.into()))
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({} bytes)", self.0.len())
    }
}

/// A client that is not told any more: it has gone, or it let too much wait and is being dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone")]
pub struct ClientGone;

/// What waits for one client, at most [`OUTBOX`] frames.
#[derive(Clone, Debug)]
pub struct Outbox {
    frames: mpsc::Sender<Outgoing>,
    overrun: Arc<Notify>,
}

impl Outbox {
    /// Queues a frame, without waiting.
    ///
    /// # Errors
    /// [`ClientGone`]; its [`Incoming::Gone`] has come or will come.
    pub fn send(&self, frame: Outgoing) -> Result<(), ClientGone> {
        self.frames.try_send(frame).map_err(|error| {
            if matches!(error, mpsc::error::TrySendError::Full(_)) {
                self.overrun.notify_one();
            }
            ClientGone
        })
    }
}

/// Listens at an address, which is this process's alone as long as it lives.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    connections: usize,
    /// Released after the endpoint; by the system, if the process dies.
    lock: Arc<File>,
    left: Arc<Notify>,
}

/// A folder that this process listens in, or did until somebody cleared its files away.
#[derive(Debug)]
pub struct Place {
    address: Address,
    mark: Mark,
    lock: Arc<File>,
    left: Arc<Notify>,
}

impl Place {
    /// Whether clients can find us there.
    pub fn is_there(&self) -> bool {
        self.mark.is_there(&self.address)
    }

    /// Whether this is the folder that we hold the lock of, by whichever name.
    pub fn is_at(&self, address: &Address) -> bool {
        is_same(&self.lock, &lock_of(address))
    }

    /// Begins to listen there anew.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn again(&self) -> Result<Listener, BindError> {
        Listener::with_lock(&self.address, Arc::clone(&self.lock))
    }

    /// Takes no new clients there. Those that have found us stay.
    pub fn leave(self) {
        self.left.notify_one();
    }
}

impl Listener {
    /// Begins to listen, in a folder that is made for this user alone. What an agent that died has left is cleared away.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(address: &Address) -> Result<Self, BindError> {
        Self::with_lock(address, Arc::new(only_one(address)?))
    }

    fn with_lock(address: &Address, lock: Arc<File>) -> Result<Self, BindError> {
        Ok(Self {
            endpoint: Endpoint::bind(address)?,
            connections: CONNECTIONS,
            lock,
            left: Arc::default(),
        })
    }

    /// What is to be known later of where this listens.
    pub fn place(&self, address: &Address) -> Place {
        Place {
            address: address.clone(),
            mark: self.endpoint.mark(),
            lock: Arc::clone(&self.lock),
            left: Arc::clone(&self.left),
        }
    }

    /// Serves at most this many clients at a time; one more is closed at once.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// Serves clients until the receiver of `incoming` is dropped, or its [`Place`] is left; then takes no new ones, gives frames that wait
    /// [`FLUSH_TIMEOUT`] to go out, closes everything and clears the address.
    pub async fn serve(mut self, incoming: mpsc::Sender<Incoming>) {
        let places = Arc::new(Semaphore::new(self.connections));
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                () = incoming.closed() => break,
                () = self.left.notified() => break,
                Some(_) = clients.join_next() => {}
                accepted = self.endpoint.accept() => match accepted {
                    Ok(Some(stream)) => if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                        let incoming = incoming.clone();
                        clients.spawn(async move {
                            connection::serve(stream, ClientId::next(), incoming).await;
                            drop(place);
                        });
                    },
                    // Another user's, and closed already.
                    Ok(None) => {}
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                },
            }
        }
        drop(self);
        while clients.join_next().await.is_some() {}
    }
}

fn lock_of(address: &Address) -> PathBuf {
    address.folder().join("agent.lock")
}

/// The lock that makes a process the only agent of its user.
fn only_one(address: &Address) -> Result<File, BindError> {
    address.prepare()?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_of(address))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => BindError::AlreadyRunning,
        TryLockError::Error(error) => BindError::Io(error),
    })?;
    Ok(lock)
}
