//! What must survive is on disk before anyone is told. A disk that takes nothing is tried again until it does.

use latchkey_core::engine::{Answer, Ask};
use latchkey_core::view::Problem;

use crate::support::world::World;
use crate::support::{SERVICE, days, hours, minutes, seconds};

/// The disk is full while a user signs out.
fn signed_out_on_a_full_disk() -> World {
    let mut world = World::signed_in();
    world.pass(minutes(1));
    world.disk_full = true;
    let ticket = world.ask(Ask::SignOut(None));
    world.pass(seconds(10));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert_eq!(world.view().problems, [Problem::StateNotSaved]);
    assert!(world.disk.contains("Maya"));
    world
}

/// Otherwise a power cut would bring back whoever has signed out, and with the device key, which stays, what they may run.
#[test]
fn a_sign_out_that_could_not_be_saved_is_saved_when_the_disk_takes_it() {
    let mut world = signed_out_on_a_full_disk();
    world.pass(hours(3));
    world.disk_full = false;
    world.pass(minutes(5));
    assert_eq!(world.view().problems, []);
    for copy in [&world.disk, &world.backup] {
        assert!(!copy.contains("Maya"), "{copy}");
    }
    world.restart();
    assert_eq!(world.facts().services[SERVICE].account, None);
}

#[test]
fn a_disk_that_was_full_for_a_moment_is_tried_again_within_seconds() {
    let mut world = signed_out_on_a_full_disk();
    world.disk_full = false;
    world.pass(seconds(10));
    assert!(!world.disk.contains("Maya"));
}

#[test]
fn a_disk_that_stays_full_is_tried_every_five_minutes() {
    let mut world = signed_out_on_a_full_disk();
    world.pass(hours(1));
    let before = world.save_tries;
    world.pass(hours(1));
    assert!(
        matches!(world.save_tries - before, 11..=13),
        "{}",
        world.save_tries - before
    );
}

#[test]
fn the_agent_stays_until_it_is_saved_and_is_not_called_again_then() {
    let mut world = signed_out_on_a_full_disk();
    assert!(!world.engine().is_idle(), "what it knows is nowhere else");
    world.disk_full = false;
    world.pass(minutes(5));
    assert!(world.engine().is_idle());
    let handled = world.handled;
    world.pass(days(2));
    assert_eq!(world.handled, handled);
}
