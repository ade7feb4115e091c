//! Rule 12: minutes of use, online ones alone, each of them once.

use latchkey_core::code::Code;
use latchkey_core::engine::{Ask, Input};
use latchkey_core::usage::Usage;
use latchkey_core::vault::KeyState;
use latchkey_core::view::{Problem, Reach};

use crate::support::licensing::Seat;
use crate::support::world::{Keyring, User, World};
use crate::support::{ATLAS, QUARRY, SERVICE, at, days, hours, minutes, seconds};

const OTHER: &str = "https://licence.other.example";

/// What the service has in the end, if it keeps the highest that it was ever sent of each day.
fn taken(world: &World, product: &str) -> u32 {
    let mut days: Vec<&Usage> = Vec::new();
    let sent = world.orders.iter().flat_map(|order| &order.usage);
    for usage in sent.filter(|usage| usage.product == product) {
        match days.iter_mut().find(|day| day.day == usage.day) {
            Some(day) if day.minutes < usage.minutes => *day = usage,
            Some(_) => {}
            None => days.push(usage),
        }
    }
    days.iter().map(|day| day.minutes).sum()
}

fn settle(world: &mut World) {
    world.pass(seconds(10));
    world.ask(Ask::Check);
    world.pass(seconds(10));
}

#[test]
fn a_product_counts_from_its_start_to_its_end_however_many_programs_have_it_open() {
    for streams in [true, false] {
        let mut world = World::signed_in();
        world.streams_served = streams;
        let keys = [world.start(ATLAS), world.start(ATLAS)];
        world.pass(minutes(30));
        let quarry = world.start(QUARRY);
        world.pass(minutes(60));
        world.close(keys[0]);
        world.close(quarry);
        world.pass(minutes(10));
        world.close(keys[1]);
        world.pass(minutes(30));
        settle(&mut world);
        let counted = (taken(&world, ATLAS), taken(&world, QUARRY));
        // Whole minutes, from the answer on.
        assert!(
            matches!(counted, (99..=100, 59..=60)),
            "{counted:?}, streams: {streams}"
        );
    }
}

/// A service that is restarted ends them, and is not back at once.
#[test]
fn a_stream_that_ends_takes_no_minutes_with_it() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    for _ in 0..3 {
        world.pass(minutes(49));
        world.streams_served = false;
        world.break_streams();
        world.pass(minutes(1));
        world.streams_served = true;
    }
    world.pass(minutes(10));
    world.close(key);
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(matches!(counted, 159..=160), "{counted}");
}

/// What was counted when a stream ended is on disk: the agent may be killed in the next instant.
#[test]
fn what_is_counted_outlives_the_agent() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(25));
    world.streams_served = false;
    world.break_streams();
    world.pass(seconds(1));
    world.crash();
    world.programs.clear();
    world.launch();
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(matches!(counted, 24..=25), "{counted}");
}

#[test]
fn offline_minutes_are_never_recorded() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(20));
    world.set_network(false);
    world.pass(hours(5));
    world.set_network(true);
    world.pass(minutes(30));
    world.close(key);
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(
        (48..=60).contains(&counted),
        "{counted} minutes of 50 online ones"
    );
}

/// Not even the first ones, where the machine itself says that the cable is out.
#[test]
fn a_cable_that_is_pulled_ends_the_count() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(20));
    world.set_network(false);
    world.pass(minutes(8));
    world.close(key);
    world.pass(minutes(1));
    world.set_network(true);
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(
        (19..=20).contains(&counted),
        "{counted} minutes of 20 online ones"
    );
}

/// Nobody finds out that the network is gone, because what every check needs first is locked.
#[test]
fn neither_are_those_of_which_nothing_is_known() {
    let mut world = World::signed_in();
    world.streams_served = false;
    let key = world.start(ATLAS);
    world.pass(minutes(20));
    world.keyring = Keyring::Locked;
    world.network = false;
    world.pass(hours(5));
    world.network = true;
    world.keyring = Keyring::Open;
    world.pass(minutes(30));
    world.close(key);
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(
        (40..=62).contains(&counted),
        "{counted} minutes of 50 online ones"
    );
}

/// Whoever must sign in makes no checks, and what the start of another product finds out is of now.
#[test]
fn an_answer_says_nothing_of_the_time_before_it() {
    let mut world = World::signed_in();
    world.service().seat(QUARRY, Seat::Refused(Code::NotAssigned));
    world.start(ATLAS);
    world.pass(minutes(80));
    world.grant_revoked = true;
    world.ask(Ask::Check);
    world.pass(minutes(1));
    assert!(world.view().problems.contains(&Problem::SignInAgain));
    world.start(QUARRY);
    // Rule 14 asks again for eleven minutes.
    world.pass(minutes(15));
    world.licensing = false;
    world.pass(minutes(40));
    assert_eq!(world.view().accounts[0].reach, Reach::Online);
    world.licensing = true;
    world.start(QUARRY);
    world.pass(minutes(1));
    assert_eq!(world.view().accounts[0].reach, Reach::Online);
    world.sign_in();
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(
        (95..=108).contains(&counted),
        "{counted} minutes of 98 online ones, and 10 that may be"
    );
}

