//! Which agents are given leases.

use rusqlite::{Connection, params};
use semver::Version;

use super::row::{execute, optional, sql};
use crate::store::StoreError;

/// The oldest version that is; `None` for any.
pub(super) fn minimum(c: &Connection) -> Result<Option<Version>, StoreError> {
    let text: Option<Option<String>> = optional(c, sql!("minimum_agent"), [], |row| row.get(0))?;
    Ok(text.flatten().and_then(|text| text.parse().ok()))
}

pub(super) fn require(c: &Connection, minimum: Option<&Version>) -> Result<(), StoreError> {
    let text = minimum.map(ToString::to_string);
    execute(c, sql!("minimum_agent_set"), params![text]).map(drop)
}
