//! Devices: listed and released.

use latchkey_core::jws::Thumbprint;
use latchkey_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::row::{execute, json, optional_time, rows, sql, time};
use crate::store::StoreError;
use crate::store::records::Device;

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

pub(super) fn release(
    c: &Connection,
    jkt: &Thumbprint,
    products: Option<&[String]>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let devices: Vec<String> = rows(c, sql!("devices_by_key"), params![jkt.0], |row| row.get(0))?;
    for device in devices {
        match products {
            Some(products) => {
                for product in products {
                    execute(c, sql!("lease_delete"), params![device, product])?;
                }
            }
            None => end(c, &device, at)?,
        }
    }
    Ok(())
}

pub(super) fn release_by_id(c: &Connection, id: &str, at: Timestamp) -> Result<(), StoreError> {
    if !all(c, None)?.iter().any(|device| device.id == id) {
        return Err(StoreError::NotFound {
            what: "device",
            name: id.to_owned(),
        });
    }
    end(c, id, at)
}

fn end(c: &Connection, device: &str, at: Timestamp) -> Result<(), StoreError> {
    execute(c, sql!("leases_delete"), params![device])?;
    execute(c, sql!("device_release"), params![device, at.as_secs()]).map(drop)
}
