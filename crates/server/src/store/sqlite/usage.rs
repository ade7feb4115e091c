//! Minutes of use (rule 12). What is sent is a day's sum, so that sending it twice counts once. Sums that began apart are added.

use latchkey_api::check::Usage;
use latchkey_core::lease::DeviceEntry;
use rusqlite::{Connection, params};

use super::row::{execute, rows, sql};
use crate::store::StoreError;
use crate::store::records::UsageRow;

pub(super) fn put(
    c: &Connection,
    user: &str,
    device: &DeviceEntry,
    usage: &[Usage],
) -> Result<(), StoreError> {
    for one in usage {
        execute(
            c,
            sql!("usage_put"),
            params![
                device.id,
                one.product,
                one.version,
                one.day,
                one.since,
                user,
                device.name,
                one.minutes
            ],
        )?;
    }
    Ok(())
}

pub(super) fn all(c: &Connection, since: Option<&str>) -> Result<Vec<UsageRow>, StoreError> {
    rows(c, sql!("usage"), params![since], |row| {
        Ok(UsageRow {
            day: row.get(0)?,
            email: row.get(1)?,
            device: row.get(2)?,
            product: row.get(3)?,
            version: row.get(4)?,
            minutes: row.get(5)?,
        })
    })
}
