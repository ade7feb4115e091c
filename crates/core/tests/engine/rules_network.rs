//! The network: what of it stands in the way is named for as long as it does, and takes nothing away.

use latchkey_core::code::Reason;
use latchkey_core::engine::{Answer, Ask, CheckFailure};
use latchkey_core::hindrance::{Hindrance, NetworkTrouble};
use latchkey_core::view::Away;

use crate::support::world::{Wire, World};
use crate::support::{ATLAS, blocked, hindrance, minutes, seconds};

const TROUBLES: [NetworkTrouble; 2] = [NetworkTrouble::ProxyPassword, NetworkTrouble::AuthorityUnknown];

#[test]
fn each_obstacle_has_a_name_until_a_check_gets_through() {
    for (trouble, expected) in TROUBLES.into_iter().zip(["proxy_password", "authority_unknown"]) {
        let mut world = World::signed_in();
        world.wire = Wire::Fails(CheckFailure::Hindered(blocked(trouble)));
        let ticket = world.ask(Ask::Check);
        world.pass(seconds(5));
        assert!(
            matches!(world.answer(ticket), Some(Answer::Refused { problem, .. }) if problem == expected),
            "{trouble:?}: {:?}",
            world.answer(ticket)
        );
        assert_eq!(world.view().problems, [trouble.problem().unwrap()]);
        assert_eq!(world.code(ATLAS), 0, "the lease stays");
        world.wire = Wire::Honest;
        world.pass(minutes(6));
        assert_eq!(world.view().problems, []);
    }
}

#[test]
fn it_stands_in_the_way_since_it_was_first_seen_and_another_since_then() {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(seconds(1));
    let hindered = |world: &mut World, reason| {
        world.wire = Wire::Fails(CheckFailure::Hindered(hindrance(reason)));
        world.ask(Ask::Check);
        world.pass(seconds(1));
        let status = world.product(ATLAS);
        assert_eq!(status.reason, Some(reason));
        status.since.unwrap()
    };
    let begun = hindered(&mut world, Reason::NetworkBlocked);
    world.pass(minutes(20));
    assert_eq!(hindered(&mut world, Reason::NetworkBlocked), begun);
    let other = hindered(&mut world, Reason::ClockWrong);
    assert!(other >= begun + minutes(20), "{other:?}");
}

/// Nobody is signed in yet: the sign-in would not get through either.
#[test]
fn a_first_start_hears_what_stands_in_its_way_and_goes_on_when_it_is_gone() {
    for (reason, code) in [
        (Reason::ClockWrong, 4),
        (Reason::NetworkBlocked, 4),
        (Reason::ServiceOutdated, 4),
    ] {
        let mut world = World::new();
        world.wire = Wire::Fails(CheckFailure::Hindered(hindrance(reason)));
        let key = world.start(ATLAS);
        world.pass(seconds(2));
        let status = world.status(key);
        assert_eq!((status.code, status.reason), (code, Some(reason)));
        world.wire = Wire::Honest;
        world.pass(minutes(1));
        assert_eq!(world.status(key).code, 10, "{reason:?} is gone");
    }
}

#[test]
fn another_obstacle_takes_its_place() {
    let mut world = World::signed_in();
    for trouble in TROUBLES {
        world.wire = Wire::Fails(CheckFailure::Hindered(blocked(trouble)));
        world.ask(Ask::Check);
        world.pass(seconds(5));
        assert_eq!(world.view().problems, [trouble.problem().unwrap()]);
    }
    world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
    world.ask(Ask::Check);
    world.pass(seconds(5));
    assert_eq!(
        world.view().problems,
        [],
        "a network that is left again is nothing to mend"
    );
}

/// Code 4 `network_blocked`: which host, and what stands in the way.
#[test]
fn whoever_is_blocked_hears_which_host_is_out_of_reach_and_by_what() {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(seconds(1));
    for by in [
        NetworkTrouble::WebPage,
        NetworkTrouble::ProxyPassword,
        NetworkTrouble::AuthorityUnknown,
        NetworkTrouble::Tls,
    ] {
        world.wire = Wire::Fails(CheckFailure::Hindered(blocked(by)));
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        for status in [world.status(key), world.product(ATLAS)] {
            assert_eq!(status.reason, Some(Reason::NetworkBlocked));
            let obstacle = status.obstacle.unwrap();
            assert_eq!((obstacle.host.as_str(), obstacle.by), ("licence.example", by));
        }
        world.close(key);
    }
}

/// Rule 16: with the difference, where anybody knows it.
#[test]
fn a_start_with_a_wrong_clock_hears_by_how_much() {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(seconds(1));
    for (said, expected) in [(Some(-75), Some(-75)), (None, None)] {
        world.wire = Wire::Fails(CheckFailure::Hindered(Hindrance::ClockWrong { ahead: said }));
        world.ask(Ask::Check);
        world.pass(seconds(5));
        let status = world.product(ATLAS);
        assert_eq!(
            (status.reason, status.clock_ahead),
            (Some(Reason::ClockWrong), expected)
        );
    }
    // What the last check has shown is known besides.
    world.machine.wall_ahead = 180 * 60_000;
    world.pass(seconds(1));
    assert_eq!(world.product(ATLAS).clock_ahead, Some(180));
}

/// Rule 8: told as "neither service answers" where the machine has a network.
#[test]
fn a_first_start_says_whether_it_is_the_network_or_that_neither_service_answers() {
    for (network, away) in [(false, Away::Offline), (true, Away::NeitherAnswers)] {
        let mut world = World::signed_in();
        world.ask(Ask::Reset(Some(ATLAS.to_owned())));
        world.pass(seconds(1));
        world.network = network;
        (world.licensing, world.identity) = (false, false);
        let key = world.start(ATLAS);
        world.pass(minutes(2));
        let status = world.status(key);
        assert_eq!((status.code, status.away), (11, Some(away)));
    }
}
