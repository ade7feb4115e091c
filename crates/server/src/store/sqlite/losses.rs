//! Seats that were lost by no administrator's own action, and what is held back of that (rule 18).

use std::collections::{BTreeMap, BTreeSet};

use latchkey_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::row::{execute, rows, sql, time, value};
use super::subscriptions::organisation;
use super::users::{Cover, Taken};
use super::{pushes, users};
use crate::decide::mass_loss::{ACTIVE_WITHIN, WITHIN, is_mass_loss};
use crate::store::StoreError;
use crate::store::records::{Hold, Imported, Seat};

/// A seat of the subscription before the import.
struct Held {
    seat: String,
    email: Option<String>,
    product: String,
}

/// Makes the seats of a subscription those of these users. What is taken away by that is lost, and may be held back.
pub(super) fn import(
    c: &Connection,
    subscription: &str,
    emails: &[String],
    at: Timestamp,
) -> Result<Imported, StoreError> {
    let org: String = super::row::optional(
        c,
        sql!("subscription_organisation"),
        params![subscription],
        |row| row.get(0),
    )?
    .ok_or_else(|| StoreError::NotFound {
        what: "subscription",
        name: subscription.to_owned(),
    })?;
    // What was lost before that is no part of a mass, and is not given back with it.
    execute(c, sql!("losses_forget"), params![(at - WITHIN).as_secs()])?;
    let held: Vec<Held> = rows(c, sql!("seats_of_subscription"), params![subscription], |row| {
        Ok(Held {
            seat: row.get(0)?,
            email: row.get(1)?,
            product: row.get(2)?,
        })
    })?;
    let wanted: BTreeSet<&String> = emails.iter().collect();
    let stays = |held: &Held| held.email.as_ref().is_some_and(|email| wanted.contains(email));
    let (kept, taken): (Vec<_>, Vec<_>) = held.into_iter().partition(stays);
    for Held { seat, .. } in &taken {
        execute(c, sql!("seat_lose"), params![seat, at.as_secs()])?;
        execute(c, sql!("seat_delete"), params![seat])?;
    }
    let lost: BTreeSet<String> = taken.iter().filter_map(|held| held.email.clone()).collect();
    let mut products: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for held in &kept {
        if let Some(email) = &held.email {
            products.entry(email).or_default().insert(&held.product);
        }
    }
    let name: String = value(c, sql!("organisation_name"), params![org])?;
    let covers = users::covers(c, &org, subscription, at)?;
    let mut seats_taken = Taken::default();
    let mut assigned = Vec::new();
    for email in emails {
        match products.get(email) {
            // Nearly everybody on a list that is sent every hour.
            Some(all) if !covers.is_empty() && covers.iter().all(|one| all.contains(&one.product)) => {
                continue;
            }
            Some(_) => {}
            None => {
                users::add(c, email, &name, at)?;
                assigned.push(email.clone());
            }
        }
        users::assign_of(c, email, subscription, at, &mut seats_taken)?;
    }
    // A mass may be one by what became of others: who was refused before gets the seat back.
    let begins = detect(c, &org, at)?;
    if begins || !taken.is_empty() {
        execute(c, sql!("losses_push"), params![org])?;
    }
    let hold = is_held(c, &org)?;
    Ok(Imported {
        assigned,
        lost: lost.into_iter().collect(),
        held: hold.then_some(name),
    })
}

/// How many users lose what they work with, and of how many.
struct Losing {
    lost: u32,
    active: u32,
}

/// Counts what an organisation's losses come to `at` an instant. Whoever is held back has not checked since it was held: who was
/// `active` then counts.
fn losing(c: &Connection, org: &str, active: Timestamp, at: Timestamp) -> Result<Losing, StoreError> {
    let since = (active - ACTIVE_WITHIN).as_secs();
    Ok(Losing {
        lost: value(c, sql!("losses_losing"), params![org, since, at.as_secs()])?,
        active: value(c, sql!("losses_active"), params![org, since])?,
    })
}

/// Holds the organisation's losses back from now on, if they are a mass. Says whether that begins.
fn detect(c: &Connection, org: &str, at: Timestamp) -> Result<bool, StoreError> {
    let Losing { lost, active } = losing(c, org, at, at)?;
    let begins = is_mass_loss(lost, active) && execute(c, sql!("hold_put"), params![org, at.as_secs()])? > 0;
    Ok(begins)
}

fn is_held(c: &Connection, org: &str) -> Result<bool, StoreError> {
    value(c, sql!("hold_exists"), params![org])
}

/// A seat that was lost.
pub(super) struct Loss {
    pub(super) seat: String,
    pub(super) subscription: String,
    pub(super) product: String,
    /// The device that asks was told so already.
    pub(super) refused: bool,
}

