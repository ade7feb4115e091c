//! What every store must do. Each case works on a fresh store that [`Fixture::new`] fills; `sqlite::tests` runs them on
//! SQLite, and every other store will run the same.

use std::sync::Arc;

use latchkey_api::check::DeviceDescription;
use latchkey_api::discovery::Redirect;
use latchkey_core::code::Code;
use latchkey_core::jws::Thumbprint;
use latchkey_core::policy::Policy;
use latchkey_core::time::{HOUR, Timestamp};

use super::records::{
    CheckCommand, CheckOutcome, Decided, EmailClaim, Issuer, NewKeys, NewSubscription, Product, Subscription,
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
            subject: "maya".into(),
            email: EmailClaim::Proven(MAYA.into()),
            jkt: Thumbprint(device.into()),
            device: DeviceDescription {
                name: device.into(),
                system: "Linux".into(),
            },
            agent: "0.1.0".into(),
            token_life: HOUR,
            products: vec!["ATLAS".into()],
            kid: self.kid.clone(),
        }
    }

    async fn check(&self, command: CheckCommand) -> (String, Vec<Decided>) {
        match self.store.check(command).await.unwrap() {
            CheckOutcome::Decided { user, products, .. } => (user, products),
            other @ (CheckOutcome::IdTokenRequired | CheckOutcome::TokenLivesTooLong(_)) => {
                panic!("{other:?}")
            }
        }
    }

    /// The one answer of a check.
    pub(crate) async fn one(&self, command: CheckCommand) -> Decided {
        self.check(command).await.1.remove(0)
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

/// Two devices race for the last place, many times over: one wins.
pub(crate) async fn the_last_place_has_one_winner(store: Arc<dyn Store>) {
    let fixture = Arc::new(Fixture::new(store).await);
    assert!(matches!(
        fixture.one(fixture.command("first")).await.decision,
        Decision::Lease(_)
    ));
    let racers: Vec<_> = (0..32)
        .map(|racer| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.one(fixture.command(&format!("racer {racer}"))).await })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        match racer.await.unwrap().decision {
            Decision::Lease(_) => winners += 1,
            Decision::Refuse(refused) => {
                assert_eq!(refused.code, Code::DeviceLimit);
                assert_eq!(refused.detail.devices.len(), 2);
            }
        }
    }
    assert_eq!(winners, 1);
}

