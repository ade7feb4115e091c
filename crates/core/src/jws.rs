//! Compact JWS (RFC 7515), read strictly: the algorithm is pinned to the key, `typ` is exact, and nothing in a
//! header can bring a key along.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The longest token that is looked at.
pub const LONGEST: usize = 64 * 1024;

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Not three base64url parts, or longer than [`LONGEST`].
    #[error("not a compact JWS")]
    Malformed,
    /// The header carries something that must not be there (`jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64`).
    #[error("the header names {0}, which is not accepted")]
    ForbiddenHeader(&'static str),
    /// `typ` is another one.
    #[error("typ is {0:?}")]
    WrongType(String),
    /// `alg` does not belong to the key.
    #[error("alg is {0:?}, which is not the key's")]
    WrongAlgorithm(String),
    /// No key with this `kid`.
    #[error("no key {0:?}")]
    UnknownKey(String),
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The payload is not what the type says.
    #[error("the claims are not readable")]
    BadClaims,
    /// A JWK that is not a usable Ed25519 or P-256 public key.
    #[error("the key is not a usable public key")]
    BadKey,
}

/// Encodes bytes as base64url without padding (RFC 7515 section 2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding; `None` when it is not that.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A public key as a JSON Web Key (RFC 7517; RFC 8037 for Ed25519).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type: `OKP` or `EC`.
    pub kty: String,
    /// Curve: `Ed25519` or `P-256`.
    pub crv: String,
    /// The point, or its x coordinate, base64url.
    pub x: String,
    /// The y coordinate, base64url (`EC` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Key id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Algorithm, for readers that want it (RFC 7517 section 4.4). Never trusted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Public key use, for readers that want it.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
}

impl Jwk {
    /// An Ed25519 public key.
    pub fn ed25519(key: &ed25519_dalek::VerifyingKey) -> Self {
        let mut jwk = Self {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: base64url(key.as_bytes()),
            y: None,
            kid: None,
            alg: Some("EdDSA".into()),
            use_: Some("sig".into()),
        };
        jwk.kid = Some(jwk.thumbprint().0);
        jwk
    }

    /// A P-256 public key.
    pub fn p256(key: &p256::ecdsa::VerifyingKey) -> Self {
        let point = key.to_sec1_point(false);
        Self {
            kty: "EC".into(),
            crv: "P-256".into(),
            x: point.x().map(base64url).unwrap_or_default(),
            y: point.y().map(base64url),
            kid: None,
            alg: None,
            use_: None,
        }
    }

    /// The SHA-256 thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> Thumbprint {
        let canonical = match &self.y {
            Some(y) => format!(
                r#"{{"crv":"{}","kty":"{}","x":"{}","y":"{}"}}"#,
                self.crv, self.kty, self.x, y
            ),
            None => format!(
                r#"{{"crv":"{}","kty":"{}","x":"{}"}}"#,
                self.crv, self.kty, self.x
            ),
        };
        Thumbprint(base64url(Sha256::digest(canonical.as_bytes())))
    }

    /// The key itself.
    ///
    /// # Errors
    /// [`JwsError::BadKey`] when it is not a point on a curve that is known here.
    pub fn verifying_key(&self) -> Result<VerifyingKey, JwsError> {
        match (self.kty.as_str(), self.crv.as_str()) {
            ("OKP", "Ed25519") => {
                let bytes = from_base64url(&self.x).and_then(|x| <[u8; 32]>::try_from(x).ok());
                let key = bytes.and_then(|x| ed25519_dalek::VerifyingKey::from_bytes(&x).ok());
                match key {
                    Some(key) if !key.is_weak() => Ok(VerifyingKey::Ed25519(key)),
                    Some(_) | None => Err(JwsError::BadKey),
                }
            }
            ("EC", "P-256") => {
                let x = from_base64url(&self.x)
                    .filter(|x| x.len() == 32)
                    .ok_or(JwsError::BadKey)?;
                let y = self
                    .y
                    .as_deref()
                    .and_then(from_base64url)
                    .filter(|y| y.len() == 32);
                let point = [&[4_u8][..], &x, &y.ok_or(JwsError::BadKey)?].concat();
                p256::ecdsa::VerifyingKey::from_sec1_bytes(&point)
                    .map(VerifyingKey::P256)
                    .map_err(|_| JwsError::BadKey)
            }
            _ => Err(JwsError::BadKey),
        }
    }
}

