//! Rule 18: an import that takes too many seats away is held back.

use super::*;

const MINUTE: i64 = 60_000;

/// An organisation of ten who have all checked, and the addresses of all.
async fn ten(store: Arc<dyn Store>) -> (Fixture, Vec<String>) {
    ten_under(store, None).await
}

async fn ten_under(store: Arc<dyn Store>, seats: Option<u32>) -> (Fixture, Vec<String>) {
    let policy = Policy::default();
    let fixture = Fixture::with(store, policy).await;
    let subscription = fixture
        .store
        .add_subscription(new_subscription(&["ATLAS"], seats, Policy::default()), NOW)
        .await
        .unwrap();
    let fixture = Fixture {
        subscription,
        ..fixture
    };
    let mut emails = vec![MAYA.to_owned()];
    emails.extend((1..10).map(|n| format!("user{n}@nord.example")));
    // Those of the fixture's own subscription would cover the product too.
    fixture
        .store
        .unassign_seat(MAYA.into(), "ATLAS".into())
        .await
        .unwrap();
    fixture.import(&emails, NOW).await;
    for email in &emails {
        grant(&fixture.one(fixture.of(email, NOW)).await);
    }
    (fixture, emails)
}

impl Fixture {
    async fn import(&self, emails: &[String], at: Timestamp) -> Imported {
        let id = self.subscription.id.clone();
        self.store.import_seats(id, emails.to_vec(), at).await.unwrap()
    }

    fn of(&self, email: &str, now: Timestamp) -> CheckCommand {
        CheckCommand {
            now,
            subject: if email == MAYA {
                "maya".into()
            } else {
                email.into()
            },
            email: EmailClaim::Proven(email.into()),
            ..self.command(email)
        }
    }

    /// The same from another device of the user.
    fn of_another(&self, email: &str, now: Timestamp) -> CheckCommand {
        CheckCommand {
            jkt: Thumbprint(format!("another of {email}")),
            ..self.of(email, now)
        }
    }

    async fn outcome(&self, email: &str, now: Timestamp) -> CheckOutcome {
        self.store.check(self.of(email, now)).await.unwrap()
    }
}

/// Half of them at once: leases stay, nobody is refused, and the administrator decides.
pub(crate) async fn a_mass_loss_is_held_back_and_given_back(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let imported = fixture.import(&emails[..5], NOW).await;
    assert_eq!((imported.lost.len(), imported.held.as_deref()), (5, Some("Nord")));
    grant(&fixture.one(fixture.of(&emails[0], NOW)).await);
    assert!(matches!(
        fixture.outcome(&emails[7], NOW).await,
        CheckOutcome::Held
    ));
    let holds = fixture.store.holds(NOW).await.unwrap();
    assert_eq!((holds[0].lost, holds[0].active), (5, 10));
    // It stays, however long it takes.
    let later = NOW.shifted(3 * DAY * 1000);
    assert!(matches!(
        fixture.outcome(&emails[7], later).await,
        CheckOutcome::Held
    ));

    fixture.store.end_hold("Nord".into(), true).await.unwrap();
    grant(&fixture.one(fixture.of(&emails[7], later)).await);
    assert!(fixture.store.holds(NOW).await.unwrap().is_empty());
    let nothing = fixture.store.end_hold("Nord".into(), true).await;
    assert!(matches!(nothing, Err(StoreError::NotFound { what: "hold", .. })));
}

/// What others were assigned meanwhile is theirs: no more is given back than the subscription has.
pub(crate) async fn no_more_seats_are_given_back_than_there_are(store: Arc<dyn Store>) {
    let (fixture, emails) = ten_under(store, Some(10)).await;
    assert_eq!(
        fixture.import(&emails[..5], NOW).await.held.as_deref(),
        Some("Nord")
    );
    let (new, store) = ("new@nord.example", &fixture.store);
    store.add_user(new.into(), "Nord".into(), NOW).await.unwrap();
    let subscription = fixture.subscription.id.clone();
    store.assign_seat(new.into(), subscription, NOW).await.unwrap();

    let without = store.end_hold("Nord".into(), true).await.unwrap();
    assert_eq!(without, [emails[9].clone()]);
    let refusal = fixture.one(fixture.of(&emails[9], NOW)).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);
    for email in &emails[..9] {
        grant(&fixture.one(fixture.of(email, NOW)).await);
    }
}

