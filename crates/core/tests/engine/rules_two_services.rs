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

/// Each of two services whose leases ended in the same night is told, and that it is back.
#[test]
fn the_ends_of_two_services_are_told_one_by_one() {
    let mut world = at_two_services();
    world.set_network(false);
    world.pass(days(1));
    world.sleep(days(40));
    world.shown.clear();
    world.pass(minutes(5));
    let mut names: Vec<String> = said(&world).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["Atlas", "OTHER"], "{:?}", said(&world));
}

/// An update may register an open product for another service: that one decides, and hears of it.
#[test]
fn what_is_open_goes_by_the_service_that_its_product_is_registered_for_now() {
    let mut world = at_two_services();
    let key = world.start(ATLAS);
    world.pass(minutes(30));
    world.registry.retain(|entry| entry.product != ATLAS);
    world.install(FIRST_ASKED, 9, ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.status(key).code, 0);
    let usage = |world: &World, service: &str| {
        let usage = world.facts().services[service].usage.to_send();
        usage.iter().map(|usage| usage.minutes).sum::<u32>()
    };
    assert!(usage(&world, SERVICE) <= 30);
    world.pass(minutes(30));
    let orders = world.orders.iter().rev();
    let last = orders.clone().find(|order| order.service == FIRST_ASKED).unwrap();
    let open = |product: &str| {
        last.products
            .iter()
            .any(|query| query.product == product && query.open)
    };
    assert!(open(ATLAS) && !open("OTHER"));
    world.close(key);
    world.pass(minutes(1));
    assert_eq!(usage(&world, FIRST_ASKED), 0, "all of it was taken");
    let sent = world.orders.iter().filter(|order| order.service == FIRST_ASKED);
    let sent = sent
        .flat_map(|order| &order.usage)
        .map(|usage| usage.minutes)
        .max();
    assert!(
        sent.is_some_and(|minutes| (29..=31).contains(&minutes)),
        "{sent:?}"
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
