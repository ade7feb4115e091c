//! Minutes of use (rule 12). What is sent is a day's sum, so that sending it twice counts once. Sums that began apart are added.

use latchkey_api::check::Usage;
use latchkey_core::lease::DeviceEntry;
use latchkey_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::person::Person;
use super::row::{execute, rows, sql};
use crate::store::StoreError;
use crate::store::records::UsageRow;

/// A device that comes back after so long may still have something to tell, in seconds. What is older is forgotten.
const OLDEST: i64 = 400 * 86_400;
/// Its clock may be ahead of ours.
const AHEAD: i64 = 86_400;

/// Keeps what a device tells of its user's work. A stranger's is nobody's business: anybody may have an account at an issuer, and what
/// they send must not fill the disk. Whoever was removed has their last minutes counted.
pub(super) fn put(
    c: &Connection,
    person: &Person,
    device: &DeviceEntry,
    usage: &[Usage],
    now: i64,
) -> Result<(), StoreError> {
    if usage.is_empty() || (person.organisation.is_none() && !person.removed) {
        return Ok(());
    }
    let (oldest, newest) = (day(now - OLDEST), day(now + AHEAD));
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
                person.id,
                device.name,
                one.minutes,
                oldest,
                newest
            ],
        )?;
    }
    Ok(())
}

/// Forgets what is as old as nobody may tell any more.
pub(super) fn forget(c: &Connection, now: Timestamp) -> Result<(), StoreError> {
    execute(c, sql!("usage_forget"), params![day(now.as_secs() - OLDEST)]).map(drop)
}

/// The UTC day of an instant, as it is written.
fn day(at: i64) -> String {
    let at = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
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
