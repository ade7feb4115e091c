//! Who a subject is. It is linked to a user once, by an e-mail that its issuer may vouch for; afterwards (iss, sub) alone
//! decides, until an administrator says otherwise. `docs/server.md` has the table of what becomes of whom.

use rusqlite::{Connection, Row, params};

use super::row::{execute, id, optional, sql, value};
use super::{losses, subject};
use crate::store::StoreError;
use crate::store::records::{CheckCommand, EmailClaim};

/// A user, as far as a check is concerned.
pub(super) struct Person {
    pub(super) id: String,
    pub(super) email: Option<String>,
    pub(super) organisation: Option<String>,
    claims: Option<String>,
    pub(super) removed: bool,
    to_confirm: bool,
}

impl Person {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            email: row.get(1)?,
            organisation: row.get(2)?,
            claims: row.get(3)?,
            removed: row.get(4)?,
            to_confirm: row.get(5)?,
        })
    }
}

/// What is known of who asks.
pub(super) enum Who {
    /// This user.
    Is(Person),
    /// An ID token will tell.
    IdTokenRequired,
    /// The issuer names nobody new any more.
    IssuerMoved,
}

/// Who has an address.
enum Holder {
    Nobody,
    /// A user whom no subject of this issuer is yet.
    Waiting(Person),
    /// One who was removed: the address is free.
    Removed(Person),
    /// One who was removed and added again, and is not this subject: the address is another person's by now.
    Unconfirmed(Person),
    /// Another subject of this issuer.
    Taken,
}

pub(super) fn who(c: &Connection, command: &CheckCommand) -> Result<Who, StoreError> {
    let known = optional(
        c,
        sql!("user_by_subject"),
        params![command.issuer, command.subject],
        Person::read,
    )?;
    match (known, &command.email) {
        (None, _) if command.moved => Ok(Who::IssuerMoved),
        (None, EmailClaim::Unknown) => Ok(Who::IdTokenRequired),
        (None, EmailClaim::Unproven) => newcomer(c, command, None).map(Who::Is),
        (None, EmailClaim::Proven(email)) => match hold(c, command, email)? {
            Some(holder) => link(c, command, holder).map(Who::Is),
            None => newcomer(c, command, Some(email)).map(Who::Is),
        },
        (Some(known), claim) if known.to_confirm => confirm(c, command, known, claim),
        (Some(known), claim) => recognise(c, command, known, claim),
    }
}

/// Somebody who is known. Who belongs to no organisation is looked up by a proven address again: there is nothing to lose.
fn recognise(
    c: &Connection,
    command: &CheckCommand,
    known: Person,
    claim: &EmailClaim,
) -> Result<Who, StoreError> {
    match claim {
        EmailClaim::Proven(email) if known.organisation.is_none() && known.email.as_ref() != Some(email) => {
            if let Some(holder) = hold(c, command, email)? {
                let holder = link(c, command, holder)?;
                execute(c, sql!("user_delete"), params![known.id])?;
                return Ok(Who::Is(holder));
            }
            if known.email.is_none() || !known.removed {
                name(c, &known, email)?;
            }
            Ok(Who::Is(known))
        }
        // What it was refused for has gone: an ID token tells whether the address is still the subject's.
        EmailClaim::Unknown if released(c, command, &known)? => Ok(Who::IdTokenRequired),
        // It is not. Nobody asks again.
        EmailClaim::Unproven if known.claims.is_some() => {
            execute(c, sql!("user_drop_claim"), params![known.id])?;
            Ok(Who::Is(known))
        }
        EmailClaim::Unknown | EmailClaim::Unproven | EmailClaim::Proven(_) => Ok(Who::Is(known)),
    }
}

/// Somebody who was removed and added again. The administrator has added an address: whose it is now, the issuer says.
fn confirm(
    c: &Connection,
    command: &CheckCommand,
    known: Person,
    claim: &EmailClaim,
) -> Result<Who, StoreError> {
    match claim {
        _ if command.moved => Ok(Who::IssuerMoved),
        EmailClaim::Unknown => Ok(Who::IdTokenRequired),
        EmailClaim::Proven(email) if known.email.as_ref() == Some(email) => {
            execute(c, sql!("user_confirm"), params![known.id])?;
            Ok(Who::Is(known))
        }
        EmailClaim::Unproven | EmailClaim::Proven(_) => {
            succeed(c, command, &known)?;
            let left = Person {
                email: None,
                organisation: None,
                removed: true,
                ..known
            };
            recognise(c, command, left, claim)
        }
    }
}