/// Confirmed, it is what it was.
pub(crate) async fn a_mass_loss_that_is_confirmed_is_one(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    fixture.import(&emails[..3], NOW).await;
    assert!(matches!(
        fixture.outcome(&emails[7], NOW).await,
        CheckOutcome::Held
    ));
    let before = fixture.store.last_push().await.unwrap();
    fixture.store.end_hold("Nord".into(), false).await.unwrap();
    assert!(
        fixture.store.last_push().await.unwrap() > before,
        "who lost a seat is pushed"
    );
    assert_eq!(
        refused(&fixture.one(fixture.of(&emails[7], NOW)).await).code,
        Code::NotAssigned
    );
}

/// One after the other within ten minutes is a mass too: whom it has refused already, it gives the seat back, to each of their
/// devices, and again where the answer was lost.
pub(crate) async fn whoever_was_refused_before_it_was_seen_gets_the_seat_back(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let at = |minutes: i64| NOW.shifted(minutes * MINUTE);
    for (minute, left) in [(1, 9), (2, 8), (3, 7), (4, 6)] {
        assert_eq!(fixture.import(&emails[..left], at(minute)).await.held, None);
    }
    for of in [Fixture::of, Fixture::of_another] {
        let refusal = fixture.one(of(&fixture, &emails[9], at(4))).await;
        assert_eq!(refused(&refusal).code, Code::NotAssigned);
    }
    assert_eq!(
        fixture.import(&emails[..5], at(5)).await.held.as_deref(),
        Some("Nord")
    );
    for minute in [6, 7] {
        for of in [Fixture::of, Fixture::of_another] {
            grant(&fixture.one(of(&fixture, &emails[9], at(minute))).await);
        }
    }
    assert!(
        matches!(fixture.outcome(&emails[8], at(6)).await, CheckOutcome::Held),
        "who was not refused"
    );
    let new = CheckCommand {
        jkt: Thumbprint("a new one".into()),
        ..fixture.of(&emails[9], at(7))
    };
    assert!(
        matches!(fixture.store.check(new).await.unwrap(), CheckOutcome::Held),
        "a device that was not refused"
    );
}

/// A list that flaps: whoever was refused by it, and slept while it was whole, gets back what they were refused, when the next one
/// is held back.
pub(crate) async fn whoever_sleeps_while_the_list_is_whole_gets_the_seat_back(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let at = |minutes: i64| NOW.shifted(minutes * MINUTE);
    assert_eq!(fixture.import(&emails[..9], at(0)).await.held, None);
    let refusal = fixture.one(fixture.of(&emails[9], at(1))).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);
    // So was another, long after the list was read: nothing of that is kept to be given back.
    assert_eq!(fixture.import(&emails[..8], at(20)).await.held, None);
    fixture.import(&emails[..8], at(40)).await;
    let refusal = fixture.one(fixture.of(&emails[8], at(41))).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);

    fixture.import(&emails, at(60)).await;
    // A third was refused too, and has had a lease since.
    fixture.import(&emails[..7], at(75)).await;
    let refusal = fixture.one(fixture.of(&emails[7], at(76))).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);
    fixture.import(&emails, at(77)).await;
    grant(&fixture.one(fixture.of(&emails[7], at(78))).await);

    assert!(fixture.import(&emails[..4], at(120)).await.held.is_some());
    for minute in [121, 122] {
        for email in &emails[8..] {
            grant(&fixture.one(fixture.of(email, at(minute))).await);
        }
    }
    for email in &emails[4..8] {
        assert!(matches!(
            fixture.outcome(email, at(121)).await,
            CheckOutcome::Held
        ));
    }
}

/// What is held back is no way back for a device that was released.
pub(crate) async fn a_released_device_hears_of_that_during_a_hold(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let devices = fixture.store.devices(Some(emails[9].clone())).await.unwrap();
    fixture
        .store
        .release_device(devices[0].id.clone(), NOW)
        .await
        .unwrap();
    assert!(fixture.import(&emails[..5], NOW).await.held.is_some());
    let refusal = fixture.one(fixture.of(&emails[9], NOW)).await;
    assert_eq!(refused(&refusal).code, Code::DeviceReleased);
}

