//! Rules 5 and 20: the end, and the time to save.

use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::{Ask, UseKey};
use latchkey_core::notice::NoticeKind;
use latchkey_core::policy::Policy;
use latchkey_core::time::{DAY, Timestamp};

use crate::support::licensing::Seat;
use crate::support::world::World;
use crate::support::{ATLAS, QUARRY, SERVICE, days, hours, minutes, seconds};

fn end(world: &World) -> Timestamp {
    world
        .facts()
        .held(SERVICE, ATLAS)
        .unwrap()
        .lease()
        .unwrap()
        .until()
}

/// Atlas is open, and its lease ends in `left` without a network.
fn ends_in(left: Duration) -> (World, UseKey) {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    world.set_network(false);
    let now = world.trusted();
    world.sleep(end(&world).since(now) - left);
    (world, key)
}

fn count(world: &World, of: fn(&NoticeKind) -> bool) -> usize {
    world.shown.iter().filter(|shown| of(&shown.notice.kind)).count()
}

#[test]
fn the_end_is_exclusive() {
    let (mut world, key) = ends_in(seconds(2));
    world.pass(Duration::from_millis(1999));
    assert_eq!(world.status(key).code, 0);
    world.pass(Duration::from_millis(1));
    assert_ne!(world.status(key).code, 0);
    let refused = world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.status(refused).code, 12);
    assert_eq!(
        world.status(refused).stop_at,
        None,
        "a start that never ran has nothing to save"
    );
}

#[test]
fn an_open_product_gets_ten_minutes_from_when_it_could_be_told() {
    let (mut world, key) = ends_in(seconds(2));
    world.pass(minutes(2));
    let status = world.status(key);
    assert_eq!((status.code, status.until), (12, Some(end(&world))));
    let stop_at = status.stop_at.unwrap();
    assert!(
        stop_at.since(end(&world)) <= minutes(10) + seconds(60),
        "after a check of at most a minute"
    );
    assert!(stop_at.since(end(&world)) >= minutes(10));
    world.pass(days(1));
    assert_eq!(
        world.status(key).stop_at,
        Some(stop_at),
        "what it does is its own decision (rule 20)"
    );
}

#[test]
fn a_restart_wins_no_second_window() {
    let (mut world, key) = ends_in(seconds(2));
    world.pass(minutes(5));
    let stop_at = world.status(key).stop_at;
    assert!(stop_at.is_some());
    for _ in 0..4 {
        world.restart();
        world.pass(minutes(4));
        assert_eq!(world.status(key).stop_at, stop_at);
    }
}

#[test]
fn products_that_end_together_make_one_notice_and_no_noise() {
    let (mut world, atlas) = ends_in(minutes(10));
    let quarry = world.start(QUARRY);
    world.pass(minutes(12));
    for key in [atlas, quarry] {
        assert_eq!(world.status(key).code, 12);
        assert!(world.status(key).stop_at.is_some());
    }
    let told = (world.told(atlas), world.told(quarry));
    let handled = world.handled;
    world.pass(hours(2));
    assert_eq!(
        (world.told(atlas), world.told(quarry)),
        told,
        "told once, and left alone"
    );
    assert!(
        world.handled - handled < 300,
        "{} inputs in two hours",
        world.handled - handled
    );
    assert_eq!(count(&world, |kind| matches!(kind, NoticeKind::Ended { .. })), 1);
}

#[test]
fn a_product_that_is_closed_ends_in_the_same_notice() {
    let (mut world, atlas) = ends_in(minutes(10));
    world.pass(hours(1));
    assert_eq!(world.status(atlas).code, 12);
    assert_eq!(world.code(QUARRY), 12);
    let ended: Vec<_> = world.shown.iter().map(|shown| &shown.notice).collect();
    let ended: Vec<_> = ended
        .iter()
        .filter(|notice| matches!(notice.kind, NoticeKind::Ended { .. }))
        .collect();
    assert!(
        matches!(ended[..], [only] if matches!(only.kind, NoticeKind::Ended { days: 30, stop_at: Some(_) })),
        "{ended:?}"
    );
}

#[test]
fn after_waking_past_the_end_the_check_goes_first() {
    let (mut world, key) = ends_in(hours(1));
    world.network = true;
    world.latency = seconds(20);
    world.sleep(days(3));
    let status = world.status(key);
    assert_eq!(status.code, 3);
    assert!(status.until.unwrap().since(world.trusted()) <= seconds(60));
    world.pass(seconds(21));
    assert_eq!(world.status(key).code, 0);
    assert!(!world.told(key).contains(&12), "{:?}", world.told(key));
}

#[test]
fn also_between_the_tries_while_the_network_is_not_up_yet() {
    let (mut world, key) = ends_in(hours(1));
    world.sleep(days(3));
    for _ in 0..50 {
        world.pass(seconds(1));
        assert_eq!(world.status(key).code, 3);
    }
    world.set_network(true);
    world.pass(seconds(1));
    assert_eq!(world.told(key), [3, 0, 3, 0]);
}

/// Whoever signs out meanwhile is asked about no more.
#[test]
fn and_is_waited_for_by_nobody_who_is_signed_out() {
    let (mut world, key) = ends_in(hours(1));
    world.sleep(days(3));
    world.pass(seconds(15));
    assert_eq!(world.status(key).code, 3);
    world.ask(Ask::SignOut(None));
    let status = world.status(key);
    assert_eq!(status.code, 11);
    assert!(status.stop_at.is_some());
}

/// What was told to stop for another reason does not wait for the check of what has just ended.
#[test]
fn and_is_waited_for_by_nobody_else() {
    let (mut world, key) = ends_in(hours(1));
    let other = world.start(QUARRY);
    world.pass(seconds(5));
    world.ask(Ask::Reset(Some(QUARRY.to_owned())));
    world.pass(seconds(1));
    assert!(world.status(other).stop_at.is_some());
    world.sleep(days(3));
    assert_eq!(world.status(key).code, 3);
    assert_eq!(world.status(other).code, 11);
}

