//! Users and their seats.

use std::collections::HashMap;

use latchkey_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::row::{execute, id, json, optional, optional_time, rows, sql, value};
use super::subscriptions::organisation;
use super::{losses, pushes};
use crate::store::records::{Seat, User};
use crate::store::{Conflict, StoreError};

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        organisation: row.get(2)?,
        removed_at: optional_time(row, 3)?,
        issuers: json(row, 4)?,
        claims: row.get(5)?,
        sub: row.get(6)?,
    })
}

pub(super) fn all(c: &Connection) -> Result<Vec<User>, StoreError> {
    rows(c, sql!("users"), [], read)
}

fn by_email(c: &Connection, email: &str) -> Result<Option<User>, StoreError> {
    optional(c, sql!("user"), params![email], read)
}

fn one(c: &Connection, email: &str) -> Result<User, StoreError> {
    by_email(c, email)?.ok_or_else(|| StoreError::NotFound {
        what: "user",
        name: email.to_owned(),
    })
}

pub(super) fn add(c: &Connection, email: &str, org: &str, at: Timestamp) -> Result<User, StoreError> {
    let organisation = organisation(c, org)?;
    match by_email(c, email)? {
        None => drop(execute(
            c,
            sql!("user_insert"),
            params![id("usr")?, email, organisation, at.as_secs()],
        )?),
        Some(User {
            organisation: Some(other),
            ..
        }) if other != org => {
            return Err(Conflict::OtherOrganisation {
                email: email.to_owned(),
                organisation: other,
            }
            .into());
        }
        Some(user) => drop(execute(
            c,
            sql!("user_set_organisation"),
            params![user.id, organisation],
        )?),
    }
    one(c, email)
}

pub(super) fn rename(c: &Connection, email: &str, to: &str) -> Result<User, StoreError> {
    let user = one(c, email)?;
    let other = by_email(c, to)?;
    if let Some(other) = other.filter(|other| other.id != user.id) {
        // Whom an administrator or a list has added by the new address, and who never came, is the same person; but two who never came
        // may be two, once something is assigned to the other.
        let seats = seats_of(c, &other.id, None)?;
        let may_be_two = user.issuers.is_empty() || other.organisation != user.organisation;
        if !other.issuers.is_empty() || (may_be_two && !seats.is_empty()) {
            return Err(StoreError::Exists {
                what: "user",
                name: to.to_owned(),
            });
        }
        for seat in &seats {
            losses::found(c, &user.id, &seat.subscription, &seat.product)?;
            execute(c, sql!("seat_pass_on"), params![seat.id, user.id])?;
        }
        if !seats.is_empty() {
            pushes::to_user(c, &user.id)?;
        }
        execute(c, sql!("user_drop"), params![other.id])?;
    }
    execute(c, sql!("user_set_email"), params![user.id, to])?;
    one(c, to)
}

pub(super) fn remove(c: &Connection, email: &str, at: Timestamp) -> Result<(), StoreError> {
    let user = one(c, email)?;
    execute(c, sql!("seats_delete_user"), params![user.id])?;
    execute(c, sql!("leases_delete_user"), params![user.id])?;
    losses::forget(c, &user.id)?;
    pushes::to_user(c, &user.id)?;
    execute(c, sql!("user_remove"), params![user.id, at.as_secs()]).map(drop)
}

pub(super) fn unlink(c: &Connection, email: &str) -> Result<(), StoreError> {
    let user = one(c, email)?;
    execute(c, sql!("identities_delete"), params![user.id])?;
    execute(c, sql!("user_confirm"), params![user.id]).map(drop)
}

fn seat(row: &Row<'_>) -> rusqlite::Result<Seat> {
    Ok(Seat {
        id: row.get(0)?,
        email: row.get(1)?,
        product: row.get(2)?,
        subscription: row.get(3)?,
    })
}

pub(super) fn seats(c: &Connection) -> Result<Vec<Seat>, StoreError> {
    rows(c, sql!("seats"), [], seat)
}

fn seats_of(c: &Connection, user: &str, target: Option<&str>) -> Result<Vec<Seat>, StoreError> {
    rows(c, sql!("seats_of_user"), params![user, target], seat)
}

/// A product of a subscription that could give a seat.
pub(super) struct Cover {
    pub(super) subscription: String,
    pub(super) product: String,
    /// Users for each product; `None` is no limit.
    pub(super) seats: Option<u32>,
}