/// Whom an administrator has removed meanwhile gets nothing back, and takes nobody else's seat.
pub(crate) async fn a_removed_user_gets_no_seat_back(store: Arc<dyn Store>) {
    let (fixture, emails) = ten_under(store, Some(10)).await;
    assert!(fixture.import(&emails[..5], NOW).await.held.is_some());
    let (new, store) = ("new@nord.example", &fixture.store);
    store.add_user(new.into(), "Nord".into(), NOW).await.unwrap();
    let subscription = fixture.subscription.id.clone();
    store.assign_seat(new.into(), subscription, NOW).await.unwrap();
    store.remove_user(emails[5].clone(), NOW).await.unwrap();
    assert_eq!(
        store.end_hold("Nord".into(), true).await.unwrap(),
        Vec::<String>::new(),
        "with nine seats for nine"
    );
    grant(&fixture.one(fixture.of(&emails[9], NOW)).await);
    let seats = store.seats().await.unwrap();
    assert!(seats.iter().all(|seat| seat.email != emails[5]));
}

/// A directory that sends its list every hour calls nobody for nothing.
pub(crate) async fn an_import_that_changes_nothing_pushes_nobody(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    assert_eq!(fixture.import(&emails[..8], NOW).await.held, None);
    let before = fixture.store.last_push().await.unwrap();
    fixture.import(&emails[..8], NOW).await;
    assert_eq!(fixture.store.last_push().await.unwrap(), before);
}

/// What is lost later is held with the rest: it is in the number that the administrator decides by, and is named when it is lost.
pub(crate) async fn a_hold_says_how_many_it_keeps_back_by_now(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let lost = async |at: Timestamp| {
        let holds = fixture.store.holds(at).await.unwrap();
        (holds[0].lost, holds[0].active)
    };
    assert!(fixture.import(&emails[..5], NOW).await.held.is_some());
    let later = NOW.shifted(60 * MINUTE);
    assert!(fixture.import(&emails[..1], later).await.held.is_some());
    assert_eq!(lost(later).await, (9, 10));
    // One of them has the seat again. Nobody who is held back can check: they are counted for as long as it takes.
    fixture.import(&emails[..2], later).await;
    assert_eq!(lost(NOW.shifted(40 * DAY * 1000)).await, (8, 10));
    let without = fixture.store.end_hold("Nord".into(), false).await.unwrap();
    assert_eq!(without, emails[2..]);
}

/// What four have lost becomes a mass when a fifth has no other seat of the product any more: the next list tells whom that concerns,
/// also where it takes nothing from anybody. One that follows calls nobody again.
pub(crate) async fn a_hold_that_begins_by_itself_is_pushed(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let other = new_subscription(&["ATLAS"], None, Policy::default());
    let other = fixture.store.add_subscription(other, NOW).await.unwrap().id;
    let assign = fixture
        .store
        .assign_seat(emails[5].clone(), other.clone(), NOW)
        .await;
    assign.unwrap();
    assert_eq!(fixture.import(&emails[..5], NOW).await.held, None);
    let refusal = fixture.one(fixture.of(&emails[9], NOW)).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);
    fixture.store.end_subscription(other, Some(NOW)).await.unwrap();

    let before = fixture.push().await;
    let imported = fixture.import(&emails[..5], NOW).await;
    assert_eq!((imported.lost.len(), imported.held.as_deref()), (0, Some("Nord")));
    assert_eq!(fixture.pushed(before).await, emails[5..]);
    grant(&fixture.one(fixture.of(&emails[9], NOW)).await);
    let before = fixture.push().await;
    assert!(fixture.import(&emails[..5], NOW).await.held.is_some());
    assert_eq!(fixture.push().await, before);
}

/// Slowly, few, or by an administrator: each is decided by itself.
pub(crate) async fn what_is_no_mass_loss_is_a_refusal(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let imported = fixture.import(&emails[..6], NOW).await;
    assert_eq!((imported.lost.len(), imported.held), (4, None));
    assert_eq!(
        refused(&fixture.one(fixture.of(&emails[9], NOW)).await).code,
        Code::NotAssigned
    );
    let later = NOW.shifted(11 * MINUTE);
    assert_eq!(
        fixture.import(&emails[..5], later).await.held,
        None,
        "the others were lost long before"
    );
    for email in &emails[..5] {
        fixture
            .store
            .unassign_seat(email.clone(), "ATLAS".into())
            .await
            .unwrap();
    }
    assert_eq!(
        refused(&fixture.one(fixture.of(&emails[0], later)).await).code,
        Code::NotAssigned
    );
    assert!(fixture.store.holds(NOW).await.unwrap().is_empty());
}

