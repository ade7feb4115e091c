//! The network: what of it stands in the way is named for as long as it does, and takes nothing away.

use latchkey_core::engine::{Answer, Ask, CheckFailure};
use latchkey_core::network::NetworkTrouble;

use crate::support::world::{Wire, World};
use crate::support::{ATLAS, minutes, seconds};

const TROUBLES: [NetworkTrouble; 2] = [NetworkTrouble::ProxyPassword, NetworkTrouble::AuthorityUnknown];

#[test]
fn each_obstacle_has_a_name_until_a_check_gets_through() {
    for trouble in TROUBLES {
        let mut world = World::signed_in();
        world.wire = Wire::Fails(CheckFailure::Blocked(trouble));
        let ticket = world.ask(Ask::Check);
        world.pass(seconds(5));
        let expected = trouble.key();
        assert!(
            matches!(world.answer(ticket), Some(Answer::Refused { problem, .. }) if problem == expected),
            "{trouble:?}: {:?}",
            world.answer(ticket)
        );
        assert_eq!(world.view().problems, [trouble.problem()]);
        assert_eq!(world.code(ATLAS), 0, "the lease stays");
        world.wire = Wire::Honest;
        world.pass(minutes(6));
        assert_eq!(world.view().problems, []);
    }
}

#[test]
fn another_obstacle_takes_its_place() {
    let mut world = World::signed_in();
    for trouble in TROUBLES {
        world.wire = Wire::Fails(CheckFailure::Blocked(trouble));
        world.ask(Ask::Check);
        world.pass(seconds(5));
        assert_eq!(world.view().problems, [trouble.problem()]);
    }
    world.wire = Wire::Fails(CheckFailure::Hindered(
        latchkey_core::code::Reason::NetworkBlocked,
    ));
    world.ask(Ask::Check);
    world.pass(seconds(5));
    assert_eq!(world.view().problems, [], "nobody knows what it is");
}
