//! Which identity service is responsible: `POST` to the address that discovery names as `identities`, answered with an
//! [`Identity`](crate::discovery::Identity).

use serde::{Deserialize, Serialize};

/// The question. The answer depends on the address's domain alone, so that nobody learns from it who has an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityQuery {
    /// For a user with this work address. A domain that no company brought leads to the vendor's issuer.
    Email(String),
    /// The settings of this issuer, for a user who is signed in there. Unknown: 404 `unknown_issuer`.
    Issuer(String),
}