/// What the user has lost and is held back; nothing where nothing is held.
/// `device` is the one that asks, if it was here before.
pub(super) fn held_back(
    c: &Connection,
    org: &str,
    user: &str,
    device: Option<&str>,
) -> Result<Vec<Loss>, StoreError> {
    if !is_held(c, org)? {
        return Ok(Vec::new());
    }
    rows(c, sql!("losses_of_user"), params![user, device], |row| {
        Ok(Loss {
            seat: row.get(0)?,
            subscription: row.get(1)?,
            product: row.get(2)?,
            refused: row.get(3)?,
        })
    })
}

/// Notes that the device was told that its user has lost the product, before it gives its lease up. It may hear of a list that was
/// cut off while nothing is held yet, and sleep until another one was.
pub(super) fn refused(c: &Connection, user: &str, device: &str, product: &str) -> Result<(), StoreError> {
    execute(c, sql!("device_loss_put"), params![user, device, product]).map(drop)
}

/// The device has a lease again.
pub(super) fn restored(c: &Connection, device: &str, product: &str) -> Result<(), StoreError> {
    execute(c, sql!("device_loss_delete"), params![device, product]).map(drop)
}

/// An administrator takes away what the user has lost of a product key or a subscription: nobody gives it back. Gives the seats.
pub(super) fn take(c: &Connection, user: &str, email: &str, target: &str) -> Result<Vec<Seat>, StoreError> {
    rows(c, sql!("losses_take"), params![user, target], |row| {
        Ok(Seat {
            id: row.get(0)?,
            email: email.to_owned(),
            product: row.get(1)?,
            subscription: row.get(2)?,
        })
    })
}

/// The user is removed by an administrator's own action: there is nothing to give back.
pub(super) fn forget(c: &Connection, user: &str) -> Result<(), StoreError> {
    execute(c, sql!("losses_delete_user"), params![user]).map(drop)
}

/// What was one user's is another's.
pub(super) fn pass_on(c: &Connection, from: &str, to: &str) -> Result<(), StoreError> {
    execute(c, sql!("losses_pass_on"), params![from, to]).map(drop)
}

/// It was assigned anew.
pub(super) fn found(c: &Connection, user: &str, subscription: &str, product: &str) -> Result<(), StoreError> {
    execute(c, sql!("loss_delete"), params![user, subscription, product]).map(drop)
}

pub(super) fn holds(c: &Connection, now: Timestamp) -> Result<Vec<Hold>, StoreError> {
    let held: Vec<(String, String, Timestamp)> = rows(c, sql!("holds"), [], |row| {
        Ok((row.get(0)?, row.get(1)?, time(row, 2)?))
    })?;
    let held = held.into_iter().map(|(id, organisation, since)| {
        let Losing { lost, active } = losing(c, &id, since, now)?;
        Ok(Hold {
            organisation,
            since,
            lost,
            active,
        })
    });
    held.collect()
}

/// An administrator says what is to become of what is held: it is lost, or it is given back. Gives the users who lost a seat, or
/// those for whom none is left.
pub(super) fn end_hold(c: &Connection, name: &str, give_back: bool) -> Result<Vec<String>, StoreError> {
    let org = organisation(c, name)?;
    if !is_held(c, &org)? {
        return Err(StoreError::NotFound {
            what: "hold",
            name: name.to_owned(),
        });
    }
    let lost = lost(c, &org)?;
    let without: BTreeSet<String> = match give_back {
        true => restore(c, lost)?,
        false => lost.into_iter().filter_map(|(seat, _)| seat.email).collect(),
    };
    execute(c, sql!("losses_push"), params![org])?;
    execute(c, sql!("losses_delete"), params![org])?;
    execute(c, sql!("hold_delete"), params![org])?;
    pushes::prune(c)?;
    Ok(without.into_iter().collect())
}

/// What an organisation has lost, and what could give it back, the oldest first.
fn lost(c: &Connection, org: &str) -> Result<Vec<(Held, Cover)>, StoreError> {
    rows(c, sql!("losses"), params![org], |row| {
        let held = Held {
            seat: row.get(0)?,
            email: row.get(1)?,
            product: row.get(2)?,
        };
        let cover = Cover {
            subscription: row.get(3)?,
            product: row.get(2)?,
            seats: row.get(4)?,
        };
        Ok((held, cover))
    })
}

/// Whoever had a seat first has it back first. Others may have been assigned some of them meanwhile.
fn restore(c: &Connection, lost: Vec<(Held, Cover)>) -> Result<BTreeSet<String>, StoreError> {
    let mut taken = Taken::default();
    let mut without = BTreeSet::new();
    for (held, cover) in lost {
        if taken.one_more(c, &cover)?.is_ok() {
            execute(c, sql!("loss_restore"), params![held.seat])?;
        } else {
            without.extend(held.email);
        }
    }
    Ok(without)
}
