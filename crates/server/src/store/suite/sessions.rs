//! Sessions, pushes and usage (rules 2, 11 and 12).

use latchkey_api::check::{SessionWish, Usage};
use latchkey_core::policy::SessionPolicy;

use super::*;

async fn under(store: Arc<dyn Store>, session_policy: SessionPolicy) -> Fixture {
    let policy = Policy {
        device_limit: 50,
        session_policy,
        ..Policy::default()
    };
    Fixture::with(store, policy).await
}

impl Fixture {
    fn opens(&self, device: &str) -> CheckCommand {
        let mut command = self.command(device);
        command.products[0].open = true;
        command
    }

    pub(super) async fn push(&self) -> i64 {
        self.store.last_push().await.unwrap()
    }

    /// The names of the devices that were pushed since.
    pub(super) async fn pushed(&self, since: i64) -> Vec<String> {
        let devices = self.store.devices(None).await.unwrap();
        let pushes = self.store.pushes_since(since).await.unwrap();
        let mut names: Vec<String> = pushes
            .iter()
            .filter_map(|(_, id)| devices.iter().find(|device| device.id == *id))
            .map(|device| device.name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Many devices open the product at once: one has it.
pub(crate) async fn the_one_session_has_one_winner(store: Arc<dyn Store>) {
    let fixture = Arc::new(under(store, SessionPolicy::Deny).await);
    let racers: Vec<_> = (0..32)
        .map(|racer| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.one(fixture.opens(&format!("racer {racer}"))).await })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        match racer.await.unwrap().decision {
            Decision::Lease(_) => winners += 1,
            Decision::Refuse(refused) => assert_eq!(refused.code, Code::SessionInUse),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(fixture.store.sessions().await.unwrap().len(), 1);
}

/// Taken over: the other device is pushed, and refused.
pub(crate) async fn a_session_is_taken_over_and_its_holder_is_told(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Takeover).await;
    grant(&fixture.one(fixture.opens("a")).await);
    let before = fixture.push().await;
    assert_eq!(
        refused(&fixture.one(fixture.opens("b")).await).code,
        Code::SessionInUse
    );
    assert_eq!(fixture.pushed(before).await, ["a"], "the holder may see who asks");
    let before = fixture.push().await;
    fixture.one(fixture.opens("b")).await;
    assert_eq!(fixture.pushed(before).await, [""; 0], "once");
    match fixture.store.check(fixture.opens("a")).await.unwrap() {
        CheckOutcome::Decided { waiting, .. } => {
            assert_eq!(waiting.len(), 1);
            assert_eq!(waiting[0].name, "b");
        }
        other @ (CheckOutcome::IdTokenRequired
        | CheckOutcome::IssuerMoved
        | CheckOutcome::Held
        | CheckOutcome::TokenLivesTooLong(_)) => panic!("{other:?}"),
    }
    let before = fixture.push().await;
    let mut takes = fixture.opens("b");
    takes.products[0].session = Some(SessionWish::TakeOver);
    grant(&fixture.one(takes).await);
    assert_eq!(fixture.pushed(before).await, ["a", "b"]);
    let lost = fixture.one(fixture.opens("a")).await;
    assert_eq!(refused(&lost).detail.holder.as_ref().unwrap().name, "b");
}

/// Closed, released, or silent: whoever waits is pushed at once where it can be known.
pub(crate) async fn a_session_that_ends_goes_to_whoever_waits(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    fixture.one(fixture.opens("a")).await;
    assert_eq!(
        refused(&fixture.one(fixture.opens("b")).await).code,
        Code::SessionInUse
    );
    let before = fixture.push().await;
    fixture.one(fixture.command("a")).await;
    assert_eq!(fixture.pushed(before).await, ["b"], "a has closed it");
    grant(&fixture.one(fixture.opens("b")).await);

    assert_eq!(
        refused(&fixture.one(fixture.opens("a")).await).code,
        Code::SessionInUse
    );
    let before = fixture.push().await;
    fixture.release("b", None, NOW).await;
    assert!(
        fixture.pushed(before).await.contains(&"a".to_owned()),
        "b is released"
    );
    grant(&fixture.one(fixture.opens("a")).await);

    assert_eq!(
        refused(&fixture.one(fixture.opens("c")).await).code,
        Code::SessionInUse
    );
    let before = fixture.push().await;
    fixture.release("a", Some(&["ATLAS"]), NOW).await;
    assert_eq!(fixture.pushed(before).await, ["c"], "a has given the product up");
    grant(&fixture.one(fixture.opens("c")).await);

    let late = |device: &str| CheckCommand {
        now: NOW.shifted(15 * 60 * 1000),
        ..fixture.opens(device)
    };
    grant(&fixture.one(late("d")).await);
}

/// The product is covered twice, and both sessions are in use: whichever ends first goes to whoever waits for both.
pub(crate) async fn whoever_waits_for_two_sessions_hears_of_either(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    let policy = fixture.subscription.policy.clone();
    let second = new_subscription(&["ATLAS"], None, policy);
    let second = fixture.store.add_subscription(second, NOW).await.unwrap().id;
    let assign = fixture.store.assign_seat(MAYA.into(), second, NOW).await;
    assign.unwrap();
    for device in ["a", "b"] {
        grant(&fixture.one(fixture.opens(device)).await);
    }
    for (closes, opens) in [("a", "c"), ("b", "a"), ("c", "b"), ("a", "c")] {
        let refusal = fixture.one(fixture.opens(opens)).await;
        assert_eq!(refused(&refusal).code, Code::SessionInUse);
        let before = fixture.push().await;
        fixture.one(fixture.command(closes)).await;
        assert_eq!(fixture.pushed(before).await, [opens], "{closes} has closed it");
        grant(&fixture.one(fixture.opens(opens)).await);
    }
}

/// Who has both sessions, of two products, is told of one who waits for either.
pub(crate) async fn whoever_waits_for_two_sessions_is_one(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    let policy = fixture.subscription.policy.clone();
    let second = NewSubscription {
        ends_at: Some(NOW.shifted(DAY * 1000)),
        ..new_subscription(&["ATLAS", "BOREAS"], None, policy)
    };
    let second = fixture.store.add_subscription(second, NOW).await.unwrap().id;
    let store = &fixture.store;
    // Each of them under its own: the other's ends sooner.
    store.unassign_seat(MAYA.into(), "BOREAS".into()).await.unwrap();
    store.assign_seat(MAYA.into(), second, NOW).await.unwrap();
    let opens_both = |device: &str| {
        let mut command = fixture.opens(device);
        command.products.push(AskedProduct {
            open: true,
            ..asked("BOREAS")
        });
        command
    };
    fixture.one(opens_both("a")).await;
    let sessions = store.sessions().await.unwrap();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    fixture.one(fixture.opens("b")).await;
    match store.check(opens_both("a")).await.unwrap() {
        CheckOutcome::Decided { waiting, .. } => {
            let names: Vec<_> = waiting.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(names, ["b"]);
        }
        other @ (CheckOutcome::IdTokenRequired
        | CheckOutcome::IssuerMoved
        | CheckOutcome::Held
        | CheckOutcome::TokenLivesTooLong(_)) => panic!("{other:?}"),
    }
}

/// A device whose stream is open has said nothing, and is there all the same.
pub(crate) async fn who_is_connected_keeps_the_session(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    fixture.one(fixture.opens("a")).await;
    let a = fixture.store.devices(None).await.unwrap().remove(0).id;
    let later = NOW.shifted(14 * 60 * 1000);
    fixture.store.heard(vec![a], later).await.unwrap();
    let at = |now: Timestamp| CheckCommand {
        now,
        ..fixture.opens("b")
    };
    let held = fixture.one(at(later.shifted(14 * 60 * 1000))).await;
    assert_eq!(refused(&held).code, Code::SessionInUse);
    grant(&fixture.one(at(later.shifted(15 * 60 * 1000))).await);
}

/// Its word was not written down in time (the disk was full, the service stood): others may have been told that it is free.
pub(crate) async fn a_session_that_is_over_is_not_extended(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Takeover).await;
    fixture.one(fixture.opens("a")).await;
    let a = fixture.store.devices(None).await.unwrap().remove(0).id;
    let (before, over) = (fixture.push().await, NOW.shifted(15 * 60 * 1000));
    fixture.store.heard(vec![a], over).await.unwrap();
    assert_eq!(fixture.pushed(before).await, ["a"], "it is to ask for it anew");
    assert!(fixture.store.sessions().await.unwrap().is_empty());
}

/// A device that is gone says nothing of it: whoever waits is pushed when its session has ended, and once.
pub(crate) async fn a_session_that_ends_by_silence_goes_to_whoever_waits(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    fixture.one(fixture.opens("a")).await;
    assert_eq!(
        refused(&fixture.one(fixture.opens("b")).await).code,
        Code::SessionInUse
    );
    let devices = fixture.store.devices(None).await.unwrap();
    let b = devices.into_iter().find(|device| device.name == "b").unwrap().id;
    let before = fixture.push().await;
    let beat = async |seconds: i64| {
        let at = NOW.shifted(seconds * 1000);
        fixture.store.heard(vec![b.clone()], at).await.unwrap();
        fixture.pushed(before).await
    };
    assert_eq!(beat(15 * 60 - 1).await, [""; 0], "it may come back");
    assert_eq!(
        beat(15 * 60).await,
        ["a", "b"],
        "it may come back, and is to ask then"
    );
    let pushed = fixture.push().await;
    beat(15 * 60 + 50).await;
    assert_eq!(fixture.push().await, pushed, "once");
    let late = CheckCommand {
        now: NOW.shifted(15 * 60 * 1000),
        ..fixture.opens("b")
    };
    grant(&fixture.one(late).await);
}

/// Under `report` both run, and the report has it.
pub(crate) async fn overlaps_are_reported(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Report).await;
    for device in ["a", "b", "a"] {
        grant(&fixture.one(fixture.opens(device)).await);
    }
    let later = CheckCommand {
        now: NOW.shifted(300_000),
        ..fixture.opens("b")
    };
    fixture.one(later).await;
    let overlaps = fixture.store.overlaps().await.unwrap();
    assert_eq!(overlaps.len(), 1, "{overlaps:?}");
    let mut names: Vec<_> = overlaps[0].devices.iter().flatten().cloned().collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(overlaps[0].began_at, NOW);
    assert_eq!(overlaps[0].seen_at, NOW.shifted(300_000));
}

