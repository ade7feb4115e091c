//! The user's own devices at a licensing service, as the wire and everyone who shows them name them (rule 10).

use serde::{Deserialize, Serialize};

/// A device of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevice {
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

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevices {
    /// Last seen first.
    pub devices: Vec<OwnDevice>,
    /// How many may still be released today.
    pub releases_left: u32,
}