/// Only what belongs to the mass is held back: whoever was taken off the list in the morning stays off it.
pub(crate) async fn what_was_lost_long_before_is_not_given_back_with_it(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    assert_eq!(fixture.import(&emails[..9], NOW).await.lost, [emails[9].clone()]);
    let later = NOW.shifted(9 * 60 * MINUTE);
    // They check during the day.
    for email in &emails[..9] {
        fixture.outcome(email, later).await;
    }
    assert_eq!(
        fixture.import(&emails[..4], later).await.held.as_deref(),
        Some("Nord")
    );
    assert_eq!(
        refused(&fixture.one(fixture.of(&emails[9], later)).await).code,
        Code::NotAssigned
    );
    fixture.store.end_hold("Nord".into(), true).await.unwrap();
    grant(&fixture.one(fixture.of(&emails[8], later)).await);
    assert_eq!(
        refused(&fixture.one(fixture.of(&emails[9], later)).await).code,
        Code::NotAssigned
    );
}

/// Seats of people who do not come are no loss that anybody would notice.
pub(crate) async fn whoever_has_checked_within_thirty_days_is_active(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let days = |days: i64| NOW.shifted(days * 24 * 60 * MINUTE);
    assert_eq!(fixture.import(&emails[..5], days(31)).await.held, None);
    let back = fixture.import(&emails, days(31)).await;
    assert_eq!(back.assigned.len(), 5);
    for email in &emails {
        fixture.outcome(email, days(31)).await;
    }
    assert_eq!(
        fixture.import(&emails[..5], days(60)).await.held.as_deref(),
        Some("Nord")
    );
}

/// Ten who have a seat of each of two subscriptions, and have checked both.
async fn ten_of_two(store: Arc<dyn Store>) -> (Fixture, Vec<String>, String) {
    let (fixture, emails) = ten(store).await;
    let boreas = new_subscription(&["BOREAS"], None, Policy::default());
    let boreas = fixture.store.add_subscription(boreas, NOW).await.unwrap().id;
    fixture
        .store
        .import_seats(boreas.clone(), emails.clone(), NOW)
        .await
        .unwrap();
    for email in &emails {
        fixture.check(both(fixture.of(email, NOW))).await;
    }
    (fixture, emails, boreas)
}

fn both(command: CheckCommand) -> CheckCommand {
    CheckCommand {
        products: vec![asked("ATLAS"), asked("BOREAS")],
        ..command
    }
}

/// Two lists that were cut off, one after the other: who was refused one seat before a mass was seen gets it back, also where another
/// is held back.
pub(crate) async fn whoever_was_refused_one_of_two_gets_both_back(store: Arc<dyn Store>) {
    let (fixture, emails, boreas) = ten_of_two(store).await;
    assert_eq!(
        fixture.import(&emails[..7], NOW).await.held,
        None,
        "three are no mass"
    );
    let (_, decided) = fixture.check(both(fixture.of(&emails[9], NOW))).await;
    assert_eq!(refused(&decided[0]).code, Code::NotAssigned);
    let left: Vec<String> = emails
        .iter()
        .enumerate()
        .filter(|(n, _)| ![5, 6, 9].contains(n))
        .map(|(_, email)| email.clone())
        .collect();
    let imported = fixture.store.import_seats(boreas, left, NOW).await.unwrap();
    assert!(imported.held.is_some(), "five are one");

    let (_, decided) = fixture.check(both(fixture.of(&emails[9], NOW))).await;
    for one in &decided {
        grant(one);
    }
    let other = both(fixture.of(&emails[8], NOW));
    assert!(matches!(
        fixture.store.check(other).await.unwrap(),
        CheckOutcome::Held
    ));
}

