//! Rule 6 under `deny`: nothing starts without a token, and what is open runs on for a day.

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::engine::{Ask, CheckFailure, Input, UseKey};
use latchkey_core::hindrance::NetworkTrouble;
use latchkey_core::policy::IdentityOutage;
use latchkey_core::view::{Away, Reach};

use crate::support::licensing::Seat;
use crate::support::world::{Keyring, Wire, World};
use crate::support::{ATLAS, blocked, days, hours, minutes, seconds};

fn under_deny() -> World {
    let mut world = World::new();
    world.service().policy.identity_outage = IdentityOutage::Deny;
    world.sign_in();
    world
}

#[test]
fn deny_lets_nothing_start_without_a_token_and_what_is_open_run_for_a_day() {
    for ended_grant in [false, true] {
        let mut world = under_deny();
        let key = world.start(ATLAS);
        world.pass(hours(2));
        world.identity = ended_grant;
        world.grant_revoked = ended_grant;
        world.input(Input::NetworkChanged);
        world.pass(minutes(1));
        let code = if ended_grant { 10 } else { 17 };
        let refused = world.start(ATLAS);
        world.pass(seconds(10));
        assert!(world.told(refused).contains(&code), "{:?}", world.told(refused));
        assert!(!world.told(refused).contains(&0), "{:?}", world.told(refused));
        world.close(refused);
        assert_eq!(world.code(ATLAS), 0, "what is open runs on");
        world.pass(hours(21));
        assert_eq!(world.status(key).code, 0);
        world.pass(hours(1));
        assert_eq!(world.status(key).code, code, "24 h after the last check");
        assert!(world.status(key).stop_at.is_some());
        world.identity = true;
        if ended_grant {
            world.sign_in();
        }
        world.pass(minutes(6));
        assert_eq!(world.status(key).code, 0);
    }
}

#[test]
fn deny_gives_no_second_save_window_to_whoever_starts_the_agent_anew() {
    let mut world = under_deny();
    let key = world.start(ATLAS);
    world.pass(hours(2));
    world.identity = false;
    world.pass(hours(23));
    let told = world.status(key);
    assert_eq!(told.code, 17);
    let stop_at = told.stop_at.expect("its day is over");
    for _ in 0..3 {
        world.restart();
        assert_eq!(world.status(key).code, 0, "nobody knows of an outage yet");
        world.pass(minutes(1));
        let told = world.status(key);
        assert_eq!((told.code, told.stop_at), (17, Some(stop_at)));
    }
    world.identity = true;
    world.pass(minutes(6));
    world.identity = false;
    world.pass(hours(25));
    let again = world.status(key).stop_at.expect("another day is over");
    assert!(again > stop_at + hours(20), "it could run since");
}

/// What may run again because another's session has ended has its whole time ahead, whatever the policy and however little is known.
#[test]
fn whoever_may_run_again_has_time_to_save_again_where_nothing_is_decided() {
    for identity_outage in [IdentityOutage::Grace, IdentityOutage::Deny] {
        let mut world = World::new();
        world.service().policy.identity_outage = identity_outage;
        world.sign_in();
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        world.service().seat(ATLAS, Seat::Refused(Code::SessionInUse));
        world.ask(Ask::Check);
        world.pass(seconds(5));
        let first = world.status(key).stop_at.expect("it must stop");
        world.keyring = Keyring::Locked;
        world.restart();
        world.pass(minutes(20));
        assert_eq!(world.status(key).code, 0, "no check could be made for 15 min");
        world.keyring = Keyring::Open;
        world.pass(minutes(6));
        let again = world.status(key).stop_at.expect("it must stop again");
        assert!(again > first + minutes(15), "{identity_outage:?}");
    }
}

/// Nor is one given to whoever opens the product once more meanwhile.
#[test]
fn deny_gives_no_second_save_window_to_whoever_opens_the_product_once_more() {
    let mut world = under_deny();
    let key = world.start(ATLAS);
    world.identity = false;
    world.pass(hours(25));
    let stop_at = world.status(key).stop_at.expect("its day is over");
    for closed in [false, true] {
        world.restart();
        if closed {
            world.close(key);
        }
        let another = world.start(ATLAS);
        world.pass(minutes(1));
        let told = world.status(another);
        assert_eq!((told.code, told.stop_at), (17, Some(stop_at)), "closed: {closed}");
        world.close(another);
    }
}

