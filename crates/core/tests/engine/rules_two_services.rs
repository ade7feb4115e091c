//! Rules 3, 7 and 8 of two services: what is known of one says nothing of the other, and the user hears of what ends first.

use latchkey_core::code::Basis;
use latchkey_core::engine::{Answer, Ask, Input};
use latchkey_core::notice::Left;
use latchkey_core::view::Reach;

use crate::support::said::{Says, said};
use crate::support::world::World;
use crate::support::{ATLAS, SERVICE, at, days, hours, minutes, seconds};

/// A service whose name comes first, so that it is the first to be found out of reach; signed in two hours after the other.
const FIRST_ASKED: &str = "https://licence.alpha.example";

fn at_two_services() -> World {
    assert!(FIRST_ASKED < SERVICE);
    let mut world = World::signed_in();
    world.pass(hours(2));
    world.install(FIRST_ASKED, 9, "OTHER");
    world.ask(Ask::SignIn(at(FIRST_ASKED)));
    world.pass(minutes(1));
    assert!(world.product("OTHER").until > world.product(ATLAS).until);
    world.shown.clear();
    world
}

#[test]
fn the_day_is_told_of_the_product_that_ends_first_whichever_service_is_missed_first() {
    let mut world = at_two_services();
    world.set_network(false);
    world.pass(minutes(5));
    let day = vec![("Atlas".to_owned(), Says::Offline(Left::Days(30)))];
    assert_eq!(said(&world), day);
}

#[test]
fn a_machine_that_is_offline_at_one_service_asks_whether_it_is_at_the_others() {
    let mut world = at_two_services();
    world.network = false;
    world.break_streams();
    let key = world.start("OTHER");
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 0);
    let reach = world.view().accounts.iter().map(|account| account.reach);
    assert!(
        reach.clone().all(|reach| reach == Reach::Offline),
        "{:?}",
        reach.collect::<Vec<_>>()
    );
}

/// A service at which all is well does not hush up what is to be said of another.
#[test]
fn a_service_that_is_well_does_not_keep_the_day_of_another_from_being_told() {
    let mut world = World::new();
    world.service().policy.offline_for = days(5);
    world.sign_in();
    world.pass(hours(2));
    world.install(FIRST_ASKED, 9, "OTHER");
    world.ask(Ask::SignIn(at(FIRST_ASKED)));
    world.pass(hours(2));
    world.grant_revoked = true;
    world.input(Input::Changed(FIRST_ASKED.to_owned()));
    world.pass(seconds(5));
    world.grant_revoked = false;
    world.pass(hours(30));
    assert!(world.product(ATLAS).until < world.product("OTHER").until);
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease), "all is well here");
    let day = ("OTHER".to_owned(), Says::Offline(Left::Days(29)));
    assert_eq!(said(&world), [day]);
}

/// What one service answers says nothing of another that is out: its outage is told once, and it is not back.
#[test]
fn a_service_that_is_well_speaks_for_no_other() {
    let mut world = at_two_services();
    let other = world.start("OTHER");
    world.service_at(FIRST_ASKED).out = true;
    world.break_streams();
    world.input(Input::Changed(FIRST_ASKED.to_owned()));
    world.pass(minutes(2));
    let outage = || ("OTHER".to_owned(), Says::Outage);
    assert_eq!(said(&world), [outage()]);
    for _ in 0..5 {
        world.input(Input::Changed(SERVICE.to_owned()));
        world.pass(hours(1));
    }
    assert_eq!(world.status(other).code, 0);
    assert_eq!(said(&world), [outage()]);
    world.service_at(FIRST_ASKED).out = false;
    world.pass(minutes(10));
    world.service_at(FIRST_ASKED).out = true;
    world.input(Input::Changed(FIRST_ASKED.to_owned()));
    world.pass(minutes(2));
    assert_eq!(said(&world), [outage(), outage()], "another outage");
}

/// While the other services are being asked whether they are out of reach as well, nothing is said yet.
#[test]
fn the_day_waits_for_what_is_just_being_asked() {
    let mut world = at_two_services();
    world.network = false;
    world.break_streams();
    world.input(Input::Changed(FIRST_ASKED.to_owned()));
    world.pass(minutes(1));
    let day = ("Atlas".to_owned(), Says::Offline(Left::Days(30)));
    assert_eq!(said(&world), [day]);
}

/// Whoever asks for a check hears of the first service that fails, and of no other.
#[test]
fn a_check_at_two_services_that_fail_is_answered_once() {
    let mut world = at_two_services();
    world.licensing = false;
    let ticket = world.ask(Ask::Check);
    world.pass(minutes(10));
    let answer = world.answer(ticket);
    assert!(matches!(answer, Some(Answer::Refused { .. })), "{answer:?}");
}
