//! Rule 9: a refusal counts only if signed, and bound to the request.

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Answer, Signed};
use latchkey_core::engine::{Ask, CheckFailure};
use latchkey_core::facts::{Facts, Held};
use latchkey_core::hindrance::NetworkTrouble;
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, Lease, Refusal};
use latchkey_core::notice::NoticeKind;
use latchkey_core::policy::SessionPolicy;
use latchkey_core::view::{Away, Line, Problem};

use crate::support::licensing::Seat;
use crate::support::world::{Keyring, Secrets, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, blocked, days, device, hours, minutes, seconds};

/// Atlas is open, and the next check refuses it.
fn refused(code: Code) -> (World, latchkey_core::engine::UseKey) {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(hours(1));
    world.service().seat(ATLAS, Seat::Refused(code));
    world.ask(Ask::Check);
    world.pass(seconds(1));
    (world, key)
}

fn holds_lease(world: &World, product: &str) -> bool {
    world
        .facts()
        .held(SERVICE, product)
        .and_then(Held::lease)
        .is_some()
}

/// A state that is mended from its copy after a refusal must not have forgotten it.
#[test]
fn a_refusal_is_in_both_copies() {
    let (world, _) = refused(Code::SubscriptionEnded);
    for copy in [&world.disk, &world.backup] {
        let facts: Facts = serde_json::from_str(copy).unwrap();
        let state = serde_json::to_value(facts).unwrap();
        let refusal = &state["services"][SERVICE]["products"][ATLAS]["refusal"];
        assert!(refusal.is_string(), "{copy}");
    }
}

#[test]
fn what_happens_to_the_lease() {
    // The code, whether Atlas keeps its lease, what its open program is told, and what a start is told.
    let table = [
        // Rule 14: whoever starts may have been assigned just now.
        (Code::NotAssigned, false, 13, 4),
        (Code::SubscriptionEnded, false, 14, 14),
        (Code::DeviceLimit, true, 15, 15),
        (Code::SessionInUse, true, 16, 16),
        (Code::ClientOutdated, true, 0, 0),
        (Code::DeviceReleased, false, 23, 23),
    ];
    for (code, keeps, open, start) in table {
        let (mut world, key) = refused(code);
        assert_eq!(holds_lease(&world, ATLAS), keeps, "{code:?}");
        assert_eq!(world.status(key).code, open, "{code:?}");
        assert_eq!(world.status(key).stop_at.is_some(), open != 0, "{code:?}");
        let another = world.start(ATLAS);
        world.pass(seconds(10));
        assert_eq!(world.status(another).code, start, "{code:?}");
        assert_eq!(
            world.status(another).stop_at,
            None,
            "{code:?}: it has nothing to save"
        );
        let quarry = if code == Code::DeviceReleased { 10 } else { 0 };
        assert_eq!(
            world.code(QUARRY),
            quarry,
            "{code:?} is about one product, but for a device"
        );
    }
}

#[test]
fn refusals_persist_offline_and_over_a_restart() {
    for code in [
        Code::NotAssigned,
        Code::SubscriptionEnded,
        Code::DeviceLimit,
        Code::DeviceReleased,
    ] {
        let (mut world, _) = refused(code);
        world.set_network(false);
        world.pass(hours(3));
        world.reboot(days(2));
        world.pass(minutes(10));
        assert_eq!(world.code(ATLAS), code.number());
    }
}

#[test]
fn the_service_takes_a_refusal_back_with_a_lease() {
    for code in [
        Code::NotAssigned,
        Code::SubscriptionEnded,
        Code::DeviceLimit,
        Code::SessionInUse,
        Code::ClientOutdated,
    ] {
        let (mut world, key) = refused(code);
        world.service().seat(ATLAS, Seat::Assigned);
        world.ask(Ask::Check);
        world.pass(seconds(1));
        assert_eq!(world.status(key).code, 0, "{code:?}");
        assert_eq!(world.status(key).stop_at, None, "{code:?}");
    }
}

