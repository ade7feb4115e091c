//! Rule 16: time that nobody can set.

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Ask, CheckFailure, Input};
use latchkey_core::hindrance::Hindrance;
use latchkey_core::notice::Left;
use latchkey_core::view::Problem;

use crate::support::licensing::{Licensing, Seat};
use crate::support::world::{Wire, World};
use crate::support::{ATLAS, SERVICE, at, days, hours, minutes, seconds};

pub(super) const ANOTHER: &str = "https://licence.other.example";
const DAY_MS: i64 = 86_400_000;

/// How far trusted time is behind the service's, in whole seconds.
fn behind(world: &mut World) -> i64 {
    let real = world.machine.real;
    real.offset_from(world.trusted()) / 1000
}

#[test]
fn while_running_the_wall_clock_does_not_matter() {
    for set in [-10, 400] {
        let mut world = World::signed_in();
        let key = world.start(ATLAS);
        world.pass(days(1));
        world.set_network(false);
        let until = world.status(key).until;
        world.machine.wall_ahead = set * DAY_MS;
        world.pass(days(2));
        assert!(behind(&mut world) <= 1, "{set}");
        assert_eq!(
            (world.status(key).code, world.status(key).until),
            (0, until),
            "{set}"
        );
        assert!(world.view().problems.contains(&Problem::ClockWrong), "{set}");
        world.sleep(days(28));
        world.pass(minutes(2));
        assert_eq!(world.status(key).code, 12, "{set}: the end comes when it comes");
    }
}

#[test]
fn set_back_over_a_reboot_hides_only_the_time_off() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.pass(days(20));
    world.machine.wall_ahead = -10 * DAY_MS;
    world.reboot(days(2));
    let hidden = behind(&mut world);
    assert!(
        hidden <= 2 * 86_400 + 3600,
        "the time off, and an hour that was not stored: {hidden} s"
    );
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 0);
    world.sleep(days(10));
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, 12);
}

#[test]
fn set_forward_while_off_stops_early_and_one_check_heals_it() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.machine.wall_ahead = 400 * DAY_MS;
    world.reboot(hours(1));
    let key = world.start(ATLAS);
    world.pass(minutes(2));
    assert!(world.told(key).contains(&12), "{:?}", world.told(key));
    world.machine.wall_ahead = 0;
    world.reboot(hours(1));
    world.pass(seconds(1));
    assert_eq!(world.code(ATLAS), 12, "no wall clock lowers the floor");
    world.set_network(true);
    world.pass(seconds(5));
    assert_eq!(world.code(ATLAS), 0);
    assert!(behind(&mut world) <= 1);
    assert_eq!(world.view().problems, []);
}

#[test]
fn a_wall_clock_that_was_always_wrong_is_known_by_its_offset() {
    for wrong in [-3, 7] {
        let mut world = World::new();
        world.machine.wall_ahead = wrong * DAY_MS;
        world.sign_in();
        world.set_network(false);
        world.reboot(days(5));
        assert!(behind(&mut world).abs() <= 1, "{wrong}");
    }
}

#[test]
fn tampering_asks_for_a_check_and_blocks_nothing() {
    for set in [-10, 10] {
        let mut world = World::signed_in();
        world.pass(hours(2));
        let checks = world.checks.len();
        world.machine.wall_ahead = set * DAY_MS;
        world.pass(hours(1));
        assert_eq!(world.checks.len(), checks + 1, "set by {set} days while running");
        assert_eq!(world.code(ATLAS), 0);
        assert_eq!(world.view().problems, [], "the check has settled it");
        world.pass(hours(2));
        assert_eq!(world.checks.len(), checks + 1, "once");
    }
    let mut world = World::signed_in();
    world.pass(hours(2));
    let checks = world.checks.len();
    world.machine.wall_ahead = -10 * DAY_MS;
    world.reboot(hours(1));
    world.pass(seconds(5));
    assert_eq!(world.checks.len(), checks + 1, "set back while off");
}

#[test]
fn a_wrong_clock_is_named_with_the_difference() {
    for days in [-10, 400] {
        let mut world = World::signed_in();
        world.network = false;
        world.pass(hours(1));
        world.machine.wall_ahead = days * DAY_MS;
        world.pass(hours(1));
        assert_eq!(world.view().problems, [Problem::ClockWrong]);
        assert_eq!(world.view().clock_ahead, Some(days * 24 * 60));
        world.machine.wall_ahead = 60_000;
        world.pass(hours(1));
        assert_eq!((world.view().problems.len(), world.view().clock_ahead), (0, None));
    }
}