#[test]
fn and_for_a_minute_at_most() {
    let (mut world, key) = ends_in(hours(1));
    world.network = true;
    world.latency = hours(1);
    world.sleep(days(3));
    world.pass(seconds(59));
    assert_eq!(world.status(key).code, 3);
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, 12);
    assert!(world.status(key).stop_at.unwrap().since(world.trusted()) <= minutes(10));
}

#[test]
fn one_connection_heals_everything() {
    let (mut world, atlas) = ends_in(hours(1));
    let quarry = world.start(QUARRY);
    world.pass(days(1));
    assert_eq!((world.status(atlas).code, world.status(quarry).code), (12, 12));
    world.set_network(true);
    world.pass(seconds(1));
    for key in [atlas, quarry] {
        assert_eq!(world.status(key).code, 0);
        assert_eq!(world.status(key).stop_at, None);
    }
    assert!(end(&world).since(world.trusted()) > 29 * DAY);
}

#[test]
fn a_refusal_that_is_repeated_is_one_cause() {
    for code in [
        Code::NotAssigned,
        Code::SubscriptionEnded,
        Code::SessionInUse,
        Code::DeviceLimit,
    ] {
        let mut world = World::signed_in();
        let key = world.start(ATLAS);
        world.pass(seconds(10));
        world.service().seat(ATLAS, Seat::Refused(code));
        world.ask(Ask::Check);
        world.pass(seconds(1));
        let stop_at = world
            .status(key)
            .stop_at
            .expect("an open product gets its save window");
        assert!(stop_at.since(world.trusted()) <= minutes(10));
        for _ in 0..6 {
            world.ask(Ask::Check);
            world.pass(minutes(4));
        }
        let later = world.status(key).stop_at.unwrap();
        assert!(
            later <= stop_at + seconds(1),
            "{code:?}: every check won a new window"
        );
        assert_eq!(
            count(&world, |kind| matches!(kind, NoticeKind::MustStop { .. })),
            1,
            "{code:?}"
        );
    }
}

#[test]
fn a_seat_that_comes_back_and_goes_again_is_another_cause() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    for _ in 0..2 {
        world.service().seat(ATLAS, Seat::Assigned);
        world.ask(Ask::Check);
        world.pass(hours(1));
        assert_eq!(world.status(key).code, 0);
        world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
        world.ask(Ask::Check);
        world.pass(seconds(1));
        assert_eq!(world.status(key).code, 13);
        let left = world.status(key).stop_at.unwrap().since(world.trusted());
        assert!(left > minutes(9), "{left:?}");
        world.pass(hours(1));
    }
}

#[test]
fn nobody_wins_time_by_resetting_or_signing_out_again_and_again() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    world.ask(Ask::Reset(None));
    world.pass(seconds(10));
    let stop_at = world.status(key).stop_at.unwrap();
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    for _ in 0..3 {
        world.ask(Ask::Reset(None));
        world.pass(minutes(5));
        world.sign_in();
        assert_eq!(world.status(key).code, 13);
        world.ask(Ask::SignOut(None));
        world.pass(minutes(5));
    }
    assert!(world.status(key).stop_at.unwrap() <= stop_at + seconds(1));
}

#[test]
fn the_policy_says_how_long_the_window_is() {
    for (says, gets) in [(minutes(7), minutes(7)), (days(9), days(1))] {
        let mut world = World::new();
        world.service().policy = Policy {
            save_window: says,
            ..Policy::default()
        };
        world.sign_in();
        let key = world.start(ATLAS);
        world.pass(seconds(10));
        world.ask(Ask::SignOut(None));
        world.pass(seconds(1));
        let left = world.status(key).stop_at.unwrap().since(world.trusted());
        assert!(left <= gets && left > gets - seconds(5), "{left:?}");
    }
}

#[test]
fn an_agent_that_was_not_there_begins_the_window_when_it_can_tell() {
    let (mut world, key) = ends_in(hours(1));
    world.crash();
    world.pass(hours(9));
    world.launch();
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, 12);
    let left = world.status(key).stop_at.unwrap().since(world.trusted());
    assert!(left > minutes(7) && left <= minutes(10), "{left:?}");
}

#[test]
fn a_refusal_is_told_once_whatever_the_user_tries_in_between() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    for _ in 0..3 {
        world.ask(Ask::Check);
        world.pass(seconds(10));
        assert_eq!(world.status(key).code, 13);
        world.ask(Ask::Reset(Some(ATLAS.to_owned())));
        world.pass(seconds(10));
    }
    let told = count(&world, |kind| matches!(kind, NoticeKind::MustStop { .. }));
    assert_eq!(told, 1);
}

/// What ends while another end is being asked about puts that one off no longer.
#[test]
fn an_end_that_follows_makes_the_first_wait_no_longer() {
    let mut world = World::new();
    let lasts = |time: Duration| Policy {
        offline_for: days(2) + time,
        final_warning: hours(1),
        ..Policy::default()
    };
    world.service().policy = lasts(Duration::ZERO);
    world
        .service()
        .policies
        .insert(QUARRY.to_owned(), lasts(seconds(40)));
    world.sign_in();
    let keys = [world.start(ATLAS), world.start(QUARRY)];
    world.pass(seconds(10));
    world.network = false;
    world.sleep(days(2));
    world.pass(seconds(62));
    assert_eq!(keys.map(|key| world.status(key).code), [12, 12]);
    let told = world.told(keys[1]);
    assert!(told.contains(&3), "it was asked about: {told:?}");
}
