//! What a subject of an issuer is called in leases and refusals (`sub`): nothing that says who it is, and always the same.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::{Connection, params};
use sha2::Sha256;

use super::row::{execute, sql, value};
use crate::random;
use crate::store::StoreError;

/// Draws the key that names follow from: once, for the life of the database and all its backups.
pub(super) fn draw_key(c: &Connection) -> rusqlite::Result<()> {
    let key = random::secret().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    c.execute(sql!("naming_put"), params![key.as_slice()]).map(drop)
}

/// Writes down what the subject is called, unless that was done before. A user who came by another subject, for whose issuer
/// this one stands now, keeps the name.
pub(super) fn call(c: &Connection, issuer: &str, subject: &str, user: &str) -> Result<(), StoreError> {
    let key: Vec<u8> = value(c, sql!("naming_key"), [])?;
    let name = name(&key, issuer, subject)?;
    execute(c, sql!("subject_put"), params![issuer, subject, name, user]).map(drop)
}

fn name(key: &[u8], issuer: &str, subject: &str) -> Result<String, StoreError> {
    let mut keyed = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| StoreError::Database(std::sync::Arc::new(error)))?;
    // An issuer is a URL: it has no zero byte.
    for part in [issuer.as_bytes(), &[0], subject.as_bytes()] {
        keyed.update(part);
    }
    Ok(random::spell("usr", &keyed.finalize().into_bytes()))
}
