//! Error bodies: `application/problem+json` (RFC 9457) with a stable `code`.

use serde::{Deserialize, Serialize};

/// The media type.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem. None of them is a refusal (rule 9): a refusal is signed, and comes with status 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `about:blank` or a page that explains the code.
    #[serde(rename = "type", default)]
    pub type_: String,
    /// The code in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code:
    ///
    /// | code | status | what to do |
    /// | --- | --- | --- |
    /// | `use_dpop_nonce` | 401 | again, with the nonce of the `DPoP-Nonce` header (RFC 9449 section 9) |
    /// | `invalid_token` | 401 | refresh the access token |
    /// | `invalid_dpop_proof` | 401 | make a new proof |
    /// | `id_token_required` | 403 | again, with a fresh ID token: the service does not know the user yet |
    /// | `invalid_request` | 400, 405, 413 | the caller's mistake |
    /// | `not_found` | 404 | the caller's mistake |
    /// | `unknown_issuer` | 404 | sign in again: the issuer was removed, or another one took its place |
    /// | `unknown_domain` | 404 | another address: no issuer is responsible for its domain |
    /// | `timeout` | 408 | later |
    /// | `overloaded` | 503 | later, as `Retry-After` says |
    /// | `identity_unavailable` | 503 | later: the service cannot fetch the issuer's keys, or ask it about a token |
    /// | `not_configured` | 503 | the administrator has to add an issuer |
    /// | `internal` | 500 | later |
    pub code: String,
    /// What is wrong in this case, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
