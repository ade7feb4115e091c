//! An ID token as it is written (RFC 7515, RFC 7519): read, and verified by one of its issuer's keys.
//!
//! `openidconnect` verifies signatures, and is not asked to read claims: it refuses a token for any member of the profile that is of
//! another type than the standard's, such as an `amr` that is a text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_core::id_token::instant;
use latchkey_core::time::Timestamp;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ALGORITHMS;
use crate::identity::IdTokenError;
use crate::identity::provider::lenient;

/// The header. A token with `crit` is refused, as none of its members is understood here.
#[derive(Debug, Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    cty: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// What is believed, or shown. What only describes the user is absent where it cannot be read.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::identity) struct Claims {
    pub(super) iss: String,
    /// The user at the issuer.
    pub(in crate::identity) sub: String,
    aud: Audience,
    exp: serde_json::Number,
    iat: serde_json::Number,
    #[serde(default)]
    pub(super) azp: Option<String>,
    #[serde(default)]
    pub(super) nonce: Option<String>,
    #[serde(default)]
    pub(super) at_hash: Option<String>,
    /// Display name.
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::identity) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    preferred_username: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// The address to show. A directory may give the name that people sign in by in its place (Entra ID).
    pub(in crate::identity) fn address(&self) -> Option<&str> {
        let name = self
            .preferred_username
            .as_deref()
            .filter(|name| name.contains('@'));
        self.email.as_deref().or(name)
    }

    /// For whom it is.
    pub(super) fn audiences(&self) -> &[String] {
        match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(several) => several,
        }
    }

    /// When it was issued, and when it ends.
    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        (instant(&self.iat), instant(&self.exp))
    }
}

/// A token that nobody has verified yet.
#[derive(Debug)]
pub(super) struct Unverified<'t> {
    header: Header,
    /// What it claims to say.
    pub(super) claims: Claims,
    message: &'t str,
    signature: Vec<u8>,
}

impl<'t> Unverified<'t> {
    /// Reads `token`, and refuses what nobody could sign so that it would be believed.
    ///
    /// # Errors
    /// [`IdTokenError::Malformed`], [`IdTokenError::Algorithm`].
    pub(super) fn read(token: &'t str) -> Result<Self, IdTokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(IdTokenError::Malformed)?;
        let header: Header = part(header)?;
        let is_jwt = |typ: &String| {
            let typ = typ.to_ascii_lowercase();
            matches!(typ.as_str(), "jwt" | "application/jwt")
        };
        if header.crit.is_some() || header.cty.is_some() || !header.typ.as_ref().is_none_or(is_jwt) {
            return Err(IdTokenError::Malformed);
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(IdTokenError::Algorithm);
        }
        Ok(Self {
            claims: part(claims)?,
            header,
            message,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| IdTokenError::Malformed)?,
        })
    }

    /// Its algorithm: one of [`ALGORITHMS`].
    pub(super) const fn algorithm(&self) -> &CoreJwsSigningAlgorithm {
        &self.header.alg
    }

    /// The one of `keys` that has signed it: one of its name, or any where it or the key has none.
    ///
    /// # Errors
    /// [`IdTokenError::UnknownKey`], [`IdTokenError::Signature`].
    pub(super) fn signed_by<'k>(
        &self,
        keys: &'k [CoreJsonWebKey],
    ) -> Result<&'k CoreJsonWebKey, IdTokenError> {
        let is_named = |key: &&CoreJsonWebKey| match (&self.header.kid, key.key_id()) {
            (Some(wanted), Some(name)) => wanted == name.as_str(),
            (None, _) | (_, None) => true,
        };
        let mut outcome = IdTokenError::UnknownKey;
        for key in keys.iter().filter(is_named) {
            // A key of another kind, or for another purpose, is none for it.
            match key.verify_signature(&self.header.alg, self.message.as_bytes(), &self.signature) {
                Ok(()) => return Ok(key),
                Err(openidconnect::SignatureVerificationError::InvalidKey(_)) => {}
                Err(_) => outcome = IdTokenError::Signature,
            }
        }
        Err(outcome)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, IdTokenError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| IdTokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| IdTokenError::Malformed)
}