/// Whatever changes a user's licence is pushed to their devices, and to nobody else's.
pub(crate) async fn changes_are_pushed(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    fixture.one(fixture.command("a")).await;
    let stranger = CheckCommand {
        subject: "noor".into(),
        email: EmailClaim::Unproven,
        ..fixture.command("n")
    };
    fixture.one(stranger).await;
    let subscription = fixture.subscription.id.clone();
    let device = fixture
        .store
        .devices(Some(MAYA.into()))
        .await
        .unwrap()
        .remove(0)
        .id;
    assert!(!fixture.store.push_missed(device.clone()).await.unwrap());
    let before = fixture.push().await;
    fixture
        .store
        .set_policy(subscription.clone(), Policy::default())
        .await
        .unwrap();
    assert_eq!(fixture.pushed(before).await, ["a"]);
    assert!(fixture.store.push_missed(device.clone()).await.unwrap());
    fixture.one(fixture.command("a")).await;
    assert!(
        !fixture.store.push_missed(device.clone()).await.unwrap(),
        "it has checked since"
    );

    let before = fixture.push().await;
    fixture
        .store
        .end_subscription(subscription, Some(NOW))
        .await
        .unwrap();
    assert_eq!(fixture.pushed(before).await, ["a"]);
    let before = fixture.push().await;
    fixture
        .store
        .unassign_seat(MAYA.into(), "ATLAS".into())
        .await
        .unwrap();
    assert_eq!(fixture.pushed(before).await, ["a"]);
    let before = fixture.push().await;
    fixture.store.remove_user(MAYA.into(), NOW).await.unwrap();
    assert_eq!(fixture.pushed(before).await, ["a"]);
}

