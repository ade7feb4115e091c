//! Opening the database: durability, and the schema's version.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::migrations::MIGRATIONS;

/// Marks the file as ours (`PRAGMA application_id`): "LKey".
const APPLICATION_ID: i32 = 0x4c4b_6579;

/// How long a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(5);

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
    Database(#[from] rusqlite::Error),
    /// A store thread could not be started.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
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
    refuse_strangers(&connection, path)?;
    // WAL with a sync at every commit: what was answered survives a power cut. `fullfsync` makes macOS mean it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;",
    )?;
    migrate(&mut connection)?;
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
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn number(connection: &Connection, pragma: &str) -> Result<i64, OpenError> {
    Ok(connection.pragma_query_value(None, pragma, |row| row.get(0))?)
}

/// Looks before anything is written: a newer or foreign file is left as it is.
fn refuse_strangers(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|_| OpenError::Foreign(path.to_owned()))?;
    if tables > 0 && number(connection, "application_id")? != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let found = number(connection, "user_version")?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        Err(OpenError::Newer { found, known })
    } else {
        Ok(())
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
