//! What is stored. Everything else is derived from it.
//!
//! Facts are kept per licensing service, and there for one account on one device key. Tokens and keys of the user are
//! not among them: those are in the vault.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::code::Code;
use crate::jws::{Jwk, Thumbprint};
use crate::keys::Keys;
use crate::lease::{Expected, Lease, LeaseError, Refusal};
use crate::notice::Notice;
use crate::policy::Policy;
use crate::registration::Registration;
use crate::temporary::{SelfSigned, Temporary};
use crate::time::{DAY, LocalDay, Timestamp};
use crate::usage::Counted;

/// The version of the stored form. A newer one is refused untouched.
pub const VERSION: u32 = 1;

/// Everything that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Rule 16.
    pub clock: Clock,
    /// By the service's address.
    pub services: BTreeMap<String, Service>,
    /// What was told, and what is still to be told.
    pub told: Told,
}

/// The account at a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The identity service that vouched for the user.
    pub issuer: String,
    /// The user there.
    pub subject: String,
    /// Display name; the address where the provider gave no name.
    pub name: String,
    /// E-mail address, where the provider gave one.
    pub email: Option<String>,
    /// The provider no longer takes our refresh token: the user is asked to sign in again, and what is
    /// held goes on until its end (rule 6).
    pub sign_in_again: bool,
}

/// A signed release that waits for the service (rule 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRelease {
    /// The public key of the device that is given up.
    pub jwk: Jwk,
    /// The release (`latchkey-release+jwt`).
    pub token: String,
}

/// What is known at one licensing service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Who is signed in.
    pub account: Option<Account>,
    /// The device key in the vault.
    pub device: Option<Thumbprint>,
    /// The user's name at the service, once a lease or refusal has told it.
    pub user: Option<String>,
    /// The service knows who the user is: the ID token need not be sent again.
    pub linked: bool,
    /// The newest keys document (`latchkey-keys+jwt`).
    pub keys: Option<String>,
    /// By product key.
    pub products: BTreeMap<String, Held>,
    /// The last good check, by the service's clock.
    pub checked_at: Option<Timestamp>,
    /// Releases that have not reached the service.
    pub releases: Vec<PendingRelease>,
    /// What is in the vault is to be deleted, and may not have been yet.
    pub forget: Option<Forget>,
    /// Counts resets and sign-outs, to tell one cause of a save window from another.
    pub ended: u64,
    /// The service wants the user to have signed in just now: whoever is asked to sign in, is asked for the password too.
    #[serde(default)]
    pub reauthenticate: bool,
    /// Minutes of use, until the service has them (rule 12).
    #[serde(default)]
    pub usage: Counted,
}

/// What of the vault goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forget {
    /// Tokens: signed out; the device keeps its key and its place.
    Tokens,
    /// Tokens and the device key: reset.
    Everything,
}

/// What is held for one product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The lease's token.
    lease: Option<String>,
    /// The refusal's token.
    refusal: Option<String>,
    /// The highest `seq` seen: nothing older counts (rule 9).
    seq: u64,
    /// The one save window since the product could last run.
    pub save_window: Option<SaveWindow>,
    /// How long a save window is, in seconds: what the service last said.
    save_for: Option<u64>,
    /// The end that the user was told about: the lease's `jti`.
    pub end_told: Option<String>,
    /// The temporary licence that goes on from the lease (rule 7).
    #[serde(default)]
    temporary: Option<SelfSigned>,
    /// How many were given since the last good check; a reset does not begin anew.
    #[serde(default)]
    temporaries: u32,
    /// What the temporary licence says, if it verifies.
    #[serde(skip)]
    goes_on: Option<Temporary>,
    /// What the lease's token says, if it verifies.
    #[serde(skip)]
    verified: Option<Result<Lease, LeaseError>>,
    /// What the refusal's token says, if it verifies.
    #[serde(skip)]
    refused: Option<Refusal>,
}

/// Time to save work (rule 5), once per cause. A cause that follows another while the product may not run wins no
/// time: otherwise signing in and out without a seat would keep it running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveWindow {
    /// What ended the licence, and what would have since.
    pub causes: BTreeSet<String>,
    /// When an open product must have stopped.
    pub stop_at: Timestamp,
}

/// What was told to the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The id of the next notice.
    pub next_id: u64,
    /// Notices that nobody has shown yet.
    pub waiting: Vec<Notice>,
    /// The local day of the last offline notice.
    pub offline_on: Option<LocalDay>,
    /// A final warning or an end was told since the last good check.
    pub warned: bool,
    /// The present licensing outage was told.
    pub outage: bool,
}

impl Held {
    /// The lease, if there is one and it verifies.
    pub fn lease(&self) -> Option<&Lease> {
        self.verified.as_ref().and_then(|verified| verified.as_ref().ok())
    }

    /// Why the lease that is held does not count, if it does not verify.
    pub fn lease_error(&self) -> Option<&LeaseError> {
        self.verified
            .as_ref()
            .and_then(|verified| verified.as_ref().err())
    }

    /// The temporary licence, if there is one and it verifies by the lease.
    pub fn temporary(&self) -> Option<&Temporary> {
        self.goes_on.as_ref()
    }

    /// How many temporary licences were given since the last good check.
    pub const fn temporaries(&self) -> u32 {
        self.temporaries
    }

