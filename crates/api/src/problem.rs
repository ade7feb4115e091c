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
    /// Stable code: `use_dpop_nonce`, `invalid_token`, `invalid_dpop_proof`, `invalid_request`, `user_unknown`,
    /// `api_version`, `overloaded`, `internal`.
    pub code: String,
    /// What is wrong in this case, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