#[test]
fn a_power_cut_hides_an_hour_at_most() {
    let mut world = World::signed_in();
    world.set_network(false);
    for _ in 0..20 {
        world.pass(hours(7) + minutes(50));
        world.machine.wall_ahead -= DAY_MS;
        world.reboot(seconds(1));
    }
    let hidden = behind(&mut world);
    assert!(hidden <= 20 * (3600 + 60), "{hidden} s in 20 power cuts");
}

#[test]
fn a_save_window_lasts_as_long_whatever_the_clock_is_corrected_by() {
    let mut world = World::signed_in();
    world.install(ANOTHER, 9, "OTHER");
    world.set_network(false);
    world.machine.wall_ahead = 400 * DAY_MS;
    world.reboot(hours(1));
    // Its program says that it was running; its lease has ended by what the clock says.
    let key = world.start(ATLAS);
    world.close(key);
    world.authorize(key, ATLAS, true);
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, 12);
    world.wire = crate::support::world::Wire::TamperedAbout(ATLAS);
    world.set_network(true);
    world.pass(minutes(1));
    let left = world
        .status(key)
        .stop_at
        .map(|stop_at| stop_at.since(world.trusted()));
    assert!(left.is_none_or(|left| left <= minutes(10)), "{left:?}");
}

/// Rule 17: a wait lasts as long whatever the clock is corrected by; nothing is pending since the future.
#[test]
fn what_is_under_way_lasts_as_long_whatever_the_clock_is_corrected_by() {
    let mut world = World::signed_in();
    world.install(ANOTHER, 9, "OTHER");
    world.ask(Ask::SignIn(at(ANOTHER)));
    world.pass(minutes(1));
    world.machine.wall_ahead = 3 * DAY_MS;
    world.latency = seconds(2);
    world.reboot(hours(1));
    // Both services are being asked; the first to answer corrects the clock, and the other one is still pending then.
    let key = world.start("OTHER");
    assert_eq!(world.status(key).code, 3);
    assert!(behind(&mut world) < -2 * 86_400);
    world.pass(seconds(3));
    assert!((0..=2).contains(&behind(&mut world)));
    assert_eq!(world.status(key).code, 0);
}

/// The clocks of another service that are tried: a little off, hours and years off.
const APART: [i64; 6] = [
    -400 * DAY_MS,
    -3_600_000,
    -240_000,
    240_000,
    3_600_000,
    400 * DAY_MS,
];

pub(super) fn with_another_whose_clock_is(ahead: i64) -> World {
    let mut world = World::signed_in();
    world.install(ANOTHER, 9, "OTHER");
    world.services.get_mut(ANOTHER).unwrap().clock_ahead = ahead;
    world.ask(Ask::SignIn(at(ANOTHER)));
    world.pass(minutes(1));
    assert_eq!((world.code(ATLAS), world.code("OTHER")), (0, 0), "{ahead}");
    world
}

#[test]
fn services_whose_clocks_differ_license_their_own_and_stop_nothing_of_each_other() {
    for ahead in APART {
        let mut world = with_another_whose_clock_is(ahead);
        let keys = [world.start(ATLAS), world.start("OTHER")];
        world.pass(days(3));
        world.ask(Ask::Check);
        world.pass(hours(1));
        for key in keys {
            let told = world.told(key);
            assert!(told.iter().all(|code| *code <= 3), "{ahead}: {told:?}");
        }
        assert_eq!(world.view().problems, [], "{ahead}");

        let ends = world.machine.real + days(30);
        world.set_network(false);
        world.pass(days(20));
        for product in [ATLAS, "OTHER"] {
            let seen = world.product(product);
            assert_eq!(seen.left, Some(Left::Days(10)), "{ahead}, {product}");
            // People read when it ends by their own clock, and not by that of whoever signed it.
            let apart = seen.until.unwrap().offset_from(ends).unsigned_abs();
            assert!(apart <= 86_400_000, "{ahead}, {product}: {seen:?}");
        }
        world.pass(days(10) + minutes(2));
        for key in keys {
            let seen = world.status(key);
            assert_eq!(seen.code, 12, "{ahead}: {seen:?}");
        }
        for product in [ATLAS, "OTHER"] {
            let seen = world.product(product);
            let window = seen.stop_at.unwrap().since(world.machine.real);
            assert!(window <= minutes(10), "{ahead}, {product}: {window:?}");
        }
        world.set_network(true);
        world.pass(minutes(6));
        assert_eq!((world.code(ATLAS), world.code("OTHER")), (0, 0), "{ahead}");
    }
}

