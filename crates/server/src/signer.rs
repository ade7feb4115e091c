//! The service's keys, and everything that is signed with them.
//!
//! Products pin the *root key*. It signs one thing, the keys document, and so it is needed only when the keys change: it
//! can be kept offline. *Lease keys* sign leases and refusals, every day, and are rotated.

use std::path::Path;

use ed25519_dalek::SigningKey as Ed25519;
use latchkey_core::first_start::{self, FirstStartClaims};
use latchkey_core::id_token::IssuerKeys;
use latchkey_core::jws::{self, Jwk, JwsError, SigningKey, Thumbprint, base64url, from_base64url};
use latchkey_core::keys::{self, Keys, KeysClaims};
use latchkey_core::lease::{Binding, Confirmation, LEASE_TYP, LeaseClaims, REFUSAL_TYP, RefusalClaims};
use latchkey_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::decide::Decision;
use crate::private_file;
use crate::random::{self, NoEntropy};
use crate::store::records::{Decided, Keyring, LeaseKey, NewKeys, Seed};

/// Why something cannot be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Nothing random to be had.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The claims cannot be written.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// No reader would look at it.
    #[error("the keys document would be longer than {} KiB: it names too many keys", jws::LONGEST / 1024)]
    TooLong,
}

/// Why the root key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// The file cannot be read or written.
    #[error("the root key file {path} cannot be used: {error}")]
    File {
        /// Where it should be.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error("{0} is not a root key: a private Ed25519 key as a JWK (RFC 8037)")]
    Unreadable(String),
    /// It is not the root key of this service.
    #[error("{0} is a root key, but not one of this service")]
    Foreign(String),
}

fn signing_key(seed: &[u8; 32]) -> SigningKey {
    SigningKey::Ed25519(Box::new(Ed25519::from_bytes(seed)))
}

/// A private Ed25519 key as a JWK (RFC 8037 section 2): every JOSE tool can read the file.
#[derive(Serialize, Deserialize)]
struct PrivateJwk {
    kty: String,
    crv: String,
    x: String,
    d: Zeroizing<String>,
}

/// The root key.
pub struct RootKey(SigningKey);

impl RootKey {
    /// Makes a new one and writes it to a new file that only this account can read.
    ///
    /// # Errors
    /// [`RootKeyError::File`]; without random numbers there is no key either.
    pub fn create(path: &Path) -> Result<Self, RootKeyError> {
        let file = |error| RootKeyError::File {
            path: path.display().to_string(),
            error,
        };
        let seed = random::secret().map_err(|error| file(std::io::Error::other(error)))?;
        let root = Self(signing_key(&seed));
        let Jwk { kty, crv, x, .. } = root.jwk();
        let private = PrivateJwk {
            kty,
            crv,
            x,
            d: Zeroizing::new(base64url(*seed)),
        };
        let json = serde_json::to_vec(&private)
            .map(Zeroizing::new)
            .map_err(|error| file(error.into()))?;
        private_file::write_new(path, &json).map_err(file)?;
        Ok(root)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`RootKeyError::File`] and [`RootKeyError::Unreadable`].
    pub fn read(path: &Path) -> Result<Self, RootKeyError> {
        let name = || path.display().to_string();
        let json = std::fs::read(path).map(Zeroizing::new);
        let json = json.map_err(|error| RootKeyError::File { path: name(), error })?;
        let private: PrivateJwk =
            serde_json::from_slice(&json).map_err(|_| RootKeyError::Unreadable(name()))?;
        let seed = from_base64url(&private.d).map(Zeroizing::new);
        let seed = seed
            .and_then(|seed| <[u8; 32]>::try_from(seed.as_slice()).ok())
            .map(Zeroizing::new);
        let root = Self(signing_key(
            &*seed.ok_or_else(|| RootKeyError::Unreadable(name()))?,
        ));
        if root.jwk().x == private.x {
            Ok(root)
        } else {
            Err(RootKeyError::Unreadable(name()))
        }
    }

    /// Its public half, which products pin.
    pub fn jwk(&self) -> Jwk {
        self.0.jwk()
    }

    /// Signs the keys document of the service at `url`, which vouches for these keys of issuers. It is newer than `previous_iat`,
    /// whatever the clock says.
    ///
    /// # Errors
    /// [`SignError::Jws`] and [`SignError::TooLong`].
    pub fn document(
        &self,
        url: &str,
        lease_keys: &[LeaseKey],
        issuers: Vec<IssuerKeys>,
        previous_iat: i64,
        now: Timestamp,
    ) -> Result<(String, i64), SignError> {
        let iat = now.as_secs().max(previous_iat.saturating_add(1));
        let keys = lease_keys
            .iter()
            .map(|key| signing_key(&key.seed.0).jwk())
            .collect();
        let claims = KeysClaims {
            iss: url.to_owned(),
            iat,
            keys,
            issuers,
        };
        let document = jws::sign(&self.0, keys::TYP, &self.jwk().thumbprint().0, &claims)?;
        if document.len() > jws::LONGEST {
            return Err(SignError::TooLong);
        }
        Ok((document, iat))
    }

