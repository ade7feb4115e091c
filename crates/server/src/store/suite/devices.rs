//! Devices: whose they are to release, and what a released one can still do (rule 10).

use latchkey_api::devices::ReleaseDevice;

use super::*;

fn caller(device: &str) -> Caller {
    Caller {
        issuer: ISSUER.into(),
        subject: "maya".into(),
        jkt: Thumbprint(device.into()),
    }
}

fn wanted(device: &str) -> ReleaseDevice {
    ReleaseDevice {
        device: device.into(),
        same_machine: false,
    }
}

async fn id_of(fixture: &Fixture, name: &str) -> String {
    let devices = fixture.store.devices(None).await.unwrap();
    let found = devices.into_iter().find(|device| device.name == name);
    found.unwrap().id
}

/// The device without a place releases another, takes its place, and the other one hears of it.
pub(crate) async fn a_user_releases_a_device_from_another_one(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    for device in ["a", "b"] {
        fixture.one(fixture.command(device)).await;
    }
    assert_eq!(
        refused(&fixture.one(fixture.command("c")).await).code,
        Code::DeviceLimit
    );
    let listed = fixture.store.devices_of(caller("c"), NOW).await.unwrap().unwrap();
    let shown: Vec<_> = listed
        .devices
        .iter()
        .map(|device| (device.name.as_str(), device.holds_place, device.this))
        .collect();
    assert_eq!(listed.releases_left, 5);
    for expected in [("a", true, false), ("b", true, false), ("c", false, true)] {
        assert!(shown.contains(&expected), "{expected:?} in {shown:?}");
    }
    let a = id_of(&fixture, "a").await;
    for _ in 0..2 {
        let outcome = fixture
            .store
            .release_own(caller("c"), wanted(&a), NOW)
            .await
            .unwrap();
        assert_eq!(outcome, ReleaseOutcome::Released);
    }
    grant(&fixture.one(fixture.command("c")).await);
    let left = fixture.store.devices_of(caller("c"), NOW).await.unwrap().unwrap();
    assert_eq!(left.releases_left, 4, "twice is once");
    assert!(left.devices.iter().all(|device| device.id != a));

    assert_eq!(
        refused(&fixture.one(fixture.command("a")).await).code,
        Code::DeviceReleased
    );
    assert_eq!(
        refused(&fixture.one(fixture.command("a")).await).code,
        Code::DeviceReleased,
        "asking again takes no place back"
    );
    assert_eq!(fixture.store.devices_of(caller("a"), NOW).await.unwrap(), None);
    let outcome = fixture
        .store
        .release_own(caller("a"), wanted(&a), NOW)
        .await
        .unwrap();
    assert_eq!(
        outcome,
        ReleaseOutcome::UnknownCaller,
        "nor does it release anything"
    );
}

/// However a place is given up, the user's devices that have none hear of it; those that have one are left alone.
pub(crate) async fn whoever_has_no_place_hears_of_one_that_is_free(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    for device in ["a", "b", "c"] {
        fixture.one(fixture.command(device)).await;
    }
    let before = fixture.push().await;
    fixture.release("c", None, NOW).await;
    assert_eq!(fixture.pushed(before).await, ["c"], "it had none");
    assert_eq!(
        refused(&fixture.one(fixture.command("d")).await).code,
        Code::DeviceLimit
    );

    let before = fixture.push().await;
    fixture.release("a", Some(&["ATLAS"]), NOW).await;
    assert_eq!(fixture.pushed(before).await, ["d"], "a has reset the product");
    fixture.one(fixture.command("d")).await;

    assert_eq!(
        refused(&fixture.one(fixture.command("a")).await).code,
        Code::DeviceLimit
    );
    let before = fixture.push().await;
    fixture.release("b", None, NOW).await;
    assert_eq!(fixture.pushed(before).await, ["a", "b"], "b has signed out");
    fixture.one(fixture.command("a")).await;

    fixture.one(fixture.command("e")).await;
    let before = fixture.push().await;
    let d = id_of(&fixture, "d").await;
    fixture.store.release_device(d, NOW).await.unwrap();
    assert_eq!(
        fixture.pushed(before).await,
        ["d", "e"],
        "an administrator's word"
    );
}

/// Another user's device, or none.
pub(crate) async fn nobody_releases_what_is_not_theirs(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    fixture.one(fixture.command("a")).await;
    let stranger = CheckCommand {
        subject: "noor".into(),
        email: EmailClaim::Unproven,
        ..fixture.command("n")
    };
    fixture.one(stranger).await;
    let theirs = id_of(&fixture, "n").await;
    for device in [theirs.as_str(), "dev_nobody"] {
        let outcome = fixture
            .store
            .release_own(caller("a"), wanted(device), NOW)
            .await
            .unwrap();
        assert_eq!(outcome, ReleaseOutcome::UnknownDevice);
    }
    let unknown = fixture
        .store
        .release_own(caller("nobody"), wanted(&theirs), NOW)
        .await;
    assert_eq!(unknown.unwrap(), ReleaseOutcome::UnknownCaller);
    assert_eq!(
        fixture.store.known_device(caller("a")).await.unwrap(),
        Some(id_of(&fixture, "a").await)
    );
    assert_eq!(fixture.store.known_device(caller("nobody")).await.unwrap(), None);
}