#[test]
fn a_session_refusal_ends_after_fifteen_minutes_offline() {
    let (mut world, key) = refused(Code::SessionInUse);
    world.pass(hours(10));
    assert_eq!(world.status(key).code, 16, "online it stays");
    world.set_network(false);
    world.pass(seconds(20) + minutes(14));
    assert_eq!(world.status(key).code, 16, "not yet");
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 0, "the lease was kept");
    world.set_network(true);
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, 16, "the newcomer is told again");
    let left = world.status(key).stop_at.unwrap().since(world.trusted());
    assert!(left > minutes(9), "it had been running in between: {left:?}");
}

/// Whoever sits in an outage is not worse off than with the cable pulled.
#[test]
fn a_session_refusal_ends_after_fifteen_minutes_of_an_outage_too() {
    for identity_is_out in [false, true] {
        let (mut world, key) = refused(Code::SessionInUse);
        world.pass(hours(2));
        (world.identity, world.licensing) = (!identity_is_out, identity_is_out);
        world.ask(Ask::Check);
        world.pass(minutes(14));
        assert_eq!(world.status(key).code, 16, "not yet");
        world.pass(minutes(2));
        assert_eq!(world.status(key).code, 0, "the lease was kept");
        (world.identity, world.licensing) = (true, true);
        world.pass(minutes(6));
        assert_eq!(world.status(key).code, 16, "the newcomer is told again");
    }
}

/// A stop that was told is over when the product may run again, also where nobody knows yet what stands in the way of checks.
#[test]
fn whoever_ran_on_after_a_session_refusal_may_save_at_the_next_one() {
    let (mut world, key) = refused(Code::SessionInUse);
    let first = world.status(key).stop_at.unwrap();
    world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
    world.restart();
    world.pass(hours(1));
    assert_eq!(world.status(key).code, 0, "the refusal has ended");
    world.wire = Wire::Honest;
    world.pass(minutes(6));
    let told = world.status(key);
    assert_eq!(told.code, 16);
    assert!(told.stop_at.unwrap() > first + minutes(50), "{told:?}");
}

/// The network is there, and no check gets through: a portal, a proxy that wants a password, a keyring that is locked or gone.
#[test]
fn a_session_refusal_ends_after_fifteen_minutes_of_whatever_keeps_checks_away() {
    type Fault = fn(&mut World);
    let faults: [(&str, Fault); 5] = [
        ("a portal", |world| {
            world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
        }),
        ("a proxy", |world| {
            world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::ProxyPassword)));
        }),
        ("a locked keyring", |world| world.keyring = Keyring::Locked),
        ("no keyring", |world| world.keyring = Keyring::Missing),
        ("now this, now that", |world| {
            world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
        }),
    ];
    for (story, fault) in faults {
        let (mut world, key) = refused(Code::SessionInUse);
        world.pass(hours(2));
        fault(&mut world);
        world.ask(Ask::Check);
        for minute in 0..14 {
            if story == "now this, now that" {
                world.licensing = minute % 2 == 0;
            }
            world.pass(minutes(1));
        }
        assert_eq!(world.status(key).code, 16, "{story}: not yet");
        world.pass(minutes(2));
        assert_eq!(world.status(key).code, 0, "{story}: the lease was kept");
        (world.wire, world.keyring, world.licensing) = (Wire::Honest, Keyring::Open, true);
        world.pass(minutes(6));
        assert_eq!(world.status(key).code, 16, "{story}: the newcomer is told again");
    }
}

/// An agent that is started again has not forgotten that it is over.
#[test]
fn and_that_it_has_ended_is_on_disk() {
    let (mut world, key) = refused(Code::SessionInUse);
    world.close(key);
    world.set_network(false);
    world.pass(minutes(16));
    assert_eq!(world.code(ATLAS), 0);
    world.restart();
    assert_eq!(world.code(ATLAS), 0);
}