/// However often and in whatever order it is sent.
pub(crate) async fn usage_counts_once(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let used = |minutes, day: &str| Usage {
        product: "ATLAS".into(),
        version: "2026.1".into(),
        day: day.into(),
        since: 0,
        minutes,
    };
    for usage in [
        vec![used(5, "2027-01-14")],
        vec![used(12, "2027-01-14"), used(3, "2027-01-15")],
        vec![used(5, "2027-01-14")],
        vec![used(12, "2027-01-14"), used(3, "2027-01-15")],
    ] {
        let command = CheckCommand {
            usage,
            ..fixture.command("a")
        };
        fixture.one(command).await;
    }
    // Somebody who signs out and in again begins anew, and what was before stays.
    let anew = Usage {
        since: 1,
        ..used(2, "2027-01-15")
    };
    for usage in [vec![anew.clone()], vec![anew]] {
        let command = CheckCommand {
            usage,
            ..fixture.command("a")
        };
        fixture.one(command).await;
    }
    let elsewhere = CheckCommand {
        usage: vec![used(7, "2027-01-15")],
        ..fixture.command("b")
    };
    fixture.one(elsewhere).await;
    let rows = fixture.store.usage(None).await.unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.day.as_str(), row.device.as_str(), row.minutes))
        .collect();
    assert_eq!(
        seen,
        [
            ("2027-01-14", "a", 12),
            ("2027-01-15", "a", 3 + 2),
            ("2027-01-15", "b", 7)
        ]
    );
    assert!(rows.iter().all(|row| row.email.as_deref() == Some(MAYA)));
    assert_eq!(
        fixture
            .store
            .usage(Some("2027-01-15".into()))
            .await
            .unwrap()
            .len(),
        2
    );
}

