//! Issuers, and the e-mail domains that they own.

use latchkey_api::discovery::{Prompt, Redirect, RedirectHost};
use rusqlite::{Connection, Row, params};
use zeroize::Zeroizing;

use super::row::{execute, json, optional, rows, sql, to_json};
use crate::address::vendor;
use crate::store::records::{Introspection, Issuer, Secret};
use crate::store::{Conflict, StoreError};

pub(super) fn all(c: &Connection) -> Result<Vec<Issuer>, StoreError> {
    rows(c, sql!("issuers"), [], |row| {
        let host = match row.get::<_, String>(5)?.as_str() {
            "localhost" => RedirectHost::Localhost,
            _ => RedirectHost::Literal,
        };
        let prompt = match row.get::<_, String>(15)?.as_str() {
            "omit" => Prompt::Omit,
            _ => Prompt::Consent,
        };
        Ok(Issuer {
            issuer: row.get(0)?,
            client_id: row.get(1)?,
            scopes: json(row, 2)?,
            resource: row.get(3)?,
            audience: row.get(4)?,
            redirect: Redirect {
                host,
                port: row.get(6)?,
            },
            token_audience: row.get(7)?,
            domains: json(row, 8)?,
            moved_to: row.get(9)?,
            introspection: introspection(row)?,
            address_claim: row.get(13)?,
            trusted_audiences: json(row, 14)?,
            prompt,
        })
    })
}

fn introspection(row: &Row<'_>) -> rusqlite::Result<Option<Introspection>> {
    let Some(client_id) = row.get(10)? else {
        return Ok(None);
    };
    Ok(Some(Introspection {
        client_id,
        secret: Secret(Zeroizing::new(row.get(11)?)),
        audience_optional: row.get(12)?,
    }))
}

pub(super) fn put(c: &Connection, new: &Issuer) -> Result<(), StoreError> {
    let known = all(c)?;
    let other_vendor = vendor(&known).filter(|vendor| vendor.issuer != new.issuer);
    if let (true, Some(vendor)) = (new.domains.is_empty(), other_vendor) {
        return Err(Conflict::SecondVendorIssuer(vendor.issuer.clone()).into());
    }
    let host = match new.redirect.host {
        RedirectHost::Literal => "127.0.0.1",
        RedirectHost::Localhost => "localhost",
    };
    let prompt = match new.prompt {
        Prompt::Consent => "consent",
        Prompt::Omit => "omit",
    };
    execute(
        c,
        sql!("issuer_put"),
        params![
            new.issuer,
            new.client_id,
            to_json(&new.scopes)?,
            new.resource,
            new.audience,
            host,
            new.redirect.port,
            new.token_audience,
            new.address_claim,
            to_json(&new.trusted_audiences)?,
            prompt
        ],
    )?;
    execute(c, sql!("introspection_delete"), params![new.issuer])?;
    if let Some(introspection) = &new.introspection {
        execute(
            c,
            sql!("introspection_insert"),
            params![
                new.issuer,
                introspection.client_id,
                *introspection.secret.0,
                introspection.audience_optional
            ],
        )?;
    }
    execute(c, sql!("issuer_domains_delete"), params![new.issuer])?;
    for domain in &new.domains {
        let owner: Option<String> =
            optional(c, sql!("issuer_domain_owner"), params![domain], |row| row.get(0))?;
        match owner {
            Some(issuer) if issuer != new.issuer => {
                return Err(Conflict::DomainTaken {
                    domain: domain.clone(),
                    issuer,
                }
                .into());
            }
            Some(_) => {}
            None => drop(execute(
                c,
                sql!("issuer_domain_insert"),
                params![domain, new.issuer],
            )?),
        }
    }
    Ok(())
}

pub(super) fn relocate(c: &Connection, old: &str, mut new: Issuer) -> Result<Issuer, StoreError> {
    let known = all(c)?;
    let Some(before) = known.iter().find(|issuer| issuer.issuer == old) else {
        return Err(missing(old));
    };
    if let Some(to) = before.moved_to.clone() {
        let issuer = old.to_owned();
        return Err(Conflict::MovedAlready { issuer, to }.into());
    }
    if known.iter().any(|issuer| issuer.issuer == new.issuer) {
        return Err(StoreError::Exists {
            what: "issuer",
            name: new.issuer,
        });
    }
    new.domains.clone_from(&before.domains);
    execute(c, sql!("issuer_domains_delete"), params![old])?;
    execute(c, sql!("issuer_set_moved"), params![old, new.issuer])?;
    put(c, &new)?;
    Ok(new)
}

pub(super) fn remove(c: &Connection, issuer: &str) -> Result<(), StoreError> {
    match execute(c, sql!("issuer_delete"), params![issuer])? {
        0 => Err(missing(issuer)),
        _ => Ok(()),
    }
}

fn missing(issuer: &str) -> StoreError {
    StoreError::NotFound {
        what: "issuer",
        name: issuer.to_owned(),
    }
}
