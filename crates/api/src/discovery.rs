//! What a licensing service says about itself: `GET {service}/.well-known/latchkey`, JSON, public.

use serde::{Deserialize, Serialize};

/// Where it stands, below the service's address.
pub const PATH: &str = "/.well-known/latchkey";
/// The API version of this build.
pub const API: u32 = 1;

/// How users of this service prove who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The OpenID Connect issuer, exactly as its own discovery document names it.
    pub issuer: String,
    /// The public client that the agent signs in as.
    pub client_id: String,
    /// Scopes to ask for. `openid` is always among them.
    pub scopes: Vec<String>,
    /// The resource indicator (RFC 8707) that makes the provider issue a JWT access token for this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The `audience` parameter that some providers want in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The form of the loopback redirect (RFC 8252 section 7.3).
    #[serde(default)]
    pub redirect: Redirect,
}

/// The loopback redirect that a provider accepts. The path is always `/callback`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// `127.0.0.1` unless the provider wants `localhost`.
    #[serde(default)]
    pub host: RedirectHost,
    /// One exact port; any free one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The host name of the redirect. The agent listens on the loopback address either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedirectHost {
    /// The literal address.
    #[default]
    #[serde(rename = "127.0.0.1")]
    Literal,
    /// The name.
    #[serde(rename = "localhost")]
    Localhost,
}

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