#[test]
fn the_time_of_a_service_outlives_whoever_is_signed_in_there() {
    for ahead in [-3_600_000, 3_600_000] {
        let mut world = with_another_whose_clock_is(ahead);
        let key = world.start("OTHER");
        world.pass(hours(1));
        world.ask(Ask::SignOut(Some(ANOTHER.to_owned())));
        world.pass(seconds(1));
        let window = |world: &mut World| {
            let stop_at = world.product("OTHER").stop_at.unwrap();
            stop_at.since(world.trusted())
        };
        let begun = window(&mut world);
        assert!(begun > minutes(9) && begun <= minutes(10), "{ahead}: {begun:?}");
        world
            .services
            .get_mut(ANOTHER)
            .unwrap()
            .seat("OTHER", Seat::Refused(Code::NotAssigned));
        world.ask(Ask::SignIn(at(ANOTHER)));
        world.pass(minutes(1));
        assert_eq!(world.status(key).code, 13, "{ahead}");
        let left = window(&mut world);
        assert!(
            left > minutes(8) && left < begun,
            "{ahead}: {left:?} of {begun:?}"
        );
    }
}

/// Anybody may run a service of their own and register it.
#[test]
fn a_service_of_ones_own_turns_no_clock_back_for_another() {
    let mut world = with_another_whose_clock_is(0);
    world.services.get_mut(SERVICE).unwrap().out = true;
    for day in 1..=31 {
        let own = world.services.get_mut(ANOTHER).unwrap();
        own.clock_ahead = -day * DAY_MS;
        world.reboot(seconds(30));
        world.ask(Ask::Check);
        world.pass(days(1));
    }
    assert_eq!(world.code("OTHER"), 0);
    let seen = world.product(ATLAS);
    assert_ne!(seen.basis, Some(Basis::Lease), "{seen:?}");
    let lease = world
        .facts()
        .held(SERVICE, ATLAS)
        .unwrap()
        .lease()
        .unwrap()
        .until();
    assert!(world.engine().time_of(SERVICE, &world.now()) > lease);
}

/// And anybody may register a product of theirs under a vendor's address, with a root key of their own, and answer in the vendor's
/// place on their own machine.
#[test]
fn another_root_key_turns_no_clock_back_for_the_vendor() {
    let mut world = World::signed_in();
    let until = |world: &World| {
        let held = world.facts().held(SERVICE, ATLAS).unwrap();
        held.lease().unwrap().until()
    };
    let end = until(&world);
    let vendor = world.services.remove(SERVICE).unwrap();
    world.install(SERVICE, 66, "OWN");
    world.pass(minutes(1));
    assert_eq!(
        (world.code("OWN"), world.code(ATLAS)),
        (0, 21),
        "by whose keys nothing of the vendor's counts"
    );
    for day in 1..=31 {
        world.service().clock_ahead = -day * DAY_MS;
        world.reboot(seconds(30));
        world.ask(Ask::Check);
        world.pass(days(1));
    }
    assert_eq!(world.code("OWN"), 0, "it answers in the vendor's place");

    // The vendor's keys are back: with the lease that was there before, and without a check.
    world.network = false;
    world.registry.retain(|entry| entry.product != "OWN");
    world.registry[0].keys = Some(vendor.keys.clone());
    world.input(Input::Registry(world.registry.clone()));
    world.restart();
    world.pass(minutes(1));
    assert_eq!(
        world.facts().held(SERVICE, ATLAS).map(|_| until(&world)),
        Some(end)
    );
    assert!(world.engine().time_of(SERVICE, &world.now()) > end);
    assert_ne!(world.code(ATLAS), 0);
}

