//! Rule 7: in a licensing outage a lease counts by itself for a day, and then temporary licences go on from it.

use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Ask, CheckFailure, Input, UseKey};
use latchkey_core::hindrance::NetworkTrouble;
use latchkey_core::notice::NoticeKind;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use latchkey_core::vault::KeyState;
use latchkey_core::view::{Line, Reach};

use crate::support::licensing::Seat;
use crate::support::world::{Signing, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, blocked, days, hours, minutes, seconds};

/// Somebody who works on Atlas while the licensing service goes out; with another policy, if `change` makes one.
fn in_an_outage(change: fn(&mut Policy)) -> (World, UseKey) {
    let mut world = World::new();
    change(&mut world.service().policy);
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(minutes(5));
    world.licensing = false;
    (world, key)
}

fn basis(world: &World, key: UseKey) -> Option<Basis> {
    world.status(key).basis
}

/// Lives on minute by minute for as long as Atlas may run, for `most` at most.
fn runs_for(world: &mut World, key: UseKey, most: Duration) -> Duration {
    let begun = world.machine.real;
    while world.status(key).code == 0 && world.machine.real.since(begun) < most {
        world.pass(minutes(1));
    }
    world.machine.real.since(begun)
}

#[test]
fn a_lease_counts_by_itself_for_a_day_and_then_temporary_licences_follow() {
    let (mut world, key) = in_an_outage(|_| {});
    world.pass(hours(23));
    assert_eq!(basis(&world, key), Some(Basis::Outage));
    assert!(world.temporaries.is_empty());
    world.pass(hours(1));
    let status = world.status(key);
    assert_eq!(status.basis, Some(Basis::Temporary));
    let left = status.until.unwrap().since(world.trusted());
    assert!(hours(3) < left && left <= hours(4), "{left:?}");
    assert_eq!(world.product(QUARRY).basis, Some(Basis::Temporary), "open or not");
}

#[test]
fn again_and_again_past_the_end_of_the_lease_without_a_gap_or_a_click() {
    let (mut world, key) = in_an_outage(|_| {});
    let lived = runs_for(&mut world, key, days(60));
    assert_eq!(lived, days(60));
    assert_eq!(basis(&world, key), Some(Basis::Temporary));
    assert_eq!(world.told(key), [3, 0], "it was never told anything else");
    let of_atlas = world.temporaries.iter().filter(|claims| claims.aud == ATLAS);
    let numbers: Vec<u32> = of_atlas.map(|claims| claims.number).collect();
    let expected: Vec<u32> = (1..=u32::try_from(numbers.len()).unwrap()).collect();
    assert_eq!(numbers, expected, "each is counted");
    assert!((354..=375).contains(&numbers.len()), "{}", numbers.len());

    let second = world.start(ATLAS);
    assert_eq!(world.status(second).code, 0, "a start too");
    world.close(second);
    let kinds: Vec<&NoticeKind> = world.shown.iter().map(|shown| &shown.notice.kind).collect();
    assert_eq!(kinds, [&NoticeKind::Outage], "told once, and of no end");
}

#[test]
fn the_real_lease_replaces_them_within_five_minutes_by_itself() {
    let (mut world, key) = in_an_outage(|_| {});
    world.pass(days(40));
    assert_eq!(basis(&world, key), Some(Basis::Temporary));
    world.licensing = true;
    world.pass(minutes(5) + seconds(1));
    let status = world.status(key);
    assert_eq!(status.basis, Some(Basis::Lease));
    assert!(status.until.unwrap().since(world.trusted()) > days(29));
    let asked = world.temporaries.len();
    // The next outage begins anew.
    world.licensing = false;
    world.pass(days(2));
    assert_eq!(world.temporaries[asked].number, 1);
}

/// Nothing else wakes the engine at these instants: the questions whether the service is back come every few minutes.
#[test]
fn each_is_asked_for_at_its_time_and_not_when_something_else_happens() {
    for (life, early) in [(hours(4), minutes(10)), (minutes(20), minutes(5))] {
        let mut world = World::new();
        world.service().policy.temporary_for = life;
        world.sign_in();
        world.pass(minutes(7));
        world.licensing = false;
        world.pass(days(1) + life * 20);
        let held = world.facts().held(SERVICE, ATLAS).unwrap();
        let mut due = held.lease().unwrap().checked_at() + Policy::default().outage_keep_for;
        let of_atlas: Vec<_> = world
            .temporaries
            .iter()
            .filter(|claims| claims.aud == ATLAS)
            .collect();
        assert!(of_atlas.len() >= 20, "{}", of_atlas.len());
        for claims in of_atlas {
            let late = claims.iat - due.as_secs();
            assert!((0..=1).contains(&late), "number {}: {late} s late", claims.number);
            due = Timestamp::from_secs(claims.exp) - early;
        }
    }
}

