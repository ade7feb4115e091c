//! The vendor's side of the service: how it is founded, who has a seat, and what the table of usage says.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use latchkey_core::first_start::FirstStartClaims;
use latchkey_core::jws::Jwk;
use latchkey_core::policy::Policy;
use latchkey_core::registration::{self, Registration};
use latchkey_core::time::Timestamp;
use latchkey_server::signer::{RootKey, new_lease_key};
use latchkey_server::store::records::{Issuer, NewKeys, NewSubscription, Product};
use latchkey_server::store::sqlite::SqliteStore;

use super::identity::{self, CLIENT, ISSUER};
use super::products::{Each, PRODUCTS, VERSION, Which, all, which};
use super::service::{LicensingService, URL, address_of};

const ORGANISATION: &str = "Studio Nord";

/// A new database. Its tables are made once, for all histories.
fn new_store(path: &Path) -> SqliteStore {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.db");
        drop(SqliteStore::create(&path).unwrap());
        std::fs::read(&path).unwrap()
    });
    std::fs::write(path, empty).unwrap();
    SqliteStore::open(path).unwrap()
}

impl LicensingService {
    /// With an organisation, whose `users` have seats of everything, and the `crowd` of the first product.
    pub(crate) fn new(
        policies: Each<Policy>,
        first_starts: bool,
        users: usize,
        crowd: usize,
        at: Timestamp,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // In memory where there is such a folder: nothing is to survive this process.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let path = folder.path().join("latchkey.db");
        let store = new_store(&path);
        let root = RootKey::create(&folder.path().join("root.key")).unwrap();
        let lease_key = new_lease_key(at).unwrap();
        let lease_keys = std::slice::from_ref(&lease_key);
        let issuers = vec![identity::keys()];
        let document = root.document(URL, lease_keys, issuers, 0, at).unwrap();
        let first_start = |(product, policy): (&str, &Policy)| {
            let claims = FirstStartClaims {
                iss: URL.to_owned(),
                aud: product.to_owned(),
                iat: at.as_secs(),
                identities: vec![identity::settings()],
                policy: policy.clone(),
            };
            root.first_start(&claims).unwrap()
        };
        let signed = [0, 1].map(|which| first_start((PRODUCTS[which], &policies[which])));
        let mut service = Self {
            runtime,
            first_starts: first_starts.then_some(signed),
            keys: document.0.clone(),
            _folder: folder,
            path,
            root: root.jwk(),
            subscriptions: Vec::new(),
            policies: policies.clone(),
            ends_at: Each::default(),
            up: true,
            dies: None,
            full: None,
            clock_ahead: 0,
            last_push: 0,
            was_asked: Cell::default(),
            store: Some(Arc::new(store)),
        };
        let subscriptions = service.block(async |store| {
            let keys = NewKeys {
                previous_iat: 0,
                url: Some(URL.into()),
                url_derived: false,
                document: Some(document),
                root: Some(root.jwk()),
                lease_key: Some(lease_key),
                dropped: vec![],
            };
            store.publish(keys).await.unwrap();
            let issuer = Issuer {
                issuer: ISSUER.into(),
                client_id: CLIENT.into(),
                scopes: vec!["openid".into()],
                resource: None,
                audience: None,
                redirect: Default::default(),
                token_audience: None,
                introspection: None,
                domains: vec![],
                moved_to: None,
                address_claim: None,
                trusted_audiences: Vec::new(),
                prompt: Default::default(),
            };
            store.put_issuer(issuer).await.unwrap();
            store
                .add_organisation(ORGANISATION.into(), None, at)
                .await
                .unwrap();
            let mut subscriptions = Vec::new();
            for (key, policy) in PRODUCTS.iter().zip(policies) {
                let product = Product {
                    key: (*key).into(),
                    name: (*key).into(),
                    publisher: "Vendor".into(),
                };
                store.add_product(product, at).await.unwrap();
                let new = NewSubscription {
                    organisation: ORGANISATION.into(),
                    products: vec![(*key).into()],
                    entitlements: vec![],
                    seats: None,
                    ends_at: None,
                    policy,
                };
                subscriptions.push(store.add_subscription(new, at).await.unwrap().id);
            }
            for user in 0..users + crowd {
                store
                    .add_user(address_of(user), ORGANISATION.into(), at)
                    .await
                    .unwrap();
                for product in &PRODUCTS[..if user < users { 2 } else { 1 }] {
                    store
                        .assign_seat(address_of(user), (*product).into(), at)
                        .await
                        .unwrap();
                }
            }
            subscriptions
        });
        service.subscriptions = subscriptions;
        service
    }

