//! Reaching the agent, and starting it when it does not run.

mod environment;
mod program;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::address::{Address, AddressError};
use crate::client::{Connection, after};
use crate::hello::{Hello, Kind};
use crate::messages::{Reply, Request};
#[cfg(unix)]
use unix::start;
#[cfg(windows)]
use windows::start;

pub use crate::client::{CONNECT_TIMEOUT, ConnectError};
pub use program::{PROGRAM, PROGRAM_VARIABLE};

/// How long starting the agent and connecting to it may take, where the caller has no other wish.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);
/// An agent that was started and does not listen after this long may have met one that was just ending: another start
/// does no harm, because one agent at a time runs.
const START_AGAIN: Duration = Duration::from_secs(2);
/// How long an older agent may take to end for a newer one.
const RETIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The first wait before connecting again; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
/// The longest wait before connecting again.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Why the agent can be neither reached nor started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// Something listens, and it is no agent to talk to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The program is not installed.
    #[error(
        "Latchkey is not installed: there is none of {}; install it, or set {PROGRAM_VARIABLE} to the agent's absolute path",
        list(looked_at)
    )]
    NotInstalled {
        /// Where it could have been.
        looked_at: Vec<PathBuf>,
    },
    /// The program did not start.
    #[error("{} does not start: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The lock that keeps two starts apart cannot be used.
    #[error("{} cannot be locked: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The agent was started, and did not begin to listen in time.
    #[error("{} was started and does not answer: its log says why", program.display())]
    Silent {
        /// The program.
        program: PathBuf,
    },
    /// Another program is starting the agent, and it does not begin to listen in time.
    #[error("the agent is being started by another program and does not answer in time")]
    Waiting,
}

/// Connects to this user's agent within `timeout`, and starts it when nobody listens.
///
/// The program is looked for beside the current one, then at the absolute path in `LATCHKEY_AGENT`, then where
/// Latchkey installs it. A lock file keeps two starts apart. A tray, window or command line that finds an older agent
/// than the one it was installed with asks that one to end first.
///
/// # Errors
/// [`LaunchError`].
pub fn connect_or_start(kind: Kind, timeout: Duration) -> Result<Connection, LaunchError> {
    connect_or_start_at(&Address::of_user()?, kind, timeout)
}

/// [`connect_or_start`] for the agent at another address. When it is started, it is told to listen there.
///
/// # Errors
/// [`LaunchError`].
pub fn connect_or_start_at(
    address: &Address,
    kind: Kind,
    timeout: Duration,
) -> Result<Connection, LaunchError> {
    let deadline = after(timeout);
    match connect(address, kind, deadline) {
        Ok(Some(connection)) if !(is_outdated(&connection, kind) && retire(&connection, deadline)) => {
            return Ok(connection);
        }
        // Nobody listens, or one that was just ending or was killed has let go of us: the next one takes its place.
        Ok(_) | Err(ConnectError::Closed) => {}
        Err(error) => return Err(error.into()),
    }
    start_and_connect(address, kind, deadline)
}

/// The agent's program, as [`connect_or_start`] would start it.
///
/// # Errors
/// Where it could have been.
pub fn find_program() -> Result<PathBuf, Vec<PathBuf>> {
    program::find(PROGRAM)
}

/// Connects, or says that nobody listens.
fn connect(address: &Address, kind: Kind, deadline: Instant) -> Result<Option<Connection>, ConnectError> {
    let left = deadline.saturating_duration_since(Instant::now());
    match Connection::open_at(address, kind, left.min(CONNECT_TIMEOUT)) {
        Ok(connection) => Ok(Some(connection)),
        Err(ConnectError::NotRunning) => Ok(None),
        Err(error) => Err(error),
    }
}

