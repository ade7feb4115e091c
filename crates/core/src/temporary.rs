//! Temporary licences (rule 7): what a device signs for itself while the licensing service is out, as far as the policy of its
//! lease lets it; at a first start, as far as its vendor has signed that it may. Whoever has the device key can sign any number of them;
//! see `SECURITY.md`.

use serde::{Deserialize, Serialize};

use crate::first_start::FirstStart;
use crate::id_token::IdToken;
use crate::jws::{self, Jwk, JwsError, SigningKey, Thumbprint};
use crate::keys::Keys;
use crate::lease::{Lease, LeaseError};
use crate::policy::Policy;
use crate::proof;
use crate::time::Timestamp;

/// The `typ` of a temporary licence.
pub const TYP: &str = "latchkey-temporary+jwt";

/// The claims of a temporary licence. Times are `NumericDate`s: whole seconds of trusted time (rule 16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporaryClaims {
    /// Who signed it: the device key, by its thumbprint.
    pub iss: String,
    /// The product key.
    pub aud: String,
    /// The user: at the licensing service, as the lease names them; at a first start as their issuer does.
    pub sub: String,
    /// When it was signed.
    pub iat: i64,
    /// Good until, exclusive.
    pub exp: i64,
    /// The how many-th it is since the last good check, from 1.
    pub number: u32,
    /// SHA-256 of the token of the lease that it goes on from, base64url; absent at a first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_hash: Option<String>,
    /// At a first start: SHA-256 of the signed registration that lets it, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_hash: Option<String>,
    /// At a first start: who the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// A temporary licence and the key that signed it, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfSigned {
    /// The device's public key.
    pub jwk: Jwk,
    /// The token.
    pub token: String,
}

/// A temporary licence that has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Temporary {
    token: String,
    claims: TemporaryClaims,
}

impl TemporaryClaims {
    /// The `number`-th temporary licence that goes on from `lease`, from `at` on; `None` where none may.
    pub fn of(lease: &Lease, number: u32, at: Timestamp) -> Option<Self> {
        let binding = &lease.claims().binding;
        let until = at + lease.claims().policy.temporary_for;
        may_go_on(lease).then(|| Self {
            iss: binding.cnf.jkt.0.clone(),
            aud: binding.aud.clone(),
            sub: binding.sub.clone(),
            iat: at.as_secs(),
            exp: until.as_secs(),
            number,
            lease_hash: Some(proof::hash(lease.token())),
            registration_hash: None,
            id_token: None,
        })
    }

    /// The `number`-th temporary licence of a first start, from `at` on, but for the ID token.
    pub fn of_first_start(
        first: &FirstStart,
        device: &Thumbprint,
        subject: &str,
        number: u32,
        at: Timestamp,
    ) -> Self {
        Self {
            iss: device.0.clone(),
            aud: first.claims().aud.clone(),
            sub: subject.to_owned(),
            iat: at.as_secs(),
            exp: (at + first.claims().policy.temporary_for).as_secs(),
            number,
            lease_hash: None,
            registration_hash: Some(proof::hash(first.token())),
            id_token: None,
        }
    }
}

/// Signs a temporary licence with the device key.
///
/// # Errors
/// [`JwsError::BadClaims`] when the claims do not serialise.
pub fn sign(key: &SigningKey, claims: &TemporaryClaims) -> Result<SelfSigned, JwsError> {
    let jwk = key.jwk();
    let token = jws::sign(key, TYP, &jwk.thumbprint().0, claims)?;
    Ok(SelfSigned { jwk, token })
}