    /// What is installed on every machine.
    pub(crate) fn registry(&self) -> Vec<Registration> {
        all().map(|which| self.registration(which)).collect()
    }

    fn registration(&self, which: Which) -> Registration {
        let signed = self.first_starts.as_ref();
        Registration {
            registration: registration::VERSION,
            product: PRODUCTS[which].to_owned(),
            version: VERSION.to_owned(),
            name: PRODUCTS[which].to_owned(),
            publisher: "Vendor".to_owned(),
            service: URL.to_owned(),
            root_keys: vec![self.root.clone()],
            first_start: signed.map(|signed| signed[which].clone()),
            keys: signed.map(|_| self.keys.clone()),
        }
    }

    /// A public key, for where any will do.
    pub(crate) fn some_key(&self) -> Jwk {
        self.root.clone()
    }

    /// A seat comes or goes. Says whether that is written down.
    pub(crate) fn seat(&self, now: Timestamp, user: usize, which: Which, assigned: bool) -> bool {
        let now = self.clock(now);
        let done = self.block(async |store| {
            let (email, product) = (address_of(user), PRODUCTS[which].to_owned());
            if assigned {
                store.assign_seat(email, product, now).await.map(drop)
            } else {
                store.unassign_seat(email, product).await.map(drop)
            }
        });
        self.done(done).is_some()
    }

    /// When a subscription ends. Says whether that is written down.
    pub(crate) fn set_end(&mut self, which: Which, ends_at: Option<Timestamp>) -> bool {
        let subscription = self.subscriptions[which].clone();
        let set = self.block(async |store| store.end_subscription(subscription, ends_at).await);
        let is_set = self.done(set).is_some();
        if is_set {
            self.ends_at[which] = ends_at;
        }
        is_set
    }

    /// Whether a subscription has ended, by the service's clock.
    pub(crate) fn has_ended(&self, now: Timestamp, which: Which) -> bool {
        self.ends_at[which].is_some_and(|end| end <= self.clock(now))
    }

    /// The terms of a subscription change. Says whether that is written down.
    pub(crate) fn set_policy(&mut self, which: Which, policy: &Policy) -> bool {
        policy.validate().expect("it makes sense");
        let subscription = self.subscriptions[which].clone();
        let set = self.block(async |store| store.set_policy(subscription, policy.clone()).await);
        let is_set = self.done(set).is_some();
        if is_set {
            self.policies[which] = policy.clone();
        }
        is_set
    }

    /// An import. Says whether losses are held back, if it is written down.
    pub(crate) fn import(&self, now: Timestamp, which: Which, users: &[usize]) -> Option<bool> {
        let now = self.clock(now);
        let subscription = self.subscriptions[which].clone();
        let emails = users.iter().copied().map(address_of).collect();
        let imported = self.block(async |store| store.import_seats(subscription, emails, now).await);
        self.done(imported).map(|imported| imported.held.is_some())
    }

    /// An admin ends a hold. Says whether that is written down.
    pub(crate) fn end_hold(&self, give_back: bool) -> bool {
        let ended = self.block(async |store| store.end_hold(ORGANISATION.into(), give_back).await);
        let without = self.done(ended);
        assert!(
            !give_back || without.as_ref().is_none_or(Vec::is_empty),
            "there are seats for everybody"
        );
        without.is_some()
    }

    /// Minutes of use in the table, by device name and product.
    pub(crate) fn minutes(&self) -> Vec<(String, Which, u32)> {
        let rows = self.block(async |store| store.usage(None).await).unwrap();
        rows.into_iter()
            .map(|row| (row.device, which(&row.product), row.minutes))
            .collect()
    }
}
