//! What is stored. Everything else is derived from it.
//!
//! Facts are kept per licensing service, and there for one account on one device key. What lets somebody in,
//! tokens and keys, is not among them: that is in the vault.

mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::code::Code;
use crate::first_start::FirstStart;
use crate::jws::{Jwk, Thumbprint};
use crate::keys::Keys;
use crate::lease::{Expected, Lease, LeaseError, Refusal};
use crate::notice::Notice;
use crate::policy::Policy;
use crate::registration::Registration;
use crate::temporary::{SelfSigned, Temporary, may_go_on};
use crate::time::{DAY, LocalDay, Timestamp};
use crate::usage::Counted;

pub use self::times::Times;

/// The version of the stored form. A newer one is refused untouched.
pub const VERSION: u32 = 1;

/// Everything that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The machine's time (rule 16): what nobody has signed is reckoned by it. The services tell it, as far as they agree.
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
    /// Its own time (rule 16): whatever it has signed is judged by this. It begins as the machine's, and no other service moves it.
    #[serde(default)]
    pub times: Times,
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

/// What of the vault goes; the wider one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The temporary licence that goes on from the lease, or lets the product start for the first time (rule 7).
    #[serde(default)]
    temporary: Option<SelfSigned>,
    /// How many were given since the last good check; a reset does not begin anew.
    #[serde(default)]
    temporaries: u32,
    /// The service's last word was a refusal, or a lease that ends with its subscription. It outlives a reset and a sign-out, so that
    /// nobody gets round it by starting anew.
    #[serde(default)]
    turned_away: bool,
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
    /// The services of which a final warning or an end was told since their last good check.
    #[serde(default)]
    pub warned_of: BTreeSet<String>,
    /// The services whose present outage was told.
    #[serde(default)]
    pub outages: BTreeSet<String>,
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

    /// The temporary licence, if there is one and it verifies.
    pub fn temporary(&self) -> Option<&Temporary> {
        self.goes_on.as_ref()
    }

    /// Whether the ID token of a first start is held with its temporary licence.
    pub fn has_id_token(&self) -> bool {
        let claims = self.temporary().map(Temporary::claims);
        claims.is_some_and(|claims| claims.id_token.is_some())
    }

    /// How many temporary licences were given since the last good check.
    pub const fn temporaries(&self) -> u32 {
        self.temporaries
    }

    /// What has ended by `at`, by a name of its own, if nothing of it is good any more: the lease, or the temporary licence of a
    /// first start.
    pub fn has_ended(&self, at: Timestamp) -> Option<String> {
        let temporary = self
            .temporary()
            .filter(|_| self.is_unanswered())
            .map(Temporary::claims);
        let first = temporary.map(|claims| format!("first:{}:{}", claims.aud, claims.number));
        let goes_on = self.temporary().is_some_and(|temporary| temporary.is_good(at));
        let lease = self.lease().filter(|lease| lease.until() <= at);
        let lease = lease.map(|lease| lease.claims().binding.jti.clone());
        lease.or(first).filter(|_| !goes_on)
    }

    /// Takes a temporary licence, and counts it. Says whether it verifies.
    pub fn take_temporary(&mut self, signed: SelfSigned, first: FirstGrounds<'_>) -> bool {
        let Some(temporary) = self.verified_temporary(&signed, first) else {
            return false;
        };
        if let Some(first) = first.signed.iter().find(|first| temporary.is_of(first)) {
            self.save_for = Some(first.claims().policy.save_window.as_secs());
        }
        self.temporaries = self.temporaries.max(temporary.claims().number);
        self.temporary = Some(signed);
        self.goes_on = Some(temporary);
        true
    }

    /// By the lease that it goes on from; where none is held, as a first start.
    fn verified_temporary(&self, signed: &SelfSigned, first: FirstGrounds<'_>) -> Option<Temporary> {
        let SelfSigned { jwk, token } = signed;
        if !self.may_be_first() {
            return Temporary::verify(token, jwk, self.lease()?).ok();
        }
        let keys = first.keys?;
        let mut vendors = first
            .signed
            .iter()
            .filter(|_| first.device == Some(&jwk.thumbprint()));
        vendors.find_map(|first| Temporary::verify_first(token, jwk, first, keys).ok())
    }

    /// It never outlives what it goes on from, nor a refusal.
    fn drop_temporary(&mut self) {
        self.temporary = None;
        self.goes_on = None;
    }

    /// The refusal in force.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// Whether nothing is held, good or not.
    pub const fn is_empty(&self) -> bool {
        self.is_unanswered() && self.temporary.is_none()
    }

    /// Whether nothing that the service signed is held.
    pub const fn is_unanswered(&self) -> bool {
        self.lease.is_none() && self.refusal.is_none()
    }

    /// Whether a start would be the first, as far as is known here.
    pub const fn may_be_first(&self) -> bool {
        self.is_unanswered() && !self.turned_away
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
        self.turned_away = false;
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
        // A policy changes only with a newer lease.
        let policy = self
            .lease()
            .map(|lease| lease.claims().policy.save_window.as_secs());
        self.save_for = policy.or(Some(refusal.claims().save_window));
        self.refusal = Some(refusal.token().to_owned());
        self.refused = Some(refusal);
        self.turned_away = true;
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
    /// and so do the count of temporary licences, which only a check begins anew, and that the last word was a refusal.
    pub fn clear(&mut self) {
        let save_window = self.save_window.take();
        let ends_for_good = self.lease().is_some_and(|lease| !may_go_on(lease));
        let turned_away = self.turned_away || self.refusal.is_some() || ends_for_good;
        *self = Self {
            save_window,
            save_for: self.save_for,
            temporaries: self.temporaries,
            turned_away,
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

    /// Whether the refusal in force says that the agent is too old: a lease that is good runs to its end, and is not renewed.
    pub fn is_client_outdated(&self) -> bool {
        self.is_refused(Code::ClientOutdated)
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
        self.turned_away = false;
        true
    }

    /// Verifies what was read from disk.
    fn verify(&mut self, keys: Option<&Keys>, expected: &Expected<'_>, first: FirstGrounds<'_>) {
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
            .and_then(|signed| self.verified_temporary(signed, first));
    }
}

/// What a first start rests on in place of a lease (rule 7).
#[derive(Clone, Copy, Debug)]
pub struct FirstGrounds<'a> {
    /// What the vendor has signed of the product's registrations.
    pub signed: &'a [FirstStart],
    /// The keys document, with the keys of issuers.
    pub keys: Option<&'a Keys>,
    /// This device's key.
    pub device: Option<&'a Thumbprint>,
}

impl Service {
    /// Nobody is signed in, nothing is to be deleted, and no release waits for the service.
    pub(crate) fn has_nothing_to_do(&self) -> bool {
        self.account.is_none() && self.forget.is_none() && self.releases.is_empty()
    }

    /// The keys document, verified by the root keys that the products of this service pin.
    pub fn verified_keys(&self, name: &str, registry: &[Registration]) -> Option<Keys> {
        let token = self.keys.as_deref()?;
        Keys::verify(token, &roots(name, registry), name).ok()
    }

    /// Keeps the keys document that a registration brought along, if it is newer than what is held of the same roots.
    pub fn adopt_keys(&mut self, name: &str, registry: &[Registration]) {
        let roots = first_roots(name, registry);
        let verified = |token: &str| Keys::verify(token, roots, name).ok();
        let held = self.keys.as_deref().and_then(verified);
        if held.is_none() && self.verified_keys(name, registry).is_some() {
            return;
        }
        let brought = registry.iter().filter(|entry| entry.service == name);
        let brought = brought.filter_map(|entry| verified(entry.keys.as_deref()?));
        let had = held.is_some();
        let newest = held.into_iter().chain(brought).max_by_key(Keys::signed_at);
        if let Some(newest) = newest {
            if had {
                self.times.go_on_under(newest.root());
            }
            if self.keep_keys(&newest) && !had {
                // Whoever answered the last check was not this one.
                self.checked_at = None;
            }
        }
    }

    /// Keeps a keys document that a pinned root key has signed. Says whether another root key vouched for what is held: then all of it
    /// is to be verified anew.
    pub fn keep_keys(&mut self, keys: &Keys) -> bool {
        self.keys = Some(keys.token().to_owned());
        self.times.are_of(keys.root())
    }
}

/// What the vendor has signed of a product's registrations, the newest first.
pub fn first_starts(registry: &[Registration], service: &str, product: &str) -> Vec<FirstStart> {
    let roots = first_roots(service, registry);
    let entries = registry
        .iter()
        .filter(|entry| entry.service == service && entry.product == product);
    let tokens = entries.filter_map(|entry| entry.first_start.as_deref());
    let mut signed: Vec<FirstStart> = tokens
        .filter_map(|token| FirstStart::verify(token, roots, service, product).ok())
        .collect();
    signed.sort_by_key(|first| std::cmp::Reverse(first.signed_at()));
    signed
}

/// The root keys of a service's first registration: what an installer registered for the machine comes first, so that no program of
/// the user's can sign for its vendor.
fn first_roots<'a>(service: &str, registry: &'a [Registration]) -> &'a [Jwk] {
    let mut entries = registry.iter();
    let first = entries.find(|entry| entry.service == service);
    first.map_or(&[], |entry| entry.root_keys.as_slice())
}

