//! A small licensing service: it decides nothing, and signs for real what a test has decided.

use std::collections::{BTreeMap, BTreeSet};

use latchkey_core::code::Code;
use latchkey_core::engine::{CheckAnswered, Signed};
use latchkey_core::facts::PendingRelease;
use latchkey_core::first_start::{self, FirstStartClaims};
use latchkey_core::jws::{self, Jwk, SigningKey, Thumbprint};
use latchkey_core::keys::{self, KeysClaims};
use latchkey_core::lease::{
    Binding, Confirmation, DeviceEntry, LEASE_TYP, LeaseClaims, REFUSAL_TYP, RefusalClaims, RefusalDetail,
};
use latchkey_core::policy::Policy;
use latchkey_core::registration::{Registration, VERSION};
use latchkey_core::session::WaitingDevice;
use latchkey_core::time::Timestamp;

use super::issuer;

/// Where the service's products may run, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    Assigned,
    Refused(Code),
}

/// One licensing service.
pub(crate) struct Licensing {
    pub(crate) address: String,
    pub(crate) policy: Policy,
    /// Of products under a subscription of their own.
    pub(crate) policies: BTreeMap<String, Policy>,
    /// When the subscription ends; no lease is good beyond that.
    pub(crate) subscription_ends: Option<Timestamp>,
    /// By product key; whoever is not named has a seat.
    pub(crate) seats: BTreeMap<String, Seat>,
    /// It has linked our user to a seat, and need not be told again who that is.
    pub(crate) knows_user: bool,
    /// It alone does not answer.
    pub(crate) out: bool,
    /// How far its clock is ahead of the real time, in milliseconds.
    pub(crate) clock_ahead: i64,
    /// Devices that wait for our session.
    pub(crate) waiting: Vec<WaitingDevice>,
    /// What this device said that it has open; everything, where it said nothing.
    pub(crate) open: Option<BTreeSet<String>>,
    /// Releases that reached it.
    pub(crate) released: Vec<PendingRelease>,
    /// The policy under which its products may first start in an outage, if they may.
    pub(crate) first_start: Option<Policy>,
    /// When registrations are signed, in seconds.
    pub(crate) registered_at: i64,
    root: SigningKey,
    pub(crate) key: SigningKey,
    pub(crate) keys: String,
    /// Counts what was signed: `seq` and `jti` both come from it.
    signed: u64,
}

fn ed25519(seed: u8) -> SigningKey {
    SigningKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])))
}

fn kid(key: &SigningKey) -> String {
    key.jwk().thumbprint().0
}

impl Licensing {
    /// A service at `address`. Services of different seeds do not believe each other's signatures.
    pub(crate) fn new(address: &str, seed: u8) -> Self {
        let (root, key) = (ed25519(seed), ed25519(seed.wrapping_add(100)));
        let mut licensing = Self {
            address: address.to_owned(),
            policy: Policy::default(),
            policies: BTreeMap::new(),
            subscription_ends: None,
            seats: BTreeMap::new(),
            knows_user: false,
            out: false,
            clock_ahead: 0,
            waiting: Vec::new(),
            open: None,
            released: Vec::new(),
            first_start: None,
            registered_at: 1_799_000_000,
            root,
            key,
            keys: String::new(),
            signed: 0,
        };
        licensing.publish(1_799_000_000);
        licensing
    }

    /// Signs the keys document anew, with this `iat`.
    pub(crate) fn publish(&mut self, iat: i64) {
        let claims = KeysClaims {
            iss: self.address.clone(),
            iat,
            keys: vec![self.key.jwk()],
            issuers: vec![issuer::keys()],
        };
        self.keys = jws::sign(&self.root, keys::TYP, &kid(&self.root), &claims).unwrap();
    }

    /// What one of its products tells the machine about itself.
    pub(crate) fn registration(&self, product: &str, name: &str) -> Registration {
        Registration {
            registration: VERSION,
            product: product.to_owned(),
            version: "2026.1".to_owned(),
            name: name.to_owned(),
            publisher: "Example Works".to_owned(),
            service: self.address.clone(),
            root_keys: vec![self.root.jwk()],
            first_start: self.first_start.clone().map(|policy| {
                let claims = FirstStartClaims {
                    iss: self.address.clone(),
                    aud: product.to_owned(),
                    iat: self.registered_at,
                    identities: vec![issuer::identity()],
                    policy,
                };
                first_start::sign(&self.root, &claims).unwrap()
            }),
            keys: self.first_start.is_some().then(|| self.keys.clone()),
        }
    }

    /// A public key, for where any will do.
    pub(crate) fn some_key(&self) -> Jwk {
        self.key.jwk()
    }

