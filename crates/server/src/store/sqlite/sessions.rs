//! Sessions and who waits for them (rule 11): read for a decision, and written as it says.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_api::check::WaitingDevice;
use latchkey_core::lease::DeviceEntry;
use latchkey_core::time::{DAY, Timestamp};
use rusqlite::{Connection, Row, params};

use super::row::{execute, rows, sql, time, value};
use super::{pushes, usage};
use crate::decide::{Question, Session, SessionStep, Waiting};
use crate::store::StoreError;
use crate::store::records::{Overlap, SessionRow};

/// Whoever was not heard of for so long waits no more, whatever became of it.
const FORGOTTEN_AFTER: i64 = 15 * 60;

/// How long an overlap is kept in the report after it was last seen.
const OVERLAPS_KEPT: Duration = Duration::from_secs(400 * DAY.as_secs());

pub(super) fn of(c: &Connection, user: &str) -> Result<Vec<Session>, StoreError> {
    rows(c, sql!("sessions"), params![user], |row| {
        Ok(Session {
            subscription: row.get(0)?,
            device: entry(row)?,
            since: row.get(5)?,
            heard_at: row.get(6)?,
        })
    })
}

pub(super) fn waiting(c: &Connection, user: &str) -> Result<Vec<Waiting>, StoreError> {
    rows(c, sql!("session_asks"), params![user], |row| {
        Ok(Waiting {
            subscription: row.get(0)?,
            device: entry(row)?,
            asked_at: row.get(5)?,
            heard_at: row.get(6)?,
        })
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<DeviceEntry> {
    Ok(DeviceEntry {
        id: row.get(1)?,
        name: row.get(2)?,
        system: row.get(3)?,
        last_seen: row.get(4)?,
    })
}

/// Does what was decided, and pushes it to the devices that it concerns.
pub(super) fn follow(c: &Connection, question: &Question, steps: &[SessionStep]) -> Result<(), StoreError> {
    let me = &question.device.id;
    for step in steps {
        match step {
            SessionStep::Hold {
                subscription,
                device,
                since,
            } => {
                execute(
                    c,
                    sql!("session_put"),
                    params![subscription, device, since, question.now],
                )?;
                execute(c, sql!("session_ask_delete"), params![subscription, device])?;
                push_other(c, me, device)?;
            }
            SessionStep::End { subscription, device } => {
                execute(c, sql!("session_delete"), params![subscription, device])?;
                execute(c, sql!("push_waiting"), params![subscription, device])?;
                push_other(c, me, device)?;
            }
            SessionStep::Wait {
                subscription,
                holder,
                since,
            } => {
                let asked = question.waiting.iter().any(|waiting| {
                    waiting.subscription == *subscription
                        && waiting.device.id == *me
                        && is_fresh(question, waiting)
                });
                execute(
                    c,
                    sql!("session_ask_put"),
                    params![subscription, me, since, question.now],
                )?;
                // Its holder hears of it once, not each time that it asks again.
                if !asked {
                    push_other(c, me, holder)?;
                }
            }
            SessionStep::Leave { subscription, holder } => {
                execute(c, sql!("session_ask_delete"), params![subscription, me])?;
                if let Some(holder) = holder {
                    push_other(c, me, holder)?;
                }
            }
            SessionStep::Overlap {
                subscription,
                other,
                began_at,
            } => {
                let (one, other) = if me < other { (me, other) } else { (other, me) };
                execute(
                    c,
                    sql!("overlap_put"),
                    params![subscription, one, other, began_at, question.now],
                )?;
            }
        }
    }
    Ok(())
}

fn push_other(c: &Connection, me: &str, device: &str) -> Result<(), StoreError> {
    if device != me {
        pushes::to_device(c, device)?;
    }
    Ok(())
}

fn is_fresh(question: &Question, waiting: &Waiting) -> bool {
    question.now < waiting.heard_at.saturating_add(FORGOTTEN_AFTER)
}

/// Who waits for what the asking device has, whose turn is first before the others.
pub(super) fn waiting_for(question: &Question, steps: &[SessionStep]) -> Vec<WaitingDevice> {
    let me = &question.device.id;
    let mine = |subscription: &String| {
        steps.iter().any(|step| {
            matches!(step, SessionStep::Hold { subscription: held, device, .. } if held == subscription && device == me)
        })
    };
    let mut waiting: Vec<&Waiting> = question.waiting.iter().collect();
    waiting.retain(|waiting| {
        waiting.device.id != *me && is_fresh(question, waiting) && mine(&waiting.subscription)
    });
    waiting.sort_by_key(|waiting| waiting.turn(question.now));
    // Whoever would take either of two sessions is one who waits.
    let mut devices = BTreeSet::new();
    waiting.retain(|waiting| devices.insert(&waiting.device.id));
    let told = waiting.into_iter().map(|waiting| WaitingDevice {
        name: waiting.device.name.clone(),
        asked_at: waiting.asked_at,
    });
    told.collect()
}

/// These devices are connected. A session that is over is not extended, also where only the word of its device came late (the
/// disk was full, the service stood): others may have been told that it is free. Its device is pushed, and asks for it anew.
///
/// Gives those of them that nobody comes under any more.
pub(super) fn heard(c: &Connection, devices: &[String], now: Timestamp) -> Result<Vec<String>, StoreError> {
    end_silent(c, now)?;
    execute(
        c,
        sql!("session_asks_forget"),
        params![now.as_secs(), FORGOTTEN_AFTER],
    )?;
    let mut gone = Vec::new();
    for device in devices {
        if value(c, sql!("device_is_gone"), params![device])? {
            gone.push(device.clone());
            continue;
        }
        execute(c, sql!("sessions_heard"), params![device, now.as_secs()])?;
        execute(c, sql!("session_asks_heard"), params![device, now.as_secs()])?;
    }
    see_overlaps(c)?;
    execute(
        c,
        sql!("overlaps_forget"),
        params![(now - OVERLAPS_KEPT).as_secs()],
    )?;
    usage::forget(c, now)?;
    pushes::prune(c)?;
    Ok(gone)
}

/// Both devices of an overlap have their session still: it lasts for as long as both were heard of.
fn see_overlaps(c: &Connection) -> Result<(), StoreError> {
    let current: Vec<(String, String, String, i64, i64)> =
        rows(c, sql!("overlaps_current"), [], |row| row.try_into())?;
    for overlap in current {
        execute(c, sql!("overlap_seen"), overlap)?;
    }
    Ok(())
}

/// Ends the sessions of devices that fell silent: nobody else tells those who wait for one, nor the device itself, which may
/// come back and think that it has its session still.
fn end_silent(c: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let silent: Vec<(String, String)> = rows(c, sql!("sessions_silent"), params![now.as_secs()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    for (subscription, device) in silent {
        execute(c, sql!("session_delete"), params![subscription, device])?;
        execute(c, sql!("push_waiting"), params![subscription, device])?;
        pushes::to_device(c, &device)?;
    }
    Ok(())
}

pub(super) fn all(c: &Connection) -> Result<Vec<SessionRow>, StoreError> {
    rows(c, sql!("sessions_list"), [], |row| {
        Ok(SessionRow {
            email: row.get(0)?,
            device: row.get(1)?,
            subscription: row.get(2)?,
            since: time(row, 3)?,
            heard_at: time(row, 4)?,
        })
    })
}

pub(super) fn overlaps(c: &Connection) -> Result<Vec<Overlap>, StoreError> {
    rows(c, sql!("overlaps"), [], |row| {
        Ok(Overlap {
            email: row.get(0)?,
            subscription: row.get(1)?,
            devices: [row.get(2)?, row.get(3)?],
            began_at: time(row, 4)?,
            seen_at: time(row, 5)?,
        })
    })
}
