//! DPoP proofs (RFC 9449): the device key signs what the request is, so that a stolen access token or a replayed
//! request is worth nothing. Latchkey proofs are always ES256, by the device key of one licensing service.

use latchkey_core::jws::{self, JwsError, SigningKey, Thumbprint, VerifyingKey};
use latchkey_core::proof::hash;
use serde::{Deserialize, Serialize};
use url::Url;

/// The `typ` of a proof (section 4.2).
pub const TYP: &str = "dpop+jwt";
/// The request header that carries the proof.
pub const HEADER: &str = "DPoP";
/// The answer's header that carries the nonce for the next proof (section 8).
pub const NONCE_HEADER: &str = "DPoP-Nonce";
/// The `scheme` of `Authorization` for a token that is bound to a key (section 7.1).
pub const SCHEME: &str = "DPoP";

/// The longest `jti` that is looked at: a replay cache must not be filled by long names.
const LONGEST_JTI: usize = 128;

#[derive(Serialize, Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// Why a proof could not be made, or does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpopError {
    /// The token itself is not believed.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The address of the request is not absolute.
    #[error("the request's address is not an absolute URL")]
    BadUrl,
    /// It was made for something else: `htm`, `htu` or `ath`, by the claim's name.
    #[error("{0} is not that of this request")]
    Foreign(&'static str),
    /// `jti` is empty or too long.
    #[error("jti must be 1 to {LONGEST_JTI} bytes")]
    BadJti,
}

/// Makes the proof for one request.
///
/// `url` is the request's address (its query and fragment are left out, section 4.2), `nonce` the last one that the
/// service sent, `access_token` the token that the request carries, `iat` the time in seconds, and `jti` 16 or more
/// random bytes, base64url, never used twice.
///
/// # Errors
/// [`DpopError::BadUrl`]; [`DpopError::Jws`] when the claims do not serialise.
pub fn make(
    key: &SigningKey,
    method: &str,
    url: &str,
    nonce: Option<&str>,
    access_token: Option<&str>,
    iat: i64,
    jti: &str,
) -> Result<String, DpopError> {
    let claims = Claims {
        jti: jti.to_owned(),
        htm: method.to_owned(),
        htu: target(url)?.into(),
        iat,
        ath: access_token.map(hash),
        nonce: nonce.map(str::to_owned),
    };
    Ok(jws::sign_with_jwk(key, TYP, &claims)?)
}

/// What a proof must have been made for.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's address as the outside knows it, never as a `Host` header says.
    pub url: &'a str,
    /// The access token beside it; `None` where the request carries none, and then `ath` must be absent too.
    pub access_token: Option<&'a str>,
}

/// A proof that has been verified. Whether `nonce` is one of the service's own and still fresh, and whether `jti` is
/// new, is for the service to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key that made it.
    pub jkt: Thumbprint,
    /// Names the proof.
    pub jti: String,
    /// When it was made by the device's own clock, in seconds. A service that demands a nonce takes the time of
    /// creation from that (section 4.3 item 11), because the check is what mends a device's wrong clock (rule 16).
    pub iat: i64,
    /// The service's nonce.
    pub nonce: Option<String>,
}

/// Verifies a proof against the request that carries it (section 4.3).
///
/// # Errors
/// Why it does not count.
pub fn verify(proof: &str, expected: &Expected<'_>) -> Result<Proof, DpopError> {
    let (unverified, jwk) = jws::parse_with_jwk(proof, TYP)?;
    let key = jwk.verifying_key()?;
    if !matches!(key, VerifyingKey::P256(_)) {
        return Err(JwsError::BadKey.into());
    }
    let claims: Claims = unverified.verify(&key)?;
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Err(DpopError::BadJti);
    }
    let same = [
        ("htm", claims.htm == expected.method),
        ("htu", target(&claims.htu).ok() == Some(target(expected.url)?)),
        ("ath", claims.ath == expected.access_token.map(hash)),
    ];
    if let Some((claim, _)) = same.iter().find(|(_, same)| !same) {
        return Err(DpopError::Foreign(claim));
    }
    Ok(Proof {
        jkt: jwk.thumbprint(),
        jti: claims.jti,
        iat: claims.iat,
        nonce: claims.nonce,
    })
}