/// The root keys that the registered products of a service pin.
pub fn roots(service: &str, registry: &[Registration]) -> Vec<Jwk> {
    registry
        .iter()
        .filter(|entry| entry.service == service)
        .flat_map(|entry| entry.root_keys.clone())
        .collect()
}

/// Whether a product pins this root key. What another one has signed of it is no answer about it.
pub fn pins(service: &str, product: &str, root: &Thumbprint, registry: &[Registration]) -> bool {
    let mut entries = registry.iter().filter(|entry| entry.service == service);
    entries.any(|entry| entry.product == product && entry.pins(root))
}

/// Whether one registration pins both root keys: then of what they sign the newer counts.
pub fn are_of_one(service: &str, roots: [&Thumbprint; 2], registry: &[Registration]) -> bool {
    let mut entries = registry.iter().filter(|entry| entry.service == service);
    entries.any(|entry| roots.iter().all(|root| entry.pins(root)))
}

impl Facts {
    /// Verifies everything that is held, by the root keys that the registered products pin. Called when facts are
    /// read from disk, and when a registration changes.
    pub fn verify(&mut self, registry: &[Registration]) {
        for (name, service) in &mut self.services {
            service.adopt_keys(name, registry);
            let keys = service.verified_keys(name, registry);
            for (product, held) in &mut service.products {
                let expected = Expected {
                    service: name,
                    product,
                    device: service.device.as_ref(),
                    user: service.user.as_deref(),
                    request: None,
                };
                let signed = first_starts(registry, name, product);
                let first = FirstGrounds {
                    signed: &signed,
                    keys: keys.as_ref(),
                    device: service.device.as_ref(),
                };
                held.verify(keys.as_ref(), &expected, first);
            }
        }
    }

    /// What is held for a product at a service.
    pub fn held(&self, service: &str, product: &str) -> Option<&Held> {
        self.services.get(service)?.products.get(product)
    }
}