/// A JWK SHA-256 thumbprint, base64url (RFC 7638): the name of a device key (`cnf.jkt`, RFC 7800).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thumbprint(pub String);

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key, and with it the only algorithm it is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyingKey {
    /// `alg` is `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864).
    Ed25519(ed25519_dalek::VerifyingKey),
    /// `alg` is `ES256` (RFC 7518 section 3.4).
    P256(p256::ecdsa::VerifyingKey),
}

impl VerifyingKey {
    pub(crate) fn accepts(&self, alg: &str) -> bool {
        match self {
            Self::Ed25519(_) => matches!(alg, "EdDSA" | "Ed25519"),
            Self::P256(_) => alg == "ES256",
        }
    }

    /// Strict verification: `ed25519_dalek`'s plain `verify` would accept a signature by the identity point.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

/// A private key that can sign a compact JWS. Its `Debug` shows nothing.
pub enum SigningKey {
    /// Signs with `alg: EdDSA`.
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// Signs with `alg: ES256`, deterministically (RFC 6979).
    P256(Box<p256::ecdsa::SigningKey>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// The public half.
    pub fn jwk(&self) -> Jwk {
        match self {
            Self::Ed25519(key) => Jwk::ed25519(&key.verifying_key()),
            Self::P256(key) => Jwk::p256(key.verifying_key()),
        }
    }

    const fn alg(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }
}

/// The protected header that Latchkey writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<&'a Jwk>,
}

/// Signs `claims` as a compact JWS of type `typ`, naming the key by `kid`.
///
/// # Errors
/// [`JwsError::BadClaims`] when the claims do not serialise.
pub fn sign<T: Serialize>(key: &SigningKey, typ: &str, kid: &str, claims: &T) -> Result<String, JwsError> {
    sign_with(
        key,
        &Header {
            alg: key.alg(),
            typ,
            kid: Some(kid),
            jwk: None,
        },
        claims,
    )
}

/// Signs `claims` with the public key in the header, as a DPoP proof does (RFC 9449 section 4.2).
///
/// # Errors
/// [`JwsError::BadClaims`] when the claims do not serialise.
pub fn sign_with_jwk<T: Serialize>(key: &SigningKey, typ: &str, claims: &T) -> Result<String, JwsError> {
    sign_with(
        key,
        &Header {
            alg: key.alg(),
            typ,
            kid: None,
            jwk: Some(&key.jwk()),
        },
        claims,
    )
}

fn sign_with<T: Serialize>(key: &SigningKey, header: &Header<'_>, claims: &T) -> Result<String, JwsError> {
    let header = serde_json::to_vec(header).map_err(|_| JwsError::BadClaims)?;
    let claims = serde_json::to_vec(claims).map_err(|_| JwsError::BadClaims)?;
    let mut token = format!("{}.{}", base64url(header), base64url(claims));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&base64url(signature));
    Ok(token)
}

/// A token that has been taken apart and not yet believed.
#[derive(Debug)]
pub struct Unverified<'a> {
    alg: String,
    kid: Option<String>,
    message: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Takes a token apart, and refuses any header that could smuggle something in.
///
/// # Errors
/// Everything of [`JwsError`] that can be seen without a key.
pub fn parse<'a>(token: &'a str, typ: &str) -> Result<Unverified<'a>, JwsError> {
    let (unverified, rest) = take_apart(token, typ)?;
    if rest.contains_key("jwk") {
        return Err(JwsError::ForbiddenHeader("jwk"));
    }
    Ok(unverified)
}

/// Takes a JWT of somebody else's apart: its header may name keys, which nobody here looks at. Its `typ` is `JWT`, where it has one
/// (RFC 7519 section 5.1), so that no token of ours, and no access token of theirs, passes for it.
///
/// # Errors
/// Everything of [`JwsError`] that can be seen without a key.
pub fn parse_jwt(token: &str) -> Result<Unverified<'_>, JwsError> {
    let (unverified, typ, rest) = split(token)?;
    match typ {
        Some(typ) if !typ.eq_ignore_ascii_case("JWT") => Err(JwsError::WrongType(typ)),
        _ if rest.contains_key("crit") => Err(JwsError::ForbiddenHeader("crit")),
        Some(_) | None => Ok(unverified),
    }
}