    /// Signs that a product may start for the first time in an outage (rule 7).
    ///
    /// # Errors
    /// [`SignError::Jws`].
    pub fn first_start(&self, claims: &FirstStartClaims) -> Result<String, SignError> {
        Ok(first_start::sign(&self.0, claims)?)
    }

    /// The change that makes the document vouch for these keys of issuers, and for no others.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn vouch_for(
        &self,
        url: &str,
        issuers: Vec<IssuerKeys>,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<NewKeys, SignError> {
        let document = self.document(url, &keyring.lease_keys, issuers, keyring.document_iat, now)?;
        Ok(NewKeys {
            previous_iat: keyring.document_iat,
            url: Some(url.to_owned()),
            url_derived: keyring.url_derived,
            document: Some(document),
            root: None,
            lease_key: None,
            dropped: Vec::new(),
        })
    }

    /// The change that makes the service answer at `url` with a document signed by this key.
    ///
    /// # Errors
    /// [`SignError::Jws`].
    pub fn move_to(
        &self,
        url: &str,
        derived: bool,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<NewKeys, SignError> {
        Ok(NewKeys {
            previous_iat: keyring.document_iat,
            url: Some(url.to_owned()),
            url_derived: derived,
            document: Some(self.document(
                url,
                &keyring.lease_keys,
                vouched_for(keyring),
                keyring.document_iat,
                now,
            )?),
            root: None,
            lease_key: None,
            dropped: Vec::new(),
        })
    }

    /// The change that brings in a new lease key. The old one stays in the document until the last lease that it signed
    /// has ended.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn rotate(&self, keyring: &Keyring, now: Timestamp) -> Result<NewKeys, SignError> {
        let new = new_lease_key(now)?;
        let needed = |key: &LeaseKey| key.retired_at.is_none() || key.last_exp > now;
        let kept = keyring.lease_keys.iter().filter(|key| needed(key));
        let all: Vec<_> = std::iter::once(&new).chain(kept).cloned().collect();
        let document = match &keyring.url {
            Some(url) => Some(self.document(url, &all, vouched_for(keyring), keyring.document_iat, now)?),
            None => None,
        };
        let dropped = keyring
            .lease_keys
            .iter()
            .filter(|key| !needed(key))
            .map(|key| key.kid.clone());
        Ok(NewKeys {
            previous_iat: keyring.document_iat,
            url: keyring.url.clone(),
            url_derived: keyring.url_derived,
            document,
            root: None,
            dropped: dropped.collect(),
            lease_key: Some(new),
        })
    }
}

/// The keys of issuers that the published document vouches for.
pub fn vouched_for(keyring: &Keyring) -> Vec<IssuerKeys> {
    let published = keyring.document.as_deref().zip(keyring.url.as_deref());
    let read = published.and_then(|(document, url)| Keys::verify(document, &keyring.roots, url).ok());
    read.map_or_else(Vec::new, |keys| keys.issuers().to_vec())
}

/// A new lease key.
///
/// # Errors
/// [`NoEntropy`].
pub fn new_lease_key(now: Timestamp) -> Result<LeaseKey, NoEntropy> {
    let seed = random::secret()?;
    Ok(LeaseKey {
        kid: signing_key(&seed).jwk().thumbprint().0,
        seed: Seed(seed),
        created_at: now,
        retired_at: None,
        last_exp: Timestamp::default(),
    })
}

/// What every token of one answer shares.
pub struct Answer<'a> {
    /// The service's address.
    pub service: &'a str,
    /// The user's id.
    pub user: &'a str,
    /// The device key.
    pub jkt: &'a Thumbprint,
    /// The request's `jti`.
    pub request: &'a str,
    /// The service's time.
    pub now: Timestamp,
}

/// A signed answer about one product.
pub enum Signed {
    /// A lease.
    Lease(String),
    /// A refusal.
    Refusal(String),
}

/// Signs what was decided about one product.
///
/// # Errors
/// [`SignError`].
pub fn sign(key: &LeaseKey, answer: &Answer<'_>, decided: &Decided) -> Result<Signed, SignError> {
    let now = answer.now.as_secs();
    let binding = Binding {
        iss: answer.service.to_owned(),
        aud: decided.product.clone(),
        sub: answer.user.to_owned(),
        jti: random::jti()?,
        iat: now,
        server_time: now,
        seq: decided.seq,
        cnf: Confirmation {
            jkt: answer.jkt.clone(),
        },
        req: answer.request.to_owned(),
    };
    let by = signing_key(&key.seed.0);
    match &decided.decision {
        Decision::Lease(grant) => {
            let claims = LeaseClaims {
                binding,
                nbf: now,
                exp: grant.exp,
                refresh_after: grant.refresh_after,
                org: grant.organisation.clone(),
                seat: grant.seat.clone(),
                policy: grant.policy.clone(),
                entitlements: grant.entitlements.clone(),
            };
            Ok(Signed::Lease(jws::sign(&by, LEASE_TYP, &key.kid, &claims)?))
        }
        Decision::Refuse(refused) => {
            let claims = RefusalClaims {
                binding,
                code: refused.code,
                save_window: refused.save_window.as_secs(),
                detail: refused.detail.clone(),
            };
            Ok(Signed::Refusal(jws::sign(&by, REFUSAL_TYP, &key.kid, &claims)?))
        }
    }
}
