//! The keys that an issuer publishes, and what is verified with them.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use latchkey_core::jws::from_base64url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{JwtError, header};

/// The most keys of an issuer that are looked at.
const MOST_KEYS: usize = 100;
/// RSA keys of 2048 to 4096 bits: shorter ones are broken, and longer ones verify nothing here (`rsa` takes no more unless it is told
/// to, and `jsonwebtoken` does not tell it).
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// A public key of an issuer, and the algorithms that it may be used with.
struct PublicKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// The keys of one issuer.
pub struct KeySet(Vec<PublicKey>);

/// What kinds of keys a JWK Set holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many keys signatures are verified with.
    pub usable: usize,
    /// How many of them each algorithm may use. A key that names no algorithm counts for all of its kind.
    pub algorithms: BTreeMap<String, usize>,
    /// Secrets that were published by mistake: they verify nothing.
    pub symmetric: usize,
    /// For encryption, of kinds that are not known here, too short or too long.
    pub others: usize,
}

impl Census {
    /// Counts the keys that [`KeySet::read`] would look at.
    ///
    /// # Errors
    /// [`JwtError::Malformed`] when it is no JWK Set.
    pub fn take(json: &[u8]) -> Result<Self, JwtError> {
        let mut census = Self::default();
        for jwk in published(json)? {
            let algorithms = public_key(&jwk).map_or_else(Vec::new, |key| key.algorithms);
            match jwk.get("kty").and_then(Value::as_str) {
                Some("oct") => census.symmetric += 1,
                _ if algorithms.is_empty() => census.others += 1,
                _ => census.usable += 1,
            }
            for algorithm in algorithms {
                *census.algorithms.entry(format!("{algorithm:?}")).or_default() += 1;
            }
        }
        Ok(census)
    }
}

/// The keys of a JWK Set (RFC 7517), as many as are looked at.
pub(crate) fn published(json: &[u8]) -> Result<Vec<Value>, JwtError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let mut set: Set = serde_json::from_slice(json).map_err(|_| JwtError::Malformed)?;
    set.keys.truncate(MOST_KEYS);
    Ok(set.keys)
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517). Keys of kinds that are not known here, or meant for something else, are left out.
    ///
    /// # Errors
    /// [`JwtError::Malformed`] when it is no JWK Set.
    pub fn read(json: &[u8]) -> Result<Self, JwtError> {
        Ok(Self(published(json)?.iter().filter_map(public_key).collect()))
    }

    /// Whether there is a key of this name; any key, when the token or all the keys give none.
    pub fn has(&self, kid: Option<&str>) -> bool {
        let is_named = |key: &PublicKey| key.kid.is_some() && key.kid.as_deref() == kid;
        let says_none = kid.is_none() || self.0.iter().all(|key| key.kid.is_none());
        self.0.iter().any(|key| says_none || is_named(key))
    }

    /// Whether there is a key that a token of this `kid` may be signed with.
    pub fn may_verify(&self, kid: Option<&str>) -> bool {
        self.named(kid).next().is_some()
    }

    /// Whether nothing can be verified with them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `kid` is a hint (RFC 7515 section 4.1.4), and a key need not have one (RFC 7517 section 4.5).
    fn named<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = &'a PublicKey> {
        self.0.iter().filter(move |key| match (kid, &key.kid) {
            (Some(wanted), Some(name)) => wanted == name,
            (None, _) | (_, None) => true,
        })
    }

    /// Verifies the signature, and only then reads the claims.
    ///
    /// # Errors
    /// Why the token is not believed.
    pub fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T, JwtError> {
        let header = header(token)?;
        let kid = header.kid.as_deref();
        if !self.may_verify(kid) {
            return Err(JwtError::UnknownKey(kid.unwrap_or_default().to_owned()));
        }
        let wrong_algorithm = || JwtError::WrongAlgorithm(header.alg.clone());
        let algorithm: Algorithm = header.alg.parse().map_err(|_| wrong_algorithm())?;
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let mut outcome = Err(wrong_algorithm());
        for candidate in self.named(kid).filter(|key| key.algorithms.contains(&algorithm)) {
            match jsonwebtoken::decode::<Value>(token, &candidate.key, &validation) {
                Ok(token) => {
                    return serde_json::from_value(token.claims).map_err(|_| JwtError::BadClaim("claims"));
                }
                Err(_) => outcome = Err(JwtError::BadSignature),
            }
        }
        outcome
    }
}

fn public_key(jwk: &Value) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (mut algorithms, key) = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let (n, e) = (from_base64url(text("n")?)?, from_base64url(text("e")?)?);
            let algorithms = vec![
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ];
            let n = RSA_BYTES.contains(&n.len()).then_some(n)?;
            (algorithms, DecodingKey::from_rsa_raw_components(&n, &e))
        }
        ("EC", Some("P-256")) => (
            vec![Algorithm::ES256],
            DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?,
        ),
        ("EC", Some("P-384")) => (
            vec![Algorithm::ES384],
            DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?,
        ),
        ("OKP", Some("Ed25519")) => (
            vec![Algorithm::EdDSA],
            DecodingKey::from_ed_components(text("x")?).ok()?,
        ),
        _ => return None,
    };
    if let Some(alg) = text("alg") {
        algorithms.retain(|algorithm| alg.parse() == Ok(*algorithm));
    }
    Some(PublicKey {
        kid: text("kid").map(str::to_owned),
        algorithms,
        key,
    })
}