/// Takes a token apart whose header carries its own public key, as a DPoP proof does (RFC 9449 section 4.2). The key
/// proves possession and nothing else: who may use it is the caller's question.
///
/// # Errors
/// Everything that [`parse`] says, and [`JwsError::BadKey`] when `jwk` is missing, or is more than a public key.
pub fn parse_with_jwk<'a>(token: &'a str, typ: &str) -> Result<(Unverified<'a>, Jwk), JwsError> {
    let (unverified, mut rest) = take_apart(token, typ)?;
    let jwk = rest.remove("jwk").ok_or(JwsError::BadKey)?;
    if ["d", "k", "p", "q"]
        .iter()
        .any(|private| jwk.get(private).is_some())
    {
        return Err(JwsError::BadKey);
    }
    serde_json::from_value(jwk)
        .map(|jwk| (unverified, jwk))
        .map_err(|_| JwsError::BadKey)
}

fn take_apart<'a>(
    token: &'a str,
    typ: &str,
) -> Result<(Unverified<'a>, serde_json::Map<String, serde_json::Value>), JwsError> {
    let (unverified, found, rest) = split(token)?;
    for forbidden in ["jku", "x5u", "x5c", "crit", "b64"] {
        if rest.contains_key(forbidden) {
            return Err(JwsError::ForbiddenHeader(forbidden));
        }
    }
    if found.as_deref() != Some(typ) {
        return Err(JwsError::WrongType(found.unwrap_or_default()));
    }
    Ok((unverified, rest))
}

/// The parts of a token, its `typ`, and what else is in its header.
type Parts<'a> = (
    Unverified<'a>,
    Option<String>,
    serde_json::Map<String, serde_json::Value>,
);

fn split(token: &str) -> Result<Parts<'_>, JwsError> {
    #[derive(Deserialize)]
    struct Read {
        alg: String,
        typ: Option<String>,
        kid: Option<String>,
        #[serde(flatten)]
        rest: serde_json::Map<String, serde_json::Value>,
    }
    if token.len() > LONGEST {
        return Err(JwsError::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(JwsError::Malformed)?;
    let decode = |part: &str| from_base64url(part).ok_or(JwsError::Malformed);
    let read: Read = serde_json::from_slice(&decode(header)?).map_err(|_| JwsError::Malformed)?;
    let unverified = Unverified {
        alg: read.alg,
        kid: read.kid,
        message: message.as_bytes(),
        payload: decode(payload)?,
        signature: decode(signature)?,
    };
    Ok((unverified, read.typ, read.rest))
}

impl Unverified<'_> {
    /// The key id that the header names.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Verifies the signature, and only then reads the claims.
    ///
    /// # Errors
    /// [`JwsError::WrongAlgorithm`], [`JwsError::BadSignature`] or [`JwsError::BadClaims`].
    pub fn verify<T: DeserializeOwned>(&self, key: &VerifyingKey) -> Result<T, JwsError> {
        if !key.accepts(&self.alg) {
            return Err(JwsError::WrongAlgorithm(self.alg.clone()));
        }
        self.verify_by(|_, message, signature| key.verifies(message, signature))
    }

    /// Verifies the signature by a key of another kind, which is asked with `alg`, message and signature, and only then reads the
    /// claims.
    ///
    /// # Errors
    /// [`JwsError::BadSignature`] or [`JwsError::BadClaims`].
    pub fn verify_by<T: DeserializeOwned>(
        &self,
        verifies: impl FnOnce(&str, &[u8], &[u8]) -> bool,
    ) -> Result<T, JwsError> {
        if !verifies(&self.alg, self.message, &self.signature) {
            return Err(JwsError::BadSignature);
        }
        self.unbelieved()
    }

    /// What it says, to find the keys by that it must be verified with, and for nothing else.
    ///
    /// # Errors
    /// [`JwsError::BadClaims`].
    pub(crate) fn unbelieved<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        serde_json::from_slice(&self.payload).map_err(|_| JwsError::BadClaims)
    }
}

#[cfg(test)]
mod tests;
