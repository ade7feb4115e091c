//! Leases and refusals: what the licensing service signs about one product on one device. See
//! `docs/lease-format.md`.

use serde::{Deserialize, Serialize};

use crate::clock::SKEW;
use crate::code::Code;
use crate::jws::{self, JwsError, Thumbprint};
use crate::keys::Keys;
use crate::policy::Policy;
use crate::time::Timestamp;

/// The `typ` of a lease.
pub const LEASE_TYP: &str = "latchkey-lease+jwt";
/// The `typ` of a refusal.
pub const REFUSAL_TYP: &str = "latchkey-refusal+jwt";

/// The confirmation claim (RFC 7800): the device key that may use the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 thumbprint of the device key (RFC 9449 section 6.1).
    pub jkt: Thumbprint,
}

/// The claims that a lease and a refusal share. Times are `NumericDate`s: whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The licensing service, exactly as the registration names it.
    pub iss: String,
    /// The product key.
    pub aud: String,
    /// The user at the licensing service.
    pub sub: String,
    /// This token's own id.
    pub jti: String,
    /// When it was signed.
    pub iat: i64,
    /// The service's time when it answered; equal to `iat`, and named because it anchors the clock (rule 16).
    pub server_time: i64,
    /// Orders leases and refusals of one user, device and product: the highest wins.
    pub seq: u64,
    /// The device key it is for.
    pub cnf: Confirmation,
    /// The `jti` of the check request that it answers.
    pub req: String,
}

/// The claims of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseClaims {
    /// What binds it to a service, product, user, device and request.
    #[serde(flatten)]
    pub binding: Binding,
    /// Good from.
    pub nbf: i64,
    /// Good until, exclusive: `checked_at + offline_for` by the service's clock.
    pub exp: i64,
    /// When the next check is due at the latest.
    pub refresh_after: i64,
    /// The organisation that holds the subscription.
    pub org: String,
    /// The seat.
    pub seat: String,
    /// The policy in force.
    pub policy: Policy,
    /// Named features of the product that the subscription includes.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

/// A device that holds a place, as the list of a `DEVICE_LIMIT` refusal names it (rule 10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEntry {
    /// The device's id at the service.
    pub id: String,
    /// What its user calls it: the host name.
    pub name: String,
    /// Operating system, for people.
    pub system: String,
    /// When it was last heard of, in seconds.
    pub last_seen: i64,
}

/// What else a refusal says. Absent where it does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalDetail {
    /// The devices that hold the places (code 15).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceEntry>,
    /// The device that holds the session (code 16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<DeviceEntry>,
    /// Since when it holds it, in seconds (code 16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder_since: Option<i64>,
    /// Whether this device may take the session over (code 16).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_take_over: bool,
    /// The oldest agent version that is still served (code 19).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_version: Option<String>,
    /// Whom to ask: the organisation's name or its admin's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// The claims of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalClaims {
    /// What binds it to a service, product, user, device and request.
    #[serde(flatten)]
    pub binding: Binding,
    /// 13, 14, 15, 16, 19 or 23 (rule 9).
    pub code: Code,
    /// How long an open product may go on (rule 5): the policy in force, in seconds.
    pub save_window: u64,
    /// What else there is to say.
    #[serde(default)]
    pub detail: RefusalDetail,
}

/// Why a lease or refusal does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// The token itself is not believed.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// It was made for something else.
    #[error("it is for another {0}")]
    Foreign(&'static str),
    /// A code that is no refusal.
    #[error("code {0} is no refusal")]
    NoRefusal(u16),
    /// Its times contradict each other.
    #[error("its times contradict each other")]
    Times,
    /// The lease's policy does not allow it.
    #[error("the policy does not allow {0}")]
    Policy(&'static str),
}

/// What a token must be bound to. `None` means that the caller cannot know it yet.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The licensing service of the registration.
    pub service: &'a str,
    /// The product key.
    pub product: &'a str,
    /// This device's key.
    pub device: Option<&'a Thumbprint>,
    /// The user at the service, once known.
    pub user: Option<&'a str>,
    /// The request that is being answered.
    pub request: Option<&'a str>,
}