/// The lease has ended, and the key does not sign what would follow.
#[test]
fn a_key_that_does_not_sign_is_asked_every_minute_and_nobody_waits_for_it_twice() {
    for obstacle in [Signing::Fails, Signing::Hangs] {
        let mut world = World::new();
        world.service().policy.offline_for = hours(1);
        world.service().policy.final_warning = minutes(10);
        world.sign_in();
        world.licensing = false;
        world.pass(minutes(58));
        world.signing = obstacle;
        world.pass(minutes(1));
        let key = world.start(ATLAS);
        // The check that goes before every end, and the key, are waited for; and then it is said that there is none.
        world.pass(minutes(1));
        assert_eq!(world.status(key).code, 12, "{obstacle:?}");
        let told = world.told(key);
        let first = told.iter().position(|code| *code == 12).unwrap();
        assert_eq!(told[first..], [12], "{obstacle:?}: it is told once, {told:?}");

        world.signing = Signing::Works;
        world.pass(minutes(1));
        assert_eq!(basis(&world, key), Some(Basis::Temporary), "{obstacle:?}");
    }
}

/// The agent may be killed in the instant after a licence was given.
#[test]
fn a_licence_that_was_given_is_on_disk() {
    let mut world = World::new();
    world.service().policy.offline_for = hours(1);
    world.service().policy.final_warning = minutes(10);
    world.sign_in();
    world.licensing = false;
    let key = world.start(ATLAS);
    world.pass(minutes(58));
    let ends = world.product(ATLAS).until.unwrap();
    while basis(&world, key) != Some(Basis::Temporary) {
        world.pass(Duration::from_millis(100));
        assert!(world.trusted().since(ends) < minutes(1), "{:?}", world.told(key));
    }
    world.crash();
    world.signing = Signing::Hangs;
    world.launch();
    world.authorize(key, ATLAS, true);
    world.pass(seconds(1));
    assert_eq!(
        basis(&world, key),
        Some(Basis::Temporary),
        "{:?}",
        world.told(key)
    );
}

/// The keyring hangs in the moment at which a licence is to follow the lease: a program waits for it a little, and not for a minute.
#[test]
fn a_key_that_hangs_is_not_waited_for() {
    let mut world = World::new();
    world.service().policy.offline_for = hours(1);
    world.service().policy.final_warning = minutes(10);
    world.sign_in();
    world.licensing = false;
    world.pass(minutes(58));
    world.signing = Signing::Hangs;
    let ends = world.product(ATLAS).until.unwrap();
    let key = world.start(ATLAS);
    while world.status(key).code != 12 {
        world.pass(seconds(1));
        let late = world.trusted().since(ends);
        assert!(
            late <= seconds(15),
            "{late:?} after its end: {:?}",
            world.told(key)
        );
    }
}

#[test]
fn a_key_that_is_gone_is_asked_for_nothing() {
    let (mut world, key) = in_an_outage(|_| {});
    world.input(Input::Key {
        service: SERVICE.to_owned(),
        key: KeyState::Gone,
    });
    world.pass(days(2));
    assert!(world.temporaries.is_empty());
    assert_eq!(world.status(key).code, Code::SignInRequired.number());
}

#[test]
fn where_they_are_used_up_a_good_lease_still_counts_and_one_that_has_ended_does_not() {
    let (mut world, key) = in_an_outage(|policy| {
        policy.temporary_limit = Some(2);
        policy.offline_for = days(3);
        policy.final_warning = hours(12);
    });
    world.pass(days(2));
    assert_eq!(world.temporaries.iter().filter(|one| one.aud == ATLAS).count(), 2);
    assert_eq!(basis(&world, key), Some(Basis::Outage));
    world.pass(hours(14));
    assert_eq!(basis(&world, key), Some(Basis::FinalWarning));
    world.pass(days(1));
    assert_eq!(world.status(key).code, Code::OfflineLimitReached.number());
}

