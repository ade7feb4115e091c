//! The user's own devices (rule 10): `POST` to the address that discovery names as `devices` lists them, `POST` to
//! `release_device` gives one up. Both are authorised like a check, by a device that has checked before.

pub use latchkey_core::devices::{OwnDevice, OwnDevices};
use serde::{Deserialize, Serialize};

/// How many devices a user may release in 24 h.
pub const MOST_RELEASES: u32 = 5;

/// The request to give one up. Answered with 204; 404 `unknown_device`; 409 `release_limit` where it were one too many today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseDevice {
    /// Which.
    pub device: String,
    /// It is the same machine as this one, installed anew: its place goes over.
    #[serde(default)]
    pub same_machine: bool,
}
