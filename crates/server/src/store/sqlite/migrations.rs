//! The schema's versions. A migration is never changed: databases that have it must be like those that get it today.

use rusqlite::{Connection, params};

use super::subject;
use crate::address;

/// One version of the schema.
pub(super) struct Migration {
    /// What makes it out of the one before.
    pub(super) sql: &'static str,
    /// What SQL cannot say.
    pub(super) then: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

/// From the first table on. `PRAGMA user_version` counts those that have run.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: include_str!("migrations/0001.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0002.sql"),
        then: Some(spell_addresses),
    },
    Migration {
        sql: include_str!("migrations/0003.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0004.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0005.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0006.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0007.sql"),
        then: Some(subject::draw_key),
    },
    Migration {
        sql: include_str!("migrations/0008.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0009.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0010.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0011.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0012.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0013.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0014.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0015.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/0016.sql"),
        then: None,
    },
];

/// Writes addresses and domains as they are compared from now on: in ASCII. One that is spelt twice stays, and is found
/// by its other spelling.
fn spell_addresses(c: &Connection) -> rusqlite::Result<()> {
    for (table, column, spell) in [
        ("users", "email", address::email as fn(&str) -> Option<String>),
        ("issuer_domains", "domain", address::domain),
    ] {
        let found: Vec<String> = c
            .prepare(&format!(
                "SELECT {column} FROM {table} WHERE {column} GLOB '*[^ -~]*'"
            ))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut put = c.prepare(&format!(
            "UPDATE OR IGNORE {table} SET {column} = ?2 WHERE {column} = ?1"
        ))?;
        for old in found {
            if let Some(new) = spell(&old) {
                put.execute(params![old, new])?;
            }
        }
    }
    Ok(())
}
