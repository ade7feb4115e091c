//! What a licensing service says about itself: `GET {service}/.well-known/latchkey`, JSON, public.

use serde::{Deserialize, Serialize};

pub use latchkey_core::identity::{Identity, Prompt, Redirect, RedirectHost};

/// Where it stands, below the service's address.
pub const PATH: &str = "/.well-known/latchkey";
/// The API version of this build.
pub const API: u32 = 1;

/// The discovery document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// The service's own address: must equal the address it was asked for, exactly.
    pub service: String,
    /// The oldest API version that is served.
    pub api_min: u32,
    /// The newest API version that is served.
    pub api_max: u32,
    /// Absolute address of the keys document (`application/jwt`), on the service's own origin.
    pub keys: String,
    /// Absolute address of `POST` check, on the service's own origin.
    pub check: String,
    /// Absolute address of `POST` release, on the service's own origin.
    pub release: String,
    /// Absolute address of `POST` devices, on the service's own origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<String>,
    /// Absolute address of `POST` for a device to be released, on the service's own origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_device: Option<String>,
    /// Absolute address of the stream of pushes, on the service's own origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
    /// Absolute address of `POST` identity, on the service's own origin, where companies bring issuers of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<String>,
    /// How users prove who they are, unless their company has an issuer of its own: the vendor's issuer.
    pub identity: Identity,
}
