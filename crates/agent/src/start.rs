//! Puts the agent together, and takes it apart.

mod rescue;

use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use latchkey_core::engine::Engine;
use latchkey_core::vault::VaultKind;
use latchkey_ipc::address::{Address, AddressError};
use latchkey_ipc::server::{BindError, CONNECTIONS, Listener};
use latchkey_ipc::settings::Settings;
use tokio::sync::mpsc;

use crate::clients::Clients;
use crate::devices::Devices;
use crate::listening::Listening;
use crate::logging;
use crate::main_loop::Agent;
use crate::os::{Clocks, Folders, FoldersError, Machine, Timer, Wanted, allow_connections};
use crate::registry::Registry;
use crate::runner::Runner;
use crate::saver::Saver;
use crate::store::{Folder, Store, has_no_locks, make_private};
use crate::vault::{Vault, VaultError};

pub use rescue::reset_all;

/// Names the file that holds the passphrase of a vault that is a file.
const PASSPHRASE_FILE: &str = "LATCHKEY_VAULT_PASSPHRASE_FILE";
/// How many requests may wait for the loop before clients have to.
const INBOX: usize = 256;

/// An agent that was killed holds its lock a moment longer than its connections.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
/// How often the lock is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Why the agent does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no place for the state.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// There is no place for the socket.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Nobody can listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What the system says.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The keyring does not let go of an entry.
    #[error("the keyring entry {entry:?} could not be deleted: {why}; unlock the keyring and try again")]
    Vault {
        /// The entry's label.
        entry: String,
        /// Why.
        why: VaultError,
    },
    /// The leases on the disk stay as they are.
    #[error(
        "the state in {folder:?} could not be written: {why}; make that possible and try again, or delete the folder"
    )]
    State {
        /// The state's folder.
        folder: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Of a reset, all of this could not be done. Everything else has been.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Undone(Vec<StartError>),
}

/// One agent for each user and machine: whoever holds the lock may write the state.
fn lock(folders: &Folders) -> io::Result<Option<File>> {
    make_private(&folders.state)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folders.state.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Whoever listens at the socket is alone there; agents of other sessions are not kept out.
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The same, where whoever holds it may just be ending.
fn lock_patiently(folders: &Folders) -> io::Result<Option<File>> {
    let deadline = Instant::now() + ENDS_WITHIN;
    loop {
        let lock = lock(folders)?;
        if lock.is_some() || Instant::now() >= deadline {
            return Ok(lock);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Where secrets are kept: as the command line says, or else the settings.
fn chosen(vault: Option<VaultKind>) -> VaultKind {
    let settings = Settings::read();
    for problem in &settings.problems {
        tracing::warn!(%problem, "a setting is left out");
    }
    vault.unwrap_or_else(|| settings.vault())
}

fn passphrase_file() -> Option<PathBuf> {
    std::env::var_os(PASSPHRASE_FILE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Runs the agent until nobody needs it, with secrets where `vault` says, or else the settings. Returns at once when another
/// one is running.
///
/// # Errors
/// [`StartError`].
pub fn run(vault: Option<VaultKind>) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(serve(vault));
    // A keyring's prompt or a name lookup may hold a thread for as long as it likes; the process does not wait for it.
    runtime.shutdown_background();
    done
}

async fn serve(vault: Option<VaultKind>) -> Result<(), StartError> {
    let machine = Machine::this();
    let folders = Folders::of_user(&machine.id)?;
    let address = Address::of_user()?;
    let Some(_lock) = lock(&folders)? else {
        // Whoever started us looks for the agent there, and one runs that may listen elsewhere.
        return Ok(Wanted::tell(&folders.state, &address)?);
    };
    logging::start(&folders.state)?;
    if let Err(error) = allow_connections(CONNECTIONS as u64) {
        tracing::warn!(%error, "fewer products than could be served can be open at a time");
    }
    let listener = match Listener::bind(&address) {
        Err(BindError::AlreadyRunning) => return Ok(()),
        bound => bound?,
    };
    let clocks = Clocks::of(&machine);
    let (store, loaded) = Store::open(Folder::new(&folders.state))?;
    let kind = chosen(vault);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), problems = ?loaded.problems, vault = kind.name(), "started");

    let (requests, inbox) = mpsc::channel(INBOX);
    let (reports, outcomes) = mpsc::unbounded_channel();
    let runner = Runner::new(
        reports,
        Vault::open(kind, &folders.state, passphrase_file())?,
        machine.clone(),
        clocks.clone(),
        folders.state.clone(),
    );
    let agent = Agent {
        engine: Engine::new(loaded.facts, loaded.problems).with_vault(kind),
        registry: Registry::new(&folders),
        saver: Saver::start(store)?,
        runner,
        devices: Devices::default(),
        clients: Clients::default(),
        timer: Timer::new()?,
        tray_started_for: std::collections::BTreeSet::default(),
        saved_well: true,
        slept: std::time::Duration::ZERO,
        machine,
        clocks,
    };
    let wanted = Wanted::listen(&folders.state).inspect_err(|error| {
        tracing::warn!(%error, "nobody can say where else the agent is wanted");
    });
    let listening = Listening::begin(&address, listener, requests);
    let serving = tokio::spawn(listening.run(wanted.ok()));
    let ended = agent.run(inbox, outcomes, terminated()).await;
    // The loop's end closes every connection, and with the last of them the socket.
    let _unbound = tokio::time::timeout(Duration::from_secs(2), serving).await;
    tracing::info!("ended");
    Ok(ended?)
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(windows)]
async fn terminated() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
