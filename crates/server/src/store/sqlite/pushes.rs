//! Pushes: devices that are to check now. Written with what they are about, in one transaction, so that none is lost between a
//! change and its push, whichever process made the change.

use rusqlite::{Connection, params};

use super::row::{execute, rows, sql, value};
use crate::store::StoreError;

pub(super) fn last(c: &Connection) -> Result<i64, StoreError> {
    value(c, sql!("pushes_last"), [])
}

pub(super) fn since(c: &Connection, push: i64) -> Result<Vec<(i64, String)>, StoreError> {
    rows(c, sql!("pushes_since"), params![push], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

pub(super) fn missed(c: &Connection, device: &str) -> Result<bool, StoreError> {
    value(c, sql!("push_missed"), params![device])
}

/// To one device.
pub(super) fn to_device(c: &Connection, device: &str) -> Result<(), StoreError> {
    execute(c, sql!("push_device"), params![device]).map(drop)
}

/// To every device of a user.
pub(super) fn to_user(c: &Connection, user: &str) -> Result<(), StoreError> {
    execute(c, sql!("push_user"), params![user]).map(drop)
}

/// To everybody who has a seat under a subscription.
pub(super) fn to_subscription(c: &Connection, subscription: &str) -> Result<(), StoreError> {
    execute(c, sql!("push_subscription"), params![subscription]).map(drop)
}

pub(super) fn prune(c: &Connection) -> Result<(), StoreError> {
    execute(c, sql!("pushes_prune"), []).map(drop)
}
