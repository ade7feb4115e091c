//! Rule 14: a seat that was assigned a moment ago.

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::{Ask, CheckFailure};

use crate::support::licensing::Seat;
use crate::support::world::{Wire, World};
use crate::support::{ATLAS, QUARRY, minutes, seconds};

fn without_a_seat() -> World {
    let mut world = World::signed_in();
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    world
}

#[test]
fn it_is_asked_about_after_one_two_five_and_ten_minutes_with_fresh_credentials() {
    let mut world = without_a_seat();
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    let refused_at = *world.checks.last().unwrap();
    let before = world.orders.len();
    let status = world.status(key);
    assert_eq!(
        (status.code, status.reason),
        (4, Some(Reason::EntitlementSpreading))
    );
    assert!(status.is_pending(), "its user is awaited");
    let next = status.until.unwrap().since(status.since.unwrap());
    assert_eq!(next, minutes(1), "the next try is said");
    world.pass(minutes(9) + seconds(50));
    assert_eq!(world.status(key).code, 4, "until the last try is answered");
    world.pass(seconds(20));
    assert_eq!(world.status(key).code, 13, "and then at once");
    world.pass(minutes(5));
    let tries: Vec<u64> = world.checks[before..]
        .iter()
        .map(|at| (*at - refused_at).as_secs() / 60)
        .collect();
    assert_eq!(tries, [1, 2, 5, 10]);
    assert!(
        world.orders[before..]
            .iter()
            .all(|order| order.refresh_every.is_zero())
    );
    assert_eq!(world.status(key).code, 13, "and then it is a refusal");
    assert_eq!(world.told(key), [3, 4, 13]);
}

#[test]
fn when_the_seat_arrives_the_wait_is_over() {
    let mut world = without_a_seat();
    let key = world.start(ATLAS);
    world.pass(seconds(90));
    assert_eq!(world.status(key).code, 4);
    world.service().seat(ATLAS, Seat::Assigned);
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 0);
    let checks = world.checks.len();
    world.pass(minutes(20));
    assert_eq!(world.checks.len(), checks, "nothing is asked any more");
}

#[test]
fn a_push_ends_it_at_once() {
    let mut world = without_a_seat();
    let key = world.start(ATLAS);
    world.pass(seconds(20));
    world.service().seat(ATLAS, Seat::Assigned);
    world.push();
    world.pass(seconds(2));
    assert_eq!(world.status(key).code, 0);
}

#[test]
fn nobody_waits_without_a_program_that_does() {
    let mut world = without_a_seat();
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.code(ATLAS), 4);
    world.close(key);
    world.pass(seconds(5));
    assert_eq!(world.code(ATLAS), 13);
    let checks = world.checks.len();
    world.pass(minutes(20));
    assert_eq!(world.checks.len(), checks);
    assert_eq!(world.code(QUARRY), 0);
}

#[test]
fn what_runs_and_loses_its_seat_is_told_so_at_once() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    world.push();
    world.pass(seconds(2));
    assert_eq!(world.status(key).code, 13);
    assert!(world.status(key).stop_at.is_some());
}

#[test]
fn a_start_that_finds_an_old_refusal_waits_too() {
    let mut world = without_a_seat();
    world.ask(latchkey_core::engine::Ask::Check);
    world.pass(minutes(1));
    assert_eq!(world.code(ATLAS), 13);
    let key = world.start(ATLAS);
    assert_eq!(world.told(key), [4], "an admin may have assigned it since");
    world.service().seat(ATLAS, Seat::Assigned);
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, 0);
}

#[test]
fn the_next_start_waits_anew() {
    let mut world = without_a_seat();
    let key = world.start(ATLAS);
    world.pass(minutes(12));
    assert_eq!(world.status(key).code, 13);
    world.close(key);
    world.pass(seconds(5));
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 4);
}

#[test]
fn offline_in_the_middle_it_ends_all_the_same() {
    let mut world = without_a_seat();
    let key = world.start(ATLAS);
    world.pass(minutes(3));
    world.set_network(false);
    world.pass(minutes(10));
    assert_eq!(world.status(key).code, 13, "nothing waits for ever");
}

/// Nobody waits for the seat of what runs already, nor for that of what nobody starts while something else is starting.
#[test]
fn only_what_somebody_starts_is_asked_about_again() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    world
        .service()
        .seat(QUARRY, Seat::Refused(Code::SubscriptionEnded));
    let before = world.orders.len();
    let waits = world.start(QUARRY);
    world.pass(minutes(12));
    assert_eq!((world.code(ATLAS), world.status(waits).code), (13, 14));
    let anew = world.orders[before..]
        .iter()
        .filter(|order| order.refresh_every.is_zero());
    assert_eq!(anew.count(), 0);
}

/// The try that fails is made once more in the same way: the token of before does not name the seat.
/// Neither by another program that starts meanwhile, nor by a check of before: the last try is still under way.
#[test]
fn the_last_try_is_waited_for() {
    for check in [false, true] {
        let mut world = without_a_seat();
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        let since = world.status(key).since.unwrap();
        let to_the_last = (since + minutes(10)).since(world.trusted());
        world.pass(to_the_last - seconds(1));
        world.latency = seconds(3);
        if check {
            world.ask(Ask::Check);
        }
        world.service().seat(ATLAS, Seat::Assigned);
        world.pass(seconds(2));
        if !check {
            world.start(ATLAS);
        }
        world.pass(seconds(20));
        assert_eq!(world.status(key).code, 0, "check: {check}");
        assert!(
            !world.told(key).contains(&13),
            "check: {check}: {:?}",
            world.told(key)
        );
    }
}

#[test]
fn a_reset_of_another_product_takes_no_credentials_from_a_try() {
    let mut world = without_a_seat();
    world.start(ATLAS);
    world.pass(minutes(1) - seconds(2));
    world.latency = seconds(5);
    world.pass(seconds(4));
    let tried = world.orders.len();
    assert!(world.orders[tried - 1].refresh_every.is_zero(), "it is under way");
    world.ask(Ask::Reset(Some(QUARRY.to_owned())));
    world.pass(seconds(30));
    let again = &world.orders[tried..];
    assert!(
        again.iter().any(|order| order.refresh_every.is_zero()),
        "{again:?}"
    );
}

#[test]
fn a_try_that_fails_is_made_again_with_fresh_credentials() {
    for wire in [
        Wire::Fails(CheckFailure::Busy { retry_after: None }),
        Wire::Foreign,
    ] {
        let mut world = without_a_seat();
        world.start(ATLAS);
        world.pass(minutes(1) - seconds(2));
        world.wire = wire;
        world.pass(seconds(4));
        let tried = world.orders.len();
        world.wire = Wire::Honest;
        world.pass(seconds(30));
        let again = &world.orders[tried..];
        assert!(
            again.iter().any(|order| order.refresh_every.is_zero()),
            "{again:?}"
        );
        // Nobody waits for it any more: nothing is fetched anew.
        let tried = world.orders.len();
        world.service().seat(ATLAS, Seat::Assigned);
        world.ask(Ask::Check);
        world.pass(seconds(30));
        assert!(
            world.orders[tried..]
                .iter()
                .all(|order| !order.refresh_every.is_zero())
        );
    }
}
