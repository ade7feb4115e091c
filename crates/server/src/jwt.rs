//! JWTs that other people's issuers signed: access tokens and ID tokens. Only the signature is a matter of this room;
//! what the claims must say stands in [`crate::access_token`] and [`crate::id_token`].
//!
//! The algorithm is decided by the key, never by the token: an RSA key takes no HS256, however the header asks.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use latchkey_core::jws::from_base64url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest token that is looked at.
const LONGEST: usize = 16 * 1024;
/// The most keys of an issuer that are looked at.
const MOST_KEYS: usize = 100;
/// RSA keys of 2048 to 8192 bits: shorter ones are broken, longer ones are an attack on our processor.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// Not a compact JWS with a readable header.
    #[error("it is not a JWT: the issuer may give opaque tokens; ask it for one with a resource or audience")]
    Malformed,
    /// `typ` is that of another kind of token.
    #[error("its typ is {0:?}")]
    WrongType(String),
    /// `alg` belongs to none of the issuer's keys.
    #[error("its algorithm {0:?} is not that of a key of the issuer")]
    WrongAlgorithm(String),
    /// The issuer has no key of this name.
    #[error("the issuer has no key {0:?}")]
    UnknownKey(String),
    /// The signature does not verify.
    #[error("its signature does not verify")]
    BadSignature,
    /// A claim is missing or cannot be: its name.
    #[error("its claim {0:?} is missing or wrong")]
    BadClaim(&'static str),
    /// It is too old.
    #[error("it has expired")]
    Expired,
    /// It is not good yet.
    #[error("it is from the future: compare the clocks of issuer and service")]
    FromTheFuture,
}

/// The header of a token that nobody has believed yet.
#[derive(Clone, Debug, Deserialize)]
pub struct Header {
    /// Algorithm.
    pub alg: String,
    /// Key id.
    #[serde(default)]
    pub kid: Option<String>,
    /// Type.
    #[serde(default)]
    pub typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// Reads the header, to know which key is asked for.
///
/// # Errors
/// [`JwtError::Malformed`], also where the header demands an extension (`crit`): none is known here.
pub fn header(token: &str) -> Result<Header, JwtError> {
    let decoded = token
        .split_once('.')
        .filter(|_| token.len() <= LONGEST)
        .and_then(|(h, _)| from_base64url(h));
    let header: Header = decoded
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or(JwtError::Malformed)?;
    if header.crit.is_some() {
        Err(JwtError::Malformed)
    } else {
        Ok(header)
    }
}

/// The issuer named by a token that nobody has believed yet: it says whose keys to try, and nothing else.
///
/// # Errors
/// [`JwtError::Malformed`].
pub fn claimed_issuer(token: &str) -> Result<String, JwtError> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    let payload = token
        .split('.')
        .nth(1)
        .filter(|_| token.len() <= LONGEST)
        .and_then(from_base64url);
    let claimed: Option<Claimed> = payload.and_then(|json| serde_json::from_slice(&json).ok());
    claimed.map(|claimed| claimed.iss).ok_or(JwtError::Malformed)
}

/// A public key of an issuer, and the algorithms that it may be used with.
struct PublicKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// The keys of one issuer.
pub struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// Reads a JWK Set (RFC 7517). Keys of kinds that are not known here, or meant for something else, are left out.
    ///
    /// # Errors
    /// [`JwtError::Malformed`] when it is no JWK Set.
    pub fn read(json: &[u8]) -> Result<Self, JwtError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| JwtError::Malformed)?;
        Ok(Self(
            set.keys.iter().take(MOST_KEYS).filter_map(public_key).collect(),
        ))
    }

    /// Whether there is a key of this name; of any name when the token gives none.
    pub fn has(&self, kid: Option<&str>) -> bool {
        self.named(kid).next().is_some()
    }

    fn named<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = &'a PublicKey> {
        self.0
            .iter()
            .filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
    }

    /// Verifies the signature, and only then reads the claims.
    ///
    /// # Errors
    /// Why the token is not believed.
    pub fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T, JwtError> {
        let header = header(token)?;
        let kid = header.kid.as_deref();
        if !self.has(kid) {
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

/// `aud`: one name or several (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// The names.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    /// Whether `name` is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.names().iter().any(|one| one == name)
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds, which some issuers write with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct NumericDate(f64);

impl NumericDate {
    /// Whole seconds, rounded down. What is no number a date can have becomes one far away, which no check accepts.
    pub fn secs(self) -> i64 {
        self.0.floor() as i64
    }
}