#[test]
fn none_is_given_offline_and_the_one_that_was_runs_to_its_end() {
    let (mut world, key) = in_an_outage(|policy| {
        policy.offline_for = days(2);
        policy.final_warning = hours(12);
    });
    world.pass(days(3));
    assert_eq!(basis(&world, key), Some(Basis::Temporary));
    let given = world.temporaries.len();
    world.set_network(false);
    world.pass(minutes(1));
    assert_eq!(
        world.view().headline.line,
        Line::Outage {
            reach: Reach::LicensingOutage
        },
        "it is not said that all is well"
    );
    let lived = runs_for(&mut world, key, days(1));
    assert!(lived <= hours(4), "{lived:?}");
    assert!(lived >= minutes(9), "{lived:?}");
    assert_eq!(world.temporaries.len(), given);
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, Code::OfflineLimitReached.number());

    // The network is back, and the service is still out.
    world.set_network(true);
    world.pass(minutes(1));
    assert_eq!(basis(&world, key), Some(Basis::Temporary));
    let start = world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(world.status(start).code, 0);
}

#[test]
fn who_starts_while_it_is_found_out_waits_and_is_not_turned_away() {
    let (mut world, key) = in_an_outage(|policy| {
        policy.offline_for = days(2);
        policy.final_warning = hours(12);
    });
    world.close(key);
    world.set_network(false);
    world.pass(days(4));
    assert_eq!(world.code(ATLAS), 12);
    world.set_network(true);
    let start = world.start(ATLAS);
    world.pass(minutes(1));
    assert!(
        world.told(start).iter().all(|code| *code <= 3),
        "{:?}",
        world.told(start)
    );
    assert_eq!(basis(&world, start), Some(Basis::Temporary));
}

#[test]
fn it_never_outlives_a_refusal_a_reset_or_a_sign_out() {
    for end in [Some(Ask::SignOut(None)), Some(Ask::Reset(None)), None] {
        let (mut world, key) = in_an_outage(|_| {});
        world.pass(days(31));
        assert_eq!(basis(&world, key), Some(Basis::Temporary));
        match &end {
            Some(ask) => {
                world.ask(ask.clone());
                world.pass(minutes(1));
            }
            None => {
                world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
                world.licensing = true;
                world.pass(minutes(6));
                world.licensing = false;
            }
        }
        assert_ne!(world.status(key).code, 0, "{end:?}");
        let given = world.temporaries.iter().filter(|one| one.aud == ATLAS).count();
        world.pass(days(2));
        let now_given = world.temporaries.iter().filter(|one| one.aud == ATLAS).count();
        assert_eq!(now_given, given, "{end:?}");
        assert_ne!(world.code(ATLAS), 0, "{end:?}");
    }
}

/// What was reset is a first start, which needs the service; whoever resets wins no new count.
#[test]
fn the_count_survives_a_reset() {
    let (mut world, _) = in_an_outage(|_| {});
    world.pass(days(3));
    let counted = |world: &World| {
        let facts = world.facts();
        facts.held(crate::support::SERVICE, ATLAS).unwrap().temporaries()
    };
    let before = counted(&world);
    assert!(before > 10);
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(1));
    assert_eq!(counted(&world), before);
    assert_eq!(world.view().accounts[0].reach, Reach::LicensingOutage);
    assert_eq!(world.code(ATLAS), Code::LicensingUnavailable.number());
}

#[test]
fn nothing_outlives_a_subscription_that_is_known_to_end() {
    let mut world = World::new();
    let end = world.machine.real + days(5);
    world.service().subscription_ends = Some(end);
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(minutes(5));
    world.licensing = false;
    world.pass(days(3));
    assert_eq!(
        basis(&world, key),
        Some(Basis::FinalWarning),
        "and the user is told so"
    );
    runs_for(&mut world, key, days(30));
    assert!(world.temporaries.is_empty());
    assert!(
        world.machine.real.since(end) <= minutes(2),
        "it ran on after {end:?}"
    );
    assert!(
        end.since(world.machine.real) <= minutes(2),
        "it stopped before {end:?}"
    );
}