/// Keys are rotated: the newest document counts, whichever comes last.
#[test]
fn of_two_keys_documents_the_newer_is_kept() {
    let mut world = World::signed_in();
    let checked_with = |world: &mut World, iat| {
        world.service().publish(iat);
        world.ask(Ask::Check);
        world.pass(seconds(1));
        let entry = &world.registry[0];
        let held = world.facts().services[SERVICE].keys.as_deref().unwrap();
        let held = Keys::verify(held, &entry.root_keys, SERVICE).unwrap();
        held.signed_at().as_secs()
    };
    assert_eq!(checked_with(&mut world, 1_799_000_100), 1_799_000_100);
    assert_eq!(checked_with(&mut world, 1_799_000_050), 1_799_000_100);
    assert_eq!(world.code(ATLAS), 0, "and the same keys are in both");
}

#[test]
fn an_outdated_client_runs_to_the_end_of_its_lease_and_gets_no_other() {
    let (mut world, key) = refused(Code::ClientOutdated);
    let until = world.status(key).until;
    world.pass(days(20));
    assert_eq!(world.status(key).until, until, "not renewed");
    assert_eq!(world.status(key).code, 0);
    world.pass(days(10));
    assert_eq!(world.status(key).code, 19);
    assert!(world.status(key).stop_at.is_some());
}

#[test]
fn whose_client_is_outdated_is_counted_down_although_every_check_is_answered() {
    let (mut world, key) = refused(Code::ClientOutdated);
    world.shown.clear();
    let seen = world.status(key);
    assert_eq!(
        (seen.basis, seen.away),
        (Some(Basis::Grace), Some(Away::Outdated)),
        "{seen:?}"
    );
    assert!(seen.detail.is_some());
    world.pass(days(29));
    let mut told = Vec::new();
    for shown in &world.shown {
        match shown.notice.kind {
            NoticeKind::Offline { away, .. } => told.push(("offline", away)),
            NoticeKind::FinalWarning { away, .. } => told.push(("final", away)),
            ref other => panic!("{other:?}"),
        }
    }
    assert!(told.iter().all(|(_, away)| *away == Away::Outdated), "{told:?}");
    assert!(told.len() >= 28, "once a day: {told:?}");
    assert_eq!(
        told.iter().filter(|(kind, _)| *kind == "final").count(),
        2,
        "{told:?}"
    );
    assert!(matches!(
        world.view().headline.line,
        Line::Final {
            away: Away::Outdated,
            ..
        }
    ));
    assert_eq!(world.view().problems, []);
    world.service().seat(ATLAS, Seat::Assigned);
    world.restart();
    world.pass(seconds(5));
    let seen = world.status(key);
    assert_eq!(
        (seen.basis, seen.away),
        (Some(Basis::Lease), None),
        "after the update"
    );
}

#[test]
fn an_update_that_was_asked_for_is_noticed_by_the_next_start() {
    let (mut world, key) = refused(Code::ClientOutdated);
    world.close(key);
    world.pass(days(31));
    assert_eq!(world.code(ATLAS), 19);
    world.service().seat(ATLAS, Seat::Assigned);
    let checks = world.checks.len();
    let key = world.start(ATLAS);
    assert!(
        world.told(key).iter().all(|code| *code <= 3),
        "{:?}",
        world.told(key)
    );
    world.pass(seconds(2));
    assert_eq!((world.status(key).code, world.checks.len()), (0, checks + 1));
}

/// Nobody need start anything for it.
#[test]
fn an_agent_that_was_asked_for_checks_when_it_begins() {
    let (mut world, key) = refused(Code::ClientOutdated);
    world.close(key);
    world.service().seat(ATLAS, Seat::Assigned);
    let checks = world.checks.len();
    world.restart();
    world.pass(seconds(5));
    assert_eq!(world.checks.len(), checks + 1);
    let seen = world.product(ATLAS);
    assert_eq!((seen.basis, seen.away), (Some(Basis::Lease), None), "{seen:?}");
}

#[test]
fn before_an_outdated_client_stops_anything_it_asks_once_more() {
    let (mut world, key) = refused(Code::ClientOutdated);
    let until = world.status(key).until.unwrap();
    let left = until.since(world.trusted());
    world.pass(left - minutes(1));
    world.service().seat(ATLAS, Seat::Assigned);
    world.pass(minutes(2));
    let told = world.told(key);
    assert!(told.iter().all(|code| *code <= 3), "{told:?}");
    assert_eq!(world.status(key).code, 0);
}

