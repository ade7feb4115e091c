//! The signatures that a product verifies, as raw as they come: no token, no JSON.

use anyhow::{Context as _, Result};
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;

/// Signed messages as long as a lease and a proof.
pub(crate) struct Signatures {
    lease: Vec<u8>,
    lease_key: ed25519_dalek::VerifyingKey,
    lease_signature: ed25519_dalek::Signature,
    proof: Vec<u8>,
    proof_key: p256::ecdsa::VerifyingKey,
    proof_signature: p256::ecdsa::Signature,
}

impl Signatures {
    pub(crate) fn over(lease: &str, proof: &str) -> Result<Self> {
        let (lease, proof) = (signed(lease)?, signed(proof)?);
        let lease_key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let proof_key = p256::ecdsa::SigningKey::from_slice(&[7; 32])?;
        let signatures = Self {
            lease_key: lease_key.verifying_key(),
            lease_signature: lease_key.sign(&lease),
            lease,
            proof_key: *proof_key.verifying_key(),
            proof_signature: proof_key.sign(&proof),
            proof,
        };
        Ok(signatures)
    }

    /// One Ed25519 signature, strictly, as the SDK does it.
    pub(crate) fn verify_lease(&self) -> Result<()> {
        Ok(self.lease_key.verify_strict(&self.lease, &self.lease_signature)?)
    }

    /// One ES256 signature.
    pub(crate) fn verify_proof(&self) -> Result<()> {
        Ok(self.proof_key.verify(&self.proof, &self.proof_signature)?)
    }
}

/// What of a token is signed.
fn signed(token: &str) -> Result<Vec<u8>> {
    let (signed, _) = token.rsplit_once('.').context("a token has a signature")?;
    Ok(signed.as_bytes().to_vec())
}
