//! The service's address and keys.

use latchkey_core::time::Timestamp;
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::row::{execute, json, optional, optional_time, rows, sql, time, to_json};
use crate::store::records::{Keyring, LeaseKey, NewKeys, Seed};
use crate::store::{Conflict, StoreError};

pub(super) fn keyring(c: &Connection) -> Result<Option<Keyring>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Keyring {
            url: row.get(0)?,
            document: row.get(1)?,
            document_iat: row.get(2)?,
            url_derived: row.get(3)?,
            roots: Vec::new(),
            lease_keys: Vec::new(),
        })
    };
    let Some(mut keyring) = optional(c, sql!("service"), [], read)? else {
        return Ok(None);
    };
    keyring.roots = rows(c, sql!("root_keys"), [], |row| json(row, 0))?;
    keyring.lease_keys = rows(c, sql!("lease_keys"), [], |row| {
        Ok(LeaseKey {
            kid: row.get(0)?,
            seed: Seed(Zeroizing::new(row.get(1)?)),
            created_at: time(row, 2)?,
            retired_at: optional_time(row, 3)?,
            last_exp: time(row, 4)?,
        })
    })?;
    Ok(Some(keyring))
}

pub(super) fn publish(c: &Connection, new: &NewKeys) -> Result<(), StoreError> {
    let current: Option<(Option<String>, i64)> =
        optional(c, sql!("service"), [], |row| Ok((row.get(1)?, row.get(2)?)))?;
    let (document, iat) = current.unwrap_or_default();
    if iat != new.previous_iat {
        return Err(Conflict::KeysChanged.into());
    }
    let (document, iat) = match &new.document {
        Some((document, iat)) => (Some(document.as_str()), *iat),
        None => (document.as_deref(), iat),
    };
    execute(
        c,
        sql!("service_put"),
        params![new.url, document, iat, new.url_derived],
    )?;
    if let Some(root) = &new.root {
        let at = new
            .lease_key
            .as_ref()
            .map_or(Timestamp::default(), |key| key.created_at);
        execute(
            c,
            sql!("root_key_put"),
            params![root.thumbprint().0, to_json(root)?, at.as_secs()],
        )?;
    }
    if let Some(key) = &new.lease_key {
        execute(c, sql!("lease_keys_retire"), params![key.created_at.as_secs()])?;
        execute(
            c,
            sql!("lease_key_insert"),
            params![key.kid, *key.seed.0, key.created_at.as_secs()],
        )?;
    }
    for kid in &new.dropped {
        execute(c, sql!("lease_key_delete"), params![kid])?;
    }
    Ok(())
}