#[test]
fn a_released_device_keeps_nothing_and_a_new_sign_in_makes_a_new_one() {
    let (mut world, key) = refused(Code::DeviceReleased);
    assert_eq!(
        world.vault[SERVICE],
        Secrets {
            access_until: world.vault[SERVICE].access_until,
            ..Secrets::default()
        }
    );
    assert!(!holds_lease(&world, ATLAS) && !holds_lease(&world, QUARRY));
    world.service().seat(ATLAS, Seat::Assigned);
    world.sign_in();
    assert_eq!(
        world.sign_ins_anew,
        [false, true],
        "who sits there is asked for, whatever the browser remembers"
    );
    assert_eq!(world.vault[SERVICE].device, Some(device(2)));
    assert_eq!(world.status(key).code, 0);
}

/// Whoever must sign in anew can make no check either, and is no worse off for that.
#[test]
fn a_session_refusal_ends_where_its_user_must_sign_in_anew() {
    for restarts in [false, true] {
        for network in [false, true] {
            let mut world = World::signed_in();
            world.service().seat(ATLAS, Seat::Refused(Code::SessionInUse));
            let key = world.start(ATLAS);
            world.pass(hours(2));
            world.grant_revoked = true;
            world.ask(Ask::Check);
            world.pass(minutes(1));
            world.close(key);
            assert!(world.view().problems.contains(&Problem::SignInAgain));
            assert_eq!(world.code(ATLAS), 16, "{network} {restarts}");
            world.set_network(network);
            if restarts {
                world.restart();
            }
            let key = world.start(ATLAS);
            world.pass(minutes(10));
            world.close(key);
            world.pass(seconds(30));
            assert_eq!(world.code(ATLAS), 16, "{network} {restarts}");
            world.pass(minutes(6));
            assert_eq!(world.code(ATLAS), 0, "{network} {restarts}");
        }
    }
}

#[test]
fn what_is_not_signed_for_our_request_changes_nothing() {
    for wire in [
        Wire::Tampered,
        Wire::Foreign,
        Wire::Replayed,
        Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage))),
    ] {
        for seat in [
            Seat::Assigned,
            Seat::Refused(Code::NotAssigned),
            Seat::Refused(Code::DeviceReleased),
        ] {
            let mut world = World::signed_in();
            let key = world.start(ATLAS);
            world.pass(days(3));
            let before = world.facts_beside_the_clock();
            world.wire = wire.clone();
            world.service().seat(ATLAS, seat);
            for _ in 0..3 {
                world.ask(Ask::Check);
                world.pass(minutes(1));
            }
            assert_eq!(world.facts_beside_the_clock(), before, "{wire:?} {seat:?}");
            assert_eq!(world.status(key).code, 0, "{wire:?} {seat:?}");
            let real = world.machine.real;
            assert!(
                real.since(world.trusted()) < seconds(2),
                "and the clock goes on as it did"
            );
        }
    }
}

#[test]
fn a_first_start_is_not_to_be_had_by_a_replay() {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(None));
    world.pass(seconds(10));
    world.wire = Wire::Replayed;
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(minutes(2));
    assert!(!world.told(key).contains(&0), "{:?}", world.told(key));
}

#[test]
fn of_one_answer_what_verifies_counts_and_the_rest_does_not() {
    let mut world = World::signed_in();
    world.pass(hours(1));
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    world.service().seat(QUARRY, Seat::Refused(Code::NotAssigned));
    world.wire = Wire::TamperedAbout(ATLAS);
    world.ask(Ask::Check);
    world.pass(seconds(1));
    assert_eq!((world.code(ATLAS), world.code(QUARRY)), (0, 13));
}

