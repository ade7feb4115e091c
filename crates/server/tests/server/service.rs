//! The service on a free port of this machine, with a clock that the test moves, and a device that talks to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_api::check::{CheckAnswer, CheckRequest, DeviceDescription, ProductQuery};
use latchkey_api::dpop;
use latchkey_api::problem::Problem;
use latchkey_core::jws::{Jwk, SigningKey};
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, Lease, Refusal};
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use latchkey_server::clock::Clock;
use latchkey_server::identity::{Identity, Timing};
use latchkey_server::routes::{Service, router};
use latchkey_server::serve::{Listener, Transport};
use latchkey_server::signer::{RootKey, new_lease_key};
use latchkey_server::store::Store;
use latchkey_server::store::records::{self, NewKeys, NewSubscription, Product};
use latchkey_server::store::sqlite::SqliteStore;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tempfile::TempDir;

use crate::issuer::{CLIENT, Issuer, RESOURCE, p256};

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const MAYA: &str = "maya@nord.example";

pub(crate) struct TestClock {
    wall: AtomicI64,
    passed: AtomicU64,
}

impl TestClock {
    /// Where the clock is set forward, so much time has passed; where it is set back, none.
    fn set(&self, wall: i64) {
        let before = self.wall.swap(wall, Ordering::SeqCst);
        let passed = u64::try_from(wall - before).unwrap_or(0);
        self.passed.fetch_add(passed, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.wall.load(Ordering::SeqCst))
    }

    fn passed(&self) -> Duration {
        Duration::from_secs(self.passed.load(Ordering::SeqCst))
    }
}

pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) issuer: Issuer,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) roots: Vec<Jwk>,
    pub(crate) subscription: String,
    pub(crate) folder: TempDir,
    clock: Arc<TestClock>,
    pub(crate) http: reqwest::Client,
}

impl Running {
    /// A service with ATLAS, whose seat is Maya's.
    pub(crate) async fn start() -> Self {
        Self::start_with(Policy::default()).await
    }

    pub(crate) async fn start_with(policy: Policy) -> Self {
        Self::start_all(policy, Timing::DEFAULT).await
    }

    pub(crate) async fn start_all(policy: Policy, timing: Timing) -> Self {
        Self::serve(policy, timing, |service| service).await
    }

    /// A service that works on so many requests at once.
    pub(crate) async fn start_small(at_once: usize) -> Self {
        let small = |service: Service| service.with_requests(at_once);
        Self::serve(Policy::default(), Timing::DEFAULT, small).await
    }

