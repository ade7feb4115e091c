//! Devices: listed, and released by their own key, by their user, or by an administrator.

use latchkey_api::devices::{MOST_RELEASES, OwnDevice, OwnDevices, ReleaseDevice};
use latchkey_core::jws::Thumbprint;
use latchkey_core::time::{DAY, Timestamp};
use rusqlite::{Connection, params};

use super::pushes;
use super::row::{execute, json, optional, optional_time, rows, sql, time, value};
use crate::store::StoreError;
use crate::store::records::{By, Caller, Device, Release, ReleaseOutcome};

pub(super) fn all(c: &Connection, email: Option<&str>) -> Result<Vec<Device>, StoreError> {
    rows(c, sql!("devices"), params![email], |row| {
        Ok(Device {
            id: row.get(0)?,
            email: row.get(1)?,
            name: row.get(2)?,
            system: row.get(3)?,
            agent: row.get(4)?,
            last_seen: time(row, 5)?,
            released_at: optional_time(row, 6)?,
            products: json(row, 7)?,
        })
    })
}

/// The device that asks, and its user: both known from a check.
struct Asking {
    user: String,
    device: String,
    released: bool,
}

fn asking(c: &Connection, caller: &Caller) -> Result<Option<Asking>, StoreError> {
    optional(
        c,
        sql!("device_asking"),
        params![caller.issuer, caller.subject, caller.jkt.0],
        |row| {
            Ok(Asking {
                user: row.get(0)?,
                device: row.get(1)?,
                released: row.get::<_, Option<i64>>(2)?.is_some(),
            })
        },
    )
}

/// The device that asks, unless nobody knows it or it was released.
pub(super) fn known(c: &Connection, caller: &Caller) -> Result<Option<String>, StoreError> {
    Ok(asking(c, caller)?
        .filter(|asking| !asking.released)
        .map(|asking| asking.device))
}

/// The issuer whose token came with the last check of this key.
pub(super) fn issuer(c: &Connection, jkt: &Thumbprint) -> Result<Option<String>, StoreError> {
    let issuer = optional(c, sql!("device_issuer"), params![jkt.0], |row| row.get(0))?;
    Ok(issuer.flatten())
}

/// What a user sees of their devices, from one of them.
pub(super) fn of_caller(
    c: &Connection,
    caller: &Caller,
    now: Timestamp,
) -> Result<Option<OwnDevices>, StoreError> {
    let Some(asking) = asking(c, caller)?.filter(|asking| !asking.released) else {
        return Ok(None);
    };
    let devices = rows(
        c,
        sql!("devices_of_user"),
        params![asking.user, now.as_secs()],
        |row| {
            Ok(OwnDevice {
                id: row.get(0)?,
                name: row.get(1)?,
                system: row.get(2)?,
                last_seen: row.get(3)?,
                holds_place: row.get(4)?,
                in_use: row.get(5)?,
                this: row.get::<_, String>(0)? == asking.device,
            })
        },
    )?;
    Ok(Some(OwnDevices {
        // One that holds no place takes none from anybody: only this one is shown all the same.
        devices: devices
            .into_iter()
            .filter(|device| device.holds_place || device.this)
            .collect(),
        releases_left: MOST_RELEASES.saturating_sub(released_lately(c, &asking.user, now)?),
    }))
}

fn released_lately(c: &Connection, user: &str, now: Timestamp) -> Result<u32, StoreError> {
    let since = (now - DAY).as_secs();
    value(
        c,
        sql!("device_releases_since"),
        params![user, since, now.as_secs()],
    )
}

/// A user gives one of their devices up, from another one or this one (rule 10).
pub(super) fn release_by_user(
    c: &Connection,
    caller: &Caller,
    wanted: &ReleaseDevice,
    now: Timestamp,
) -> Result<ReleaseOutcome, StoreError> {
    let Some(asking) = asking(c, caller)?.filter(|asking| !asking.released) else {
        return Ok(ReleaseOutcome::UnknownCaller);
    };
    let owner: Option<(String, bool)> = optional(c, sql!("device_owner"), params![wanted.device], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    match owner {
        Some((owner, released)) if owner == asking.user => {
            if released {
                return Ok(ReleaseOutcome::Released);
            }
        }
        // Another user's is as good as none.
        Some(_) | None => return Ok(ReleaseOutcome::UnknownDevice),
    }
    if released_lately(c, &asking.user, now)? >= MOST_RELEASES {
        return Ok(ReleaseOutcome::TooMany);
    }
    let day_ago = (now - DAY).as_secs();
    execute(
        c,
        sql!("device_releases_prune"),
        params![asking.user, day_ago, now.as_secs()],
    )?;
    execute(
        c,
        sql!("device_release_put"),
        params![asking.user, wanted.device, now.as_secs()],
    )?;
    if wanted.same_machine && wanted.device != asking.device {
        execute(c, sql!("leases_pass_on"), params![wanted.device, asking.device])?;
    }
    end(c, &wanted.device, By::User, now)?;
    Ok(ReleaseOutcome::Released)
}

pub(super) fn release(c: &Connection, release: &Release, now: Timestamp) -> Result<(), StoreError> {
    let devices: Vec<String> = rows(c, sql!("devices_by_key"), params![release.jkt.0], |row| {
        row.get(0)
    })?;
    for device in devices {
        match &release.products {
            Some(products) => {
                execute(c, sql!("push_placeless"), params![device, now.as_secs()])?;
                for product in products {
                    let signed_at = release.signed_at.as_secs();
                    execute(c, sql!("lease_give_up"), params![device, product, signed_at])?;
                }
                end_sessions(c, sql!("sessions_without_lease"), &device)?;
            }
            None => end(c, &device, By::Device, now)?,
        }
    }
    Ok(())
}

pub(super) fn release_by_id(c: &Connection, id: &str, at: Timestamp) -> Result<(), StoreError> {
    let owner: Option<String> = optional(c, sql!("device_owner"), params![id], |row| row.get(0))?;
    owner.ok_or_else(|| StoreError::NotFound {
        what: "device",
        name: id.to_owned(),
    })?;
    end(c, id, By::Administrator, at)
}

/// Its leases, its session and its place are over, and its key with them. It hears so at its next contact.
pub(super) fn end(c: &Connection, device: &str, by: By, at: Timestamp) -> Result<(), StoreError> {
    free(c, device, at)?;
    execute(
        c,
        sql!("device_release"),
        params![device, at.as_secs(), by.name()],
    )?;
    pushes::to_device(c, device)
}

/// Ends those sessions of a device that a statement finds, and pushes whoever waits for one.
fn end_sessions(c: &Connection, which: &str, device: &str) -> Result<(), StoreError> {
    for subscription in rows(c, which, params![device], |row| row.get::<_, String>(0))? {
        execute(c, sql!("session_delete"), params![subscription, device])?;
        execute(c, sql!("push_waiting"), params![subscription, device])?;
    }
    Ok(())
}

/// Its leases, its session and its place are over, and whoever may wait for one of them is pushed.
pub(super) fn free(c: &Connection, device: &str, at: Timestamp) -> Result<(), StoreError> {
    end_sessions(c, sql!("sessions_of_device"), device)?;
    execute(c, sql!("session_asks_delete_device"), params![device])?;
    execute(c, sql!("push_placeless"), params![device, at.as_secs()])?;
    execute(c, sql!("leases_delete"), params![device]).map(drop)
}