/// An administrator's own action is none of it, whatever else the same user has lost.
pub(crate) async fn what_an_administrator_takes_away_is_told_during_a_hold(store: Arc<dyn Store>) {
    let (fixture, emails, _) = ten_of_two(store).await;
    assert!(fixture.import(&emails[..5], NOW).await.held.is_some());
    let other = both(fixture.of(&emails[8], NOW));
    assert!(matches!(
        fixture.store.check(other).await.unwrap(),
        CheckOutcome::Held
    ));
    fixture
        .store
        .unassign_seat(emails[8].clone(), "BOREAS".into())
        .await
        .unwrap();
    let (_, decided) = fixture.check(both(fixture.of(&emails[8], NOW))).await;
    grant(&decided[0]);
    assert_eq!(refused(&decided[1]).code, Code::NotAssigned);
}

/// Also where the seat itself is held back: the devices hear it, their places are free, and nobody gives the seat back.
pub(crate) async fn what_is_held_back_can_be_taken_away_by_an_administrator(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    assert!(fixture.import(&emails[..5], NOW).await.held.is_some());
    let (last, before) = (&emails[9], fixture.push().await);
    let unassign = async || fixture.store.unassign_seat(last.clone(), "ATLAS".into()).await;
    let taken = unassign().await.unwrap();
    let taken: Vec<_> = taken
        .iter()
        .map(|seat| (&seat.email, seat.product.as_str(), &seat.subscription))
        .collect();
    assert_eq!(taken, [(last, "ATLAS", &fixture.subscription.id)]);
    assert_eq!(fixture.pushed(before).await, [last.as_str()]);
    let devices = fixture.store.devices(Some(last.clone())).await.unwrap();
    assert_eq!(devices[0].products, Vec::<String>::new(), "its place is free");
    let refusal = fixture.one(fixture.of(last, NOW)).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);
    assert_eq!(fixture.store.holds(NOW).await.unwrap()[0].lost, 4);
    let again = unassign().await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "seat", .. })));

    fixture.store.end_hold("Nord".into(), true).await.unwrap();
    let refusal = fixture.one(fixture.of(last, NOW)).await;
    assert_eq!(refused(&refusal).code, Code::NotAssigned);
}

/// A list that is too long assigns nothing, however many of its addresses have a seat already.
pub(crate) async fn an_import_assigns_no_more_seats_than_there_are(store: Arc<dyn Store>) {
    let (fixture, emails) = ten_under(store, Some(10)).await;
    let id = fixture.subscription.id.clone();
    let seats = async || {
        let seats = fixture.store.seats().await.unwrap();
        seats.iter().filter(|seat| seat.subscription == id).count()
    };
    fixture.import(&emails[..8], NOW).await;
    let mut too_many = emails.clone();
    too_many.push("new@nord.example".into());
    let refused = fixture.store.import_seats(id.clone(), too_many, NOW).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::NoSeatLeft { seats: 10, .. }))
    ));
    assert_eq!(seats().await, 8);
    fixture.import(&emails, NOW).await;
    assert_eq!(seats().await, 10);
}

/// Whoever has a seat of the product under another subscription can go on: that is no loss, neither for the count nor for them.
pub(crate) async fn whoever_has_another_seat_of_the_product_loses_nothing(store: Arc<dyn Store>) {
    let (fixture, emails) = ten(store).await;
    let other = new_subscription(&["ATLAS"], None, Policy::default());
    let other = fixture.store.add_subscription(other, NOW).await.unwrap().id;
    let import = async |emails: &[String]| {
        let imported = fixture
            .store
            .import_seats(other.clone(), emails.to_vec(), NOW)
            .await;
        imported.unwrap().held
    };
    import(&emails[..6]).await;
    assert_eq!(fixture.import(&[], NOW).await.held, None, "four are no mass");
    assert_eq!(import(&emails[..5]).await.as_deref(), Some("Nord"));
    assert_eq!(fixture.store.holds(NOW).await.unwrap()[0].lost, 5);
    assert!(matches!(
        fixture.outcome(&emails[9], NOW).await,
        CheckOutcome::Held
    ));
    grant(&fixture.one(fixture.of(&emails[0], NOW)).await);
    // A seat under one that has ended is none to go on with.
    fixture.store.end_subscription(other, Some(NOW)).await.unwrap();
    assert!(matches!(
        fixture.outcome(&emails[0], NOW).await,
        CheckOutcome::Held
    ));
}
