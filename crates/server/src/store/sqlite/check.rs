//! A check: who asks, what is decided, and what of it must be durable before the answer leaves.

use latchkey_core::code::Code;
use latchkey_core::lease::DeviceEntry;
use rusqlite::{Connection, Row, params};

use super::row::{execute, id, json, optional, rows, sql, value};
use crate::decide::{self, Asked, Decision, Offer, Place, Question};
use crate::store::StoreError;
use crate::store::records::{CheckCommand, CheckOutcome, Decided, EmailClaim};

/// How many devices of a user are remembered that hold no place.
const REMEMBERED_DEVICES: i64 = 100;

struct Person {
    id: String,
    email: Option<String>,
    organisation: Option<String>,
}

impl Person {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            email: row.get(1)?,
            organisation: row.get(2)?,
        })
    }
}

pub(super) fn check(c: &Connection, command: &CheckCommand) -> Result<CheckOutcome, StoreError> {
    let Some(person) = person(c, command)? else {
        return Ok(CheckOutcome::IdTokenRequired);
    };
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
            now
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
        user: person.id,
        device: question.device.id,
        products,
    })
}

/// Who the subject is. It is linked once, by an e-mail that its issuer may vouch for; afterwards it alone decides.
fn person(c: &Connection, command: &CheckCommand) -> Result<Option<Person>, StoreError> {
    let known = optional(
        c,
        sql!("user_by_subject"),
        params![command.issuer, command.subject],
        Person::read,
    )?;
    match (known, &command.email) {
        (Some(known), EmailClaim::Proven(email)) if known.email.is_none() => {
            let linked = by_email(c, command, email)?;
            if let Some(linked) = linked {
                link(c, command, &linked.id)?;
                execute(c, sql!("user_delete"), params![known.id])?;
                return Ok(Some(linked));
            }
            if optional(c, sql!("user_by_email"), params![email], Person::read)?.is_none() {
                execute(c, sql!("user_set_email"), params![known.id, email])?;
            }
            Ok(Some(known))
        }
        (Some(known), _) => Ok(Some(known)),
        (None, EmailClaim::Unknown) => Ok(None),
        (None, EmailClaim::Unproven) => newcomer(c, command, None).map(Some),
        (None, EmailClaim::Proven(email)) => {
            if let Some(linked) = by_email(c, command, email)? {
                link(c, command, &linked.id)?;
                return Ok(Some(linked));
            }
            let taken = optional(c, sql!("user_by_email"), params![email], Person::read)?.is_some();
            newcomer(c, command, (!taken).then_some(email)).map(Some)
        }
    }
}

/// The user of this e-mail, unless another subject of the same issuer is that user already.
fn by_email(c: &Connection, command: &CheckCommand, email: &str) -> Result<Option<Person>, StoreError> {
    let Some(person) = optional(c, sql!("user_by_email"), params![email], Person::read)? else {
        return Ok(None);
    };
    let linked: bool = value(
        c,
        sql!("user_linked_to_issuer"),
        params![person.id, command.issuer],
    )?;
    Ok((!linked).then_some(person))
}

fn link(c: &Connection, command: &CheckCommand, user: &str) -> Result<(), StoreError> {
    let at = command.now.as_secs();
    execute(
        c,
        sql!("identity_put"),
        params![command.issuer, command.subject, user, at],
    )
    .map(drop)
}

/// A person nobody has assigned anything to yet.
fn newcomer(c: &Connection, command: &CheckCommand, email: Option<&String>) -> Result<Person, StoreError> {
    let person = Person {
        id: id("usr")?,
        email: email.cloned(),
        organisation: None,
    };
    let no_organisation: Option<String> = None;
    execute(
        c,
        sql!("user_insert"),
        params![person.id, email, no_organisation, command.now.as_secs()],
    )?;
    link(c, command, &person.id)?;
    Ok(person)
}

fn question(c: &Connection, command: &CheckCommand, person: &Person) -> Result<Question, StoreError> {
    let now = command.now.as_secs();
    let known = optional(
        c,
        sql!("device_by_key"),
        params![person.id, command.jkt.0],
        |row| row.get(0),
    )?;
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
