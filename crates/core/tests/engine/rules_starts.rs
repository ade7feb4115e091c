//! Rules 3 and 4: what a start says of the days that remain.

use std::time::Duration;

use latchkey_core::notice::Left;
use latchkey_core::policy::Policy;
use latchkey_core::view::Line;

use crate::support::said::{Says, said};
use crate::support::world::{Wire, World};
use crate::support::{ATLAS, QUARRY, days, hours, minutes, seconds};

/// Signed in and just checked, then the cable is pulled. The check was at 08:00 local time.
fn offline() -> World {
    let mut world = World::signed_in();
    world.set_network(false);
    world
}

#[test]
fn a_start_names_its_own_product_and_the_day_names_the_one_that_ends_first() {
    let mut world = World::signed_in();
    world.pass(hours(10));
    // Quarry alone is checked again: of Atlas's answer nothing is believed.
    world.wire = Wire::TamperedAbout(ATLAS);
    world.set_network(true);
    world.pass(minutes(1));
    world.set_network(false);
    world.pass(minutes(1));
    assert_eq!(
        said(&world),
        [("Atlas".to_owned(), Says::Offline(Left::Days(30)))],
        "the day"
    );
    world.start(QUARRY);
    world.pass(minutes(1));
    assert_eq!(
        said(&world)[1],
        ("Quarry".to_owned(), Says::Offline(Left::Days(30))),
        "the start"
    );
    assert!(matches!(&world.view().headline.line, Line::Offline { product, .. } if product == "Atlas"));
}

#[test]
fn what_was_started_online_is_no_start_when_the_cable_is_pulled() {
    let mut world = World::signed_in();
    world.start(QUARRY);
    world.pass(hours(5));
    world.set_network(false);
    world.pass(minutes(1));
    let told = said(&world);
    let first = ("Atlas".to_owned(), Says::Offline(Left::Days(30)));
    assert_eq!(told, [first], "of both that end then, the first there is");
}

#[test]
fn starts_within_ten_seconds_make_one_notice() {
    let mut world = offline();
    world.pass(minutes(1));
    world.shown.clear();
    for (after, notices) in [(0, 1), (4, 1), (5, 1), (2, 2)] {
        world.pass(seconds(after));
        world.start(QUARRY);
        world.pass(Duration::from_millis(100));
        assert_eq!(world.shown.len(), notices, "{:?}", said(&world));
    }
}

#[test]
fn of_products_that_start_together_the_one_that_ends_first_is_named() {
    let mut world = offline();
    world.pass(minutes(1));
    world.wire = Wire::TamperedAbout(ATLAS);
    world.set_network(true);
    world.pass(hours(2));
    assert!(world.product(ATLAS).until < world.product(QUARRY).until);
    world.shown.clear();
    world.network = false;
    world.break_streams();
    world.start(QUARRY);
    world.start(ATLAS);
    world.pass(minutes(1));
    let first = ("Atlas".to_owned(), Says::Offline(Left::Days(30)));
    assert_eq!(said(&world), [first], "the day was told before");
}

/// The network went without a word: that it is gone is found out only after the start was answered.
#[test]
fn a_start_is_told_of_the_days_also_where_the_outage_is_found_afterwards() {
    let mut world = World::signed_in();
    world.licensing = false;
    world.identity = false;
    world.start(ATLAS);
    world.pass(minutes(2));
    assert_eq!(
        said(&world),
        [("Atlas".to_owned(), Says::Offline(Left::Days(30)))]
    );
    // The day was told with it: another start is told for itself.
    world.licensing = true;
    world.identity = true;
    world.pass(minutes(10));
    world.licensing = false;
    world.identity = false;
    let told = said(&world).len();
    world.start(ATLAS);
    world.pass(minutes(2));
    assert_eq!(
        said(&world)[told..],
        [("Atlas".to_owned(), Says::Offline(Left::Days(30)))]
    );
}

/// Starts in a row make one notice, but never instead of the one that matters.
#[test]
fn the_final_warning_of_one_is_not_lost_in_the_start_of_another() {
    let mut world = World::new();
    let policy = Policy {
        offline_for: days(5),
        ..Policy::default()
    };
    world.service().policies.insert(QUARRY.to_owned(), policy);
    world.sign_in();
    world.network = false;
    world.reboot(days(4) + hours(19));
    world.start(ATLAS);
    world.pass(seconds(12));
    let before = said(&world).len();
    world.start(QUARRY);
    world.pass(seconds(2));
    world.start(ATLAS);
    world.pass(minutes(1));
    let said = &said(&world)[before..];
    assert!(
        matches!(said, [(product, Says::Final(_))] if product == "Quarry"),
        "{said:?}"
    );
}