/// Administrators race for the last seat: one wins.
pub(crate) async fn the_last_seat_has_one_winner(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let racers: Vec<_> = (0..16)
        .map(|racer| {
            let store = Arc::clone(&fixture.store);
            tokio::spawn(async move {
                let email = format!("racer{racer}@nord.example");
                store.add_user(email.clone(), "Nord".into(), NOW).await.unwrap();
                store.assign_seat(email, "ATLAS".into(), NOW).await
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(seats) => winners += seats.len(),
            Err(StoreError::Conflict(Conflict::NoSeatLeft { seats: 2, .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((winners, fixture.store.seats().await.unwrap().len()), (1, 3));
}

/// The number of an answer only rises: for leases and refusals, under concurrency, and when the clock is set back.
pub(crate) async fn the_sequence_only_rises(store: Arc<dyn Store>) {
    let fixture = Arc::new(Fixture::new(store).await);
    let first = fixture.one(fixture.command("d")).await.seq;
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.one(fixture.command("d")).await.seq })
        })
        .collect();
    let mut numbers = vec![];
    for one in asked {
        numbers.push(one.await.unwrap());
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 50, "no number twice");
    assert!(numbers[0] > first);

    let earlier = CheckCommand {
        now: Timestamp::from_secs(1_700_000_000),
        ..fixture.command("d")
    };
    let after = fixture.one(earlier).await.seq;
    assert!(after > numbers[49], "the clock was set back");
    fixture
        .store
        .unassign_seat(MAYA.into(), "ATLAS".into())
        .await
        .unwrap();
    assert!(
        fixture.one(fixture.command("d")).await.seq > after,
        "a refusal has a number too"
    );
    let other = CheckCommand {
        products: vec!["NOSUCH".into()],
        ..fixture.command("d")
    };
    let unknown = fixture.one(other).await;
    assert_eq!(refused(&unknown).code, Code::NotAssigned);
}

/// (iss, sub) is linked once, by a proven e-mail; afterwards it alone decides.
pub(crate) async fn a_subject_is_linked_once(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let unknown = CheckCommand {
        email: EmailClaim::Unknown,
        ..fixture.command("d")
    };
    let outcome = fixture.store.check(unknown.clone()).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::IdTokenRequired));

    let (maya, products) = fixture.check(fixture.command("d")).await;
    assert!(matches!(products[0].decision, Decision::Lease(_)));
    assert_eq!(fixture.check(unknown).await.0, maya);
    let renamed = EmailClaim::Proven("boss@nord.example".into());
    let (still, _) = fixture
        .check(CheckCommand {
            email: renamed,
            ..fixture.command("d")
        })
        .await;
    assert_eq!(still, maya, "a later e-mail changes nothing");

    let impostor = CheckCommand {
        subject: "mallory".into(),
        ..fixture.command("m")
    };
    let (mallory, products) = fixture.check(impostor).await;
    assert_ne!(mallory, maya, "the e-mail is somebody's already");
    assert_eq!(refused(&products[0]).code, Code::NotAssigned);

    let company = CheckCommand {
        issuer: "https://company.example".into(),
        ..fixture.command("d")
    };
    assert_eq!(
        fixture.check(company).await.0,
        maya,
        "another issuer may vouch for the same person"
    );
}

/// Who is not known yet becomes a user without a seat, and may be taken in later.
pub(crate) async fn a_stranger_becomes_a_user_without_a_seat(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let noor = |email| CheckCommand {
        subject: "noor".into(),
        email,
        ..fixture.command("n")
    };
    let (unproven, products) = fixture.check(noor(EmailClaim::Unproven)).await;
    assert_eq!(refused(&products[0]).code, Code::NotAssigned);
    assert_eq!(
        fixture.check(noor(EmailClaim::Unknown)).await.0,
        unproven,
        "known from now on"
    );

    let proven = EmailClaim::Proven("noor@nord.example".into());
    assert_eq!(
        fixture.check(noor(proven)).await.0,
        unproven,
        "the e-mail is added"
    );
    let user = fixture
        .store
        .add_user("noor@nord.example".into(), "Nord".into(), NOW)
        .await
        .unwrap();
    assert_eq!(user.id, unproven);
    fixture
        .store
        .assign_seat("noor@nord.example".into(), "ATLAS".into(), NOW)
        .await
        .unwrap();
    let lease = fixture.one(noor(EmailClaim::Unknown)).await;
    assert_eq!(grant(&lease).organisation, "Nord");

    let ola = |email| CheckCommand {
        subject: "ola".into(),
        email,
        ..fixture.command("o")
    };
    let (nobody, _) = fixture.check(ola(EmailClaim::Unproven)).await;
    let added = fixture
        .store
        .add_user("ola@nord.example".into(), "Nord".into(), NOW)
        .await
        .unwrap();
    let (ola_id, _) = fixture
        .check(ola(EmailClaim::Proven("ola@nord.example".into())))
        .await;
    assert_eq!(ola_id, added.id, "the one that the administrator has added");
    assert!(
        fixture
            .store
            .users()
            .await
            .unwrap()
            .iter()
            .all(|user| user.id != nobody)
    );
}

/// A removed user is refused as the same user, and comes back as the same user.
pub(crate) async fn a_removed_user_stays_the_same_person(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let (maya, _) = fixture.check(fixture.command("d")).await;
    fixture.store.remove_user(MAYA.into(), NOW).await.unwrap();
    let (same, products) = fixture.check(fixture.command("d")).await;
    assert_eq!(
        (same, refused(&products[0]).code),
        (maya.clone(), Code::NotAssigned)
    );
    assert!(fixture.store.seats().await.unwrap().is_empty());
    let assigned = fixture.store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await;
    assert!(matches!(
        assigned,
        Err(StoreError::Conflict(Conflict::NoOrganisation(_)))
    ));
    let back = fixture
        .store
        .add_user(MAYA.into(), "Nord".into(), NOW)
        .await
        .unwrap();
    assert_eq!((back.id, back.removed_at), (maya.clone(), None));

    fixture.store.unlink_user(MAYA.into()).await.unwrap();
    let moved = CheckCommand {
        subject: "maya's new account".into(),
        ..fixture.command("d")
    };
    assert_eq!(
        fixture.check(moved).await.0,
        maya,
        "unlinked, so the e-mail counts once more"
    );
}

/// Places: taken at the first lease, freed by release, unassignment, and the lease's end.
pub(crate) async fn places_are_freed(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let leased = async |device: &str, now: Timestamp| {
        let decided = fixture
            .one(CheckCommand {
                now,
                ..fixture.command(device)
            })
            .await;
        matches!(decided.decision, Decision::Lease(_))
    };
    let released = async |device: &str, products: Option<&[&str]>| {
        let products = products.map(|all| all.iter().map(|&one| one.to_owned()).collect());
        fixture
            .store
            .release(Thumbprint(device.into()), products, NOW)
            .await
            .unwrap();
    };
    assert!(leased("a", NOW).await && leased("b", NOW).await && !leased("c", NOW).await);
    released("b", Some(&["BOREAS"])).await;
    assert!(!leased("c", NOW).await, "another product's lease");
    released("b", Some(&["ATLAS"])).await;
    assert!(leased("c", NOW).await && !leased("b", NOW).await);
    released("c", None).await;
    released("c", None).await;
    released("nobody knows this one", None).await;
    assert!(leased("b", NOW).await && !leased("c", NOW).await);

    let devices = fixture.store.devices(Some(MAYA.into())).await.unwrap();
    let a = devices.iter().find(|device| device.name == "a").unwrap();
    fixture.store.release_device(a.id.clone(), NOW).await.unwrap();
    assert!(leased("c", NOW).await, "released by an administrator");

    let after_all = NOW.shifted((30 * DAY + 1) * 1000);
    assert!(
        leased("d", after_all).await && leased("e", after_all).await,
        "the old leases have ended"
    );
    assert!(
        !leased("b", after_all).await,
        "and whoever comes back late takes a place like anybody else"
    );
    let missing = fixture.store.release_device("dev_nobody".into(), NOW).await;
    assert!(matches!(
        missing,
        Err(StoreError::NotFound { what: "device", .. })
    ));
}

/// Only devices without a place are forgotten.
pub(crate) async fn devices_that_hold_no_place_are_not_kept_for_ever(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    for device in 0..130_i64 {
        let now = NOW.shifted(device * 1000);
        fixture
            .one(CheckCommand {
                now,
                ..fixture.command(&format!("device {device}"))
            })
            .await;
    }
    let names: Vec<_> = fixture
        .store
        .devices(None)
        .await
        .unwrap()
        .into_iter()
        .map(|device| device.name)
        .collect();
    assert!(names.len() <= 102, "{}", names.len());
    for kept in ["device 0", "device 1", "device 129"] {
        assert!(names.iter().any(|name| name == kept), "{kept}");
    }
}

/// A seat: of a product, or of every product of a subscription; asking twice changes nothing.
pub(crate) async fn seats_are_assigned_and_taken(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let store = &fixture.store;
    let id = fixture.subscription.id.clone();
    assert_eq!(
        store
            .assign_seat(MAYA.into(), "ATLAS".into(), NOW)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        store
            .unassign_seat(MAYA.into(), "ATLAS".into())
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        store
            .assign_seat(MAYA.into(), id.clone(), NOW)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        store.unassign_seat(MAYA.into(), id.clone()).await.unwrap().len(),
        2
    );
    let again = store.unassign_seat(MAYA.into(), id.clone()).await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "seat", .. })));

    let nothing = store.assign_seat(MAYA.into(), "NOSUCH".into(), NOW).await;
    assert!(matches!(
        nothing,
        Err(StoreError::Conflict(Conflict::NoSubscription { .. }))
    ));
    let new = new_subscription(&["ATLAS"], None, Policy::default());
    let second = store.add_subscription(new, NOW).await.unwrap().id;
    let which = store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await;
    assert!(
        matches!(which, Err(StoreError::Conflict(Conflict::Ambiguous { subscriptions, .. }))
        if subscriptions.len() == 2)
    );
    let seats = store.assign_seat(MAYA.into(), second.clone(), NOW).await.unwrap();
    assert_eq!(seats[0].subscription, second);
    let seats = store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await.unwrap();
    assert_eq!(seats.len(), 1, "the one that is there");
    store.end_subscription(id, Some(NOW)).await.unwrap();
    store.end_subscription(second, Some(NOW)).await.unwrap();
    let ended = store.assign_seat(MAYA.into(), "BOREAS".into(), NOW).await;
    assert!(matches!(
        ended,
        Err(StoreError::Conflict(Conflict::NoSubscription { .. }))
    ));
}

