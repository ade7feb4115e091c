//! The link to the agent: one connection that is made again whenever it goes, and what comes over it.
//!
//! One thread waits, without a timer while the agent is there. Requests go over the same connection from any thread, so
//! that a sign-in asked for here lives as long as this process does.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use latchkey_core::view::View;
use latchkey_ipc::client::{ANSWER, ConnectError, Connection, patience};
use latchkey_ipc::hello::Kind;
use latchkey_ipc::launch::{self, LaunchError};
use latchkey_ipc::messages::{Event, Reply, Request, Role};

use crate::failure::Failure;
use crate::screen;

/// Waiting between two tries to reach the agent: twice as long each time.
const RETRY: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
/// How long a request waits for a connection that is being made.
const CONNECTION: Duration = Duration::from_secs(10);
/// A thread that connects, parses views and hands them on.
const STACK: usize = 512 * 1024;

/// What the link tells.
#[derive(Debug)]
pub(crate) enum News {
    /// The whole state, or `None`: the agent cannot be reached now.
    View(Option<Box<View>>),
    /// Somebody asks this face to show itself, at this screen.
    Show(String),
    /// Another process has this face's role, and was asked to show itself.
    Taken,
}

/// The link of one face.
#[derive(Default)]
pub(crate) struct AgentLink {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// Somebody has a request and does not want to wait for the next try.
    wanted: bool,
}

/// How a connection ended that was made.
enum Ended {
    /// The role is another process's.
    Taken,
    /// The agent has gone.
    Gone,
}

impl AgentLink {
    /// Starts the link; `tell` hears its news, on the link's own thread, until [`News::Taken`]. If another process has
    /// the role, that one is asked to show `screen`.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn start(
        role: Role,
        screen: String,
        tell: impl FnMut(News) + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let kind = match role {
            Role::Tray => Kind::Tray,
            Role::Window => Kind::Window,
        };
        let reach = move |tell: &mut dyn FnMut(News)| {
            // Starting it takes a moment, in which nobody should be left without an answer.
            if let Err(ConnectError::NotRunning) = Connection::open(kind) {
                tell(News::View(None));
            }
            launch::connect_or_start(kind, launch::START_TIMEOUT)
        };
        Self::start_with(reach, role, screen, tell)
    }

    fn start_with(
        reach: impl FnMut(&mut dyn FnMut(News)) -> Result<Connection, LaunchError> + Send + 'static,
        role: Role,
        screen: String,
        tell: impl FnMut(News) + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let link = Arc::new(Self::default());
        let thread = Arc::clone(&link);
        std::thread::Builder::new()
            .name("agent-link".into())
            .stack_size(STACK)
            .spawn(move || thread.run(reach, role, screen, tell))?;
        Ok(link)
    }

    /// Asks the agent, and waits for its answer. Blocks: not for the thread that draws.
    ///
    /// # Errors
    /// The agent cannot be reached, did not answer in time, or refused.
    pub(crate) fn ask(&self, request: Request) -> Result<Reply, Failure> {
        let patience = patience(&request);
        match self.connection()?.call(request, patience)? {
            Reply::Refused(refused) => Err(refused.into()),
            Reply::Unsupported | Reply::Unknown => Err(Failure::of("unsupported")),
            reply => Ok(reply),
        }
    }

    fn connection(&self) -> Result<Connection, Failure> {
        let deadline = Instant::now() + CONNECTION;
        let mut state = self.state();
        loop {
            if let Some(connection) = &state.connection {
                return Ok(connection.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::of("agent_unreachable"));
            }
            state.wanted = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn run(
        &self,
        mut reach: impl FnMut(&mut dyn FnMut(News)) -> Result<Connection, LaunchError>,
        role: Role,
        screen: String,
        mut tell: impl FnMut(News),
    ) {
        let mut claim = Request::Claim { role, show: screen };
        let mut pause = *RETRY.start();
        loop {
            match reach(&mut tell)
                .map_err(Failure::from)
                .and_then(|agent| self.follow(agent, claim, &mut tell))
            {
                Ok(Ended::Taken) => return tell(News::Taken),
                Ok(Ended::Gone) => pause = *RETRY.start(),
                Err(failure) => eprintln!("latchkey-tray: {failure}"),
            }
            self.state().connection = None;
            tell(News::View(None));
            self.pause(pause);
            pause = (pause * 2).min(*RETRY.end());
            // Only the user's own start brings another process forward.
            claim = Request::Claim {
                role,
                show: screen::NONE.to_owned(),
            };
        }
    }

    /// Hands on what the agent says until it has gone.
    fn follow(
        &self,
        agent: Connection,
        claim: Request,
        tell: &mut impl FnMut(News),
    ) -> Result<Ended, Failure> {
        if let Reply::Claimed { granted: false } = agent.call(claim, ANSWER)? {
            return Ok(Ended::Taken);
        }
        let first = agent.call(Request::Watch, ANSWER)?;
        self.state().connection = Some(agent.clone());
        self.changed.notify_all();
        if let Reply::View { view } = first {
            tell(News::View(Some(view)));
        }
        for event in agent.events() {
            match event {
                Event::View { view } => tell(News::View(Some(view))),
                Event::Show { screen } if screen != screen::NONE => tell(News::Show(screen)),
                Event::Retiring => break,
                _ => {}
            }
        }
        Ok(Ended::Gone)
    }

    /// Waits before the next try, or until somebody has a request.
    fn pause(&self, pause: Duration) {
        let mut state = self.state();
        state.wanted = false;
        let waited = self
            .changed
            .wait_timeout_while(state, pause, |state| !state.wanted);
        drop(waited);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, unix))]
mod tests;