#[test]
fn sleep_does_not_count() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(20));
    world.sleep(hours(8));
    world.pass(minutes(10));
    world.close(key);
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!((29..=31).contains(&counted), "{counted} minutes of 30");
}

#[test]
fn what_was_answered_is_not_sent_again_and_what_was_not_is() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(5) + seconds(10));
    world.ask(Ask::Check);
    let sent = world.orders.last().unwrap().usage.clone();
    assert_eq!(sent.len(), 1);
    world.pass(seconds(10));
    world.ask(Ask::Check);
    assert_eq!(world.orders.last().unwrap().usage, [], "no whole minute since");
    world.pass(minutes(5));
    world.licensing = false;
    world.ask(Ask::Check);
    world.pass(seconds(30));
    let lost = world.orders.last().unwrap().usage.clone();
    assert!(lost[0].minutes >= sent[0].minutes + 5);
    world.licensing = true;
    world.ask(Ask::Check);
    assert!(world.orders.last().unwrap().usage[0].minutes >= lost[0].minutes);
}

#[test]
fn a_crash_loses_an_hour_at_most_and_doubles_nothing() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(hours(10));
    world.restart();
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(
        (9 * 60 - 1..=10 * 60).contains(&counted),
        "{counted} minutes of 600"
    );
}

/// Whatever else is written down meanwhile: here, that somebody signs in elsewhere.
#[test]
fn a_save_takes_along_what_is_counted() {
    let mut world = World::signed_in();
    world.install(OTHER, 9, "OTHER");
    world.user = User::SignsIn;
    world.start(ATLAS);
    for _ in 0..20 {
        world.ask(Ask::SignIn(at(OTHER)));
        world.pass(minutes(1));
        world.ask(Ask::SignOut(Some(OTHER.to_owned())));
        world.pass(minutes(29));
    }
    world.restart();
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!((9 * 60..=10 * 60).contains(&counted), "{counted} minutes of 600");
}

#[test]
fn another_account_sends_nothing_of_it() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(10));
    world.close(key);
    world.licensing = false;
    world.pass(seconds(10));
    world.ask(Ask::SignOut(None));
    world.pass(minutes(1));
    world.licensing = true;
    world.subject = "noor";
    let before = world.orders.len();
    world.sign_in();
    world.input(Input::Tick);
    assert!(world.orders[before..].iter().all(|order| order.usage.is_empty()));
}

/// What one user had open runs on in its save window, or until the next has signed in.
#[test]
fn what_one_user_has_open_is_not_counted_in_the_next_ones_name() {
    type End = fn(&mut World);
    let ends: [(&str, End); 3] = [
        ("signed out", |world| {
            world.ask(Ask::SignOut(None));
        }),
        ("released", |world| {
            world.service().seat(ATLAS, Seat::Refused(Code::DeviceReleased));
            world.ask(Ask::Check);
            world.pass(seconds(1));
            world.service().seat(ATLAS, Seat::Assigned);
        }),
        ("the key is gone", |world| {
            world.input(Input::Key {
                service: SERVICE.to_owned(),
                key: KeyState::Gone,
            });
        }),
    ];
    for (story, end) in ends {
        let mut world = World::signed_in();
        world.start(ATLAS);
        world.pass(minutes(30));
        end(&mut world);
        world.pass(minutes(5));
        world.subject = "noor";
        let before = world.orders.len();
        world.sign_in();
        world.pass(minutes(10));
        world.ask(Ask::Check);
        let sent = world.orders[before..].iter().flat_map(|order| &order.usage);
        let most = sent.map(|usage| usage.minutes).max();
        assert!(
            matches!(most, Some(9..=11)),
            "{story}: {most:?} of her 10 minutes"
        );
    }
}

/// The user signs out of the desktop, or a newer agent takes over.
#[test]
fn an_agent_that_ends_takes_no_minutes_with_it() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(25));
    world.end();
    world.programs.clear();
    world.launch();
    settle(&mut world);
    let counted = taken(&world, ATLAS);
    assert!(matches!(counted, 24..=25), "{counted}");
}

/// What is used of one vendor's products is none of another's business.
#[test]
fn each_service_is_told_of_its_own_products() {
    let mut world = World::signed_in();
    world.install(OTHER, 9, "OTHER");
    world.ask(Ask::SignIn(at(OTHER)));
    world.pass(minutes(1));
    world.start(ATLAS);
    world.pass(days(3));
    let told = |service: &str| {
        let orders = world.orders.iter().filter(|order| order.service == service);
        orders.flat_map(|order| &order.usage).count()
    };
    assert!(told(SERVICE) > 0);
    assert_eq!(told(OTHER), 0);
}
