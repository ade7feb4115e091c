//! Everything that is signed: a vendor's root key, a service's lease key, a device's key.

use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::jws::{self, Jwk, SigningKey, Thumbprint};
use latchkey_core::keys::{self, KeysClaims};
use latchkey_core::lease::{Binding, Confirmation, LEASE_TYP, LeaseClaims};
use latchkey_core::policy::Policy;
use latchkey_core::proof::{self, ProofClaims};
use latchkey_core::registration::Registration;
use latchkey_core::temporary::{self, TemporaryClaims};
use latchkey_core::time::{DAY, HOUR, Timestamp};
use latchkey_core::view::StatusView;
use latchkey_ipc::messages::{Grant, Reply};

pub(crate) const PRODUCT: &str = "ATLAS";
pub(crate) const SERVICE: &str = "https://licence.example";
/// The moment at which these tests begin.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) fn ed25519(seed: u8) -> SigningKey {
    SigningKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])))
}

pub(crate) fn p256(seed: u8) -> SigningKey {
    SigningKey::P256(Box::new(
        p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap(),
    ))
}

/// What a grant is made of. A test changes one thing, and everything else stays right.
pub(crate) struct Offer {
    pub(crate) root: SigningKey,
    pub(crate) keys: KeysClaims,
    pub(crate) lease_key: SigningKey,
    pub(crate) lease: LeaseClaims,
    /// The key that is shown as the device's.
    pub(crate) device: SigningKey,
    /// The key that signs the proof.
    pub(crate) prover: SigningKey,
    pub(crate) proof: ProofClaims,
    /// What is done to the lease's token after it was signed.
    pub(crate) tamper: fn(String) -> String,
    /// The lease that the proof is about, if it is another.
    pub(crate) proof_of: Option<String>,
    /// A temporary licence comes along: an hour old at the proof, but for what this does to it.
    pub(crate) temporary: Option<fn(&mut TemporaryClaims)>,
    /// Whoever signs it.
    pub(crate) temporary_key: SigningKey,
}

impl Offer {
    /// An honest one, which answers `nonce`.
    pub(crate) fn honest(nonce: &str) -> Self {
        let device = p256(3);
        let lease_key = ed25519(2);
        let iat = NOW.as_secs();
        Self {
            root: ed25519(1),
            keys: KeysClaims {
                iss: SERVICE.into(),
                iat,
                keys: vec![lease_key.jwk()],
            },
            lease: LeaseClaims {
                binding: Binding {
                    iss: SERVICE.into(),
                    aud: PRODUCT.into(),
                    sub: "user-1".into(),
                    jti: "lease-1".into(),
                    iat,
                    server_time: iat,
                    seq: 1,
                    cnf: Confirmation {
                        jkt: device.jwk().thumbprint(),
                    },
                    req: "request-1".into(),
                },
                nbf: iat,
                exp: (NOW + 30 * DAY).as_secs(),
                refresh_after: (NOW + DAY).as_secs(),
                org: "Studio Example".into(),
                seat: "seat-1".into(),
                policy: Policy::default(),
                entitlements: vec!["export".into()],
            },
            lease_key,
            prover: p256(3),
            device,
            proof: ProofClaims {
                nonce: nonce.into(),
                aud: PRODUCT.into(),
                code: Code::Ok,
                now: NOW,
                lease_hash: String::new(),
            },
            tamper: |token| token,
            proof_of: None,
            temporary: None,
            temporary_key: p256(3),
        }
    }

    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.proof.now = now;
        self
    }

    /// A lease that was signed at `signed_at` and is good for `good_for`.
    pub(crate) fn signed(mut self, signed_at: Timestamp, good_for: Duration) -> Self {
        self.lease.binding.server_time = signed_at.as_secs();
        self.lease.binding.iat = signed_at.as_secs();
        self.lease.nbf = signed_at.as_secs();
        self.lease.exp = (signed_at + good_for).as_secs();
        self
    }

    pub(crate) fn grant(mut self) -> Box<Grant> {
        let kid = |key: &SigningKey| key.jwk().thumbprint().0;
        let keys = jws::sign(&self.root, keys::TYP, &kid(&self.root), &self.keys).unwrap();
        let lease = jws::sign(&self.lease_key, LEASE_TYP, &kid(&self.lease_key), &self.lease).unwrap();
        let lease = (self.tamper)(lease);
        self.proof.lease_hash = proof::hash(self.proof_of.as_ref().unwrap_or(&lease));
        let temporary = self.sign_temporary(&lease);
        let proof = jws::sign(
            &self.prover,
            proof::TYP,
            &self.device.jwk().thumbprint().0,
            &self.proof,
        )
        .unwrap();
        Box::new(Grant {
            lease,
            keys,
            temporary,
            device: self.device.jwk(),
            proof,
        })
    }

    /// The service has been out for ten days since the lease ended, and a temporary licence goes on from it.
    pub(crate) fn in_an_outage(mut self) -> Self {
        self.temporary = Some(|_| {});
        self.at(NOW + 40 * DAY)
    }

    fn sign_temporary(&self, lease: &str) -> Option<String> {
        let change = self.temporary?;
        let signed_at = self.proof.now - HOUR;
        let mut claims = TemporaryClaims {
            iss: self.device.jwk().thumbprint().0,
            aud: PRODUCT.into(),
            sub: "user-1".into(),
            iat: signed_at.as_secs(),
            exp: (signed_at + 4 * HOUR).as_secs(),
            number: 1,
            lease_hash: proof::hash(lease),
        };
        change(&mut claims);
        let kid = self.temporary_key.jwk().thumbprint().0;
        Some(jws::sign(&self.temporary_key, temporary::TYP, &kid, &claims).unwrap())
    }

    /// The whole answer: may run.
    pub(crate) fn reply(self) -> Reply {
        let status = ok(Timestamp::from_secs(self.lease.exp));
        Reply::Authorized {
            status,
            grant: Some(self.grant()),
        }
    }
}

pub(crate) fn ok(until: Timestamp) -> StatusView {
    StatusView {
        basis: Some(Basis::Lease),
        until: Some(until),
        ..status(Code::Ok)
    }
}

pub(crate) fn status(code: Code) -> StatusView {
    StatusView {
        code: code.number(),
        name: code.name().into(),
        ..StatusView::default()
    }
}

pub(crate) fn says(status: StatusView) -> Reply {
    Reply::Authorized { status, grant: None }
}

pub(crate) fn root_keys() -> Vec<Jwk> {
    vec![ed25519(1).jwk()]
}

pub(crate) fn thumbprint(key: &SigningKey) -> Thumbprint {
    key.jwk().thumbprint()
}

pub(crate) fn registration() -> Registration {
    Registration {
        registration: 1,
        product: PRODUCT.into(),
        version: "2026.1".into(),
        name: "Atlas".into(),
        publisher: "Cartographers".into(),
        service: SERVICE.into(),
        root_keys: root_keys(),
    }
}
