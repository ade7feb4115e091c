//! A check: who asks, what is decided, and what of it must be durable before the answer leaves.

use latchkey_core::code::Code;
use latchkey_core::lease::DeviceEntry;
use latchkey_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::losses::{self, Loss};
use super::person::{Person, Who, who};
use super::row::{execute, id, json, optional, rows, sql, value};
use super::{agents, devices, pushes, sessions, usage};
use crate::access_token::LEEWAY;
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
    clock_went_back(c, &person, command.now)?;
    let known = device(c, command, &person)?;
    if known.is_none() && !signed_in_since(c, command, &person)? {
        return Ok(CheckOutcome::IdTokenRequired);
    }
    let left = match &known {
        Some(_) => None,
        None => left_behind(c, command, &person)?,
    };
    let mut losses = losses(c, &person, known.as_ref())?;
    let mut question = question(c, command, &person, known)?;
    if let Some(left) = &left {
        leave(&mut question, left);
    }
    losses.retain(|loss| !goes_on(&question, &loss.product));
    give_back(&mut question, &losses);
    let verdict = match decide::check(&question) {
        Ok(verdict) => verdict,
        Err(too_long) => return Ok(CheckOutcome::TokenLivesTooLong(too_long)),
    };
    if is_held_back(&question, &verdict.decisions, &losses) {
        return Ok(CheckOutcome::Held);
    }

    if let Some(left) = left {
        devices::free(c, &left, command.now)?;
        pushes::to_device(c, &left)?;
    }
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
    sessions::follow(c, &question, &verdict.steps)?;
    usage::put(c, &person, device, &command.usage, now)?;
    let mut products = Vec::with_capacity(verdict.decisions.len());
    let asked = command.products.iter().map(|asked| asked.product.clone());
    for (product, decision) in asked.zip(verdict.decisions) {
        match &decision {
            Decision::Refuse(refused) if refused.code == Code::NotAssigned => {
                losses::refused(c, &person.id, &device.id, &product)?;
            }
            // What is given back is given again, however often the device asks: the answer may be lost on its way.
            Decision::Lease(_) if !losses.iter().any(|loss| loss.product == product) => {
                losses::restored(c, &device.id, &product)?;
            }
            Decision::Lease(_) | Decision::Refuse(_) => {}
        }
        keep(c, &device.id, &product, &decision, command.now.as_secs())?;
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
        waiting: sessions::waiting_for(&question, &verdict.steps),
        device: question.device.id,
        products,
    })
}

/// What was written of the user while this service's clock was ahead counts from now on: a session of the future would never fall
/// silent, and nobody could sign in since.
fn clock_went_back(c: &Connection, person: &Person, now: Timestamp) -> Result<(), StoreError> {
    for statement in [
        sql!("future_sessions"),
        sql!("future_session_asks"),
        sql!("future_releases"),
    ] {
        execute(c, statement, params![person.id, now.as_secs()])?;
    }
    Ok(())
}

/// What the user has lost and is held back. A device that was released hears of that first: a hold is no way back for it.
fn losses(c: &Connection, person: &Person, device: Option<&Known>) -> Result<Vec<Loss>, StoreError> {
    match &person.organisation {
        Some(organisation) if !device.is_some_and(|known| known.released) => {
            losses::held_back(c, organisation, &person.id, device.map(|known| known.id.as_str()))
        }
        Some(_) | None => Ok(Vec::new()),
    }
}

/// A machine whose user signs in at the issuer that took another's place has a new device key. It takes no second place: the one that
/// it had is free once the check is decided.
fn left_behind(
    c: &Connection,
    command: &CheckCommand,
    person: &Person,
) -> Result<Option<String>, StoreError> {
    if command.moved {
        return Ok(None);
    }
    let (name, system) = (&command.device.name, &command.device.system);
    optional(
        c,
        sql!("device_left_behind"),
        params![person.id, name, system, command.now.as_secs()],
        |row| row.get(0),
    )
}

/// The question, as it is when the device has nothing any more.
fn leave(question: &mut Question, device: &str) {
    question.places.retain(|place| place.device.id != device);
    question.sessions.retain(|session| session.device.id != device);
    question.waiting.retain(|waiting| waiting.device.id != device);
}

/// Whether the user has a seat of the product under another subscription: nothing is held back of what they lose none by.
fn goes_on(question: &Question, product: &str) -> bool {
    let mut asked = question.asked.iter().filter(|asked| asked.product == product);
    asked.any(|asked| decide::has_seat(question, asked))
}

