//! What a check asks of the database and writes there, statement by statement: the service's own files of SQL.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Params, params};
use stories::services::PRODUCT;

use super::site::{Site, now};

/// The statement in `sql/NAME.sql` of the service.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../crates/server/src/store/sqlite/sql/",
            $name,
            ".sql"
        ))
    };
}

/// How many devices of a user are remembered that hold no place, as the service has it.
const REMEMBERED_DEVICES: i64 = 100;
/// How long a lease is, in seconds.
const LEASE: i64 = 30 * 86_400;

/// Who asks.
struct Caller {
    issuer: String,
    subject: String,
    jkt: String,
}

/// A copy of the service's database, beside it.
pub(super) struct ByHand {
    writer: Connection,
    reader: Connection,
    callers: Vec<Caller>,
}

impl ByHand {
    /// Copies the database as it is now.
    pub(super) fn copy(site: &Site) -> Result<Self> {
        let path = site.database.with_file_name("by-hand.db");
        Connection::open_with_flags(&site.database, OpenFlags::SQLITE_OPEN_READ_WRITE)?
            .execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
        let open = || -> Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        let writer = open()?;
        // As the service opens its own.
        writer.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
             PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON;",
        )?;
        let reader = open()?;
        reader.execute_batch("PRAGMA query_only = ON")?;
        let callers = site.users.iter().map(|user| Caller {
            issuer: site.issuer.clone(),
            subject: user.subject.clone(),
            jkt: user.device.jwk().thumbprint().0,
        });
        Ok(Self {
            callers: callers.collect(),
            writer,
            reader,
        })
    }

    /// The statements of so many checks, by one user after the other, each durable before the next one.
    pub(super) fn run(&mut self, checks: usize) -> Result<Duration> {
        let now = i64::try_from(now()?)?;
        let began = Instant::now();
        for caller in self.callers.iter().cycle().take(checks) {
            let kid = self.keys()?;
            self.writer.execute_batch("BEGIN IMMEDIATE; SAVEPOINT task")?;
            self.check(caller, &kid, now)?;
            self.writer.execute_batch("RELEASE task; COMMIT")?;
        }
        Ok(began.elapsed())
    }

    /// What is read before anything is written: issuers, address and keys.
    fn keys(&self) -> Result<String> {
        self.reader.execute_batch("BEGIN")?;
        rows(&self.reader, sql!("issuers"), [])?;
        self.reader.execute_batch("COMMIT; BEGIN")?;
        rows(&self.reader, sql!("service"), [])?;
        rows(&self.reader, sql!("root_keys"), [])?;
        let keys = rows(&self.reader, sql!("lease_keys"), [])?;
        self.reader.execute_batch("COMMIT")?;
        text(&keys, 0)
    }

    fn check(&self, caller: &Caller, kid: &str, now: i64) -> Result<()> {
        let c = &self.writer;
        let person = rows(c, sql!("user_by_subject"), params![caller.issuer, caller.subject])?;
        let (user, organisation) = (text(&person, 0)?, text(&person, 2)?);
        let device = text(&rows(c, sql!("device_by_key"), params![user, caller.jkt])?, 0)?;
        rows(c, sql!("places"), params![user, now])?;
        let offers = rows(c, sql!("offers"), params![user, organisation, PRODUCT])?;
        let subscription = text(&offers, 0)?;
        rows(c, sql!("contact"), params![organisation])?;

        rows(c, sql!("subject_called"), params![caller.issuer, caller.subject])?;
        let put = params![
            device,
            user,
            caller.jkt,
            caller.subject,
            "Linux",
            "bench",
            now,
            caller.issuer
        ];
        execute(c, sql!("device_put"), put)?;
        let prune = params![user, now, REMEMBERED_DEVICES, device];
        execute(c, sql!("devices_prune"), prune)?;
        let lease = params![device, PRODUCT, subscription, now, now + LEASE];
        ensure!(execute(c, sql!("lease_put"), lease)? == 1, "a lease is kept");
        rows(c, sql!("sequence_next"), params![device, PRODUCT, now * 1_000])?;
        let used = params![kid, now + LEASE];
        ensure!(
            execute(c, sql!("lease_key_used"), used)? == 1,
            "the key's last lease is noted"
        );
        Ok(())
    }
}

/// Every row, every column read.
fn rows(c: &Connection, sql: &str, params: impl Params) -> Result<Vec<Vec<Value>>> {
    let mut statement = c.prepare_cached(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map(params, |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn execute(c: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(c.prepare_cached(sql)?.execute(params)?)
}

/// A text in the first row.
fn text(rows: &[Vec<Value>], column: usize) -> Result<String> {
    match rows.first().and_then(|row| row.get(column)) {
        Some(Value::Text(text)) => Ok(text.clone()),
        other => Err(anyhow::anyhow!("{other:?} is no text")).context("a statement of the service"),
    }
}
