//! Checks: who wins, what is numbered, who is who, and which places are free.

use super::*;

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
