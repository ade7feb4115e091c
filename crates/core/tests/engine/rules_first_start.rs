//! Rule 1: a product's first start on a device needs both services.

use latchkey_core::code::Reason;
use latchkey_core::engine::{Ask, CheckFailure};
use latchkey_core::vault::VaultTrouble;
use latchkey_core::view::{Line, Reach};

use crate::support::world::{Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, hours, minutes, seconds};

#[test]
fn signed_out_and_online_it_asks_for_sign_in_and_starts_by_itself_afterwards() {
    let mut world = World::new();
    let key = world.start(ATLAS);
    assert_eq!(
        world.status(key).code,
        3,
        "it is being found out whether the network is there"
    );
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, 10);
    world.sign_in();
    assert_eq!(world.status(key).code, 0);
    assert_eq!(world.told(key), [3, 10, 4, 3, 0]);
}

#[test]
fn a_product_is_shown_the_lease_that_it_rests_on() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.engine().use_of(key), Some((ATLAS, SERVICE)));
    let base = world.engine().grant(&world.now(), key).unwrap().base;
    let lease = world.facts().held(SERVICE, ATLAS).unwrap().lease();
    assert_eq!(base.lease(), lease.map(|lease| lease.token()));
    assert_eq!(base.first_start(), None);
}

#[test]
fn without_a_route_it_says_at_once_that_it_needs_the_internet() {
    let mut world = World::new();
    world.network = false;
    let key = world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, 11);
    assert_eq!(
        world.view().accounts[0].reach,
        Reach::Doubtful,
        "nobody else is told anything yet (rule 8)"
    );
    world.pass(seconds(10));
    assert_eq!(world.view().accounts[0].reach, Reach::Offline);
    assert_eq!(world.told(key)[..2], [3, 11]);
}

#[test]
fn when_nobody_answers_it_says_so_after_two_failures() {
    let mut world = World::new();
    (world.licensing, world.identity) = (false, false);
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    assert_eq!(world.status(key).code, 3, "one failure decides nothing");
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 11);
    assert_eq!(world.view().accounts[0].reach, Reach::NeitherAnswers);
    (world.licensing, world.identity) = (true, true);
    world.pass(minutes(6));
    assert_eq!(world.status(key).code, 10, "now signing in would help");
}

#[test]
fn signed_in_it_names_the_service_that_is_out() {
    for (licensing, identity, code) in [(false, true, 18), (true, false, 17), (false, false, 11)] {
        let mut world = World::signed_in();
        world.ask(Ask::Reset(Some(ATLAS.to_owned())));
        world.pass(hours(2));
        (world.licensing, world.identity) = (licensing, identity);
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        assert!(world.told(key).contains(&code), "{:?}", world.told(key));
        (world.licensing, world.identity) = (true, true);
        world.pass(minutes(6));
        assert_eq!(
            world.status(key).code,
            0,
            "it starts when the service is back, after {code}"
        );
    }
}

/// They have just answered: nobody needs the Internet.
#[test]
fn a_service_that_is_busy_is_waited_for_while_it_may_answer_soon_and_then_named() {
    let licensing = |retry_after| (CheckFailure::Busy { retry_after }, retry_after, [3, 18]);
    let identity = |retry_after| (CheckFailure::IdentityBusy { retry_after }, retry_after, [2, 17]);
    let said = [None, Some(seconds(5)), Some(minutes(4))];
    for (busy, said, [waits, named]) in said.map(licensing).into_iter().chain(said.map(identity)) {
        let mut world = nothing_held();
        let story = format!("{busy:?}");
        world.wire = Wire::Fails(busy);
        let key = world.start(ATLAS);
        world.pass(seconds(2));
        let soon = said.is_none_or(|said| said < minutes(1));
        assert_eq!(
            world.status(key).code,
            if soon { waits } else { named },
            "{story}"
        );
        world.pass(minutes(1));
        assert_eq!(world.code(ATLAS), named, "{story}");
        assert!(!world.told(key).contains(&11), "{story}: {:?}", world.told(key));
        assert_eq!(world.code(QUARRY), 0, "who holds a lease is not concerned");
        world.wire = Wire::Honest;
        world.pass(minutes(6));
        assert_eq!(world.status(key).code, 0, "{story}");
    }
}