/// Five in 24 hours.
pub(crate) async fn a_user_releases_at_most_five_devices_a_day(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let release = async |name: &str, now: Timestamp| {
        let new = CheckCommand {
            now,
            signed_in_at: Some(now),
            ..fixture.command(name)
        };
        fixture.one(new).await;
        let id = id_of(&fixture, name).await;
        let mine = CheckCommand {
            now,
            signed_in_at: Some(now),
            ..fixture.command("mine")
        };
        fixture.one(mine).await;
        fixture
            .store
            .release_own(caller("mine"), wanted(&id), now)
            .await
            .unwrap()
    };
    for name in ["1", "2", "3", "4", "5"] {
        assert_eq!(release(name, NOW).await, ReleaseOutcome::Released);
    }
    assert_eq!(release("6", NOW).await, ReleaseOutcome::TooMany);
    let nearly = NOW.shifted((DAY - 1) * 1000);
    assert_eq!(release("7", nearly).await, ReleaseOutcome::TooMany);
    let tomorrow = NOW.shifted(DAY * 1000);
    assert_eq!(release("8", tomorrow).await, ReleaseOutcome::Released);
}

/// What was stolen with the device makes no new device out of it.
pub(crate) async fn old_tokens_take_no_place_back(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    fixture.one(fixture.command("lost")).await;
    fixture.one(fixture.command("mine")).await;
    let later = NOW.shifted(3_600_000);
    let lost = id_of(&fixture, "lost").await;
    fixture
        .store
        .release_own(caller("mine"), wanted(&lost), later)
        .await
        .unwrap();
    let with = |device: &str, signed_in_at: Option<Timestamp>| CheckCommand {
        now: later.shifted(60_000),
        signed_in_at,
        ..fixture.command(device)
    };
    for signed_in_at in [None, Some(NOW), Some(later.shifted(-61_000))] {
        let outcome = fixture
            .store
            .check(with("another key", signed_in_at))
            .await
            .unwrap();
        assert!(
            matches!(outcome, CheckOutcome::IdTokenRequired),
            "signed in at {signed_in_at:?}: {outcome:?}"
        );
    }
    grant(&fixture.one(with("mine", None)).await);
    // The issuer's clock may be a minute behind the service's.
    grant(
        &fixture
            .one(with("another key", Some(later.shifted(-60_000))))
            .await,
    );
}

/// Also where a thief has reset it first: that a device gave itself up is not the last word.
pub(crate) async fn old_tokens_take_no_place_back_from_a_device_that_was_reset(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let at = |minutes: i64| NOW.shifted(minutes * 60_000);
    let with = |device: &str, minutes: i64, signed_in_at: i64| CheckCommand {
        now: at(minutes),
        signed_in_at: Some(at(signed_in_at)),
        ..fixture.command(device)
    };
    for device in ["lost", "stolen", "mine"] {
        fixture.one(with(device, 0, 0)).await;
    }
    for device in ["lost", "stolen"] {
        fixture.release(device, None, NOW).await;
    }
    let tokens_of_before = |minutes| fixture.store.check(with("another key", minutes, 0));
    let (lost, stolen) = (id_of(&fixture, "lost").await, id_of(&fixture, "stolen").await);
    fixture.store.release_device(lost, at(10)).await.unwrap();
    let outcome = tokens_of_before(11).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::IdTokenRequired), "{outcome:?}");

    let release = async |minutes| {
        let release = fixture
            .store
            .release_own(caller("mine"), wanted(&stolen), at(minutes));
        release.await.unwrap()
    };
    assert_eq!(release(20).await, ReleaseOutcome::Released);
    let outcome = fixture.store.check(with("another key", 21, 15)).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::IdTokenRequired), "{outcome:?}");

    // Who gave it up already does not do so anew.
    assert_eq!(release(40).await, ReleaseOutcome::Released);
    fixture.release("stolen", None, NOW).await;
    fixture
        .store
        .release_device(stolen.clone(), at(41))
        .await
        .unwrap();
    grant(&fixture.one(with("another key", 42, 30)).await);
}

