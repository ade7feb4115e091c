//! JWTs that other people's issuers signed: access tokens and ID tokens. Only the signature is a matter of this room;
//! what the claims must say stands in [`crate::access_token`] and [`crate::id_token`].
//!
//! The algorithm is decided by the key, never by the token: an RSA key takes no HS256, however the header asks.

mod keys;

use latchkey_core::jws::from_base64url;
use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::keys::published;
pub use self::keys::{Census, KeySet};

/// The longest token that is looked at.
pub const LONGEST: usize = 16 * 1024;

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// Not a compact JWS with a readable header.
    #[error(
        "it is not a JWT: the issuer may give opaque tokens. Have it give JWTs (issuer add --resource or --audience), or \
         have it asked about its tokens (issuer add --token opaque)"
    )]
    Malformed,
    /// The issuer was asked, and says that the token is good for nothing (RFC 7662 section 2.2).
    #[error("the issuer says that it is not active")]
    Inactive,
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
