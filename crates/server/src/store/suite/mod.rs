//! What every store must do. Each case works on a fresh store that [`Fixture::new`] fills; `sqlite::tests` runs them on
//! SQLite, and every other store will run the same.

pub(crate) mod administration;
pub(crate) mod checks;
pub(crate) mod devices;
pub(crate) mod mass_loss;
pub(crate) mod relocation;
pub(crate) mod sessions;
pub(crate) mod who;

use std::sync::Arc;

use latchkey_api::check::DeviceDescription;
use latchkey_api::discovery::Redirect;
use latchkey_core::code::Code;
use latchkey_core::jws::Thumbprint;
use latchkey_core::policy::Policy;
use latchkey_core::time::{HOUR, Timestamp};

use super::records::{
    AskedProduct, Caller, CheckCommand, CheckOutcome, Decided, EmailClaim, Imported, Issuer, NewKeys,
    NewSubscription, Product, Release, ReleaseOutcome, Subscription, User,
};
use super::{Conflict, Store, StoreError};
use crate::decide::{Decision, Grant, Refused};
use crate::signer::new_lease_key;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: i64 = 86_400;
const MAYA: &str = "maya@nord.example";
const ISSUER: &str = "https://id.example";

/// A store with one organisation, its subscription and one user.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) subscription: Subscription,
    pub(crate) kid: String,
}

impl Fixture {
    pub(crate) async fn new(store: Arc<dyn Store>) -> Self {
        Self::with(
            store,
            Policy {
                device_limit: 2,
                ..Policy::default()
            },
        )
        .await
    }

    async fn with(store: Arc<dyn Store>, policy: Policy) -> Self {
        let lease_key = new_lease_key(NOW).unwrap();
        let kid = lease_key.kid.clone();
        let keys = NewKeys {
            previous_iat: 0,
            url: Some("https://licence.example".into()),
            url_derived: false,
            document: Some(("document".into(), 1)),
            root: None,
            lease_key: Some(lease_key),
            dropped: vec![],
        };
        store.publish(keys).await.unwrap();
        store.add_organisation("Nord".into(), None, NOW).await.unwrap();
        for key in ["ATLAS", "BOREAS"] {
            let product = Product {
                key: key.into(),
                name: key.into(),
                publisher: "Vendor".into(),
            };
            store.add_product(product, NOW).await.unwrap();
        }
        let new = new_subscription(&["ATLAS", "BOREAS"], Some(2), policy);
        let subscription = store.add_subscription(new, NOW).await.unwrap();
        store.add_user(MAYA.into(), "Nord".into(), NOW).await.unwrap();
        store
            .assign_seat(MAYA.into(), subscription.id.clone(), NOW)
            .await
            .unwrap();
        Self {
            store,
            subscription,
            kid,
        }
    }

    pub(crate) fn command(&self, device: &str) -> CheckCommand {
        CheckCommand {
            now: NOW,
            issuer: ISSUER.into(),
            moved: false,
            subject: "maya".into(),
            email: EmailClaim::Proven(MAYA.into()),
            jkt: Thumbprint(device.into()),
            device: DeviceDescription {
                name: device.into(),
                system: "Linux".into(),
            },
            agent: "0.1.0".into(),
            token_life: HOUR,
            signed_in_at: Some(NOW),
            products: vec![asked("ATLAS")],
            usage: vec![],
            kid: self.kid.clone(),
        }
    }

    /// The device gives these products up, or its place; it signed that at `signed_at`.
    async fn release(&self, device: &str, products: Option<&[&str]>, signed_at: Timestamp) {
        let release = Release {
            jkt: Thumbprint(device.into()),
            products: products.map(|all| all.iter().map(|&one| one.to_owned()).collect()),
            signed_at,
        };
        self.store.release(release, NOW).await.unwrap();
    }

    async fn check(&self, command: CheckCommand) -> (String, Vec<Decided>) {
        match self.store.check(command).await.unwrap() {
            CheckOutcome::Decided { user, products, .. } => (user, products),
            other @ (CheckOutcome::IdTokenRequired
            | CheckOutcome::IssuerMoved
            | CheckOutcome::Held
            | CheckOutcome::TokenLivesTooLong(_)) => {
                panic!("{other:?}")
            }
        }
    }

    /// The one answer of a check.
    pub(crate) async fn one(&self, command: CheckCommand) -> Decided {
        self.check(command).await.1.remove(0)
    }
}

fn asked(product: &str) -> AskedProduct {
    AskedProduct {
        product: product.into(),
        open: false,
        session: None,
    }
}

fn new_subscription(products: &[&str], seats: Option<u32>, policy: Policy) -> NewSubscription {
    NewSubscription {
        organisation: "Nord".into(),
        products: products.iter().map(|&product| product.to_owned()).collect(),
        entitlements: vec![],
        seats,
        ends_at: None,
        policy,
    }
}

fn issuer(name: &str, domains: &[&str]) -> Issuer {
    Issuer {
        issuer: name.into(),
        client_id: "client".into(),
        scopes: vec!["openid".into()],
        resource: None,
        audience: None,
        redirect: Redirect::default(),
        token_audience: None,
        introspection: None,
        moved_to: None,
        address_claim: None,
        trusted_audiences: Vec::new(),
        prompt: Default::default(),
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
    }
}

fn grant(decided: &Decided) -> &Grant {
    match &decided.decision {
        Decision::Lease(grant) => grant,
        Decision::Refuse(refused) => panic!("{refused:?}"),
    }
}

fn refused(decided: &Decided) -> &Refused {
    match &decided.decision {
        Decision::Refuse(refused) => refused,
        Decision::Lease(grant) => panic!("{grant:?}"),
    }
}