/// Policy and end of a subscription hold from the next check on.
pub(crate) async fn terms_hold_from_the_next_check_on(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let id = fixture.subscription.id.clone();
    fixture
        .store
        .set_policy(
            id.clone(),
            Policy {
                device_limit: 1,
                ..Policy::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        grant(&fixture.one(fixture.command("d")).await)
            .policy
            .device_limit,
        1
    );
    assert_eq!(
        refused(&fixture.one(fixture.command("e")).await).code,
        Code::DeviceLimit
    );
    let end = NOW.shifted(DAY * 1000);
    fixture
        .store
        .end_subscription(id.clone(), Some(end))
        .await
        .unwrap();
    assert_eq!(grant(&fixture.one(fixture.command("d")).await).exp, end.as_secs());
    let later = CheckCommand {
        now: end,
        ..fixture.command("d")
    };
    assert_eq!(refused(&fixture.one(later).await).code, Code::SubscriptionEnded);
    let long = CheckCommand {
        token_life: 3 * HOUR,
        ..fixture.command("d")
    };
    let outcome = fixture.store.check(long).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::TokenLivesTooLong(_)));
    let missing = fixture
        .store
        .set_policy("sub_nobody".into(), Policy::default())
        .await;
    assert!(matches!(
        missing,
        Err(StoreError::NotFound {
            what: "subscription",
            ..
        })
    ));
}

