//! Rules 2 and 11: what keeps a session, what ends it, and what the user may do about it.

use latchkey_core::code::Code;
use latchkey_core::engine::{Ask, CheckFailure, CheckOrder, Input, Side};
use latchkey_core::policy::{Policy, SessionPolicy};
use latchkey_core::view::Reach;

use crate::support::licensing::Seat;
use crate::support::world::{Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, days, hours, minutes, seconds};

pub(super) fn says_open(order: &CheckOrder, product: &str) -> bool {
    let query = order.products.iter().find(|query| query.product == product);
    query.unwrap().open
}

pub(super) fn last(world: &World) -> &CheckOrder {
    world.orders.last().unwrap()
}

pub(super) fn in_use() -> Seat {
    Seat::Refused(Code::SessionInUse)
}

#[test]
fn a_check_says_what_is_open_and_what_starts() {
    let mut world = World::signed_in();
    assert!(
        !says_open(last(&world), ATLAS),
        "nothing is open: no session is opened"
    );
    let key = world.start(ATLAS);
    assert!(says_open(last(&world), ATLAS) && !says_open(last(&world), QUARRY));
    world.pass(seconds(5));
    world.close(key);
    world.pass(seconds(5));
    assert!(
        !says_open(last(&world), ATLAS),
        "and its end ends the session at once"
    );
    let checks = world.orders.len();
    world.pass(hours(20));
    assert_eq!(world.orders.len(), checks, "that is all");
}

/// Who was refused goes on waiting for two minutes, and then nobody listens for them any more.
#[test]
fn nobody_listens_for_whoever_does_not_come_back() {
    let mut world = World::signed_in();
    world.service().seat(ATLAS, in_use());
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    assert_eq!(world.status(key).code, 16);
    world.close(key);
    world.pass(seconds(100));
    assert_eq!(world.listens(), 1);
    world.pass(seconds(30));
    assert_eq!(world.listens(), 0);
}

#[test]
fn programs_that_close_together_make_one_check() {
    let mut world = World::signed_in();
    let keys = [world.start(ATLAS), world.start(QUARRY), world.start(ATLAS)];
    world.pass(minutes(1));
    let checks = world.orders.len();
    for key in keys {
        world.close(key);
    }
    world.pass(minutes(1));
    assert_eq!(world.orders.len(), checks + 1);
}

#[test]
fn offline_nothing_is_said_about_closing() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    world.set_network(false);
    world.pass(minutes(2));
    let checks = world.orders.len();
    world.close(key);
    world.pass(seconds(20));
    assert!(world.orders.len() <= checks + 1, "the session ends by silence");
}

#[test]
fn without_a_stream_the_session_is_confirmed_as_often_as_the_policy_says() {
    for every in [minutes(5), minutes(2)] {
        let mut world = World::new();
        world.streams_served = false;
        world.service().policy.heartbeat_every = every;
        world.sign_in();
        world.pass(minutes(1));
        world.start(ATLAS);
        world.pass(seconds(10));
        let checks = world.checks.len();
        world.pass(10 * every + seconds(30));
        let beats: Vec<_> = world.checks[checks - 1..]
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect();
        assert!((9..=11).contains(&beats.len()), "{beats:?}");
        assert!(beats.iter().all(|beat| *beat <= every + seconds(5)), "{beats:?}");
    }
}

#[test]
fn while_the_stream_stands_no_heartbeat_is_needed_and_nothing_wakes_the_agent_for_one() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    let checks = world.checks.len();
    world.pass(hours(12));
    assert_eq!(world.checks.len(), checks);
}

#[test]
fn the_stream_is_there_only_while_a_program_is() {
    let mut world = World::signed_in();
    assert_eq!(world.listens(), 0, "signed in is not enough");
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.listens(), 1);
    let second = world.start(QUARRY);
    world.pass(minutes(1));
    assert_eq!(world.listens(), 1, "one for all");
    world.close(key);
    world.close(second);
    assert_eq!(world.listens(), 0);
}

#[test]
fn a_push_makes_a_check_at_once_and_a_flood_of_them_one_a_second() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    world
        .service()
        .seat(ATLAS, Seat::Refused(Code::SubscriptionEnded));
    world.push();
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, 14);
    let checks = world.checks.len();
    for _ in 0..200 {
        world.push();
        world.pass(std::time::Duration::from_millis(50));
    }
    let made = world.checks.len() - checks;
    assert!((5..=11).contains(&made), "{made} checks in ten seconds");
}