/// However long both streams stand, and neither device checks.
pub(crate) async fn an_overlap_lasts_as_long_as_both_are_there(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Report).await;
    for device in ["a", "b"] {
        grant(&fixture.one(fixture.opens(device)).await);
    }
    let devices = fixture.store.devices(None).await.unwrap();
    let ids: Vec<String> = devices.into_iter().map(|device| device.id).collect();
    let at = |minutes: i64| NOW.shifted(minutes * 60_000);
    for minutes in (10..=120).step_by(10) {
        fixture.store.heard(ids.clone(), at(minutes)).await.unwrap();
    }
    // One of them is heard of no more.
    fixture.store.heard(vec![ids[0].clone()], at(130)).await.unwrap();
    let overlaps = fixture.store.overlaps().await.unwrap();
    assert_eq!(overlaps.len(), 1, "{overlaps:?}");
    assert_eq!((overlaps[0].began_at, overlaps[0].seen_at), (NOW, at(120)));
}

/// What was written of the future counts from when that is seen.
pub(crate) async fn a_clock_that_was_ahead_for_a_moment_holds_no_session(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    let opens = |device: &str, minutes: i64| CheckCommand {
        now: NOW.shifted(minutes * 60_000),
        ..fixture.opens(device)
    };
    grant(&fixture.one(opens("a", 120)).await);
    assert_eq!(
        refused(&fixture.one(opens("b", 1)).await).code,
        Code::SessionInUse
    );
    grant(&fixture.one(opens("b", 16)).await);
}

/// Anybody may have an account at an issuer: what a stranger sends, and what no agent would, is left out.
pub(crate) async fn usage_that_nobody_can_have_is_left_out(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let used = |product: &str, day: &str, since| Usage {
        product: product.into(),
        version: "2026.1".into(),
        day: day.into(),
        since,
        minutes: 1,
    };
    let stranger = CheckCommand {
        subject: "noor".into(),
        email: EmailClaim::Unproven,
        usage: vec![used("ATLAS", "2027-01-15", 0)],
        ..fixture.command("n")
    };
    fixture.one(stranger).await;
    let mut usage = vec![
        used("ATLAS", "2027-01-15", 0),
        used("INVENTED", "2027-01-15", 0),
        used("ATLAS", "2025-01-15", 0),
        used("ATLAS", "2027-01-17", 0),
    ];
    usage.extend((1..1_100).map(|since| used("ATLAS", "2027-01-14", since)));
    let command = CheckCommand {
        usage,
        ..fixture.command("a")
    };
    fixture.one(command).await;
    let kept = fixture.store.usage(None).await.unwrap();
    let seen: Vec<_> = kept.iter().map(|row| (row.day.as_str(), row.minutes)).collect();
    assert_eq!(seen, [("2027-01-14", 1_000), ("2027-01-15", 1)]);

    // Their last minutes count all the same.
    fixture.store.remove_user(MAYA.into(), NOW).await.unwrap();
    let last = CheckCommand {
        usage: vec![used("ATLAS", "2027-01-15", 7)],
        ..fixture.command("a")
    };
    fixture.one(last).await;
    let kept = fixture.store.usage(Some("2027-01-15".into())).await.unwrap();
    assert_eq!(kept.iter().map(|row| row.minutes).sum::<u32>(), 2);
}

