//! What makes an ID token believable (OpenID Connect Core 1.0 section 3.1.3.7): `openidconnect` verifies it, and what
//! that library leaves to its caller is verified here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use latchkey_core::time::{DAY, Timestamp};
use oauth2::AccessToken;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError,
};

use super::provider::Provider;
use super::{IdTokenError, IdentityError};
use crate::http::Http;

/// How far two healthy clocks may be apart.
const TOLERANCE: Duration = Duration::from_secs(120);
/// The furthest end that a healthy clock sees.
const FURTHEST: Duration = Duration::from_secs(400 * DAY.as_secs());

/// Signatures that only the holder of a private key can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What the token must fit.
pub(super) struct Expected<'a> {
    /// `aud`, and `azp` where there is one.
    pub(super) client_id: &'a str,
    /// The attempt's nonce; none after a refresh (section 12.2).
    pub(super) nonce: Option<&'a Nonce>,
    /// The access token that came with it.
    pub(super) access_token: &'a AccessToken,
}

/// Verifies `token`. An unknown key makes the keys be fetched once more.
///
/// # Errors
/// [`IdentityError::IdToken`] with what is not believed, [`IdentityError::Clock`], or why there are no keys.
pub(super) async fn verify(
    provider: &Provider,
    http: &Http,
    now: Timestamp,
    token: &str,
    expected: &Expected<'_>,
) -> Result<CoreIdTokenClaims, IdentityError> {
    let parsed: CoreIdToken = token.parse().map_err(|_| IdTokenError::Malformed)?;
    let issuer = &provider.metadata.issuer;
    let claims = match believe(&parsed, issuer, provider.keys(http).await?, expected) {
        // Keys that have no name, or keep it, are changed as well: only then does the old one not fit.
        Err(doubt @ (IdTokenError::UnknownKey | IdTokenError::Signature)) => {
            match provider.other_keys(http, now).await? {
                Some(keys) => believe(&parsed, issuer, keys, expected)?,
                None => return Err(doubt.into()),
            }
        }
        claims => claims?,
    };
    fits_clock(claims, now)?;
    Ok(claims.clone())
}

fn believe<'t>(
    token: &'t CoreIdToken,
    issuer: &str,
    keys: Vec<CoreJsonWebKey>,
    expected: &Expected<'_>,
) -> Result<&'t CoreIdTokenClaims, IdTokenError> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| IdTokenError::Issuer)?;
    let client_id = ClientId::new(expected.client_id.to_owned());
    let verifier = CoreIdTokenVerifier::new_public_client(client_id, issuer, CoreJsonWebKeySet::new(keys))
        .set_allowed_algs(ALGORITHMS)
        // Time is looked at below, where the difference can be told.
        .set_time_fn(|| DateTime::<Utc>::MIN_UTC);
    let nonce = |found: Option<&Nonce>| match (expected.nonce, found) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if expected.secret() == found.secret() => Ok(()),
        (Some(_), _) => Err(String::new()),
    };
    let claims = token.claims(&verifier, nonce).map_err(|error| doubt(&error))?;
    if claims
        .authorized_party()
        .is_some_and(|party| party.as_str() != expected.client_id)
    {
        return Err(IdTokenError::AuthorizedParty);
    }
    if claims.subject().trim().is_empty() {
        return Err(IdTokenError::Subject);
    }
    if let Some(hash) = claims.access_token_hash() {
        let key = token
            .signing_key(&verifier)
            .map_err(|_| IdTokenError::UnknownKey)?;
        let algorithm = token.signing_alg().map_err(|_| IdTokenError::Algorithm)?;
        let actual = AccessTokenHash::from_token(expected.access_token, algorithm, key);
        if actual.ok().as_ref() != Some(hash) {
            return Err(IdTokenError::AccessTokenHash);
        }
    }
    Ok(claims)
}

fn doubt(error: &ClaimsVerificationError) -> IdTokenError {
    if let ClaimsVerificationError::SignatureVerification(error) = error {
        return doubt_signature(error);
    }
    let named = [
        (
            IdTokenError::Issuer,
            matches!(error, ClaimsVerificationError::InvalidIssuer(_)),
        ),
        (
            IdTokenError::Audience,
            matches!(error, ClaimsVerificationError::InvalidAudience(_)),
        ),
        (
            IdTokenError::Nonce,
            matches!(error, ClaimsVerificationError::InvalidNonce(_)),
        ),
        (
            IdTokenError::Subject,
            matches!(error, ClaimsVerificationError::InvalidSubject(_)),
        ),
    ];
    named
        .into_iter()
        .find_map(|(doubt, is)| is.then_some(doubt))
        .unwrap_or(IdTokenError::Malformed)
}

fn doubt_signature(error: &SignatureVerificationError) -> IdTokenError {
    use SignatureVerificationError::{
        AmbiguousKeyId, DisallowedAlg, NoMatchingKey, NoSignature, UnsupportedAlg,
    };
    if matches!(error, NoMatchingKey | AmbiguousKeyId(_)) {
        IdTokenError::UnknownKey
    } else if matches!(error, DisallowedAlg(_) | UnsupportedAlg(_) | NoSignature) {
        IdTokenError::Algorithm
    } else {
        IdTokenError::Signature
    }
}

/// A token that was issued a moment ago tells what time it is at the issuer.
fn fits_clock(claims: &CoreIdTokenClaims, now: Timestamp) -> Result<(), IdentityError> {
    let issued = Timestamp::from_secs(claims.issue_time().timestamp());
    let ends = Timestamp::from_secs(claims.expiration().timestamp());
    let fits = issued <= now + TOLERANCE && ends > now - TOLERANCE && ends <= now + FURTHEST;
    if fits {
        Ok(())
    } else {
        Err(IdentityError::Clock {
            ahead: now.offset_from(issued) / 1000,
        })
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::JwsSigningAlgorithm as _;

    use super::*;

    /// The library refuses these for a client without a secret as well, so that no forged token shows what is listed here.
    #[test]
    fn case_10_no_algorithm_is_one_that_anybody_can_sign_with() {
        for algorithm in ALGORITHMS {
            assert!(!algorithm.uses_shared_secret(), "{algorithm:?}");
            assert_ne!(algorithm, CoreJwsSigningAlgorithm::None);
        }
    }
}
