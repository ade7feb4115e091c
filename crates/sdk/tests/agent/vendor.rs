//! Everything that is signed: by a vendor's root key, a service's lease key, an issuer's key, a device's key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use latchkey_core::code::{Basis, Code};
use latchkey_core::first_start::{self, FirstStartClaims};
use latchkey_core::id_token::IssuerKeys;
use latchkey_core::identity::{Identity, Redirect};
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
use serde_json::{Value, json};

pub(crate) const PRODUCT: &str = "ATLAS";
pub(crate) const ISSUER: &str = "https://id.example";
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
    /// It is a first start: this is in place of the lease.
    pub(crate) first_start: Option<FirstStart>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the product compares with the system's clock"
)]
fn system_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_secs(i64::try_from(since_epoch.as_secs()).unwrap())
}

/// What a first start in an outage rests on.
pub(crate) struct FirstStart {
    pub(crate) registration: FirstStartClaims,
    /// The key that signs the registration.
    pub(crate) root: SigningKey,
    /// The claims of the ID token; none at all, if this is null.
    pub(crate) id_token: Value,
    /// The key that signs the ID token.
    pub(crate) issuer: SigningKey,
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
                issuers: vec![IssuerKeys {
                    issuer: ISSUER.into(),
                    keys: vec![serde_json::from_value(json!(ed25519(9).jwk())).unwrap()],
                }],
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
            first_start: None,
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
        let registration = self
            .first_start
            .as_ref()
            .map(|first| first_start::sign(&first.root, &first.registration).unwrap());
        let base = registration.as_ref().unwrap_or(&lease);
        self.proof.lease_hash = proof::hash(self.proof_of.as_ref().unwrap_or(base));
        let temporary = self.sign_temporary(&lease, registration.as_deref());
        let proof = jws::sign(
            &self.prover,
            proof::TYP,
            &self.device.jwk().thumbprint().0,
            &self.proof,
        )
        .unwrap();
        Box::new(Grant {
            lease: registration.is_none().then_some(lease),
            registration,
            keys,
            temporary,
            device: self.device.jwk(),
            proof,
        })
    }

    /// The service is out, and nothing of it was ever here. It is now: no lease tells another time.
    pub(crate) fn first_start(mut self) -> Self {
        let now = system_time();
        let signed_at = (now - HOUR).as_secs();
        self.proof.now = now;
        self.temporary = Some(|_| {});
        self.first_start = Some(FirstStart {
            registration: FirstStartClaims {
                iss: SERVICE.into(),
                aud: PRODUCT.into(),
                iat: (now - 90 * DAY).as_secs(),
                identities: vec![Identity {
                    issuer: ISSUER.into(),
                    client_id: "latchkey".into(),
                    scopes: Vec::new(),
                    resource: None,
                    audience: None,
                    trusted_audiences: Vec::new(),
                    prompt: Default::default(),
                    redirect: Redirect::default(),
                }],
                policy: Policy::default(),
            },
            root: ed25519(1),
            id_token: json!({
                "iss": ISSUER, "sub": "maya", "aud": "latchkey", "iat": signed_at - 60, "exp": signed_at + 240,
            }),
            issuer: ed25519(9),
        });
        self
    }

    /// The service has been out for ten days since the lease ended, and a temporary licence goes on from it.
    pub(crate) fn in_an_outage(mut self) -> Self {
        self.temporary = Some(|_| {});
        self.at(NOW + 40 * DAY)
    }

    fn sign_temporary(&self, lease: &str, registration: Option<&str>) -> Option<String> {
        let change = self.temporary?;
        let signed_at = self.proof.now - HOUR;
        let id_token = self
            .first_start
            .as_ref()
            .filter(|first| !first.id_token.is_null());
        let id_token = id_token.map(|FirstStart { issuer, id_token, .. }| {
            jws::sign(issuer, "JWT", &issuer.jwk().thumbprint().0, id_token).unwrap()
        });
        let user = if registration.is_some() { "maya" } else { "user-1" };
        let mut claims = TemporaryClaims {
            iss: self.device.jwk().thumbprint().0,
            aud: PRODUCT.into(),
            sub: user.into(),
            iat: signed_at.as_secs(),
            exp: (signed_at + 4 * HOUR).as_secs(),
            number: 1,
            lease_hash: registration.is_none().then(|| proof::hash(lease)),
            registration_hash: registration.map(proof::hash),
            id_token,
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
        first_start: None,
        keys: None,
    }
}