    async fn serve(policy: Policy, timing: Timing, change: impl FnOnce(Service) -> Service) -> Self {
        let _once = rustls::crypto::ring::default_provider().install_default();
        let issuer = Issuer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let at = Timestamp::from_secs(NOW);
        let path = folder.path().join("latchkey.db");
        drop(SqliteStore::create(&path).unwrap());
        let store = SqliteStore::open_to_serve(&path).unwrap();
        let root = RootKey::create(&folder.path().join("root.key")).unwrap();
        let clock = Arc::new(TestClock {
            wall: AtomicI64::new(NOW),
            passed: AtomicU64::new(0),
        });
        let listener = Listener::open("127.0.0.1:0".parse().unwrap(), &Transport::Loopback).unwrap();
        let url = format!("http://{}", listener.address());

        let lease_key = new_lease_key(at).unwrap();
        let document = root
            .document(&url, std::slice::from_ref(&lease_key), Vec::new(), 0, at)
            .unwrap();
        let keys = NewKeys {
            previous_iat: 0,
            url: Some(url.clone()),
            url_derived: true,
            document: Some(document),
            root: Some(root.jwk()),
            lease_key: Some(lease_key),
            dropped: vec![],
        };
        store.publish(keys).await.unwrap();
        store.put_issuer(vendor(&issuer)).await.unwrap();
        store
            .add_organisation("Nord".into(), Some("it@nord.example".into()), at)
            .await
            .unwrap();
        for key in ["ATLAS", "BOREAS"] {
            let product = Product {
                key: key.into(),
                name: key.into(),
                publisher: "Vendor".into(),
            };
            store.add_product(product, at).await.unwrap();
        }
        let new = NewSubscription {
            organisation: "Nord".into(),
            products: vec!["ATLAS".into()],
            entitlements: vec!["render".into()],
            seats: None,
            ends_at: None,
            policy,
        };
        let subscription = store.add_subscription(new, at).await.unwrap().id;
        store.add_user(MAYA.into(), "Nord".into(), at).await.unwrap();
        store.assign_seat(MAYA.into(), "ATLAS".into(), at).await.unwrap();

        let store: Arc<dyn Store> = Arc::new(store);
        let clock_argument: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let service = Service::new(
            url.clone(),
            Arc::clone(&store),
            clock_argument,
            Identity::new(timing).unwrap(),
        )
        .unwrap();
        let service = change(service);
        tokio::spawn(service.push());
        let router = router(Arc::new(service));
        tokio::spawn(listener.serve(router, std::future::pending()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let roots = vec![root.jwk()];
        Self {
            url,
            issuer,
            store,
            roots,
            subscription,
            folder,
            clock,
            http,
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.wall.load(Ordering::SeqCst)
    }

    pub(crate) fn set_time(&self, now: i64) {
        self.clock.set(now);
    }

    pub(crate) fn root_key(&self) -> PathBuf {
        self.folder.path().join("root.key")
    }

    /// A check that nothing is wrong with, but for a nonce.
    pub(crate) fn attempt<'a>(&'a self, device: &'a Device) -> Attempt<'a> {
        Attempt {
            running: self,
            device,
            token: self.issuer.access_token("maya", self.now()),
            scheme: "Bearer",
            method: "POST",
            url: format!("{}/v1/check", self.url),
            nonce: device.nonce.lock().unwrap().clone(),
            ath: None,
            proof_jti: random(),
            body: CheckRequest {
                jti: random(),
                agent: "0.1.0".into(),
                device: DeviceDescription {
                    name: "STUDIO-1".into(),
                    system: "Linux".into(),
                },
                products: vec![query("ATLAS")],
                id_token: None,
                issuer: None,
                usage: vec![],
            },
        }
    }

    /// A request of the device's that is authorised like a check, to this path.
    pub(crate) fn request(
        &self,
        device: &Device,
        method: &'static str,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let token = self.issuer.access_token("maya", self.now());
        self.request_with(device, &token, method, path)
    }

    /// The same with this access token.
    pub(crate) fn request_with(
        &self,
        device: &Device,
        token: &str,
        method: &'static str,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.url);
        let attempt = Attempt {
            method,
            url: url.clone(),
            token: token.to_owned(),
            ..self.attempt(device)
        };
        self.http
            .request(method.parse().unwrap(), url)
            .header("Authorization", format!("Bearer {}", attempt.token))
            .header("DPoP", attempt.proof())
    }

    /// Lets the device get a nonce and links Maya.
    pub(crate) async fn first_check(&self, device: &Device) -> Answered {
        self.attempt(device).send().await;
        let mut attempt = self.attempt(device);
        attempt.body.id_token = Some(self.issuer.id_token("maya", MAYA, self.now()));
        attempt.send().await
    }
}

pub(crate) fn vendor(issuer: &Issuer) -> records::Issuer {
    records::Issuer {
        issuer: issuer.url.clone(),
        client_id: CLIENT.into(),
        scopes: vec!["openid".into()],
        resource: Some(RESOURCE.into()),
        audience: None,
        redirect: Default::default(),
        token_audience: None,
        introspection: None,
        moved_to: None,
        address_claim: None,
        trusted_audiences: Vec::new(),
        prompt: Default::default(),
        domains: vec![],
    }
}

pub(crate) fn query(product: &str) -> ProductQuery {
    ProductQuery {
        product: product.into(),
        versions: vec!["2026.1".into()],
        open: false,
        session: None,
    }
}

pub(crate) fn random() -> String {
    latchkey_server::random::jti().unwrap()
}

pub(crate) struct Device {
    pub(crate) key: SigningKey,
    pub(crate) nonce: Mutex<Option<String>>,
}

impl Device {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            key: p256(seed),
            nonce: Mutex::default(),
        }
    }
}

/// A check about to be sent, every part of which can be made wrong.
pub(crate) struct Attempt<'a> {
    running: &'a Running,
    device: &'a Device,
    pub(crate) token: String,
    pub(crate) scheme: &'static str,
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) nonce: Option<String>,
    /// The token that the proof is made over, where it is not the one that is sent.
    pub(crate) ath: Option<String>,
    pub(crate) proof_jti: String,
    pub(crate) body: CheckRequest,
}