#[test]
fn a_restart_and_naps_leave_no_gap() {
    let (mut world, key) = in_an_outage(|_| {});
    world.pass(days(31));
    world.restart();
    world.pass(seconds(1));
    assert_eq!(
        world.product(ATLAS).basis,
        Some(Basis::Temporary),
        "it is on disk"
    );
    let given = world.temporaries.len();
    world.pass(minutes(1));
    assert_eq!(world.temporaries.len(), given, "and is not given again");
    // It ends in the sleep: the check goes first, and finds out that the service is out. Each night anew.
    for night in 1..=3 {
        world.sleep(hours(9));
        world.pass(minutes(1));
        assert!(
            world.told(key).iter().all(|code| *code <= 3),
            "in night {night} somebody was told to stop: {:?}",
            world.told(key)
        );
        assert_eq!(world.status(key).basis, Some(Basis::Temporary));
        world.pass(hours(15));
    }
    // The network is back for a moment when one ends.
    world.set_network(false);
    let temporary = world.status(key).until.unwrap();
    world.pass(temporary.since(world.trusted()) - seconds(3));
    world.set_network(true);
    world.pass(minutes(1));
    assert!(
        world.told(key).iter().all(|code| *code <= 3),
        "it was about to be found out: {:?}",
        world.told(key)
    );
    assert_eq!(world.status(key).basis, Some(Basis::Temporary));
}

/// A portal: whether the service is still out, nobody knows.
#[test]
fn none_is_given_while_something_else_stands_in_the_way() {
    let (mut world, key) = in_an_outage(|_| {});
    world.pass(days(31));
    assert_eq!(basis(&world, key), Some(Basis::Temporary));
    world.licensing = true;
    world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
    world.pass(minutes(6));
    let given = world.temporaries.len();
    let lived = runs_for(&mut world, key, days(1));
    assert!(lived <= hours(4), "{lived:?}");
    assert_eq!(world.temporaries.len(), given);
}

/// Rule 8: what was known of an outage before the machine slept says nothing of now; it may have woken offline.
#[test]
fn none_is_given_on_waking_before_the_outage_is_seen_anew() {
    let (mut world, _) = in_an_outage(|_| {});
    world.pass(hours(25));
    let given = world.temporaries.len();
    assert!(given > 0);
    world.network = false;
    world.sleep(hours(6));
    world.pass(minutes(2));
    assert_eq!(world.temporaries.len(), given);
}

/// Rule 7 leaves no gap, also where a session refusal ends just before the lease does.
#[test]
fn what_a_session_refusal_has_kept_goes_on_from_the_instant_of_its_end() {
    let mut world = World::new();
    let policy = Policy {
        offline_for: days(2),
        final_warning: hours(1),
        ..Policy::default()
    };
    world.service().policies.insert(QUARRY.to_owned(), policy);
    world.sign_in();
    world.service().seat(QUARRY, Seat::Refused(Code::SessionInUse));
    let key = world.start(QUARRY);
    world.pass(hours(48) - minutes(20));
    assert_eq!(world.status(key).code, 16);
    world.licensing = false;
    world.break_streams();
    let mut waited = seconds(0);
    while world.status(key).code == 16 {
        world.pass(seconds(1));
        waited += seconds(1);
        assert!(waited < minutes(17), "its fifteen minutes are over");
    }
    world.pass(seconds(1));
    assert_eq!(world.temporaries.len(), 1);
    assert_eq!(world.product(QUARRY).basis, Some(Basis::Temporary));
}

/// A busy service ends no outage, whether the machine slept meanwhile or not.
#[test]
fn a_service_that_comes_back_busy_leaves_no_gap_after_sleep() {
    for slept in [false, true] {
        let mut world = World::new();
        let policy = Policy {
            offline_for: days(3),
            ..Policy::default()
        };
        world.service().policies.insert(ATLAS.to_owned(), policy);
        world.sign_in();
        let key = world.start(ATLAS);
        world.licensing = false;
        world.pass(days(4));
        assert_eq!(world.status(key).basis, Some(Basis::Temporary));
        world.licensing = true;
        world.wire = Wire::Fails(CheckFailure::Busy {
            retry_after: Some(seconds(100)),
        });
        if slept {
            world.sleep(minutes(1));
        }
        world.pass(hours(5));
        let status = world.status(key);
        assert_eq!(
            (status.code, status.basis),
            (0, Some(Basis::Temporary)),
            "slept: {slept}"
        );
    }
}
