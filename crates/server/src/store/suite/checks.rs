//! Checks: who wins, what is numbered, and which places are free.

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
    let numbered: Vec<_> = (0..50)
        .map(|_| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.one(fixture.command("d")).await.seq })
        })
        .collect();
    let mut numbers = vec![];
    for one in numbered {
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
        products: vec![asked("NOSUCH")],
        ..fixture.command("d")
    };
    let unknown = fixture.one(other).await;
    assert_eq!(refused(&unknown).code, Code::NotAssigned);
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
    let released =
        async |device: &str, products: Option<&[&str]>| fixture.release(device, products, NOW).await;
    assert!(leased("a", NOW).await && leased("b", NOW).await && !leased("c", NOW).await);
    released("b", Some(&["BOREAS"])).await;
    assert!(!leased("c", NOW).await, "another product's lease");
    fixture.release("b", Some(&["ATLAS"]), NOW.shifted(-1000)).await;
    assert!(!leased("c", NOW).await, "it was granted after that was signed");
    released("b", Some(&["ATLAS"])).await;
    assert!(leased("c", NOW).await && !leased("b", NOW).await);
    released("c", None).await;
    released("c", None).await;
    released("nobody knows this one", None).await;
    assert!(leased("b", NOW).await && !leased("e", NOW).await);

    let devices = fixture.store.devices(Some(MAYA.into())).await.unwrap();
    let a = devices.iter().find(|device| device.name == "a").unwrap();
    fixture.store.release_device(a.id.clone(), NOW).await.unwrap();
    assert!(leased("e", NOW).await, "released by an administrator");

    let after_all = NOW.shifted((30 * DAY + 1) * 1000);
    assert!(
        leased("f", after_all).await && leased("g", after_all).await,
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

/// However many devices came after it. One that gave itself up may come back, and need not be remembered.
pub(crate) async fn a_released_device_is_never_forgotten(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    for device in ["lost", "reset"] {
        fixture.one(fixture.command(device)).await;
    }
    fixture.release("reset", None, NOW).await;
    let devices = fixture.store.devices(None).await.unwrap();
    let lost = devices
        .into_iter()
        .find(|device| device.name == "lost")
        .unwrap()
        .id;
    fixture.store.release_device(lost, NOW).await.unwrap();
    let later = |device: &str, seconds: i64| {
        let now = NOW.shifted(seconds * 1000);
        CheckCommand {
            now,
            signed_in_at: Some(now),
            ..fixture.command(device)
        }
    };
    for device in 0..130 {
        fixture.one(later(&format!("device {device}"), device)).await;
    }
    let refusal = fixture.one(later("lost", 200)).await;
    assert_eq!(refused(&refusal).code, Code::DeviceReleased);
    let devices = fixture.store.devices(None).await.unwrap();
    assert!(devices.iter().all(|device| device.name != "reset"));
}