/// What of an organisation covers a product key, or is the subscription of that id, and has not ended.
pub(super) fn covers(
    c: &Connection,
    organisation: &str,
    target: &str,
    at: Timestamp,
) -> Result<Vec<Cover>, StoreError> {
    rows(
        c,
        sql!("coverage"),
        params![organisation, target, at.as_secs()],
        |row| {
            Ok(Cover {
                subscription: row.get(0)?,
                product: row.get(1)?,
                seats: row.get(2)?,
            })
        },
    )
}

/// How many seats are taken, by subscription and product: counted once, however many are assigned or given back in one transaction.
#[derive(Default)]
pub(super) struct Taken(HashMap<(String, String), u32>);

impl Taken {
    /// Takes one more, where the subscription has one left.
    pub(super) fn one_more(
        &mut self,
        c: &Connection,
        cover: &Cover,
    ) -> Result<Result<(), Conflict>, StoreError> {
        let Some(seats) = cover.seats else {
            return Ok(Ok(()));
        };
        let key = (cover.subscription.clone(), cover.product.clone());
        let taken = match self.0.get(&key) {
            Some(taken) => *taken,
            None => value(c, sql!("seats_taken"), params![cover.subscription, cover.product])?,
        };
        if taken >= seats {
            let (subscription, product) = key;
            return Ok(Err(Conflict::NoSeatLeft {
                product,
                subscription,
                seats,
            }));
        }
        self.0.insert(key, taken + 1);
        Ok(Ok(()))
    }
}

pub(super) fn assign(
    c: &Connection,
    email: &str,
    target: &str,
    at: Timestamp,
) -> Result<Vec<Seat>, StoreError> {
    assign_of(c, email, target, at, &mut Taken::default())
}

/// The same, as one of many.
pub(super) fn assign_of(
    c: &Connection,
    email: &str,
    target: &str,
    at: Timestamp,
    taken: &mut Taken,
) -> Result<Vec<Seat>, StoreError> {
    let user = one(c, email)?;
    let org = user
        .organisation
        .ok_or_else(|| Conflict::NoOrganisation(email.to_owned()))?;
    let covers = covers(c, &organisation(c, &org)?, target, at)?;
    let mut subscriptions: Vec<&str> = covers.iter().map(|cover| cover.subscription.as_str()).collect();
    subscriptions.dedup();
    let held = seats_of(c, &user.id, Some(target))?;
    let held_in = |cover: &Cover| {
        held.iter()
            .any(|seat| seat.subscription == cover.subscription && seat.product == cover.product)
    };
    match subscriptions[..] {
        [] => {
            return Err(Conflict::NoSubscription {
                organisation: org,
                target: target.to_owned(),
            }
            .into());
        }
        [_] => {}
        _ if covers.iter().any(held_in) => return Ok(held),
        _ => {
            let subscriptions = subscriptions.into_iter().map(str::to_owned).collect();
            return Err(Conflict::Ambiguous {
                product: target.to_owned(),
                subscriptions,
            }
            .into());
        }
    }
    let new: Vec<&Cover> = covers.iter().filter(|cover| !held_in(cover)).collect();
    for cover in &new {
        take(c, &user.id, cover, at, taken)?;
    }
    // A directory that names everybody anew every hour calls nobody.
    if !new.is_empty() {
        pushes::to_user(c, &user.id)?;
    }
    seats_of(c, &user.id, Some(target))
}

fn take(
    c: &Connection,
    user: &str,
    cover: &Cover,
    at: Timestamp,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    taken.one_more(c, cover)??;
    losses::found(c, user, &cover.subscription, &cover.product)?;
    let id = id("seat")?;
    execute(
        c,
        sql!("seat_insert"),
        params![id, user, cover.subscription, cover.product, at.as_secs()],
    )
    .map(drop)
}

pub(super) fn unassign(c: &Connection, email: &str, target: &str) -> Result<Vec<Seat>, StoreError> {
    let user = one(c, email)?;
    let mut taken = seats_of(c, &user.id, Some(target))?;
    taken.extend(losses::take(c, &user.id, email, target)?);
    if taken.is_empty() {
        return Err(StoreError::NotFound {
            what: "seat",
            name: format!("{email} {target}"),
        });
    }
    for seat in &taken {
        execute(
            c,
            sql!("leases_delete_seat"),
            params![user.id, seat.subscription, seat.product],
        )?;
        execute(c, sql!("seat_delete"), params![seat.id])?;
    }
    pushes::to_user(c, &user.id)?;
    Ok(taken)
}
