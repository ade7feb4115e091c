//! Organisations, products and subscriptions.

use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::pushes;
use super::row::{execute, id, json, optional, optional_time, rows, sql, to_json, value};
use crate::store::StoreError;
use crate::store::records::{NewSubscription, Organisation, Product, Subscription};

pub(super) fn organisations(c: &Connection) -> Result<Vec<Organisation>, StoreError> {
    rows(c, sql!("organisations"), [], |row| {
        Ok(Organisation {
            id: row.get(0)?,
            name: row.get(1)?,
            contact: row.get(2)?,
        })
    })
}

pub(super) fn add_organisation(
    c: &Connection,
    name: String,
    contact: Option<String>,
    at: Timestamp,
) -> Result<Organisation, StoreError> {
    let new = Organisation {
        id: id("org")?,
        name,
        contact,
    };
    match execute(
        c,
        sql!("organisation_insert"),
        params![new.id, new.name, new.contact, at.as_secs()],
    )? {
        0 => Err(StoreError::Exists {
            what: "organisation",
            name: new.name,
        }),
        _ => Ok(new),
    }
}

/// The id of the organisation with this name.
pub(super) fn organisation(c: &Connection, name: &str) -> Result<String, StoreError> {
    optional(c, sql!("organisation_by_name"), params![name], |row| row.get(0))?.ok_or_else(|| {
        StoreError::NotFound {
            what: "organisation",
            name: name.to_owned(),
        }
    })
}

pub(super) fn products(c: &Connection) -> Result<Vec<Product>, StoreError> {
    rows(c, sql!("products"), [], |row| {
        Ok(Product {
            key: row.get(0)?,
            name: row.get(1)?,
            publisher: row.get(2)?,
        })
    })
}

pub(super) fn add_product(c: &Connection, new: &Product, at: Timestamp) -> Result<(), StoreError> {
    match execute(
        c,
        sql!("product_insert"),
        params![new.key, new.name, new.publisher, at.as_secs()],
    )? {
        0 => Err(StoreError::Exists {
            what: "product",
            name: new.key.clone(),
        }),
        _ => Ok(()),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        id: row.get(0)?,
        organisation: row.get(1)?,
        seats: row.get(2)?,
        ends_at: optional_time(row, 3)?,
        policy: json(row, 4)?,
        products: json(row, 5)?,
    })
}

pub(super) fn all(c: &Connection) -> Result<Vec<Subscription>, StoreError> {
    let every: Option<String> = None;
    rows(c, sql!("subscriptions"), params![every], read)
}

fn one(c: &Connection, id: &str) -> Result<Subscription, StoreError> {
    optional(c, sql!("subscriptions"), params![id], read)?.ok_or_else(|| StoreError::NotFound {
        what: "subscription",
        name: id.to_owned(),
    })
}

pub(super) fn add(c: &Connection, new: &NewSubscription, at: Timestamp) -> Result<Subscription, StoreError> {
    let organisation = organisation(c, &new.organisation)?;
    let id = id("sub")?;
    let ends_at = new.ends_at.map(Timestamp::as_secs);
    execute(
        c,
        sql!("subscription_insert"),
        params![
            id,
            organisation,
            new.seats,
            ends_at,
            to_json(&new.policy)?,
            at.as_secs()
        ],
    )?;
    for product in &new.products {
        if !value::<bool>(c, sql!("product_exists"), params![product])? {
            return Err(StoreError::NotFound {
                what: "product",
                name: product.clone(),
            });
        }
        execute(
            c,
            sql!("subscription_product_insert"),
            params![id, product, to_json(&new.entitlements)?],
        )?;
    }
    one(c, &id)
}

pub(super) fn set_end(
    c: &Connection,
    id: &str,
    ends_at: Option<Timestamp>,
) -> Result<Subscription, StoreError> {
    execute(
        c,
        sql!("subscription_set_end"),
        params![id, ends_at.map(Timestamp::as_secs)],
    )?;
    pushes::to_subscription(c, id)?;
    one(c, id)
}

pub(super) fn set_policy(c: &Connection, id: &str, policy: &Policy) -> Result<Subscription, StoreError> {
    execute(c, sql!("subscription_set_policy"), params![id, to_json(policy)?])?;
    pushes::to_subscription(c, id)?;
    one(c, id)
}
