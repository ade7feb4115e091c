//! What makes an ID token believable (OpenID Connect Core 1.0 section 3.1.3.7).

mod token;

use std::time::Duration;

use latchkey_api::discovery::Identity;
use latchkey_core::time::{DAY, Timestamp};
use oauth2::AccessToken;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{AccessTokenHash, Nonce};

use super::provider::Provider;
use super::{IdTokenError, IdentityError};
use crate::http::Http;
pub(super) use token::Claims;
use token::Unverified;

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
    /// Whom it is for: its client is `aud`, and `azp` where there is one.
    pub(super) identity: &'a Identity,
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
    clocks: [Timestamp; 2],
    token: &str,
    expected: &Expected<'_>,
) -> Result<Claims, IdentityError> {
    let token = Unverified::read(token)?;
    let issuer = &provider.metadata.issuer;
    match believe(&token, issuer, &provider.keys(http).await?, expected) {
        // Keys that have no name, or keep it, are changed as well: only then does the old one not fit.
        Err(doubt @ (IdTokenError::UnknownKey | IdTokenError::Signature)) => {
            match provider.other_keys(http, clocks[0]).await? {
                Some(keys) => believe(&token, issuer, &keys, expected)?,
                None => return Err(doubt.into()),
            }
        }
        believed => believed?,
    }
    fits_clock(&token.claims, clocks)?;
    Ok(token.claims)
}

fn believe(
    token: &Unverified<'_>,
    issuer: &str,
    keys: &[CoreJsonWebKey],
    expected: &Expected<'_>,
) -> Result<(), IdTokenError> {
    let claims = &token.claims;
    if claims.iss != issuer {
        return Err(IdTokenError::Issuer);
    }
    is_for(claims, expected.identity)?;
    let key = token.signed_by(keys)?;
    if let Some(nonce) = expected.nonce
        && claims.nonce.as_ref() != Some(nonce.secret())
    {
        return Err(IdTokenError::Nonce);
    }
    if claims.sub.trim().is_empty() {
        return Err(IdTokenError::Subject);
    }
    if let Some(hash) = &claims.at_hash {
        let actual = AccessTokenHash::from_token(expected.access_token, token.algorithm(), key);
        if !actual.is_ok_and(|actual| actual.as_str() == hash) {
            return Err(IdTokenError::AccessTokenHash);
        }
    }
    Ok(())
}

/// It names the client, and beside it nobody who is not trusted with a token of this user.
fn is_for(claims: &Claims, identity: &Identity) -> Result<(), IdTokenError> {
    let is_client = |name: &String| *name == identity.client_id;
    if claims.azp.as_ref().is_some_and(|azp| !is_client(azp)) {
        return Err(IdTokenError::AuthorizedParty);
    }
    let names = claims.audiences();
    let mut strangers = names
        .iter()
        .filter(|name| !is_client(name) && !identity.trusted_audiences.contains(name));
    if !names.iter().any(is_client) || strangers.next().is_some() {
        return Err(IdTokenError::Audience);
    }
    Ok(())
}

/// A token that was issued a moment ago tells what time it is at the issuer. One of the clocks that are known here must agree: which of
/// two that contradict each other is right, nobody here can say.
fn fits_clock(claims: &Claims, clocks: [Timestamp; 2]) -> Result<(), IdentityError> {
    let (issued, ends) = claims.times();
    let fits = |now: Timestamp| issued <= now + TOLERANCE && ends > now - TOLERANCE && ends <= now + FURTHEST;
    if clocks.into_iter().any(fits) {
        Ok(())
    } else {
        Err(IdentityError::Clock {
            ahead: clocks[0].offset_from(issued) / 1000,
        })
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::JwsSigningAlgorithm as _;

    use super::*;

    #[test]
    fn case_10_no_algorithm_is_one_that_anybody_can_sign_with() {
        for algorithm in ALGORITHMS {
            assert!(!algorithm.uses_shared_secret(), "{algorithm:?}");
            assert_ne!(algorithm, CoreJwsSigningAlgorithm::None);
        }
    }
}