impl Temporary {
    /// Verifies a temporary licence by the lease that it goes on from: signed by that lease's device, and within its policy.
    /// Whether it is still good is a question of time, and asked elsewhere.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(token: &str, device: &Jwk, lease: &Lease) -> Result<Self, LeaseError> {
        let binding = &lease.claims().binding;
        if device.thumbprint() != binding.cnf.jkt {
            return Err(LeaseError::Foreign("device"));
        }
        let temporary = Self::read(token, device)?;
        let claims = &temporary.claims;
        same(&[
            ("product", claims.aud == binding.aud),
            ("user", claims.sub == binding.sub),
            (
                "lease",
                claims.lease_hash.as_ref() == Some(&proof::hash(lease.token())),
            ),
        ])?;
        within(&[
            (
                "a temporary licence so soon",
                temporary.signed_at() >= begin_at(lease),
            ),
            (
                "a temporary licence at the end of a subscription",
                may_go_on(lease),
            ),
        ])?;
        temporary.is_within(&lease.claims().policy)?;
        Ok(temporary)
    }

    /// Verifies a temporary licence of a first start by what the vendor has signed: that the product may, and which issuers' keys
    /// count. The ID token says who the user is, and that the issuer knew them less than [`BELIEVED_FOR`](crate::id_token::BELIEVED_FOR) ago; which device they
    /// sit at, nobody but the device says.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify_first(
        token: &str,
        device: &Jwk,
        first: &FirstStart,
        keys: &Keys,
    ) -> Result<Self, LeaseError> {
        let temporary = Self::read(token, device)?;
        let claims = &temporary.claims;
        same(&[
            ("product", claims.aud == first.claims().aud),
            ("registration", temporary.is_of(first)),
        ])?;
        let id_token = claims.id_token.as_deref().ok_or(LeaseError::Foreign("user"))?;
        let id_token = IdToken::verify(id_token, keys.issuers(), first.clients())?;
        same(&[("user", claims.sub == id_token.sub)])?;
        if let Some(objection) = id_token.objection(temporary.signed_at()) {
            return Err(LeaseError::Policy(objection));
        }
        temporary.is_within(&first.claims().policy)?;
        Ok(temporary)
    }

    fn read(token: &str, device: &Jwk) -> Result<Self, LeaseError> {
        let claims: TemporaryClaims = jws::parse(token, TYP)?.verify(&device.verifying_key()?)?;
        same(&[("device", claims.iss == device.thumbprint().0)])?;
        Ok(Self {
            token: token.to_owned(),
            claims,
        })
    }

    fn is_within(&self, policy: &Policy) -> Result<(), LeaseError> {
        if self.until() <= self.signed_at() {
            return Err(LeaseError::Times);
        }
        within(&[
            (
                "a temporary licence so long",
                self.until().since(self.signed_at()) <= policy.temporary_for,
            ),
            (
                "so many temporary licences",
                (1..=policy.temporary_limit.unwrap_or(u32::MAX)).contains(&self.claims.number),
            ),
        ])
    }

    /// The token as it was signed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it says.
    pub fn claims(&self) -> &TemporaryClaims {
        &self.claims
    }

    /// Whether it rests on this signed registration.
    pub fn is_of(&self, first: &FirstStart) -> bool {
        self.claims.registration_hash.as_ref() == Some(&proof::hash(first.token()))
    }

    /// When it was signed.
    pub fn signed_at(&self) -> Timestamp {
        Timestamp::from_secs(self.claims.iat)
    }

    /// When it ends, exclusive.
    pub fn until(&self) -> Timestamp {
        Timestamp::from_secs(self.claims.exp)
    }

    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.signed_at() <= now && now < self.until()
    }
}

fn same(facts: &[(&'static str, bool)]) -> Result<(), LeaseError> {
    let other = facts.iter().find(|(_, same)| !same);
    other.map_or(Ok(()), |(what, _)| Err(LeaseError::Foreign(what)))
}

fn within(facts: &[(&'static str, bool)]) -> Result<(), LeaseError> {
    let beyond = facts.iter().find(|(_, within)| !within);
    beyond.map_or(Ok(()), |(what, _)| Err(LeaseError::Policy(what)))
}

/// From when on temporary licences may go on from a lease: until then it counts by itself, for `outage_keep_for` at most.
pub fn begin_at(lease: &Lease) -> Timestamp {
    let kept_until = lease.checked_at() + lease.claims().policy.outage_keep_for;
    kept_until.min(lease.until())
}

/// Whether anything may go on from a lease: one that ends sooner than its policy says ends with its subscription, which nothing
/// outlives.
pub fn may_go_on(lease: &Lease) -> bool {
    lease.checked_at() + lease.claims().policy.offline_for <= lease.until()
}
