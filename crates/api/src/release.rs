//! `POST /v1/release`: this device gives its place up (rule 15). It is authorised by the release itself, a JWS by the
//! device key, because the tokens are already gone. The service answers 204, also to a release it has seen before.

use serde::{Deserialize, Serialize};

/// The `typ` of a release.
pub const TYP: &str = "latchkey-release+jwt";

/// The claims of a release. It is signed by the device key, with that key as `jwk` in the body beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseClaims {
    /// The licensing service.
    pub aud: String,
    /// Names the release: 16 or more random bytes, base64url.
    pub jti: String,
    /// When it was signed, in seconds.
    pub iat: i64,
    /// Which products' leases end; every one, and the device itself, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<Vec<String>>,
}

/// The request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The device's public key.
    pub jwk: latchkey_core::jws::Jwk,
    /// The release (`latchkey-release+jwt`), whose `kid` is the thumbprint of `jwk`.
    pub release: String,
}