#[test]
fn the_highest_seq_wins() {
    let mut world = World::new();
    let device = device(1);
    let at = world.machine.real;
    let product = [ATLAS.to_owned()];
    let signed = |world: &mut World, seat| {
        world.service().seat(ATLAS, seat);
        world.service().answer("request", &device, &product, at)
    };
    let first = signed(&mut world, Seat::Refused(Code::NotAssigned));
    let second = signed(&mut world, Seat::Assigned);
    let third = signed(&mut world, Seat::Refused(Code::SubscriptionEnded));
    let roots = &world.registry[0].root_keys;
    let keys = Keys::verify(&first.keys, roots, SERVICE).unwrap();
    let expected = Expected {
        service: SERVICE,
        product: ATLAS,
        device: Some(&device),
        user: None,
        request: Some("request"),
    };
    let mut held = Held::default();
    let mut take = |answered: &latchkey_core::engine::CheckAnswered| match &answered.products[0].1 {
        Signed::Lease(token) => held.take_lease(Lease::verify(token, &keys, &expected).unwrap()),
        Signed::Refusal(token) => held.take_refusal(Refusal::verify(token, &keys, &expected).unwrap()),
    };
    assert!(take(&second), "a lease");
    assert!(!take(&first), "an older refusal");
    assert!(!take(&second), "the same lease again");
    assert!(take(&third), "a newer refusal");
    assert!(!take(&second), "a lease from before it");
}

/// Each cause is told once, and wins no time.
#[test]
fn a_second_refusal_is_told_as_well_and_wins_no_time() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    let mut stops = Vec::new();
    for code in [
        Code::SubscriptionEnded,
        Code::SubscriptionEnded,
        Code::NotAssigned,
    ] {
        world.service().seat(ATLAS, Seat::Refused(code));
        world.ask(Ask::Check);
        world.pass(minutes(1));
        stops.push(world.status(key).stop_at);
    }
    assert!(stops[0].is_some() && stops.iter().all(|stop_at| *stop_at == stops[0]));
    let told = world.shown.iter().filter_map(|shown| match shown.notice.kind {
        NoticeKind::MustStop { code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [14, 13]);
}

#[test]
fn a_lease_that_comes_ends_what_is_left_of_a_save_window() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    world
        .service()
        .seat(ATLAS, Seat::Refused(Code::SubscriptionEnded));
    world.ask(Ask::Check);
    world.pass(seconds(5));
    let window = |world: &World| {
        let held = world.facts().held(SERVICE, ATLAS).unwrap();
        held.save_window.is_some()
    };
    world.close(key);
    assert!(window(&world));
    world.service().seat(ATLAS, Seat::Assigned);
    world.ask(Ask::Check);
    world.pass(seconds(5));
    assert!(!window(&world), "also when nothing is open");
}

/// A policy changes only with a newer lease.
#[test]
fn the_time_to_save_is_that_of_the_lease_that_ends() {
    let mut world = World::new();
    world.service().policy.save_window = hours(1);
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    world.service().policy.save_window = minutes(10);
    world.service().seat(ATLAS, Seat::Refused(Code::DeviceReleased));
    world.ask(Ask::Check);
    world.pass(seconds(5));
    let left = world.status(key).stop_at.unwrap().since(world.trusted());
    assert!(left > minutes(55), "{left:?}");
}

/// A device without a place is good for nothing, whatever lease it has kept.
#[test]
fn a_device_that_may_run_nothing_is_not_good_offline() {
    for (code, is_good) in [(Code::DeviceLimit, false), (Code::ClientOutdated, true)] {
        let mut world = World::signed_in();
        for product in [ATLAS, QUARRY] {
            world.service().seat(product, Seat::Refused(code));
        }
        let ticket = world.ask(Ask::Check);
        world.pass(seconds(5));
        let answer = world.answer(ticket);
        let Some(Answer::Checked { until }) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(until.is_some(), is_good, "{code:?}");
    }
}

/// Where both may run nobody is asked first: a start with a lease that is good is answered at once, also where none will follow it.
#[test]
fn an_outdated_agent_starts_at_once_where_both_may_run() {
    let mut world = World::new();
    world.service().policy.session_policy = SessionPolicy::Report;
    world.sign_in();
    world.service().seat(ATLAS, Seat::Refused(Code::ClientOutdated));
    world.ask(Ask::Check);
    world.pass(minutes(1));
    let key = world.start(ATLAS);
    assert_eq!(world.told(key), [0]);
}