/// A vendor whose root key follows another one ships registrations with the keys that the new one has signed.
#[test]
fn a_root_key_that_follows_another_of_the_vendor_changes_neither_time_nor_checks() {
    let mut world = World::signed_in();
    let mut next = Licensing::new(SERVICE, 66);
    world.network = false;
    std::mem::swap(&mut next.key, &mut world.service().key);
    next.publish(1_799_500_000);
    world.machine.wall_ahead = -3_600_000;
    world.reboot(hours(1));
    world.pass(seconds(5));
    let before = world.engine().time_of(SERVICE, &world.now());
    let checked_at = world.facts().services[SERVICE].checked_at;
    for entry in world.registry.iter_mut().filter(|entry| entry.service == SERVICE) {
        entry
            .root_keys
            .extend(next.registration(ATLAS, "Atlas").root_keys);
        entry.keys = Some(next.keys.clone());
    }
    world.input(Input::Registry(world.registry.clone()));
    assert_eq!(world.facts().services[SERVICE].keys, Some(next.keys.clone()));
    assert_eq!(world.engine().time_of(SERVICE, &world.now()), before);
    assert_eq!(world.facts().services[SERVICE].checked_at, checked_at);
    assert_eq!(world.code(ATLAS), 0);
}

/// Which of two root keys signed later is no matter where no registration pins both: whoever answers is believed about what is theirs.
#[test]
fn an_older_document_of_another_root_key_vouches_for_its_own_products() {
    let mut world = World::signed_in();
    let vendor = world.services.remove(SERVICE).unwrap();
    let mut own = Licensing::new(SERVICE, 66);
    own.publish(1_700_000_000);
    world.services.insert(SERVICE.to_owned(), own);
    world.install(SERVICE, 66, "OWN");
    world.pass(minutes(1));
    assert_eq!(world.code("OWN"), 0);
    world.services.insert(SERVICE.to_owned(), vendor);
    world.ask(Ask::Check);
    world.pass(minutes(1));
    assert_eq!(world.code(ATLAS), 0);
}

/// Only an answer that verifies replaces the keys of what is held.
#[test]
fn keys_of_another_root_that_verify_nothing_are_not_kept() {
    let mut world = World::signed_in();
    let keys = world.facts().services[SERVICE].keys.clone();
    let vendor = world.services.remove(SERVICE).unwrap();
    world.install(SERVICE, 66, "OWN");
    world.wire = Wire::TamperedAbout("OWN");
    world.ask(Ask::Check);
    world.pass(seconds(30));
    assert_eq!(world.facts().services[SERVICE].keys, keys);
    world.services.insert(SERVICE.to_owned(), vendor);
    world.wire = Wire::Honest;
    world.ask(Ask::Check);
    world.pass(seconds(30));
    let seen = world.product(ATLAS);
    assert_eq!((seen.code, seen.basis), (0, Some(Basis::Lease)), "{seen:?}");
}

#[test]
fn the_time_is_written_down_every_hour_and_not_whenever_something_happens() {
    let mut world = World::signed_in();
    world.pass(hours(1));
    world.recording = true;
    world.pass_ticking(hours(3), minutes(1));
    let written = world.record.iter().filter(|effect| effect.contains("Save"));
    assert_eq!(written.count(), 3);
}

/// A clock that has always been wrong troubles nobody, until something else refuses it: then it is named with what is known.
#[test]
fn a_clock_that_was_wrong_before_is_told_as_what_it_is() {
    let mut world = World::new();
    world.machine.wall_ahead = -2 * DAY_MS;
    world.sign_in();
    world.pass(minutes(1));
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(1));
    assert_eq!((world.view().problems.len(), world.view().clock_ahead), (0, None));
    world.wire = Wire::Fails(CheckFailure::Hindered(Hindrance::ClockWrong { ahead: None }));
    world.ask(Ask::Check);
    world.pass(seconds(5));
    assert_eq!(world.product(ATLAS).clock_ahead, Some(-2 * 24 * 60));

    // Offline somebody sets it right.
    world.network = false;
    world.machine.wall_ahead = 0;
    world.pass(hours(1));
    assert_eq!((world.view().problems.len(), world.view().clock_ahead), (0, None));
}

/// Whichever way it is off.
#[test]
fn a_wrong_clock_is_told_to_the_nearest_minute() {
    for (seconds_ahead, told) in [(1_240, 21), (1_220, 20), (-1_240, -21), (-1_220, -20)] {
        let mut world = World::signed_in();
        world.network = false;
        world.machine.wall_ahead += seconds_ahead * 1_000;
        world.pass(hours(1));
        assert_eq!(world.view().clock_ahead, Some(told), "{seconds_ahead} s");
    }
}
