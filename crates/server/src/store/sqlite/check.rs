//! A check: who asks, what is decided, and what of it must be durable before the answer leaves.

use latchkey_core::code::Code;
use latchkey_core::lease::DeviceEntry;
use rusqlite::{Connection, Row, params};

use super::person::{Person, Who, who};
use super::row::{execute, id, json, optional, rows, sql, value};
use crate::decide::{self, Asked, Decision, Offer, Place, Question};
use crate::store::StoreError;
use crate::store::records::{CheckCommand, CheckOutcome, Decided};

/// How many devices of a user are remembered that hold no place.
const REMEMBERED_DEVICES: i64 = 100;

pub(super) fn check(c: &Connection, command: &CheckCommand) -> Result<CheckOutcome, StoreError> {
    let person = match who(c, command)? {
        Who::Is(person) => person,
        Who::IdTokenRequired => return Ok(CheckOutcome::IdTokenRequired),
        Who::IssuerMoved => return Ok(CheckOutcome::IssuerMoved),
    };
    leave_behind(c, command, &person)?;
    let question = question(c, command, &person)?;
    let decisions = match decide::check(&question) {
        Ok(decisions) => decisions,
        Err(too_long) => return Ok(CheckOutcome::TokenLivesTooLong(too_long)),
    };

    let now = command.now.as_secs();
    let device = &question.device;
    execute(
        c,
        sql!("device_put"),
        params![
            device.id,
            person.id,
            command.jkt.0,
            device.name,
            device.system,
            command.agent,
            now,
            command.issuer
        ],
    )?;
    execute(
        c,
        sql!("devices_prune"),
        params![person.id, now, REMEMBERED_DEVICES, device.id],
    )?;
    let mut products = Vec::with_capacity(decisions.len());
    for (product, decision) in command.products.iter().cloned().zip(decisions) {
        keep(c, &device.id, &product, &decision)?;
        // At least the time in milliseconds: a database that was restored from a backup must not go back either.
        let seq: i64 = value(
            c,
            sql!("sequence_next"),
            params![device.id, product, command.now.as_millis()],
        )?;
        products.push(Decided {
            product,
            seq: seq.unsigned_abs(),
            decision,
        });
    }
    let last_exp = products.iter().filter_map(|decided| match &decided.decision {
        Decision::Lease(grant) => Some(grant.exp),
        Decision::Refuse(_) => None,
    });
    if let Some(last_exp) = last_exp.max() {
        execute(c, sql!("lease_key_used"), params![command.kid, last_exp])?;
    }
    Ok(CheckOutcome::Decided {
        user: value(
            c,
            sql!("subject_called"),
            params![command.issuer, command.subject],
        )?,
        device: question.device.id,
        products,
    })
}

/// A machine whose user signs in at the issuer that took another's place has a new device key. It takes no second place:
/// the one that it had is free.
fn leave_behind(c: &Connection, command: &CheckCommand, person: &Person) -> Result<(), StoreError> {
    let known: Option<String> = device(c, command, person)?;
    if command.moved || known.is_some() {
        return Ok(());
    }
    let (name, system) = (&command.device.name, &command.device.system);
    let left: Vec<String> = rows(
        c,
        sql!("devices_left_behind"),
        params![person.id, name, system],
        |row| row.get(0),
    )?;
    for device in left {
        execute(c, sql!("leases_delete"), params![device])?;
        execute(c, sql!("device_release"), params![device, command.now.as_secs()])?;
    }
    Ok(())
}

/// The device's id, if it was here before.
fn device(c: &Connection, command: &CheckCommand, person: &Person) -> Result<Option<String>, StoreError> {
    optional(
        c,
        sql!("device_by_key"),
        params![person.id, command.jkt.0],
        |row| row.get(0),
    )
}

fn question(c: &Connection, command: &CheckCommand, person: &Person) -> Result<Question, StoreError> {
    let now = command.now.as_secs();
    let known = device(c, command, person)?;
    let places = rows(c, sql!("places"), params![person.id, now], |row| {
        let device = DeviceEntry {
            id: row.get(1)?,
            name: row.get(2)?,
            system: row.get(3)?,
            last_seen: row.get(4)?,
        };
        Ok(Place {
            subscription: row.get(0)?,
            device,
            since: row.get(5)?,
        })
    })?;
    let asked = command.products.iter().map(|product| {
        let offers = match &person.organisation {
            Some(organisation) => rows(
                c,
                sql!("offers"),
                params![person.id, organisation, product],
                offer,
            )?,
            None => Vec::new(),
        };
        Ok(Asked {
            product: product.clone(),
            offers,
        })
    });
    Ok(Question {
        now,
        device: DeviceEntry {
            id: known.map_or_else(|| id("dev"), Ok)?,
            name: command.device.name.clone(),
            system: command.device.system.clone(),
            last_seen: now,
        },
        token_life: command.token_life,
        asked: asked.collect::<Result<_, StoreError>>()?,
        places,
        contact: match &person.organisation {
            Some(organisation) => optional(c, sql!("contact"), params![organisation], |row| row.get(0))?,
            None => None,
        },
    })
}

fn offer(row: &Row<'_>) -> rusqlite::Result<Offer> {
    Ok(Offer {
        subscription: row.get(0)?,
        organisation: row.get(1)?,
        contact: row.get(2)?,
        policy: json(row, 3)?,
        ends_at: row.get(4)?,
        entitlements: json(row, 5)?,
        seat: row.get(6)?,
    })
}

/// What of a decision holds or frees a place. A refusal that leaves the lease alone (rule 9) leaves its place alone too.
fn keep(c: &Connection, device: &str, product: &str, decision: &Decision) -> Result<(), StoreError> {
    match decision {
        Decision::Lease(grant) => execute(
            c,
            sql!("lease_put"),
            params![device, product, grant.subscription, grant.since, grant.exp],
        )
        .map(drop),
        Decision::Refuse(refused) if matches!(refused.code, Code::NotAssigned | Code::SubscriptionEnded) => {
            execute(c, sql!("lease_delete"), params![device, product]).map(drop)
        }
        Decision::Refuse(_) => Ok(()),
    }
}
