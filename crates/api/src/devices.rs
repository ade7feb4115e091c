//! The user's own devices (rule 10): `POST` to the address that discovery names as `devices` lists them, `POST` to
//! `release_device` gives one up. Both are authorised like a check, by a device that has checked before.

use serde::{Deserialize, Serialize};

/// How many devices a user may release in 24 h.
pub const MOST_RELEASES: u32 = 5;

/// A device of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Names it.
    pub id: String,
    /// What its user calls it: the host name.
    pub name: String,
    /// Operating system, for people.
    pub system: String,
    /// When it was last heard of, in seconds.
    pub last_seen: i64,
    /// It has a lease that is still good, and so a place.
    pub holds_place: bool,
    /// It has a session.
    pub in_use: bool,
    /// It is the one that asks.
    pub this: bool,
}

/// The answer to the list's request, whose body is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesAnswer {
    /// Last seen first.
    pub devices: Vec<DeviceView>,
    /// How many may still be released today.
    pub releases_left: u32,
}

/// The request to give one up. Answered with 204; 404 `unknown_device`; 429 `release_limit` where it were one too many today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseDevice {
    /// Which.
    pub device: String,
    /// It is the same machine as this one, installed anew: its place goes over.
    #[serde(default)]
    pub same_machine: bool,
}