/// The address without query and fragment, normalised as RFC 3986 section 6.2.2 and 6.2.3 say.
fn target(url: &str) -> Result<Url, DpopError> {
    let mut url = Url::parse(url).map_err(|_| DpopError::BadUrl)?;
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://licence.example/v1/check";
    const TOKEN: &str = "an-access-token";

    fn key() -> SigningKey {
        SigningKey::P256(Box::new(p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()))
    }

    fn expected() -> Expected<'static> {
        Expected {
            method: "POST",
            url: URL,
            access_token: Some(TOKEN),
        }
    }

    fn proof(method: &str, url: &str, token: Option<&str>) -> String {
        make(&key(), method, url, Some("n"), token, 1_700_000_000, "jti-1").unwrap()
    }

    #[test]
    fn a_proof_counts_for_its_own_request() {
        let made = verify(&proof("POST", URL, Some(TOKEN)), &expected()).unwrap();
        assert_eq!(made.jkt, key().jwk().thumbprint());
        assert_eq!(
            (made.jti.as_str(), made.nonce.as_deref(), made.iat),
            ("jti-1", Some("n"), 1_700_000_000)
        );
    }

    #[test]
    fn addresses_are_compared_normalised() {
        for same in [
            "HTTPS://LICENCE.example:443/v1/check",
            "https://licence.example/v1/x/../check?a=b#c",
        ] {
            verify(&proof("POST", same, Some(TOKEN)), &expected()).unwrap();
        }
    }

    #[test]
    fn a_proof_for_another_request_does_not_count() {
        for (claim, proof) in [
            ("htm", proof("GET", URL, Some(TOKEN))),
            (
                "htu",
                proof("POST", "https://licence.example/v1/release", Some(TOKEN)),
            ),
            (
                "htu",
                proof("POST", "http://licence.example/v1/check", Some(TOKEN)),
            ),
            ("ath", proof("POST", URL, Some("another token"))),
            ("ath", proof("POST", URL, None)),
        ] {
            assert_eq!(verify(&proof, &expected()), Err(DpopError::Foreign(claim)));
        }
        let without = Expected {
            access_token: None,
            ..expected()
        };
        assert_eq!(
            verify(&proof("POST", URL, Some(TOKEN)), &without),
            Err(DpopError::Foreign("ath"))
        );
    }

    #[test]
    fn only_a_public_p256_key_in_the_header_signs() {
        let ed25519 = SigningKey::Ed25519(Box::new([7; 32].into()));
        let claims = serde_json::json!({});
        let by_ed25519 = jws::sign_with_jwk(&ed25519, TYP, &claims).unwrap();
        assert_eq!(verify(&by_ed25519, &expected()), Err(JwsError::BadKey.into()));
        let without_jwk = jws::sign(&key(), TYP, "kid", &claims).unwrap();
        assert_eq!(verify(&without_jwk, &expected()), Err(JwsError::BadKey.into()));
        let other_typ = jws::sign_with_jwk(&key(), "JWT", &claims).unwrap();
        assert_eq!(
            verify(&other_typ, &expected()),
            Err(JwsError::WrongType("JWT".into()).into())
        );
    }

    #[test]
    fn a_private_key_in_the_header_and_a_changed_claim_are_refused() {
        let made = proof("POST", URL, Some(TOKEN));
        let (header, rest) = made.split_once('.').unwrap();
        let mut read: serde_json::Value =
            serde_json::from_slice(&jws::from_base64url(header).unwrap()).unwrap();
        read["jwk"]["d"] = "AAAA".into();
        let leaky = format!("{}.{rest}", jws::base64url(read.to_string()));
        assert_eq!(verify(&leaky, &expected()), Err(JwsError::BadKey.into()));
        let (message, signature) = made.rsplit_once('.').unwrap();
        let changed = format!("{}A.{signature}", &message[..message.len() - 1]);
        assert!(verify(&changed, &expected()).is_err());
    }
}
