//! What a vendor has signed of a registration: that its product may start for the first time while the licensing service is out, for
//! whom, and under which policy (rule 7).

use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::jws::{self, Jwk, JwsError, SigningKey, Thumbprint};
use crate::lease::LeaseError;
use crate::policy::Policy;
use crate::time::Timestamp;

/// The `typ` of the signed part of a registration.
pub const TYP: &str = "latchkey-registration+jwt";

/// The claims of the signed part of a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstStartClaims {
    /// The licensing service.
    pub iss: String,
    /// The product key.
    pub aud: String,
    /// When it was signed, in seconds (`NumericDate`). Of several the newest counts.
    pub iat: i64,
    /// Who says who a user is, the vendor's own issuer first.
    pub identities: Vec<Identity>,
    /// The policy of a first start: `temporary_for`, `temporary_limit` and `save_window` count.
    pub policy: Policy,
}

/// The signed part of a registration, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStart {
    token: String,
    claims: FirstStartClaims,
}

/// Signs that a product may start for the first time in an outage.
///
/// # Errors
/// [`JwsError::BadClaims`] when the claims do not serialise.
pub fn sign(root: &SigningKey, claims: &FirstStartClaims) -> Result<String, JwsError> {
    jws::sign(root, TYP, &root.jwk().thumbprint().0, claims)
}

impl FirstStart {
    /// Verifies it by the root keys that the product pins.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(token: &str, roots: &[Jwk], service: &str, product: &str) -> Result<Self, LeaseError> {
        let unverified = jws::parse(token, TYP)?;
        let kid = Thumbprint(unverified.kid().unwrap_or_default().to_owned());
        let root = roots
            .iter()
            .find(|root| root.thumbprint() == kid)
            .ok_or(JwsError::UnknownKey(kid.0))?;
        let mut claims: FirstStartClaims = unverified.verify(&root.verifying_key()?)?;
        if claims.iss != service {
            return Err(LeaseError::Foreign("service"));
        }
        if claims.aud != product {
            return Err(LeaseError::Foreign("product"));
        }
        claims.policy = claims.policy.clamped();
        Ok(Self {
            token: token.to_owned(),
            claims,
        })
    }

    /// The token as it was signed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it says, its policy clamped into sense.
    pub fn claims(&self) -> &FirstStartClaims {
        &self.claims
    }

    /// When it was signed.
    pub fn signed_at(&self) -> Timestamp {
        Timestamp::from_secs(self.claims.iat)
    }

    /// The clients that ID tokens may be made for, with their issuers.
    pub fn clients(&self) -> impl Iterator<Item = (&str, &str)> {
        let identities = self.claims.identities.iter();
        identities.map(|identity| (identity.issuer.as_str(), identity.client_id.as_str()))
    }
}
