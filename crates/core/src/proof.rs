//! How the agent proves to a product that it holds the device key that a lease is bound to. A socket can be
//! impersonated, and a lease can be copied; the key cannot be read out of a running agent.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::jws::{self, Jwk, JwsError, SigningKey, Thumbprint, base64url};
use crate::time::Timestamp;

/// The `typ` of a proof.
pub const TYP: &str = "latchkey-proof+jwt";

/// The claims of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofClaims {
    /// The product's challenge, echoed.
    pub nonce: String,
    /// The product key.
    pub aud: String,
    /// The status that the agent answers with.
    pub code: Code,
    /// Trusted time at the agent (rule 16), in milliseconds.
    pub now: Timestamp,
    /// SHA-256 of the lease's token, base64url; at a first start in an outage, of the signed registration's.
    pub lease_hash: String,
}

/// SHA-256 of a token, base64url.
pub fn hash(token: &str) -> String {
    base64url(Sha256::digest(token.as_bytes()))
}

/// Signs a proof with the device key.
///
/// # Errors
/// [`JwsError::BadClaims`] when the claims do not serialise.
pub fn sign(key: &SigningKey, claims: &ProofClaims) -> Result<String, JwsError> {
    jws::sign(key, TYP, &key.jwk().thumbprint().0, claims)
}

/// Verifies a proof by the key in `jwk`, which must be the one that `device` names.
///
/// # Errors
/// [`JwsError::UnknownKey`] when `jwk` is another key, and whatever is wrong with the token.
pub fn verify(token: &str, jwk: &Jwk, device: &Thumbprint) -> Result<ProofClaims, JwsError> {
    if jwk.thumbprint() != *device {
        return Err(JwsError::UnknownKey(jwk.thumbprint().0));
    }
    jws::parse(token, TYP)?.verify(&jwk.verifying_key()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        SigningKey::P256(Box::new(key))
    }

    #[test]
    fn a_hash_is_sha_256_in_base64url() {
        assert_eq!(hash("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn a_proof_is_the_device_keys_own() {
        let claims = ProofClaims {
            nonce: "nonce".to_owned(),
            aud: "ATLAS".to_owned(),
            code: Code::Ok,
            now: Timestamp::from_secs(1),
            lease_hash: hash("lease"),
        };
        let (device, other) = (key(1).jwk(), key(2).jwk());
        let proof = sign(&key(1), &claims).unwrap();
        assert_eq!(verify(&proof, &device, &device.thumbprint()), Ok(claims.clone()));
        let stranger = Err(JwsError::UnknownKey(other.thumbprint().0));
        assert_eq!(verify(&proof, &other, &device.thumbprint()), stranger);
        let copied = sign(&key(2), &claims).unwrap();
        let forged = Err(JwsError::BadSignature);
        assert_eq!(verify(&copied, &device, &device.thumbprint()), forged);
    }
}
