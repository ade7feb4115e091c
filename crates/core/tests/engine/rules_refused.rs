//! Rule 6, where the identity service answers and gives no token: nobody is told that they are offline, and a sign-in is the way back.

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Answer, Ask, CheckFailure};
use latchkey_core::policy::IdentityOutage;
use latchkey_core::view::{Line, Problem, Reach};

use crate::support::world::{User, Wire, World};
use crate::support::{ATLAS, SERVICE, at, hours, minutes, seconds};

/// It answers every refresh with `invalid_client`, or the like.
fn refuses() -> Wire {
    Wire::Fails(CheckFailure::IdentityRefuses {
        problem: "provider_error",
    })
}

fn refused() -> World {
    let mut world = World::signed_in();
    world.wire = refuses();
    world.pass(hours(25));
    world
}

#[test]
fn an_identity_service_that_refuses_is_told_as_its_outage_and_not_as_being_offline() {
    let mut world = refused();
    let ticket = world.ask(Ask::Check);
    world.pass(minutes(1));
    let refused = Answer::Refused {
        code: Code::IdentityUnavailable,
        problem: "provider_error".to_owned(),
    };
    assert_eq!(world.answer(ticket), Some(&refused));
    assert_eq!(world.view().accounts[0].reach, Reach::IdentityOutage);
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Grace));
    assert!(world.view().problems.contains(&Problem::SignInAgain));
    let line = &world.view().headline.line;
    assert!(matches!(line, Line::SignInAgain { .. }), "{line:?}");
}

#[test]
fn a_first_start_at_an_identity_service_that_refuses_says_that_it_gives_no_token() {
    let mut world = refused();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(1));
    let key = world.start(ATLAS);
    world.pass(seconds(40));
    assert_eq!(world.status(key).code, Code::IdentityUnavailable.number());
}

#[test]
fn deny_lets_nothing_start_where_the_identity_service_refuses() {
    let mut world = World::new();
    world.service().policy.identity_outage = IdentityOutage::Deny;
    world.sign_in();
    world.wire = refuses();
    world.pass(hours(25));
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    let told = world.told(key);
    assert!(told.contains(&17) && !told.contains(&0), "{told:?}");
}

#[test]
fn whoever_is_refused_signs_in_anew_and_keeps_what_they_have_until_then() {
    let mut world = refused();
    world.user = User::Ignores;
    let ticket = world.ask(Ask::SignIn(at(SERVICE)));
    world.pass(seconds(5));
    let answer = world.answer(ticket);
    assert!(matches!(answer, Some(Answer::SignIn { .. })), "{answer:?}");
    world.ask(Ask::CancelSignIn);
    world.pass(seconds(5));
    assert_eq!(world.code(ATLAS), 0, "the lease is kept");
    assert!(
        world.view().accounts[0].user.is_some(),
        "and whoever was signed in"
    );
    world.wire = Wire::Honest;
    world.sign_in();
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease));
    assert_eq!(world.view().problems, []);
}

#[test]
fn a_refusal_that_is_over_is_over_without_anybody() {
    let mut world = refused();
    world.wire = Wire::Honest;
    world.pass(minutes(6));
    assert_eq!(world.view().accounts[0].reach, Reach::Online);
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease));
    assert_eq!(world.view().problems, []);
    let ticket = world.ask(Ask::SignIn(at(SERVICE)));
    world.pass(seconds(5));
    assert_eq!(world.answer(ticket), Some(&Answer::Done), "signed in already");
}

/// What was refused before says nothing about whoever has just signed in, also while their first check is on its way.
#[test]
fn whoever_has_signed_in_anew_is_not_asked_to_once_more() {
    let mut world = refused();
    assert!(world.view().problems.contains(&Problem::SignInAgain));
    world.latency = seconds(30);
    world.user = User::SignsIn;
    let devices = world.sign_ins_anew.len();
    world.ask(Ask::SignIn(at(SERVICE)));
    world.pass(seconds(55));
    assert_eq!(world.sign_ins_anew.len(), devices + 1);
    assert!(world.view().accounts[0].checking, "{:?}", world.view());
    assert!(
        !world.view().problems.contains(&Problem::SignInAgain),
        "{:?}",
        world.view()
    );
}