/// A machine that was installed anew keeps its place, and its rank among the others.
pub(crate) async fn the_same_machine_keeps_its_place(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    fixture.one(fixture.command("before")).await;
    let later = NOW.shifted(60_000);
    let at = |device: &str| CheckCommand {
        now: later,
        signed_in_at: Some(later),
        ..fixture.command(device)
    };
    fixture.one(at("other")).await;
    assert_eq!(refused(&fixture.one(at("after")).await).code, Code::DeviceLimit);
    let same = ReleaseDevice {
        device: id_of(&fixture, "before").await,
        same_machine: true,
    };
    let outcome = fixture
        .store
        .release_own(caller("after"), same, later)
        .await
        .unwrap();
    assert_eq!(outcome, ReleaseOutcome::Released);
    assert_eq!(
        refused(&fixture.one(at("third")).await).code,
        Code::DeviceLimit,
        "the place is not free in between"
    );
    assert_eq!(grant(&fixture.one(at("after")).await).since, NOW.as_secs());
}

/// Back after longer than a lease is good: what it had is no place.
pub(crate) async fn whoever_comes_back_after_a_long_time_hears_of_a_place_that_is_free(
    store: Arc<dyn Store>,
) {
    let fixture = Fixture::new(store).await;
    let long_ago = CheckCommand {
        now: NOW.shifted(-40 * DAY * 1000),
        ..fixture.command("c")
    };
    grant(&fixture.one(long_ago).await);
    for device in ["a", "b"] {
        grant(&fixture.one(fixture.command(device)).await);
    }
    assert_eq!(
        refused(&fixture.one(fixture.command("c")).await).code,
        Code::DeviceLimit
    );
    let before = fixture.push().await;
    let a = id_of(&fixture, "a").await;
    fixture.store.release_device(a, NOW).await.unwrap();
    assert_eq!(fixture.pushed(before).await, ["a", "c"]);
}

/// Whoever signs in after a release is believed, also where the release was written of the future.
pub(crate) async fn a_clock_that_was_ahead_for_a_moment_keeps_nobody_out(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let at = |minutes: i64| NOW.shifted(minutes * 60_000);
    fixture.one(fixture.command("a")).await;
    let a = id_of(&fixture, "a").await;
    fixture.store.release_device(a, at(120)).await.unwrap();
    let new = |minutes: i64| CheckCommand {
        now: at(minutes),
        signed_in_at: Some(at(minutes)),
        ..fixture.command("b")
    };
    let tokens_of_before = CheckCommand {
        signed_in_at: Some(NOW.shifted(-1_000)),
        ..new(1)
    };
    let outcome = fixture.store.check(tokens_of_before).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::IdTokenRequired), "{outcome:?}");
    grant(&fixture.one(new(2)).await);
}

/// The terms have fewer places than before: who came last has none, though its lease is good, and hears of one that is given up.
pub(crate) async fn whoever_lost_a_place_to_other_terms_hears_of_one_that_is_free(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    for device in ["a", "b"] {
        grant(&fixture.one(fixture.command(device)).await);
    }
    let one = Policy {
        device_limit: 1,
        ..Policy::default()
    };
    let subscription = fixture.subscription.id.clone();
    fixture.store.set_policy(subscription, one).await.unwrap();
    let decided = [
        fixture.one(fixture.command("a")).await,
        fixture.one(fixture.command("b")).await,
    ];
    let (kept, lost): (Vec<_>, Vec<_>) = ["a", "b"]
        .into_iter()
        .zip(&decided)
        .partition(|(_, decided)| matches!(decided.decision, Decision::Lease(_)));
    let ([(kept, _)], [(lost, refusal)]) = (&kept[..], &lost[..]) else {
        panic!("one of two: {decided:?}");
    };
    assert_eq!(refused(refusal).code, Code::DeviceLimit);
    let before = fixture.push().await;
    fixture.release(kept, None, NOW).await;
    let pushed = fixture.pushed(before).await;
    assert!(pushed.iter().any(|device| device == lost), "{pushed:?}");
    grant(&fixture.one(fixture.command(lost)).await);
}

/// What was released in a future that did not come takes nothing from the day.
pub(crate) async fn a_clock_that_was_ahead_uses_no_releases_up(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let at = |device: &str, now: Timestamp| CheckCommand {
        now,
        signed_in_at: Some(now),
        ..fixture.command(device)
    };
    let release = async |name: &str, now: Timestamp| {
        fixture.one(at(name, now)).await;
        fixture.one(at("mine", now)).await;
        let id = id_of(&fixture, name).await;
        fixture
            .store
            .release_own(caller("mine"), wanted(&id), now)
            .await
            .unwrap()
    };
    let ahead = NOW.shifted(365 * DAY * 1000);
    for name in ["1", "2", "3", "4", "5"] {
        assert_eq!(release(name, ahead).await, ReleaseOutcome::Released);
    }
    assert_eq!(release("6", ahead).await, ReleaseOutcome::TooMany);
    assert_eq!(release("7", NOW).await, ReleaseOutcome::Released);
    let listed = fixture.store.devices_of(caller("mine"), NOW).await.unwrap();
    assert_eq!(listed.unwrap().releases_left, 4);
}
