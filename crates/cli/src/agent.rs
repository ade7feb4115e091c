//! Asking the agent, with an end to every wait.

use latchkey_core::view::View;
use latchkey_ipc::client::{Connection, patience};
use latchkey_ipc::hello::Kind;
use latchkey_ipc::launch;
use latchkey_ipc::messages::{Reply, Request};

use crate::failure::Failure;

/// The agent of this user.
#[derive(Clone, Debug)]
pub(crate) struct Agent(Connection);

impl Agent {
    /// Connects, and starts the agent when it does not run.
    ///
    /// # Errors
    /// It can be neither reached nor started.
    pub(crate) fn connect() -> Result<Self, Failure> {
        Ok(Self(launch::connect_or_start(Kind::Cli, launch::START_TIMEOUT)?))
    }

    /// Asks, and waits for the answer as long as the request may take.
    ///
    /// # Errors
    /// The agent has gone, did not answer in time, or refused.
    pub(crate) fn ask(&self, request: Request) -> Result<Reply, Failure> {
        match self.try_ask(request)? {
            Reply::Refused(refused) => Err(refused.into()),
            reply => Ok(reply),
        }
    }

    /// The same, for whoever can do something about a refusal.
    ///
    /// # Errors
    /// The agent has gone, or did not answer in time.
    pub(crate) fn try_ask(&self, request: Request) -> Result<Reply, Failure> {
        let patience = patience(&request);
        match self.0.call(request, patience)? {
            Reply::Unsupported | Reply::Unknown => Err(Failure::unsupported()),
            reply => Ok(reply),
        }
    }

    /// Asks for something that has no answer but that it is done.
    ///
    /// # Errors
    /// As [`Agent::ask`].
    pub(crate) fn order(&self, request: Request) -> Result<(), Failure> {
        match self.ask(request)? {
            Reply::Done => Ok(()),
            _ => Err(Failure::unsupported()),
        }
    }

    /// The whole state, once.
    ///
    /// # Errors
    /// As [`Agent::ask`].
    pub(crate) fn view(&self) -> Result<Box<View>, Failure> {
        self.viewed(Request::View)
    }

    /// The whole state, now and from now on as events.
    ///
    /// # Errors
    /// As [`Agent::ask`].
    pub(crate) fn watch(&self) -> Result<Box<View>, Failure> {
        self.viewed(Request::Watch)
    }

    fn viewed(&self, request: Request) -> Result<Box<View>, Failure> {
        match self.ask(request)? {
            Reply::View { view } => Ok(view),
            _ => Err(Failure::unsupported()),
        }
    }

    /// The connection, for those who wait for more than one thing.
    pub(crate) fn connection(&self) -> &Connection {
        &self.0
    }
}