    /// Takes a temporary licence that goes on from the lease that is held, and counts it. Says whether it verifies.
    pub fn take_temporary(&mut self, signed: SelfSigned) -> bool {
        let Some(temporary) = self.verified_temporary(&signed) else {
            return false;
        };
        self.temporaries = self.temporaries.max(temporary.claims().number);
        self.temporary = Some(signed);
        self.goes_on = Some(temporary);
        true
    }

    fn verified_temporary(&self, signed: &SelfSigned) -> Option<Temporary> {
        Temporary::verify(&signed.token, &signed.jwk, self.lease()?).ok()
    }

    /// It never outlives the lease that it goes on from, nor a refusal.
    fn drop_temporary(&mut self) {
        self.temporary = None;
        self.goes_on = None;
    }

    /// The refusal in force.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// Whether anything the service signed is held.
    pub fn is_empty(&self) -> bool {
        self.lease.is_none() && self.refusal.is_none()
    }

    /// Takes a lease that was verified, unless something newer has been seen. It ends any refusal.
    pub fn take_lease(&mut self, lease: Lease) -> bool {
        if lease.claims().binding.seq <= self.seq {
            return false;
        }
        self.seq = lease.claims().binding.seq;
        self.save_for = Some(lease.claims().policy.save_window.as_secs());
        self.lease = Some(lease.token().to_owned());
        self.verified = Some(Ok(lease));
        self.refusal = None;
        self.refused = None;
        self.drop_temporary();
        self.temporaries = 0;
        true
    }

    /// Takes a refusal that was verified, unless something newer has been seen. What becomes of the lease
    /// is the caller's question.
    pub fn take_refusal(&mut self, refusal: Refusal) -> bool {
        if refusal.claims().binding.seq <= self.seq {
            return false;
        }
        self.seq = refusal.claims().binding.seq;
        self.save_for = Some(refusal.claims().save_window);
        self.refusal = Some(refusal.token().to_owned());
        self.refused = Some(refusal);
        self.drop_temporary();
        true
    }

    /// How long an open product may go on after it must stop (rule 5): at most a day, whatever was sent.
    pub fn save_for(&self) -> Duration {
        let default = Policy::default().save_window;
        self.save_for
            .map_or(default, |secs| Duration::from_secs(secs).min(DAY))
    }

    /// Deletes what the service signed, and what goes on from it. The save window stays: it belongs to a cause, not to a lease;
    /// and so does the count of temporary licences, which only a check begins anew.
    pub fn clear(&mut self) {
        let save_window = self.save_window.take();
        *self = Self {
            save_window,
            save_for: self.save_for,
            temporaries: self.temporaries,
            ..Self::default()
        };
    }

    /// Deletes the lease.
    pub fn drop_lease(&mut self) {
        self.lease = None;
        self.verified = None;
        self.drop_temporary();
    }

    /// Whether the refusal in force says that another device has the session.
    pub fn is_session_in_use(&self) -> bool {
        self.is_refused(Code::SessionInUse)
    }

    /// Whether the refusal in force says that there is no seat.
    pub fn is_not_assigned(&self) -> bool {
        self.is_refused(Code::NotAssigned)
    }

    fn is_refused(&self, code: Code) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.claims().code == code)
    }

    /// Ends a session refusal, if one is in force (rule 9). Says whether one was.
    pub fn end_session_refusal(&mut self) -> bool {
        if !self.is_session_in_use() {
            return false;
        }
        self.refusal = None;
        self.refused = None;
        true
    }

    /// Verifies what was read from disk.
    fn verify(&mut self, keys: Option<&Keys>, expected: &Expected<'_>) {
        let missing = || LeaseError::Foreign("keys document");
        self.verified = self.lease.as_deref().map(|token| match keys {
            Some(keys) => Lease::verify(token, keys, expected),
            None => Err(missing()),
        });
        self.refused = match (self.refusal.as_deref(), keys) {
            (Some(token), Some(keys)) => Refusal::verify(token, keys, expected).ok(),
            (None, _) | (_, None) => None,
        };
        self.goes_on = self
            .temporary
            .as_ref()
            .and_then(|signed| self.verified_temporary(signed));
    }
}

impl Service {
    /// The keys document, verified by the root keys that the products of this service pin.
    pub fn verified_keys(&self, name: &str, registry: &[Registration]) -> Option<Keys> {
        let token = self.keys.as_deref()?;
        Keys::verify(token, &roots(name, registry), name).ok()
    }
}

/// The root keys that the registered products of a service pin.
pub fn roots(service: &str, registry: &[Registration]) -> Vec<Jwk> {
    registry
        .iter()
        .filter(|entry| entry.service == service)
        .flat_map(|entry| entry.root_keys.clone())
        .collect()
}

impl Facts {
    /// Verifies everything that is held, by the root keys that the registered products pin. Called when facts are
    /// read from disk, and when a registration changes.
    pub fn verify(&mut self, registry: &[Registration]) {
        for (name, service) in &mut self.services {
            let keys = service.verified_keys(name, registry);
            for (product, held) in &mut service.products {
                let expected = Expected {
                    service: name,
                    product,
                    device: service.device.as_ref(),
                    user: service.user.as_deref(),
                    request: None,
                };
                held.verify(keys.as_ref(), &expected);
            }
        }
    }

    /// What is held for a product at a service.
    pub fn held(&self, service: &str, product: &str) -> Option<&Held> {
        self.services.get(service)?.products.get(product)
    }
}