impl Attempt<'_> {
    pub(crate) fn proof(&self) -> String {
        let over = self.ath.as_ref().unwrap_or(&self.token);
        let iat = self.running.now();
        let nonce = self.nonce.as_deref();
        dpop::make(
            &self.device.key,
            self.method,
            &self.url,
            nonce,
            Some(over),
            iat,
            &self.proof_jti,
        )
        .unwrap()
    }

    pub(crate) fn request(&self) -> reqwest::RequestBuilder {
        self.running
            .http
            .post(format!("{}/v1/check", self.running.url))
            .header("Authorization", format!("{} {}", self.scheme, self.token))
            .header("DPoP", self.proof())
            .json(&self.body)
    }

    pub(crate) async fn send(&self) -> Answered {
        let response = self.request().send().await.unwrap();
        let nonce = response
            .headers()
            .get("DPoP-Nonce")
            .map(|nonce| nonce.to_str().unwrap().to_owned());
        *self.device.nonce.lock().unwrap() = Some(nonce.expect("every answer brings a nonce"));
        Answered {
            request: self.body.jti.clone(),
            jkt: self.device.key.jwk().thumbprint(),
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }
}

/// What came back.
pub(crate) struct Answered {
    request: String,
    jkt: latchkey_core::jws::Thumbprint,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        problem
    }

    /// Whether it says when to come back: in 5 to 30 seconds, so that not everybody comes at once.
    pub(crate) fn wants_a_pause(&self) -> bool {
        let after: u32 = self.headers["retry-after"].to_str().unwrap().parse().unwrap();
        (5..=30).contains(&after)
    }

    pub(crate) fn code(&self) -> String {
        self.problem().code
    }

    pub(crate) fn answer(&self) -> CheckAnswer {
        assert_eq!(
            self.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        serde_json::from_slice(&self.body).unwrap()
    }

    fn verified<T>(
        &self,
        service: &Running,
        product: &str,
        verify: impl Fn(&Keys, &Expected<'_>, Signed) -> T,
    ) -> T {
        let answer = self.answer();
        let keys = Keys::verify(&answer.keys, &service.roots, &service.url).unwrap();
        let one = answer
            .products
            .into_iter()
            .find(|one| one.product == product)
            .unwrap();
        let expected = Expected {
            service: &service.url,
            product,
            device: Some(&self.jkt),
            user: None,
            request: Some(&self.request),
        };
        verify(
            &keys,
            &expected,
            Signed {
                lease: one.lease,
                refusal: one.refusal,
            },
        )
    }

    /// The lease, verified as a device does.
    pub(crate) fn lease(&self, service: &Running, product: &str) -> Lease {
        self.verified(service, product, |keys, expected, signed| {
            assert_eq!(signed.refusal, None);
            Lease::verify(&signed.lease.unwrap(), keys, expected).unwrap()
        })
    }

    /// The refusal, verified as a device does.
    pub(crate) fn refusal(&self, service: &Running, product: &str) -> Refusal {
        self.verified(service, product, |keys, expected, signed| {
            assert_eq!(signed.lease, None);
            Refusal::verify(&signed.refusal.unwrap(), keys, expected).unwrap()
        })
    }
}

struct Signed {
    lease: Option<String>,
    refusal: Option<String>,
}