#[test]
fn a_stream_that_ends_is_opened_again_and_one_that_cannot_be_had_is_made_good_by_a_check() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    let checks = world.checks.len();
    world.break_streams();
    world.pass(seconds(5));
    assert_eq!(
        (world.listens(), world.checks.len()),
        (1, checks),
        "its token had ended"
    );
    world.streams_served = false;
    world.break_streams();
    world.pass(minutes(1));
    assert_eq!(
        world.checks.len(),
        checks + 1,
        "one check to find out what happened"
    );
    world.pass(hours(1));
    let beats = world.checks.len() - checks;
    assert!((11..=15).contains(&beats), "{beats} heartbeats in an hour");
    world.streams_served = true;
    world.pass(minutes(6));
    assert_eq!(world.listens(), 1, "and it comes back by itself");
}

/// A service that sheds its streams is not asked for one again before it wants to be, and what is online stays so.
#[test]
fn a_stream_that_is_shed_is_wanted_again_when_the_service_says() {
    let mut world = World::signed_in();
    world.sheds = Some(seconds(120));
    world.start(ATLAS);
    world.pass(seconds(2));
    world.sheds = None;
    world.pass(seconds(115));
    assert_eq!(world.listens(), 0, "too early");
    world.pass(seconds(20));
    assert_eq!(world.listens(), 1);
    assert_eq!(world.view().accounts[0].reach, Reach::Online);
}

#[test]
fn after_sleep_and_a_change_of_network_it_is_opened_anew() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    world.recording = true;
    let opened = |world: &World| {
        let effects = world.record.iter();
        effects.filter(|effect| effect.contains("Listen {")).count()
    };
    world.sleep(hours(8));
    world.pass(minutes(1));
    assert_eq!((world.listens(), opened(&world)), (1, 1));
    world.input(Input::NetworkChanged);
    world.pass(minutes(1));
    assert_eq!((world.listens(), opened(&world)), (1, 2));
    world.set_network(false);
    world.pass(minutes(1));
    assert_eq!(world.listens(), 0);
    world.set_network(true);
    world.pass(minutes(1));
    assert_eq!(world.listens(), 1);
}

#[test]
fn whoever_must_sign_in_again_listens_no_more() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.listens(), 1);
    world.grant_revoked = true;
    world.pass(days(1));
    assert_eq!(world.listens(), 0);
}

#[test]
fn who_lost_the_session_may_save_and_has_it_again_when_it_is_free() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    world.service().seat(ATLAS, in_use());
    world.push();
    world.pass(seconds(2));
    assert_eq!(world.status(key).code, 16);
    let stop_at = world.status(key).stop_at.expect("time to save");
    assert!(stop_at.since(world.trusted()) > minutes(9));
    world.service().seat(ATLAS, Seat::Assigned);
    world.push();
    world.pass(seconds(2));
    assert_eq!((world.status(key).code, world.status(key).stop_at), (0, None));
}

#[test]
fn a_start_is_not_refused_by_a_session_that_may_have_ended() {
    for policy in [SessionPolicy::Takeover, SessionPolicy::Deny] {
        let mut world = World::new();
        world.service().policy.session_policy = policy;
        world.sign_in();
        world.service().seat(ATLAS, in_use());
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        world.close(key);
        world.pass(minutes(1));
        assert!(world.facts().held(SERVICE, ATLAS).unwrap().is_session_in_use());
        world.service().seat(ATLAS, Seat::Assigned);
        let key = world.start(ATLAS);
        assert!(matches!(world.status(key).code, 2 | 3), "{:?}", world.status(key));
        world.pass(seconds(2));
        assert_eq!(world.told(key).last(), Some(&0));
        assert!(!world.told(key).contains(&16));
    }
}

/// A product that ends when it is refused: its user reads why, and uses it here instead, or waits until it is free.
#[test]
fn whoever_was_refused_waits_for_the_session_for_two_minutes() {
    let refused = || {
        let mut world = World::signed_in();
        world.service().seat(ATLAS, in_use());
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        assert_eq!(world.status(key).code, 16);
        world.close(key);
        world.pass(seconds(100));
        assert!(says_open(last(&world), ATLAS), "it waits on");
        assert_eq!((world.code(ATLAS), world.listens()), (16, 1));
        world
    };
    let mut freed = refused();
    freed.service().seat(ATLAS, Seat::Assigned);
    freed.push();
    freed.pass(seconds(2));
    assert_eq!(freed.code(ATLAS), 0);

    let mut left = refused();
    left.pass(seconds(30));
    assert!(!says_open(last(&left), ATLAS));
    assert_eq!((left.code(ATLAS), left.listens()), (0, 0));

    // Whoever lost it saves, closes and waits for nothing.
    let mut lost = World::signed_in();
    let key = lost.start(ATLAS);
    lost.pass(minutes(1));
    lost.service().seat(ATLAS, in_use());
    lost.push();
    lost.pass(seconds(5));
    lost.close(key);
    lost.pass(seconds(5));
    assert!(!says_open(last(&lost), ATLAS));
}