/// The seats that were lost count, as far as they are asked about.
fn give_back(question: &mut Question, losses: &[Loss]) {
    for asked in &mut question.asked {
        for offer in asked.offers.iter_mut().filter(|offer| offer.seat.is_none()) {
            let lost = losses
                .iter()
                .find(|loss| loss.product == asked.product && loss.subscription == offer.subscription);
            offer.seat = lost.map(|loss| loss.seat.clone());
        }
    }
}

/// Whether it is for this device as if the service were out, because its user has lost what it asks about. A device that was refused
/// something of that has all of it given back. So has one that must hear of something else: an administrator's own action, or the end
/// of a subscription, is told whatever was lost besides.
fn is_held_back(question: &Question, decisions: &[Decision], losses: &[Loss]) -> bool {
    let asks = |loss: &&Loss| question.asked.iter().any(|asked| asked.product == loss.product);
    let mut lost = losses.iter().filter(asks).peekable();
    lost.peek().is_some() && !lost.any(|loss| loss.refused) && !decisions.iter().any(takes_away)
}

/// Whether a decision takes a licence away for good (rule 9).
fn takes_away(decision: &Decision) -> bool {
    matches!(decision, Decision::Refuse(refused) if matches!(refused.code, Code::NotAssigned | Code::SubscriptionEnded))
}

/// A device that was here before.
struct Known {
    id: String,
    released: bool,
}

fn device(c: &Connection, command: &CheckCommand, person: &Person) -> Result<Option<Known>, StoreError> {
    optional(
        c,
        sql!("device_by_key"),
        params![person.id, command.jkt.0],
        |row| {
            Ok(Known {
                id: row.get(0)?,
                released: row.get::<_, Option<i64>>(1)?.is_some(),
            })
        },
    )
}

/// Whether the user has signed in since one of their devices was released: whoever has only the tokens of that device makes no
/// new one out of it (rule 10). The issuer's clock may be a little behind.
fn signed_in_since(c: &Connection, command: &CheckCommand, person: &Person) -> Result<bool, StoreError> {
    let released: Option<i64> = value(c, sql!("released_last"), params![person.id])?;
    let signed_in = command.signed_in_at.map(|at| (at + LEEWAY).as_secs());
    Ok(released.is_none_or(|released| signed_in.is_some_and(|signed_in| signed_in >= released)))
}

fn question(
    c: &Connection,
    command: &CheckCommand,
    person: &Person,
    known: Option<Known>,
) -> Result<Question, StoreError> {
    let now = command.now.as_secs();
    let released = known.as_ref().is_some_and(|known| known.released);
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
    let asked = command.products.iter().map(|asked| {
        let product = &asked.product;
        let offers = match &person.organisation {
            Some(organisation) => rows(
                c,
                sql!("offers"),
                params![person.id, organisation, product],
                offer,
            )?,
            None => Vec::new(),
        };
        let held = match &known {
            Some(known) => optional(c, sql!("lease_held"), params![known.id, product, now], |row| {
                row.get(0)
            })?,
            None => None,
        };
        Ok(Asked {
            product: product.clone(),
            held,
            open: asked.open,
            wish: asked.session,
            offers,
        })
    });
    let asked = asked.collect::<Result<_, StoreError>>()?;
    Ok(Question {
        now,
        device: DeviceEntry {
            id: known.map_or_else(|| id("dev"), |known| Ok(known.id))?,
            name: command.device.name.clone(),
            system: command.device.system.clone(),
            last_seen: now,
        },
        agent: command.agent.clone(),
        minimum_agent: agents::minimum(c)?,
        token_life: command.token_life,
        asked,
        places,
        released,
        sessions: sessions::of(c, &person.id)?,
        waiting: sessions::waiting(c, &person.id)?,
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
fn keep(
    c: &Connection,
    device: &str,
    product: &str,
    decision: &Decision,
    now: i64,
) -> Result<(), StoreError> {
    match decision {
        Decision::Lease(grant) => execute(
            c,
            sql!("lease_put"),
            params![device, product, grant.subscription, grant.since, grant.exp, now],
        )
        .map(drop),
        refusal @ Decision::Refuse(_) if takes_away(refusal) => {
            execute(c, sql!("lease_delete"), params![device, product]).map(drop)
        }
        Decision::Refuse(_) => Ok(()),
    }
}
