//! `POST /v1/check`: one round trip that covers every registered product of the service.
//!
//! Headers: `Authorization: Bearer <access token>` (or `DPoP <access token>` where the token has `cnf.jkt`),
//! `DPoP: <proof>` by the device key with `ath` and the server's `nonce`. Without a known nonce the service answers
//! 401 with the problem `use_dpop_nonce` and a `DPoP-Nonce` header (RFC 9449 section 9); every answer brings the next one.

pub use latchkey_core::session::{SessionWish, WaitingDevice};
use serde::{Deserialize, Serialize};

/// One product that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductQuery {
    /// Product key.
    pub product: String,
    /// Its installed versions.
    pub versions: Vec<String>,
    /// Whether a program has it open now, or starts it: this takes a session (rule 11).
    pub open: bool,
    /// What the user wants of the session of its subscription, where they have said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionWish>,
}

/// Minutes that a product was used online in one day (rule 12). Always the sum of the day so far: the highest that was ever
/// sent counts, so that sending it again changes nothing. Sums that began apart are added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Product key.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The day, in UTC: `YYYY-MM-DD`.
    pub day: String,
    /// When the device began this sum, in Unix milliseconds of its own: a name for it, no more.
    #[serde(default)]
    pub since: i64,
    /// Minutes, at most 1,440.
    pub minutes: u32,
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
    /// What was used since the last answer. At most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Usage>,
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
    /// Devices of the user that wait for a session that this one has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingDevice>,
}