#[test]
fn a_start_that_gets_no_answer_in_time_is_told_of_the_session() {
    let mut world = World::signed_in();
    world.service().seat(ATLAS, in_use());
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    world.close(key);
    world.pass(minutes(1));
    world.latency = seconds(20);
    let key = world.start(ATLAS);
    world.pass(seconds(2));
    assert!(matches!(world.status(key).code, 2 | 3));
    world.pass(seconds(2));
    assert_eq!(world.status(key).code, 16, "3 s are enough");
}

#[test]
fn the_daily_check_goes_on_with_a_program_open() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(days(3));
    assert!(world.checks.len() >= 4);
}

#[test]
fn offline_for_long_nothing_is_written_over_and_over() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    world.set_network(false);
    world.pass(minutes(20));
    let written = world.saved_twice;
    world.pass(hours(1));
    assert_eq!(world.saved_twice, written);
}

/// A proxy, or a service that is overloaded, takes the stream and closes it, each time.
#[test]
fn a_stream_that_ends_at_once_is_opened_ever_more_rarely() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    let opened = |world: &mut World, time| {
        let mut opened = 0;
        let end = world.machine.ticks + time;
        while world.machine.ticks < end {
            opened += u32::from(world.listens() > 0);
            world.break_streams();
            world.pass(seconds(1));
        }
        opened
    };
    let first = opened(&mut world, minutes(10));
    let later = opened(&mut world, hours(1));
    assert!(
        (3..40).contains(&first) && (12..60).contains(&later),
        "{first}, {later}"
    );
    world.pass(minutes(6));
    assert_eq!(world.listens(), 1, "it stands now");
    world.break_streams();
    world.pass(seconds(2));
    assert_eq!(world.listens(), 1, "one that has stood is opened at once");
}

/// Rule 9: 15 min without reach end it; one failure that was none does not.
#[test]
fn a_single_failure_does_not_end_a_session_of_somebody_else() {
    let mut world = World::new();
    world.service().seat(ATLAS, in_use());
    world.sign_in();
    world.start(ATLAS);
    world.pass(seconds(5));
    let unreachable = CheckFailure::Unreachable {
        licensing: Side::Silent,
        identity: Side::Answers,
    };
    for failure in [unreachable, CheckFailure::Busy { retry_after: None }] {
        world.wire = Wire::Fails(failure);
        world.ask(Ask::Check);
        world.pass(seconds(1) / 2);
    }
    world.pass(minutes(20));
    assert_eq!(world.code(ATLAS), Code::SessionInUse.number());
}

/// Each may be covered by a subscription of its own: whoever waits for the session of one need not wait for the other's.
#[test]
fn a_product_that_is_closed_is_given_up_while_another_stays_open() {
    let mut world = World::signed_in();
    let (atlas, quarry) = (world.start(ATLAS), world.start(QUARRY));
    world.pass(minutes(10));
    let before = world.checks.len();
    world.close(atlas);
    world.pass(seconds(5));
    assert_eq!(world.checks.len(), before + 1);
    assert!(!says_open(last(&world), ATLAS) && says_open(last(&world), QUARRY));
    world.close(quarry);
    world.pass(seconds(5));
    assert_eq!(world.checks.len(), before + 2);
    assert!(!says_open(last(&world), QUARRY));
}

/// Each of them may be covered by a subscription of its own.
#[test]
fn a_session_is_confirmed_as_often_as_the_shortest_policy_says() {
    for short in [ATLAS, QUARRY] {
        let mut world = World::new();
        world.service().policies.insert(
            short.to_owned(),
            Policy {
                heartbeat_every: minutes(1),
                ..Policy::default()
            },
        );
        world.sign_in();
        world.streams_served = false;
        world.start(ATLAS);
        world.pass(seconds(5));
        let before = world.checks.len();
        world.pass(minutes(10));
        let beats = world.checks.len() - before;
        assert!(beats >= 9, "{beats} where {short} has the shortest");
    }
}

/// Rule 9: nobody has heard of this device while it slept.
#[test]
fn a_session_refusal_does_not_outlast_a_night_that_the_machine_slept() {
    let mut world = World::signed_in();
    world.service().seat(ATLAS, in_use());
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 16);
    world.network = false;
    world.sleep(hours(8));
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 0);
}