/// Whoever could go on because the cable was out, has time to save again when it is not.
#[test]
fn what_ran_on_offline_has_its_time_to_save_again_under_deny() {
    let mut world = under_deny();
    let key = world.start(ATLAS);
    world.identity = false;
    world.pass(hours(25));
    let first = world.status(key).stop_at.expect("its day is over");
    world.set_network(false);
    world.pass(hours(1));
    assert_eq!(world.status(key).code, 0);
    world.set_network(true);
    world.pass(minutes(2));
    let told = world.status(key);
    assert_eq!(told.code, 17);
    assert!(told.stop_at.is_some_and(|stop_at| stop_at > first + minutes(50)));
}

/// What was known before the machine slept says nothing about now: the check goes first.
#[test]
fn deny_tells_nobody_to_stop_before_a_machine_that_woke_has_asked() {
    for is_back in [true, false] {
        let mut world = under_deny();
        let key = world.start(ATLAS);
        world.pass(hours(2));
        world.identity = false;
        world.ask(Ask::Check);
        world.pass(minutes(1));
        assert_eq!(world.view().accounts[0].reach, Reach::IdentityOutage);
        world.sleep(hours(1));
        world.pass(minutes(2));
        assert_eq!(world.status(key).code, 0, "its day is not over");
        world.identity = is_back;
        world.sleep(hours(25));
        let told = world.status(key);
        assert!(told.code <= 3 && told.stop_at.is_none(), "{told:?}");
        world.pass(minutes(2));
        let told = world.status(key);
        assert_eq!(
            (told.code, told.stop_at.is_some()),
            if is_back { (0, false) } else { (17, true) }
        );
    }
}

#[test]
fn deny_is_about_the_identity_service_and_not_about_being_offline() {
    let mut world = under_deny();
    world.set_network(false);
    world.pass(days(5));
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 0);
}

/// A start in an outage that was known before.
fn denied() -> (World, UseKey) {
    let mut world = under_deny();
    world.identity = false;
    world.pass(hours(30));
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    assert_eq!(world.status(key).code, 17);
    (world, key)
}

/// That there is no route, the machine says at once to whoever holds no lease; whoever holds one goes by what was decided.
#[test]
fn deny_is_lifted_by_no_single_failure() {
    let (mut world, key) = denied();
    world.set_network(false);
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, 17);
    assert_eq!(world.status(key).stop_at, None, "it has never run");
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 0, "offline, by two failures");
}

/// Nobody can reach the licensing service behind a portal, and `deny` is about whoever can: it is as with the cable pulled.
#[test]
fn deny_ends_behind_a_portal() {
    let (mut world, key) = denied();
    world.identity = true;
    world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
    world.ask(Ask::Check);
    world.pass(seconds(1));
    assert_ne!(world.status(key).code, 0, "one failure lifts nothing");
    world.pass(minutes(10));
    assert_eq!(world.status(key).code, 0);
}

/// Where the licensing service answers, what stands in the way to the identity service alone is its outage: `deny` stays, and the start is
/// told what it is.
#[test]
fn deny_goes_on_where_something_stands_in_the_way_to_the_identity_service_alone() {
    let (mut world, key) = denied();
    world.identity = true;
    let by = blocked(NetworkTrouble::AuthorityUnknown);
    world.gives_no_token = Some(CheckFailure::IdentityHindered(by));
    world.ask(Ask::Check);
    for _ in 0..10 {
        world.pass(minutes(1));
        let seen = world.status(key);
        assert_eq!((seen.code, seen.reason), (4, Some(Reason::NetworkBlocked)));
    }
    // It alone keeps nobody from running under `grace`.
    let mut world = World::signed_in();
    world.pass(hours(2));
    world.gives_no_token = Some(CheckFailure::IdentityHindered(blocked(NetworkTrouble::Tls)));
    world.pass(days(2));
    let seen = world.product(ATLAS);
    assert_eq!(
        (seen.basis, seen.away),
        (Some(Basis::Grace), Some(Away::IdentityOutage))
    );
    // Nor is a token needed that is good (rule 6), nor a sign-in after it is gone.
    world.gives_no_token = None;
    world.pass(minutes(6));
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease));
}
