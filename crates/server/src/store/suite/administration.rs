//! What administrators change.

use super::*;

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