fn start_and_connect(address: &Address, kind: Kind, deadline: Instant) -> Result<Connection, LaunchError> {
    let mut turn = Turn::new(address)?;
    let mut started: Option<(Instant, PathBuf)> = None;
    let mut wait = FIRST_WAIT;
    loop {
        let my_turn = started.is_some() || turn.take()?;
        // Whoever had the turn before may have started it: ask once more before starting another.
        match connect(address, kind, deadline) {
            Ok(Some(connection)) => return Ok(connection),
            Ok(None) => {}
            // An agent that ends while we connect, or one that lets its first clients wait.
            Err(ConnectError::Closed | ConnectError::Timeout) => {}
            Err(error) => return Err(error.into()),
        }
        let due = started.as_ref().is_none_or(|(at, _)| at.elapsed() > START_AGAIN);
        if my_turn && due {
            started = Some((Instant::now(), start_program(PROGRAM, &[], address)?));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(
                started.map_or(LaunchError::Waiting, |(_, program)| LaunchError::Silent {
                    program,
                }),
            );
        }
        std::thread::sleep(wait.min(left));
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Starts the window of the agent at `address`, showing `screen` (empty for the one that fits). A window that is open already is asked to show
/// itself by the one that is started.
///
/// # Errors
/// [`LaunchError::NotInstalled`], [`LaunchError::Start`].
pub fn start_window(address: &Address, screen: &str) -> Result<(), LaunchError> {
    let mut arguments = vec!["--window"];
    if !screen.is_empty() {
        arguments.extend(["--screen", screen]);
    }
    start_program(program::TRAY, &arguments, address).map(drop)
}

/// Starts one of Latchkey's programs, and says which file it was.
fn start_program(name: &str, arguments: &[&str], address: &Address) -> Result<PathBuf, LaunchError> {
    let program = program::find(name).map_err(|looked_at| LaunchError::NotInstalled { looked_at })?;
    match start(&program, arguments, &environment::inherited(address)) {
        Ok(()) => Ok(program),
        Err(source) => Err(LaunchError::Start { program, source }),
    }
}

/// The right to start the agent: a lock on a file beside the socket, held until we are connected.
struct Turn {
    file: File,
    path: PathBuf,
}

impl Turn {
    fn new(address: &Address) -> Result<Self, LaunchError> {
        address.prepare().map_err(ConnectError::from)?;
        let path = address.folder().join("launch.lock");
        match File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
        {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(LaunchError::Lock { path, source }),
        }
    }

    fn take(&mut self) -> Result<bool, LaunchError> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(source)) => Err(LaunchError::Lock {
                path: self.path.clone(),
                source,
            }),
        }
    }
}

/// Whether the agent is older than the one that was installed together with this program, and that one is here to
/// take its place. A product's SDK never judges: it comes with the product, and not with the agent.
fn is_outdated(connection: &Connection, kind: Kind) -> bool {
    let comes_with_agent = match kind {
        Kind::Cli | Kind::Tray | Kind::Window => true,
        Kind::Sdk | Kind::Agent | Kind::Other => false,
    };
    let own = Hello::new(kind);
    let older = release(&connection.agent().version)
        .zip(release(&own.version))
        .is_some_and(|(a, b)| a < b);
    comes_with_agent && older && program::beside().is_some()
}

/// Asks the agent to end, and waits until it has. `false` when it stays.
fn retire(connection: &Connection, deadline: Instant) -> bool {
    let left = || {
        deadline
            .saturating_duration_since(Instant::now())
            .min(RETIRE_TIMEOUT)
    };
    if !matches!(connection.call(Request::Retire, left()), Ok(Reply::Done)) {
        return connection.closed().is_some();
    }
    let until = Instant::now() + left();
    while Instant::now() < until {
        if connection
            .next_event(until.saturating_duration_since(Instant::now()))
            .is_err()
        {
            return true;
        }
    }
    false
}

/// `major.minor.patch`, without what may follow.
fn release(version: &str) -> Option<[u64; 3]> {
    let core = version.split(['-', '+']).next()?;
    let mut numbers = core.split('.').map(|part| part.parse().ok());
    let release = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(release)
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

impl From<AddressError> for LaunchError {
    fn from(error: AddressError) -> Self {
        Self::Connect(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert!(release("0.9.12") < release("0.10.0"));
        assert_eq!(release("1.2.3-rc.1+x"), Some([1, 2, 3]));
        assert_eq!(
            (release("1.2"), release("1.2.3.4"), release("one")),
            (None, None, None)
        );
    }
}