/// One vendor's issuer; a domain has one owner.
pub(crate) async fn issuers_own_domains(store: Arc<dyn Store>) {
    store
        .put_issuer(issuer("https://company", &["nord.example", "b.example"]))
        .await
        .unwrap();
    store.put_issuer(issuer("https://vendor", &[])).await.unwrap();
    store.put_issuer(issuer("https://vendor", &[])).await.unwrap();
    let names: Vec<_> = store
        .issuers()
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.issuer)
        .collect();
    assert_eq!(names, ["https://vendor", "https://company"], "the vendor's first");
    let second = store.put_issuer(issuer("https://second", &[])).await;
    assert!(matches!(
        second,
        Err(StoreError::Conflict(Conflict::SecondVendorIssuer(_)))
    ));
    let taken = store
        .put_issuer(issuer("https://second", &["nord.example"]))
        .await;
    assert!(matches!(
        taken,
        Err(StoreError::Conflict(Conflict::DomainTaken { .. }))
    ));
    assert_eq!(
        store.issuers().await.unwrap().len(),
        2,
        "nothing of what failed stays"
    );
    store
        .put_issuer(issuer("https://company", &["b.example"]))
        .await
        .unwrap();
    assert_eq!(store.issuers().await.unwrap()[1].domains, ["b.example"]);
    store.remove_issuer("https://company".into()).await.unwrap();
    let again = store.remove_issuer("https://company".into()).await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "issuer", .. })));
}

/// Names are taken once, and what is named must be there.
pub(crate) async fn names_are_taken_once(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let store = &fixture.store;
    let organisation = store.add_organisation("Nord".into(), None, NOW).await;
    assert!(matches!(
        organisation,
        Err(StoreError::Exists {
            what: "organisation",
            ..
        })
    ));
    let product = Product {
        key: "ATLAS".into(),
        name: "other".into(),
        publisher: "other".into(),
    };
    let product = store.add_product(product, NOW).await;
    assert!(matches!(product, Err(StoreError::Exists { what: "product", .. })));
    let new = new_subscription(&["ATLAS", "NOSUCH"], None, Policy::default());
    let subscription = store.add_subscription(new, NOW).await;
    assert!(matches!(
        subscription,
        Err(StoreError::NotFound { what: "product", .. })
    ));
    assert_eq!(
        store.subscriptions().await.unwrap().len(),
        1,
        "nothing of what failed stays"
    );
    let user = store.add_user("a@b.example".into(), "Nobody".into(), NOW).await;
    assert!(matches!(
        user,
        Err(StoreError::NotFound {
            what: "organisation",
            ..
        })
    ));
    store.add_organisation("Other".into(), None, NOW).await.unwrap();
    let user = store.add_user(MAYA.into(), "Other".into(), NOW).await;
    assert!(matches!(
        user,
        Err(StoreError::Conflict(Conflict::OtherOrganisation { .. }))
    ));
}

/// The keys change as a whole, and never under somebody else's hands.
pub(crate) async fn keys_change_as_a_whole(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let lease = fixture.one(fixture.command("d")).await;
    let before = fixture.store.keyring().await.unwrap().unwrap();
    assert_eq!(before.lease_keys[0].last_exp.as_secs(), grant(&lease).exp);
    let change = |previous_iat| NewKeys {
        previous_iat,
        url: before.url.clone(),
        url_derived: false,
        document: Some(("next".into(), 2)),
        root: None,
        lease_key: Some(new_lease_key(NOW).unwrap()),
        dropped: vec![],
    };
    fixture.store.publish(change(1)).await.unwrap();
    let late = fixture.store.publish(change(1)).await;
    assert!(matches!(late, Err(StoreError::Conflict(Conflict::KeysChanged))));
    let after = fixture.store.keyring().await.unwrap().unwrap();
    assert_eq!(
        (after.document.as_deref(), after.lease_keys.len()),
        (Some("next"), 2)
    );
    assert_eq!(
        (after.lease_keys[0].retired_at, after.lease_keys[1].retired_at),
        (None, Some(NOW))
    );
    assert_eq!(after.lease_keys[1].kid, before.lease_keys[0].kid);
}
