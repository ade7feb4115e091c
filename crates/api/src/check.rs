//! `POST /v1/check`: one round trip that covers every registered product of the service.
//!
//! Headers: `Authorization: Bearer <access token>` (or `DPoP <access token>` where the token has `cnf.jkt`),
//! `DPoP: <proof>` by the device key with `ath` and the server's `nonce`. Without a known nonce the service answers
//! 401 with the problem `use_dpop_nonce` and a `DPoP-Nonce` header (RFC 9449 section 9); every answer brings the next one.

use serde::{Deserialize, Serialize};

/// One product that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductQuery {
    /// Product key.
    pub product: String,
    /// Its installed versions.
    pub versions: Vec<String>,
    /// Whether a program has it open now.
    pub open: bool,
}

/// The device, as its user will recognise it in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceDescription {
    /// Host name.
    pub name: String,
    /// Operating system and version.
    pub system: String,
}

/// The request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Names the request; leases and refusals echo it as `req`. 16 or more random bytes, base64url.
    pub jti: String,
    /// The agent's version.
    pub agent: String,
    /// The device.
    pub device: DeviceDescription,
    /// What is asked about. At most 100.
    pub products: Vec<ProductQuery>,
    /// The ID token of the sign-in, until the service has linked the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// Where the access token is from: a hint, for tokens that do not say so themselves. It only chooses among the issuers
    /// that the service knows and asks about their tokens (RFC 7662); no token is believed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// The answer for one product. Exactly one of the two is present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductAnswer {
    /// Product key.
    pub product: String,
    /// A lease (`latchkey-lease+jwt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// A refusal (`latchkey-refusal+jwt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckAnswer {
    /// One for each product that was asked about.
    pub products: Vec<ProductAnswer>,
    /// The keys document in force (`latchkey-keys+jwt`), so that one round trip is enough.
    pub keys: String,
}