/// However many devices tell it, each with a key that was made for that. What is counted already goes on rising.
pub(crate) async fn usage_of_a_user_fills_no_disk(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let used = |day: &str, since: std::ops::Range<i64>, minutes| -> Vec<Usage> {
        let one = |since| Usage {
            product: "ATLAS".into(),
            version: "2026.1".into(),
            day: day.into(),
            since,
            minutes,
        };
        since.map(one).collect()
    };
    let tells = async |device: &str, usage| {
        let command = CheckCommand {
            usage,
            ..fixture.command(device)
        };
        fixture.one(command).await;
    };
    let minutes = async || {
        let rows = fixture.store.usage(None).await.unwrap();
        rows.iter().map(|row| row.minutes).sum::<u32>()
    };
    for device in ["a", "b", "c", "d"] {
        tells(device, used("2027-01-14", 0..300, 1)).await;
    }
    assert_eq!(minutes().await, 1_000);
    tells("a", used("2027-01-14", 0..300, 2)).await;
    assert_eq!(minutes().await, 1_300);
    tells("d", used("2027-01-15", 0..300, 1)).await;
    assert_eq!(minutes().await, 1_600, "another day");
}

/// They were acknowledged: also where the first that are sent come after the removal, and after another was given the address.
pub(crate) async fn the_last_minutes_of_whoever_was_removed_count(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let used = |since| {
        vec![Usage {
            product: "ATLAS".into(),
            version: "2026.1".into(),
            day: "2027-01-15".into(),
            since,
            minutes: 5,
        }]
    };
    fixture.one(fixture.command("a")).await;
    let minutes = async || {
        let kept = fixture.store.usage(None).await.unwrap();
        kept.iter().map(|row| row.minutes).sum::<u32>()
    };
    fixture.store.remove_user(MAYA.into(), NOW).await.unwrap();
    let removed = CheckCommand {
        usage: used(0),
        ..fixture.command("a")
    };
    fixture.one(removed).await;
    assert_eq!(minutes().await, 5);

    let (noor, store) = ("noor@nord.example", &fixture.store);
    store.add_user(noor.into(), "Nord".into(), NOW).await.unwrap();
    let of_noor = |email| CheckCommand {
        subject: "noor".into(),
        email,
        ..fixture.command("n")
    };
    fixture.one(of_noor(EmailClaim::Proven(noor.into()))).await;
    store.remove_user(noor.into(), NOW).await.unwrap();
    store.add_user(noor.into(), "Nord".into(), NOW).await.unwrap();
    let succeeded = CheckCommand {
        usage: used(0),
        ..of_noor(EmailClaim::Unproven)
    };
    fixture.one(succeeded).await;
    assert_eq!(minutes().await, 10);
}

/// Whoever asked first, and is still there: one that has not been heard of lately is passed over for as long as another waits.
pub(crate) async fn who_asked_first_and_is_still_there_is_handed_the_session(store: Arc<dyn Store>) {
    let fixture = under(store, SessionPolicy::Deny).await;
    let at = |seconds: i64| NOW.shifted(seconds * 1000);
    let opens = |device: &str, seconds: i64| CheckCommand {
        now: at(seconds),
        ..fixture.opens(device)
    };
    grant(&fixture.one(opens("a", 0)).await);
    for (device, seconds) in [("gone", 0), ("z first", 60), ("late", 70)] {
        let refusal = fixture.one(opens(device, seconds)).await;
        assert_eq!(refused(&refusal).code, Code::SessionInUse);
    }
    let devices = fixture.store.devices(None).await.unwrap();
    let there = devices.into_iter().filter(|device| device.name != "gone");
    let there: Vec<String> = there.map(|device| device.id).collect();
    for seconds in (100..600).step_by(50) {
        fixture.store.heard(there.clone(), at(seconds)).await.unwrap();
    }
    // Asking again costs nobody their turn.
    fixture.one(opens("z first", 590)).await;
    match fixture.store.check(opens("a", 600)).await.unwrap() {
        CheckOutcome::Decided { waiting, .. } => {
            let names: Vec<_> = waiting.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(names, ["z first", "late", "gone"], "so its user sees them");
        }
        other @ (CheckOutcome::IdTokenRequired
        | CheckOutcome::IssuerMoved
        | CheckOutcome::Held
        | CheckOutcome::TokenLivesTooLong(_)) => panic!("{other:?}"),
    }
    let mut gives = opens("a", 600);
    gives.products[0].session = Some(SessionWish::HandOver);
    let gives = fixture.one(gives).await;
    assert_eq!(refused(&gives).detail.holder.as_ref().unwrap().name, "z first");
}
