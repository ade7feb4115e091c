//! Rule 16 of a service whose clock is another than the machine's: whatever it signs goes by its own, and people are told by theirs.

use latchkey_core::code::Code;
use latchkey_core::engine::{Answer, Ask, Input};
use latchkey_core::notice::NoticeKind;
use latchkey_core::time::Timestamp;

use crate::rules_clock::{ANOTHER, with_another_whose_clock_is};
use crate::support::licensing::{Licensing, Seat};
use crate::support::world::World;
use crate::support::{ATLAS, minutes, seconds};

const HOUR_MS: i64 = 3_600_000;

/// By how much these are apart, in seconds.
fn apart(one: Timestamp, other: Timestamp) -> u64 {
    one.offset_from(other).unsigned_abs() / 1_000
}

#[test]
fn a_stop_is_told_by_the_clock_of_whoever_reads_it() {
    for ahead in [-HOUR_MS, HOUR_MS] {
        let mut world = with_another_whose_clock_is(ahead);
        let key = world.start("OTHER");
        world.pass(minutes(1));
        let service = world.services.get_mut(ANOTHER).unwrap();
        service.seat("OTHER", Seat::Refused(Code::NotAssigned));
        world.ask(Ask::Check);
        world.pass(seconds(1));
        let now = world.trusted();
        assert_eq!(world.status(key).code, 13);
        let mut told = world.shown.iter().map(|shown| &shown.notice);
        let told = told.find(|notice| matches!(notice.kind, NoticeKind::MustStop { .. }));
        let told = told.expect("it is told");
        let NoticeKind::MustStop { stop_at, .. } = told.kind else {
            unreachable!("it was looked for")
        };
        assert!(apart(stop_at, now + minutes(10)) < 5, "{ahead}: {stop_at:?}");
        assert!(apart(told.at, now) < 5, "{ahead}: {:?}", told.at);
    }
}

#[test]
fn until_when_the_device_is_good_is_said_in_the_machines_time() {
    for ahead in [-HOUR_MS, 0] {
        let mut world = with_another_whose_clock_is(ahead);
        world.pass(minutes(10));
        let now = world.trusted();
        let ticket = world.ask(Ask::Check);
        world.pass(minutes(1));
        let answer = &world.answers[&ticket];
        let Answer::Checked { until: Some(until) } = answer else {
            panic!("{answer:?}")
        };
        let good_for = until.since(now).as_secs();
        assert!(good_for.abs_diff(30 * 86_400) < 65, "{ahead}: {good_for} s");
    }
}

/// Whoever may save for ten minutes may do so for ten minutes, whatever their service says of the time meanwhile.
#[test]
fn time_to_save_is_no_longer_or_shorter_for_a_clock_that_is_corrected() {
    for corrected in [-5 * HOUR_MS, 5 * HOUR_MS] {
        let mut world = World::signed_in();
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
        world.ask(Ask::Check);
        world.pass(minutes(4));
        let left = |world: &World| world.status(key).stop_at.unwrap().since(world.trusted());
        let before = left(&world);
        world.service().clock_ahead = corrected;
        world.ask(Ask::Check);
        world.pass(seconds(1));
        let after = left(&world);
        assert!(before.abs_diff(after) < seconds(3), "{before:?}, {after:?}");
    }
}

/// Its time goes on under the root key that follows another one, and does not become the machine's.
#[test]
fn a_root_key_that_follows_another_of_a_service_keeps_its_time() {
    let mut world = with_another_whose_clock_is(HOUR_MS);
    let mut next = Licensing::new(ANOTHER, 66);
    world.network = false;
    std::mem::swap(&mut next.key, &mut world.services.get_mut(ANOTHER).unwrap().key);
    next.publish(1_799_500_000);
    let before = world.engine().time_of(ANOTHER, &world.now());
    for entry in world.registry.iter_mut().filter(|entry| entry.service == ANOTHER) {
        entry
            .root_keys
            .extend(next.registration("OTHER", "OTHER").root_keys);
        entry.keys = Some(next.keys.clone());
    }
    world.input(Input::Registry(world.registry.clone()));
    assert_eq!(world.facts().services[ANOTHER].keys, Some(next.keys.clone()));
    assert_eq!(world.engine().time_of(ANOTHER, &world.now()), before);
    assert_eq!(world.code("OTHER"), 0);
}
