//! The client's side: blocking, thread-safe, and every wait has an end.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::address::{Address, AddressError};
use crate::frame::{self, Decoder, FrameError};
use crate::hello::{Hello, Kind};
use crate::messages::{Call, Event, Message, Reply, Request};
use crate::stream::Stream;

/// How long connecting and the two hellos may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Events that may wait to be taken. Whoever takes none, and is told more than this, loses the connection.
const EVENTS: usize = 1024;
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

struct Link {
    stream: Stream,
    state: Mutex<State>,
    event_waits: Condvar,
    writing: Mutex<()>,
}

struct State {
    next_id: u64,
    calls: HashMap<u64, SyncSender<Reply>>,
    events: VecDeque<Event>,
    /// Somebody wants whoever waits for an event to look up.
    woken: bool,
    closed: Option<Closed>,
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
        let link = Arc::new(Link {
            stream,
            state: Mutex::new(State {
                next_id: 1,
                calls: HashMap::new(),
                events: VecDeque::new(),
                woken: false,
                closed: None,
            }),
            event_waits: Condvar::new(),
            writing: Mutex::new(()),
        });
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
        let (sender, receiver) = sync_channel(1);
        let id = {
            let mut state = link.state();
            if let Some(closed) = &state.closed {
                return Err(closed.clone().into());
            }
            let id = state.next_id;
            state.next_id += 1;
            state.calls.insert(id, sender);
            id
        };
        let sent = frame::encode(&Call { id, request }, frame::REQUEST_LIMIT)
            .map_err(CallError::Request)
            .and_then(|frame| link.write(&frame, deadline).map_err(CallError::Closed));
        if let Err(error) = sent {
            link.state().calls.remove(&id);
            return Err(error);
        }
        receiver
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .map_err(|error| {
                let mut state = link.state();
                state.calls.remove(&id);
                match error {
                    RecvTimeoutError::Timeout => CallError::Timeout,
                    RecvTimeoutError::Disconnected => state.closed.clone().unwrap_or(Closed::ByAgent).into(),
                }
            })
    }

    /// The next event, in the order they came; `None` when none came in time, or [`Connection::wake`] was called. A view that was not taken before the
    /// next one came is replaced by it.
    ///
    /// # Errors
    /// [`Closed`], once every event that came before the end was taken.
    pub fn next_event(&self, timeout: Duration) -> Result<Option<Event>, Closed> {
        self.wait_for_event(Some(after(timeout)))
    }

    /// The events until the connection ends.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        std::iter::from_fn(|| {
            loop {
                match self.wait_for_event(None) {
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
        self.0.link.state().woken = true;
        self.0.link.event_waits.notify_all();
    }

    /// Why the connection has ended, if it has.
    pub fn closed(&self) -> Option<Closed> {
        self.0.link.state().closed.clone()
    }

    /// Closes the connection for every clone.
    pub fn close(&self) {
        self.0.link.close(Closed::Here);
    }

    fn wait_for_event(&self, deadline: Option<Instant>) -> Result<Option<Event>, Closed> {
        let link = &self.0.link;
        let mut state = link.state();
        loop {
            if let Some(event) = state.events.pop_front() {
                return Ok(Some(event));
            }
            if let Some(closed) = &state.closed {
                return Err(closed.clone());
            }
            if std::mem::take(&mut state.woken) {
                return Ok(None);
            }
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Ok(None),
                Some(left) => link
                    .event_waits
                    .wait_timeout(state, left)
                    .map_or_else(|e| e.into_inner().0, |w| w.0),
                None => link
                    .event_waits
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
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

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one frame. A frame that did not go out whole leaves the stream out of step, so the connection ends.
    fn write(&self, frame: &[u8], deadline: Instant) -> Result<(), Closed> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(closed) = &self.state().closed {
            return Err(closed.clone());
        }
        self.stream.write_all(frame, deadline).map_err(|error| {
            let closed = match error.kind() {
                io::ErrorKind::TimedOut => Closed::Stalled,
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Closed::ByAgent,
                _ => Closed::Io(error.to_string()),
            };
            self.close(closed.clone());
            closed
        })
    }

    /// Reads until the end, and says why it ended.
    fn read(&self, mut decoder: Decoder) -> Closed {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            loop {
                let message = match decoder.frame() {
                    Ok(Some(body)) => frame::decode(body),
                    Ok(None) => break,
                    Err(error) => return error.into(),
                };
                if let Err(closed) = message
                    .map_err(Closed::Frame)
                    .and_then(|message| self.take(message))
                {
                    return closed;
                }
            }
            match self.stream.read(&mut buffer, None) {
                Ok(0) => return decoder.finish().map_or_else(Closed::Frame, |()| Closed::ByAgent),
                Ok(read) => decoder.push(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Closed::ByAgent,
                Err(error) => return Closed::Io(error.to_string()),
            }
        }
    }

    fn take(&self, message: Message) -> Result<(), Closed> {
        let mut state = self.state();
        match message {
            Message::Answer { id, reply } => {
                // Nobody waits any more when the call's deadline has passed.
                if let Some(call) = state.calls.remove(&id) {
                    let _ = call.send(reply);
                }
            }
            Message::Event(event) => {
                if matches!(event, Event::View { .. }) {
                    state
                        .events
                        .retain(|waiting| !matches!(waiting, Event::View { .. }));
                }
                if state.events.len() >= EVENTS {
                    return Err(Closed::Overrun);
                }
                state.events.push_back(event);
                self.event_waits.notify_one();
            }
        }
        Ok(())
    }

    /// Ends the connection and wakes everyone who waits. The first reason stays.
    fn close(&self, closed: Closed) {
        let mut state = self.state();
        state.closed.get_or_insert(closed);
        state.calls.clear();
        self.event_waits.notify_all();
        self.stream.shutdown();
    }
}

/// Sends this side's hello and reads the agent's.
fn greet(
    stream: &Stream,
    decoder: &mut Decoder,
    kind: Kind,
    deadline: Instant,
) -> Result<Hello, ConnectError> {
    let in_time = |error: io::Error| match error.kind() {
        io::ErrorKind::TimedOut => ConnectError::Timeout,
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => ConnectError::Closed,
        _ => ConnectError::Io(error),
    };
    let hello = Hello::new(kind);
    stream
        .write_all(&frame::encode(&hello, frame::REQUEST_LIMIT)?, deadline)
        .map_err(in_time)?;
    let mut buffer = [0; 1024];
    loop {
        if let Some(body) = decoder.frame()? {
            let agent: Hello = frame::decode(body)?;
            return if hello.agree(&agent).is_some() {
                Ok(agent)
            } else {
                Err(ConnectError::Incompatible { agent })
            };
        }
        match stream.read(&mut buffer, Some(deadline)).map_err(in_time)? {
            0 => return Err(ConnectError::Closed),
            read => decoder.push(&buffer[..read]),
        }
    }
}

/// The instant `timeout` from now; a timeout beyond what the clock can count is a year.
pub(crate) fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or_else(|| now + Duration::from_secs(365 * 86_400))
}
