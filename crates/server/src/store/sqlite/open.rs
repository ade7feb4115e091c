//! Opening the database: durability, and the schema's version.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrations::MIGRATIONS;
use crate::store::StoreError;

/// Marks the file as ours (`PRAGMA application_id`): "LKey".
const APPLICATION_ID: i32 = 0x4c4b_6579;

/// The schema that this program works with.
const KNOWN: i64 = MIGRATIONS.len() as i64;

/// How long a command waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// How long a service does: whoever asks it is to hear that it is busy before they give up.
pub(super) const BUSY_SERVING: Duration = Duration::from_secs(2);

/// Why a database is not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is none.
    #[error("there is no database at {}: make one with `latchkey-server init`", .0.display())]
    Missing(PathBuf),
    /// There is one.
    #[error("there is a database at {} already", .0.display())]
    Exists(PathBuf),
    /// It is something else.
    #[error("{} is not a database of latchkey-server", .0.display())]
    Foreign(PathBuf),
    /// What is written in it makes no sense: the disk has failed, or something else has written there.
    #[error("the database at {} is damaged: restore a backup", .0.display())]
    Damaged(PathBuf),
    /// A newer latchkey-server has written it. Nothing was changed.
    #[error("the database has schema {found}; this latchkey-server knows {known}: run the newer one")]
    Newer {
        /// The database's version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file system failed.
    #[error("the database file cannot be made: {0}")]
    File(#[from] std::io::Error),
    /// SQLite failed.
    #[error("the database cannot be opened: {0}")]
    Database(rusqlite::Error),
    /// Another process holds the database, or a store thread could not be started.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy.into(),
            Some(_) | None => Self::Database(error),
        }
    }
}

/// What the first look at a file says of it.
fn at_first_look(error: rusqlite::Error, path: &Path) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign(path.to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(path.to_owned()),
        Some(_) | None => error.into(),
    }
}

/// Makes a new database.
pub(super) fn create(path: &Path) -> Result<Connection, OpenError> {
    match crate::private_file::create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(OpenError::Exists(path.to_owned()));
        }
        made => made?,
    };
    open(path)
}

/// Opens a database, and brings its schema up to date.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = connect(path)?;
    let version = refuse_strangers(&connection, path)?;
    // WAL with a sync at every commit: what was answered survives a power cut. `fullfsync` makes macOS mean it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;",
    )?;
    // Only then: it takes the turn of whoever writes.
    if version < KNOWN {
        migrate(&mut connection)?;
    }
    Ok(connection)
}

/// A second connection, which only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    // SQLite is built with STAT4: it would prepare a cached statement anew whenever a bound value is another one, for a plan that
    // fits that value, and spend an eighth of the store's time on it. Nobody gathers statistics here: it is always the same plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn number(connection: &Connection, pragma: &str) -> Result<i64, OpenError> {
    Ok(connection.pragma_query_value(None, pragma, |row| row.get(0))?)
}

/// Looks before anything is written, and says which schema there is: a newer or foreign file is left as it is.
fn refuse_strangers(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| at_first_look(error, path))?;
    if tables > 0 && number(connection, "application_id")? != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let found = number(connection, "user_version")?;
    if found > KNOWN {
        Err(OpenError::Newer { found, known: KNOWN })
    } else {
        Ok(found)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let done = usize::try_from(number(&transaction, "user_version")?).unwrap_or_default();
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        transaction.execute_batch(migration.sql)?;
        if let Some(then) = migration.then {
            then(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", at as i64 + 1)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(())
}