/// However often it says so: the start hears of it in the end (rule 17).
#[test]
fn a_service_that_is_busy_again_and_again_is_waited_for_no_longer() {
    let mut world = nothing_held();
    world.wire = Wire::Fails(CheckFailure::Busy {
        retry_after: Some(seconds(3)),
    });
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    assert_eq!(world.status(key).code, 3);
    world.pass(seconds(12));
    assert_eq!(world.status(key).code, 18);
}

#[test]
fn a_busy_service_that_answers_in_time_is_all_that_a_start_waits_for() {
    let mut world = nothing_held();
    world.wire = Wire::Fails(CheckFailure::Busy {
        retry_after: Some(seconds(5)),
    });
    let key = world.start(ATLAS);
    world.pass(seconds(2));
    world.wire = Wire::Honest;
    world.pass(seconds(10));
    assert_eq!(world.told(key), [3, 0]);
}

/// Whoever was offline, and is answered by a service that is busy, is online.
#[test]
fn a_service_that_is_busy_when_the_network_is_back_is_named_too() {
    let retry_after = Some(minutes(4));
    for (busy, named) in [
        (CheckFailure::Busy { retry_after }, 18),
        (CheckFailure::IdentityBusy { retry_after }, 17),
    ] {
        let mut world = nothing_held();
        world.set_network(false);
        world.pass(minutes(1));
        assert_eq!(world.view().accounts[0].reach, Reach::Offline);
        world.wire = Wire::Fails(busy);
        world.set_network(true);
        let key = world.start(ATLAS);
        world.pass(seconds(30));
        assert_eq!(world.status(key).code, named);
        assert_eq!(
            world.view().accounts[0].reach,
            Reach::Unknown,
            "nobody is offline"
        );
        world.set_network(false);
        world.pass(minutes(1));
        assert_eq!(world.status(key).code, 11, "now it is offline");
    }
}

/// It holds the tokens, and does not answer: the Internet would not help.
#[test]
fn a_keyring_that_does_not_answer_is_named_and_nobody_is_awaited() {
    for trouble in [VaultTrouble::Unavailable, VaultTrouble::Hung] {
        let mut world = nothing_held();
        world.wire = Wire::Fails(CheckFailure::Vault(trouble));
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        let status = world.status(key);
        assert_eq!(
            (status.code, status.reason, status.until),
            (4, Some(Reason::VaultLocked), None),
            "{trouble:?}"
        );
        assert!(!world.told(key).contains(&11), "{:?}", world.told(key));
        world.wire = Wire::Honest;
        world.pass(minutes(6));
        assert_eq!(world.status(key).code, 0, "{trouble:?}");
    }
}

/// Signed in, and Atlas was reset.
fn nothing_held() -> World {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(10));
    world
}

#[test]
fn a_product_that_is_not_registered_is_told_at_once() {
    let mut world = World::signed_in();
    let key = world.start("UNKNOWN");
    let status = world.status(key);
    assert_eq!((status.code, status.reason), (4, Some(Reason::NotRegistered)));
    assert_eq!(status.until, None, "nobody is awaited");
}

#[test]
fn after_it_the_next_start_needs_nobody() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.pass(minutes(1));
    let key = world.start(ATLAS);
    assert_eq!(world.status(key).code, 0, "answered at once");
}

#[test]
fn signed_out_is_not_offline_once_the_network_is_back() {
    let mut world = World::new();
    world.network = false;
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.view().accounts[0].reach, Reach::Offline);
    world.close(key);
    world.set_network(true);
    world.pass(minutes(6));
    assert_eq!(
        world.code(ATLAS),
        10,
        "nothing is known against the network any more"
    );
    assert_eq!(world.view().headline.line, Line::SignedOut);
}

#[test]
fn what_one_start_waits_for_is_no_other_products_status() {
    let mut world = World::new();
    let key = world.start(QUARRY);
    assert_eq!(world.status(key).code, 3);
    assert_eq!(world.code(ATLAS), 10);
}