fn holder(c: &Connection, issuer: &str, email: &str) -> Result<Holder, StoreError> {
    let Some(person) = optional(c, sql!("user_by_email"), params![email], Person::read)? else {
        return Ok(Holder::Nobody);
    };
    if person.to_confirm {
        return Ok(Holder::Unconfirmed(person));
    }
    if person.removed {
        return Ok(Holder::Removed(person));
    }
    let linked: bool = value(c, sql!("user_linked_to_issuer"), params![person.id, issuer])?;
    Ok(if linked {
        Holder::Taken
    } else {
        Holder::Waiting(person)
    })
}

/// The user whom the subject of a proven address becomes, if there is one.
fn hold(c: &Connection, command: &CheckCommand, email: &str) -> Result<Option<Person>, StoreError> {
    match holder(c, &command.issuer, email)? {
        Holder::Waiting(person) => Ok(Some(person)),
        Holder::Unconfirmed(person) => succeed(c, command, &person).map(Some),
        Holder::Removed(person) => {
            execute(c, sql!("user_take_email"), params![person.id])?;
            execute(c, sql!("user_delete"), params![person.id])?;
            Ok(None)
        }
        Holder::Nobody | Holder::Taken => Ok(None),
    }
}

/// Whether an address that somebody else had when `known` proved it can be had now.
fn released(c: &Connection, command: &CheckCommand, known: &Person) -> Result<bool, StoreError> {
    match &known.claims {
        Some(email) if known.organisation.is_none() && !known.removed && !command.moved => {
            Ok(!matches!(holder(c, &command.issuer, email)?, Holder::Taken))
        }
        // Who was removed has a refusal to hear, with or without an ID token.
        Some(_) | None => Ok(false),
    }
}

/// A new user in the place of one whose address is another person's now: the seats go with the address, the devices and
/// what they were told stay with the person.
fn succeed(c: &Connection, command: &CheckCommand, before: &Person) -> Result<Person, StoreError> {
    let now = command.now.as_secs();
    let new = Person {
        id: id("usr")?,
        email: before.email.clone(),
        organisation: before.organisation.clone(),
        claims: None,
        removed: false,
        to_confirm: false,
    };
    execute(c, sql!("user_take_email"), params![before.id])?;
    execute(
        c,
        sql!("user_insert"),
        params![new.id, new.email, new.organisation, now],
    )?;
    execute(c, sql!("seats_pass_on"), params![before.id, new.id])?;
    losses::pass_on(c, &before.id, &new.id)?;
    execute(c, sql!("user_remove"), params![before.id, now])?;
    Ok(new)
}

/// A person nobody has assigned anything to yet.
fn newcomer(c: &Connection, command: &CheckCommand, email: Option<&String>) -> Result<Person, StoreError> {
    let mut person = Person {
        id: id("usr")?,
        email: None,
        organisation: None,
        claims: None,
        removed: false,
        to_confirm: false,
    };
    execute(
        c,
        sql!("user_insert"),
        params![
            person.id,
            person.email,
            person.organisation,
            command.now.as_secs()
        ],
    )?;
    if let Some(email) = email {
        person.email = name(c, &person, email)?;
    }
    link(c, command, person)
}

/// Writes down which address a person has proven: as theirs, or as a claim where it is somebody else's.
fn name(c: &Connection, person: &Person, email: &str) -> Result<Option<String>, StoreError> {
    let taken = optional(c, sql!("user_by_email"), params![email], Person::read)?.is_some();
    if taken {
        execute(c, sql!("user_set_claim"), params![person.id, email])?;
        Ok(None)
    } else {
        execute(c, sql!("user_set_email"), params![person.id, email])?;
        Ok(Some(email.to_owned()))
    }
}

fn link(c: &Connection, command: &CheckCommand, person: Person) -> Result<Person, StoreError> {
    let CheckCommand {
        issuer, subject, now, ..
    } = command;
    execute(
        c,
        sql!("identity_put"),
        params![issuer, subject, person.id, now.as_secs()],
    )?;
    subject::call(c, issuer, subject, &person.id)?;
    Ok(person)
}