impl Expected<'_> {
    fn admits(&self, binding: &Binding) -> Result<(), LeaseError> {
        let same = [
            ("service", binding.iss == self.service),
            ("product", binding.aud == self.product),
            (
                "device",
                self.device.is_none_or(|device| *device == binding.cnf.jkt),
            ),
            (
                "user",
                self.user.is_none_or(|user| user == binding.sub) && !binding.sub.is_empty(),
            ),
            (
                "request",
                self.request.is_none_or(|request| request == binding.req),
            ),
        ];
        same.iter()
            .find(|(_, same)| !same)
            .map_or(Ok(()), |(what, _)| Err(LeaseError::Foreign(what)))
    }
}

/// A lease that has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    token: String,
    claims: LeaseClaims,
}

impl Lease {
    /// Verifies a lease: signature, type, and everything it is bound to. Whether it is still good is a
    /// question of time, and asked elsewhere.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Self, LeaseError> {
        let unverified = jws::parse(token, LEASE_TYP)?;
        let mut claims: LeaseClaims = unverified.verify(keys.find(unverified.kid())?)?;
        expected.admits(&claims.binding)?;
        if claims.nbf >= claims.exp || claims.exp <= claims.binding.server_time {
            return Err(LeaseError::Times);
        }
        claims.policy = claims.policy.clamped();
        Ok(Self {
            token: token.to_owned(),
            claims,
        })
    }

    /// The token as it was signed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it says, its policy clamped into sense.
    pub fn claims(&self) -> &LeaseClaims {
        &self.claims
    }

    /// When it ends, exclusive.
    pub fn until(&self) -> Timestamp {
        Timestamp::from_secs(self.claims.exp)
    }

    /// When the service signed it: the last good check.
    pub fn checked_at(&self) -> Timestamp {
        Timestamp::from_secs(self.claims.binding.server_time)
    }

    /// Whether it is good at `now`, by its service's clock: from `nbf` (RFC 7519 section 4.1.5, with a few minutes for clocks that
    /// differ: a service may be several machines), and before `exp`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        Timestamp::from_secs(self.claims.nbf) <= now + SKEW && now < self.until()
    }
}

/// A refusal that has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    token: String,
    claims: RefusalClaims,
}

impl Refusal {
    /// Verifies a refusal: signature, type, and everything it is bound to (rule 9).
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Self, LeaseError> {
        let unverified = jws::parse(token, REFUSAL_TYP)?;
        let claims: RefusalClaims = unverified.verify(keys.find(unverified.kid())?)?;
        expected.admits(&claims.binding)?;
        if !is_refusal(claims.code) {
            return Err(LeaseError::NoRefusal(claims.code.number()));
        }
        Ok(Self {
            token: token.to_owned(),
            claims,
        })
    }

    /// The token as it was signed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it says.
    pub fn claims(&self) -> &RefusalClaims {
        &self.claims
    }
}

/// Whether a code is one of rule 9's refusals.
pub const fn is_refusal(code: Code) -> bool {
    match code {
        Code::NotAssigned
        | Code::SubscriptionEnded
        | Code::DeviceLimit
        | Code::SessionInUse
        | Code::ClientOutdated
        | Code::DeviceReleased => true,
        Code::Ok
        | Code::Connecting
        | Code::PendingIdentity
        | Code::PendingLicensing
        | Code::AuthPending
        | Code::SignInRequired
        | Code::FirstStartOffline
        | Code::OfflineLimitReached
        | Code::IdentityUnavailable
        | Code::LicensingUnavailable
        | Code::AgentNotFound
        | Code::LeaseInvalid
        | Code::InvalidArgument => false,
    }
}