    /// From now on a product's seat is this.
    pub(crate) fn seat(&mut self, product: &str, seat: Seat) {
        self.seats.insert(product.to_owned(), seat);
    }

    /// What a check of this product is answered now.
    pub(crate) fn seat_of(&self, product: &str) -> Seat {
        match self.seats.get(product).copied().unwrap_or(Seat::Assigned) {
            // Whoever has nothing open needs no session.
            Seat::Refused(Code::SessionInUse)
                if self.open.as_ref().is_some_and(|open| !open.contains(product)) =>
            {
                Seat::Assigned
            }
            seat => seat,
        }
    }

    /// Under which policy a product's leases are given.
    pub(crate) fn policy_of(&self, product: &str) -> &Policy {
        self.policies.get(product).unwrap_or(&self.policy)
    }

    /// Answers the check `request` of `device` about `products`, at the service's time `at`.
    pub(crate) fn answer(
        &mut self,
        request: &str,
        device: &Thumbprint,
        products: &[String],
        real: Timestamp,
    ) -> CheckAnswered {
        let at = real.shifted(self.clock_ahead);
        let products = products.iter().map(|product| {
            let has_ended = self.subscription_ends.is_some_and(|end| end <= at);
            let seat = if has_ended {
                Seat::Refused(Code::SubscriptionEnded)
            } else {
                self.seat_of(product)
            };
            (product.clone(), self.sign(seat, product, device, request, at))
        });
        CheckAnswered {
            request: request.to_owned(),
            products: products.collect(),
            keys: self.keys.clone(),
            waiting: self.waiting.clone(),
        }
    }

    fn sign(
        &mut self,
        seat: Seat,
        product: &str,
        device: &Thumbprint,
        request: &str,
        at: Timestamp,
    ) -> Signed {
        self.signed += 1;
        let binding = Binding {
            iss: self.address.clone(),
            aud: product.to_owned(),
            sub: "user-1".to_owned(),
            jti: format!("token-{}", self.signed),
            iat: at.as_secs(),
            server_time: at.as_secs(),
            seq: self.signed,
            cnf: Confirmation { jkt: device.clone() },
            req: request.to_owned(),
        };
        match seat {
            Seat::Assigned => Signed::Lease(self.sign_claims(LEASE_TYP, &self.lease_claims(binding, at))),
            Seat::Refused(code) => Signed::Refusal(self.sign_claims(
                REFUSAL_TYP,
                &RefusalClaims {
                    binding,
                    code,
                    save_window: self.policy.save_window.as_secs(),
                    detail: RefusalDetail {
                        holder: (code == Code::SessionInUse).then(|| DeviceEntry {
                            id: "dev_2".to_owned(),
                            name: "STUDIO-2".to_owned(),
                            system: "Linux".to_owned(),
                            last_seen: at.as_secs(),
                        }),
                        ..RefusalDetail::default()
                    },
                },
            )),
        }
    }

    fn lease_claims(&self, binding: Binding, at: Timestamp) -> LeaseClaims {
        let policy = self.policy_of(&binding.aud);
        LeaseClaims {
            binding,
            nbf: at.as_secs(),
            exp: self.at_the_latest(at + policy.offline_for),
            refresh_after: self.at_the_latest(at + policy.check_every),
            org: "Example Works".to_owned(),
            seat: "seat-1".to_owned(),
            policy: policy.clone(),
            entitlements: Vec::new(),
        }
    }

    fn at_the_latest(&self, at: Timestamp) -> i64 {
        self.subscription_ends.map_or(at, |end| end.min(at)).as_secs()
    }

    /// Signs whatever a test wants to be signed.
    pub(crate) fn sign_claims<T: serde::Serialize>(&self, typ: &str, claims: &T) -> String {
        jws::sign(&self.key, typ, &kid(&self.key), claims).unwrap()
    }
}

/// The same answer with one bit of every signature turned, or of that about one product.
pub(crate) fn tampered(answered: &CheckAnswered, only: Option<&str>) -> CheckAnswered {
    let turn = |token: &str| {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = jws::from_base64url(signature).unwrap();
        bytes[7] ^= 1;
        format!("{message}.{}", jws::base64url(bytes))
    };
    let products = answered.products.iter().map(|(product, signed)| {
        let signed = match signed {
            signed if only.is_some_and(|only| only != product) => signed.clone(),
            Signed::Lease(token) => Signed::Lease(turn(token)),
            Signed::Refusal(token) => Signed::Refusal(turn(token)),
        };
        (product.clone(), signed)
    });
    CheckAnswered {
        products: products.collect(),
        ..answered.clone()
    }
}
