//! The keys document: which keys may sign leases, signed by the vendor's root key that products pin. A device
//! that was offline through a rotation still verifies what it holds, because retired keys stay in the document
//! for as long as a lease they signed can live.

use serde::{Deserialize, Serialize};

use crate::id_token::IssuerKeys;
use crate::jws::{self, Jwk, JwsError, Thumbprint, VerifyingKey};
use crate::time::Timestamp;

/// The `typ` of a keys document.
pub const TYP: &str = "latchkey-keys+jwt";

/// The claims of a keys document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysClaims {
    /// The licensing service these keys belong to.
    pub iss: String,
    /// When it was signed, in seconds (`NumericDate`). A newer document replaces an older one.
    pub iat: i64,
    /// The lease keys, newest first.
    pub keys: Vec<Jwk>,
    /// The keys of the issuers that users are known by, for a first start in an outage (rule 7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<IssuerKeys>,
}

/// A keys document whose signature by a pinned root key has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    token: String,
    root: Thumbprint,
    claims: KeysClaims,
    keys: Vec<(String, VerifyingKey)>,
}

impl Keys {
    /// Verifies a keys document.
    ///
    /// `roots` are the pinned root keys, `service` the licensing service that the caller expects.
    ///
    /// # Errors
    /// What of the token is not believed; [`JwsError::UnknownKey`] when no pinned root signed it, and
    /// [`JwsError::BadClaims`] when it speaks for another service.
    pub fn verify(token: &str, roots: &[Jwk], service: &str) -> Result<Self, JwsError> {
        let unverified = jws::parse(token, TYP)?;
        let kid = Thumbprint(unverified.kid().unwrap_or_default().to_owned());
        let root = roots
            .iter()
            .find(|root| root.thumbprint() == kid)
            .ok_or_else(|| JwsError::UnknownKey(kid.0.clone()))?;
        let claims: KeysClaims = unverified.verify(&root.verifying_key()?)?;
        if claims.iss != service {
            return Err(JwsError::BadClaims);
        }
        let keys = claims
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.thumbprint().0, jwk.verifying_key().ok()?)))
            .filter(|(_, key)| matches!(key, VerifyingKey::Ed25519(_)))
            .collect();
        Ok(Self {
            token: token.to_owned(),
            root: kid,
            claims,
            keys,
        })
    }

    /// The token as it was signed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The root key that signed it.
    pub const fn root(&self) -> &Thumbprint {
        &self.root
    }

    /// The keys of issuers.
    pub fn issuers(&self) -> &[IssuerKeys] {
        &self.claims.issuers
    }

    /// When the document was signed.
    pub fn signed_at(&self) -> Timestamp {
        Timestamp::from_secs(self.claims.iat)
    }

    /// The lease key with this id, which is its thumbprint.
    ///
    /// # Errors
    /// [`JwsError::UnknownKey`].
    pub fn find(&self, kid: Option<&str>) -> Result<&VerifyingKey, JwsError> {
        let kid = kid.unwrap_or_default();
        self.keys
            .iter()
            .find_map(|(id, key)| (id == kid).then_some(key))
            .ok_or_else(|| JwsError::UnknownKey(kid.to_owned()))
    }
}
