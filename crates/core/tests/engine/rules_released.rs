//! Rule 15: a release that was signed stays until it has reached the service.

use latchkey_core::engine::Ask;

use crate::rules_reset::assert_nothing_left;
use crate::support::world::{Keyring, World};
use crate::support::{ATLAS, SERVICE, days, hours, minutes, seconds};

#[test]
fn offline_the_signed_release_stays_until_it_has_reached_the_service() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.ask(Ask::Reset(None));
    world.pass(hours(5));
    assert_nothing_left(&world, "offline");
    assert!(world.view().accounts[0].release_waiting);
    assert_eq!(world.facts().services[SERVICE].releases.len(), 1);
    world.reboot(days(3));
    world.network = true;
    world.pass(minutes(6));
    assert_eq!(world.service().released.len(), 1);
    assert!(!world.view().accounts[0].release_waiting);
}

#[test]
fn also_when_the_product_was_deregistered_meanwhile() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.keyring = Keyring::Locked;
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.registry.clear();
    world.keyring = Keyring::Open;
    world.network = true;
    world.restart();
    world.pass(minutes(6));
    assert_nothing_left(&world, "deregistered");
}

#[test]
fn its_release_reaches_the_service_too_when_the_product_was_deregistered_meanwhile() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    assert_nothing_left(&world, "offline");
    world.registry.clear();
    world.network = true;
    world.restart();
    world.pass(minutes(6));
    assert_eq!(world.service().released.len(), 1);
}

#[test]
fn a_release_on_its_way_keeps_the_agent_and_so_does_a_vault_that_does_not_delete() {
    let mut world = World::signed_in();
    world.keyring = Keyring::Locked;
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    assert!(!world.engine().is_idle(), "secrets are still in the vault");
    world.keyring = Keyring::Open;
    world.pass(minutes(6));
    assert_nothing_left(&world, "a locked keyring");
    assert!(world.engine().is_idle());
}

#[test]
fn the_agent_stays_until_the_release_has_had_its_answer() {
    let mut world = World::signed_in();
    world.latency = seconds(2);
    world.ask(Ask::Reset(None));
    world.pass(seconds(1));
    assert_nothing_left(&world, "it is on the wire");
    assert!(!world.engine().is_idle());
    world.pass(seconds(2));
    assert!(world.engine().is_idle());
}

#[test]
fn a_release_that_is_shed_is_brought_when_the_service_says() {
    let mut world = World::signed_in();
    world.sheds = Some(seconds(120));
    world.ask(Ask::Reset(None));
    world.pass(seconds(115));
    world.sheds = None;
    world.pass(seconds(4));
    assert!(world.service().released.is_empty(), "too early");
    world.pass(seconds(15));
    assert_eq!(world.service().released.len(), 1);
}

/// Whoever resets offline need not think of it again.
#[test]
fn a_release_that_waits_for_the_network_keeps_the_agent() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.ask(Ask::Reset(None));
    world.pass(hours(5));
    assert!(!world.engine().is_idle(), "its place is still taken");
    world.set_network(true);
    world.pass(minutes(6));
    assert_eq!(world.service().released.len(), 1);
    assert!(world.engine().is_idle());
}

/// The next try of its own may be minutes away.
#[test]
fn a_check_that_is_answered_takes_the_release_along_at_once() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(hours(5));
    assert_eq!(world.service().released, []);
    world.set_network(true);
    world.pass(seconds(1));
    assert_eq!(world.service().released.len(), 1);
}

#[test]
fn a_release_that_waits_is_not_forgotten_over_the_next_sign_in() {
    let mut world = World::signed_in();
    world.licensing = false;
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    assert!(world.service().released.is_empty());
    world.subject = "noor";
    world.sign_in();
    world.licensing = true;
    world.pass(minutes(10));
    assert_eq!(world.service().released.len(), 1);
}
