//! What a connection's handles and its reading thread share.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Closed, ConnectError};
use crate::frame::{self, Decoder};
use crate::hello::{Hello, Kind};
use crate::messages::{Event, Message, Reply};
use crate::stream::Stream;

/// Events that may wait to be taken. Whoever takes none, and is told more than this, loses the connection.
const EVENTS: usize = 1024;

pub(super) struct Link {
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

impl Link {
    pub(super) fn new(stream: Stream) -> Self {
        let state = State {
            next_id: 1,
            calls: HashMap::new(),
            events: VecDeque::new(),
            woken: false,
            closed: None,
        };
        Self {
            stream,
            state: Mutex::new(state),
            event_waits: Condvar::new(),
            writing: Mutex::new(()),
        }
    }

    /// A number for a call, and where its reply will come.
    pub(super) fn begin_call(&self) -> Result<(u64, Receiver<Reply>), Closed> {
        let mut state = self.state();
        if let Some(closed) = &state.closed {
            return Err(closed.clone());
        }
        let id = state.next_id;
        state.next_id += 1;
        let (sender, receiver) = sync_channel(1);
        state.calls.insert(id, sender);
        Ok((id, receiver))
    }

    /// Nobody waits for this call's reply any more.
    pub(super) fn end_call(&self, id: u64) {
        self.state().calls.remove(&id);
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.state().closed.clone()
    }

    /// The next event; `None` at the deadline, and when somebody wakes whoever waits.
    pub(super) fn event(&self, deadline: Option<Instant>) -> Result<Option<Event>, Closed> {
        let mut state = self.state();
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
                Some(left) => match self.event_waits.wait_timeout(state, left) {
                    Ok((state, _)) => state,
                    Err(poisoned) => poisoned.into_inner().0,
                },
                None => self
                    .event_waits
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    pub(super) fn wake(&self) {
        self.state().woken = true;
        self.event_waits.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one frame. A frame that did not go out whole leaves the stream out of step, so the connection ends.
    pub(super) fn write(&self, frame: &[u8], deadline: Instant) -> Result<(), Closed> {
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
    pub(super) fn read(&self, mut decoder: Decoder) -> Closed {
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
    pub(super) fn close(&self, closed: Closed) {
        let mut state = self.state();
        state.closed.get_or_insert(closed);
        state.calls.clear();
        self.event_waits.notify_all();
        self.stream.shutdown();
    }
}

/// Sends this side's hello and reads the agent's.
pub(super) fn greet(
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
