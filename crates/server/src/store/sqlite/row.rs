//! Statements and rows, with the store's own errors.

use latchkey_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database;
use crate::store::StoreError;

/// The statement in `sql/NAME.sql`.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("sql/", $name, ".sql"))
    };
}
pub(super) use sql;

/// Runs a statement, and says how many rows it changed.
pub(super) fn execute(c: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    c.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(database)
}

/// Every row.
pub(super) fn rows<T>(
    c: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = c.prepare_cached(sql).map_err(database)?;
    let rows = statement.query_map(params, read).map_err(database)?;
    rows.collect::<Result<_, _>>().map_err(database)
}

/// The one row, if there is one.
pub(super) fn optional<T>(
    c: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    c.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params, read).optional())
        .map_err(database)
}

/// The one value that a statement always has.
pub(super) fn value<T: rusqlite::types::FromSql>(
    c: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<T, StoreError> {
    c.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params, |row| row.get(0)))
        .map_err(database)
}

/// A column of whole seconds.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_secs)
}

/// A column of whole seconds that may be empty.
pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_secs))
}

/// A column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// A value as JSON text.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(std::sync::Arc::new(error)))
}

/// A new id; the store cannot work without random numbers.
pub(super) fn id(prefix: &str) -> Result<String, StoreError> {
    crate::random::id(prefix).map_err(|error| StoreError::Database(std::sync::Arc::new(error)))
}
