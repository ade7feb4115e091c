//! Issuers, and the e-mail domains that they own.

use latchkey_api::discovery::{Redirect, RedirectHost};
use rusqlite::{Connection, params};

use super::row::{execute, json, optional, rows, sql, to_json};
use crate::store::records::Issuer;
use crate::store::{Conflict, StoreError};

pub(super) fn all(c: &Connection) -> Result<Vec<Issuer>, StoreError> {
    rows(c, sql!("issuers"), [], |row| {
        let host = match row.get::<_, String>(5)?.as_str() {
            "localhost" => RedirectHost::Localhost,
            _ => RedirectHost::Literal,
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
        })
    })
}

pub(super) fn put(c: &Connection, new: &Issuer) -> Result<(), StoreError> {
    let vendor = all(c)?
        .into_iter()
        .find(|other| other.domains.is_empty() && other.issuer != new.issuer);
    if let (true, Some(vendor)) = (new.domains.is_empty(), vendor) {
        return Err(Conflict::SecondVendorIssuer(vendor.issuer).into());
    }
    let host = match new.redirect.host {
        RedirectHost::Literal => "127.0.0.1",
        RedirectHost::Localhost => "localhost",
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
            new.token_audience
        ],
    )?;
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

pub(super) fn remove(c: &Connection, issuer: &str) -> Result<(), StoreError> {
    match execute(c, sql!("issuer_delete"), params![issuer])? {
        0 => Err(StoreError::NotFound {
            what: "issuer",
            name: issuer.to_owned(),
        }),
        _ => Ok(()),
    }
}
