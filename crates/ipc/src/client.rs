//! The client's side: blocking, thread-safe, and every wait has an end.

mod link;
mod patience;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::address::{Address, AddressError};
use crate::frame::{self, Decoder, FrameError};
use crate::hello::{Hello, Kind};
use crate::messages::{Call, Event, Reply, Request};
use crate::stream::Stream;
use link::{Link, greet};

pub use patience::{ANSWER, patience};

/// How long connecting and the two hellos may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A thread that only cuts frames and hands them on needs little.
const READER_STACK: usize = 256 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens: the agent is not running.
    #[error("the agent is not running")]
    NotRunning,
    /// The address is no good.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Another user's program listens at this user's address.
    #[error("another user's program listens in place of the agent")]
    Foreign,
    /// The agent did not answer in time.
    #[error("the agent did not answer in time")]
    Timeout,
    /// The agent closed the connection before it said hello.
    #[error("the agent closed the connection")]
    Closed,
    /// There is no version of the protocol that both sides speak.
    #[error("the agent {} and this program have no protocol version in common: update the older one", agent.version)]
    Incompatible {
        /// The agent's hello.
        agent: Hello,
    },
    /// What listens there does not speak the protocol.
    #[error("not an agent: {0}")]
    Frame(#[from] FrameError),
    /// What the system says.
    #[error("the agent cannot be reached: {0}")]
    Io(#[from] io::Error),
}

/// Why a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// It was closed here.
    #[error("the connection was closed")]
    Here,
    /// The agent closed it, or died.
    #[error("the agent closed the connection")]
    ByAgent,
    /// The agent sent what is no message.
    #[error("the agent sent {0}")]
    Frame(#[from] FrameError),
    /// Nobody took the agent's events.
    #[error("too many events were left waiting")]
    Overrun,
    /// The agent did not take a request in time.
    #[error("the agent takes no requests")]
    Stalled,
    /// What the system says.
    #[error("the connection failed: {0}")]
    Io(String),
}

/// Why a call has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No reply in time. The connection goes on; a late reply is dropped.
    #[error("the agent did not reply in time")]
    Timeout,
    /// The request is too long, or has no JSON form.
    #[error("the request cannot be sent: {0}")]
    Request(#[source] FrameError),
    /// The connection has ended.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// A connection to the agent. Clones share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Connection(Arc<Owner>);

/// Closes the connection when the last clone goes. The reading thread holds [`Link`] alone, so it keeps nothing open.
struct Owner {
    link: Arc<Link>,
    agent: Hello,
}

impl Connection {
    /// Connects to this user's agent, within [`CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// [`ConnectError`]; the agent is not started here (see [`launch`](crate::launch)).
    pub fn open(kind: Kind) -> Result<Self, ConnectError> {
        Self::open_at(&Address::of_user()?, kind, CONNECT_TIMEOUT)
    }

    /// Connects to the agent at `address`, hellos included, within `timeout`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn open_at(address: &Address, kind: Kind, timeout: Duration) -> Result<Self, ConnectError> {
        let deadline = after(timeout);
        let stream = Stream::connect(address, deadline)?;
        let mut decoder = Decoder::new(frame::MESSAGE_LIMIT);
        let agent = greet(&stream, &mut decoder, kind, deadline)?;
        let link = Arc::new(Link::new(stream));
        let reader = Arc::clone(&link);
        std::thread::Builder::new()
            .name("latchkey-ipc".into())
            .stack_size(READER_STACK)
            .spawn(move || reader.close(reader.read(decoder)))?;
        Ok(Self(Arc::new(Owner { link, agent })))
    }

    /// What the agent said of itself.
    pub fn agent(&self) -> &Hello {
        &self.0.agent
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Timeout`] the request may still have been carried out.
    pub fn call(&self, request: Request, timeout: Duration) -> Result<Reply, CallError> {
        let link = &self.0.link;
        let deadline = after(timeout);
        let (id, receiver) = link.begin_call()?;
        let replied = frame::encode(&Call { id, request }, frame::REQUEST_LIMIT)
            .map_err(CallError::Request)
            .and_then(|frame| link.write(&frame, deadline).map_err(CallError::Closed))
            .and_then(|()| {
                let left = deadline.saturating_duration_since(Instant::now());
                receiver.recv_timeout(left).map_err(|error| match error {
                    RecvTimeoutError::Timeout => CallError::Timeout,
                    RecvTimeoutError::Disconnected => link.closed().unwrap_or(Closed::ByAgent).into(),
                })
            });
        link.end_call(id);
        replied
    }

    /// The next event, in the order they came; `None` when none came in time, or [`Connection::wake`] was called. A view that was not taken before the
    /// next one came is replaced by it.
    ///
    /// # Errors
    /// [`Closed`], once every event that came before the end was taken.
    pub fn next_event(&self, timeout: Duration) -> Result<Option<Event>, Closed> {
        self.0.link.event(Some(after(timeout)))
    }

    /// The events until the connection ends.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        std::iter::from_fn(|| {
            loop {
                match self.0.link.event(None) {
                    Ok(Some(event)) => return Some(event),
                    Ok(None) => {}
                    Err(_) => return None,
                }
            }
        })
    }

    /// Makes one [`Connection::next_event`] that waits, or else the next one, return without an event: for a thread
    /// that serves others between events.
    pub fn wake(&self) {
        self.0.link.wake();
    }

    /// Why the connection has ended, if it has.
    pub fn closed(&self) -> Option<Closed> {
        self.0.link.closed()
    }

    /// Closes the connection for every clone.
    pub fn close(&self) {
        self.0.link.close(Closed::Here);
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("agent", &self.0.agent)
            .field("closed", &self.closed())
            .finish()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.link.close(Closed::Here);
    }
}

/// The instant `timeout` from now; a timeout beyond what the clock can count is a year.
pub(crate) fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or_else(|| now + Duration::from_secs(365 * 86_400))
}
