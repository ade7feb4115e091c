//! Rules 3 and 4: grace, and the final warning. Every notice is counted.

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Ask, CheckFailure, Input};
use latchkey_core::hindrance::NetworkTrouble;
use latchkey_core::notice::{Left, NoticeKind};
use latchkey_core::time::{DAY, LocalDay, Timestamp};
use latchkey_core::view::{Away, Icon, Line};

use crate::support::licensing::Seat;
use crate::support::said::{Says, said};
use crate::support::world::{Keyring, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, blocked, days, hours, minutes, seconds};

/// Signed in and just checked, then the cable is pulled. The check was at 08:00 local time.
fn offline() -> World {
    let mut world = World::signed_in();
    world.set_network(false);
    world
}

/// The machine sleeps and wakes for two minutes every hour, as a laptop does.
fn pass_asleep(world: &mut World, hours_long: u32) {
    for _ in 0..hours_long {
        world.sleep(minutes(58));
        world.pass(minutes(2));
    }
}

#[test]
fn the_offline_month_awake_and_every_notice_in_it() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    world.set_network(false);
    world.pass(days(31));
    let mut expected = vec![("Atlas".to_owned(), Says::Offline(Left::Days(30)))];
    for left in (4..=30).rev() {
        expected.push(("Atlas".to_owned(), Says::Offline(Left::Days(left))));
    }
    expected.push(("Atlas".to_owned(), Says::Final(Left::Days(3))));
    expected.push(("Atlas".to_owned(), Says::Final(Left::Days(2))));
    expected.push(("Atlas".to_owned(), Says::Final(Left::Hours(9))));
    expected.push(("Atlas".to_owned(), Says::Ended(30)));
    assert_eq!(said(&world), expected);
    assert_eq!(world.told(key), [3, 0, 3, 12]);
    assert_eq!(world.view().headline.icon, Icon::Stopped);
}

#[test]
fn what_a_start_says_on_each_day_without_a_check() {
    let table = [
        (
            hours(26),
            Some(Basis::Grace),
            Says::Offline(Left::Days(29)),
            Icon::Offline,
        ),
        (
            days(26) + hours(1),
            Some(Basis::Grace),
            Says::Offline(Left::Days(4)),
            Icon::Offline,
        ),
        (
            days(27) - minutes(3),
            Some(Basis::Grace),
            Says::Offline(Left::Days(4)),
            Icon::Offline,
        ),
        (
            days(27) + hours(1),
            Some(Basis::FinalWarning),
            Says::Final(Left::Days(3)),
            Icon::Three,
        ),
        (
            days(28) + hours(12),
            Some(Basis::FinalWarning),
            Says::Final(Left::Days(2)),
            Icon::Two,
        ),
        (
            days(29) - hours(1),
            Some(Basis::FinalWarning),
            Says::Final(Left::Days(2)),
            Icon::Two,
        ),
        (
            days(29) + hours(1),
            Some(Basis::FinalWarning),
            Says::Final(Left::Hours(23)),
            Icon::One,
        ),
        (
            days(30) - hours(2),
            Some(Basis::FinalWarning),
            Says::Final(Left::Hours(2)),
            Icon::One,
        ),
        (days(30) + hours(1), None, Says::Ended(30), Icon::Stopped),
    ];
    for (after, basis, says, icon) in table {
        let mut world = offline();
        world.sleep(after);
        world.pass(minutes(1));
        world.shown.clear();
        let key = world.start(ATLAS);
        world.pass(seconds(15));
        let status = world.status(key);
        assert_eq!(
            status.code,
            if basis.is_some() { 0 } else { 12 },
            "after {after:?}"
        );
        assert_eq!(status.basis, basis, "after {after:?}");
        assert_eq!(world.view().headline.icon, icon, "after {after:?}");
        if basis.is_some() {
            assert_eq!(said(&world), [("Atlas".to_owned(), says)], "after {after:?}");
        } else {
            assert_eq!(said(&world), [], "the end was told before the start");
        }
    }
}

#[test]
fn the_exact_end_is_told_everywhere() {
    let mut world = offline();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    let until = world
        .facts()
        .held(SERVICE, ATLAS)
        .unwrap()
        .lease()
        .unwrap()
        .until();
    assert_eq!(world.status(key).until, Some(until));
    assert!(matches!(
        &world.view().headline.line,
        Line::Offline { until: line, left: Left::Days(30), product, away: Away::Offline } if *line == until && product == "Atlas"
    ));
    assert!(world.shown.iter().all(|shown| {
        matches!(shown.notice.kind, NoticeKind::Offline { until: told, .. } if told == until)
    }));
}

#[test]
fn several_products_make_one_notice() {
    let mut world = offline();
    world.pass(minutes(1));
    world.shown.clear();
    for _ in 0..3 {
        world.start(QUARRY);
        world.start(ATLAS);
        world.pass(seconds(2));
    }
    assert_eq!(said(&world).len(), 1, "{:?}", said(&world));
    world.pass(seconds(15));
    world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(said(&world).len(), 2, "a later start is another cause");
}

#[test]
fn once_per_local_day_wherever_the_user_is() {
    for zone in [-8, 0, 3, 14] {
        let mut world = World::signed_in();
        world.machine.utc_offset = zone * 3600;
        world.set_network(false);
        world.pass(days(4));
        let local: Vec<LocalDay> = world
            .shown
            .iter()
            .map(|shown| LocalDay::of(shown.at, zone * 3600))
            .collect();
        assert_eq!(
            local.len(),
            5,
            "one on each of five local days in zone {zone}: {local:?}"
        );
        assert!(
            local.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1),
            "{local:?}"
        );
        for shown in &world.shown[1..] {
            let into_the_day = (shown.at.as_secs() + i64::from(zone) * 3600).rem_euclid(86_400);
            assert!(into_the_day < 60, "as the day begins: {into_the_day}");
        }
    }
}

#[test]
fn flying_west_over_midnight_tells_the_same_day_once() {
    let mut world = offline();
    world.pass(hours(15) + minutes(30));
    assert_eq!(said(&world).len(), 1, "23:30 in Greenwich");
    world.machine.utc_offset = 2 * 3600;
    world.input(Input::Tick);
    world.pass(seconds(1));
    assert_eq!(said(&world).len(), 2, "01:30 of the next day in Cairo");
    world.machine.utc_offset = 0;
    world.input(Input::Tick);
    world.pass(hours(2));
    assert_eq!(
        said(&world).len(),
        2,
        "the day that begins in Greenwich was told in Cairo"
    );
    world.pass(days(1));
    assert_eq!(said(&world).len(), 3);
}

#[test]
fn a_restart_of_the_agent_tells_nothing_twice() {
    let mut world = offline();
    world.start(ATLAS);
    world.pass(minutes(1));
    let told = said(&world).len();
    for _ in 0..5 {
        world.restart();
        world.pass(minutes(10));
    }
    assert_eq!(said(&world).len(), told);
}

#[test]
fn what_nobody_saw_does_not_pile_up() {
    let mut world = offline();
    world.viewer = false;
    pass_asleep(&mut world, 24 * 28);
    let waiting = &world.view().notices;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(matches!(
        waiting[0].kind,
        NoticeKind::FinalWarning {
            left: Left::Days(3),
            ..
        }
    ));
    world.set_network(true);
    world.pass(minutes(1));
    let waiting = &world.view().notices;
    assert!(
        matches!(waiting[..], [ref only] if matches!(only.kind, NoticeKind::Connected { .. })),
        "{waiting:?}"
    );
}

#[test]
fn what_was_shown_is_shown_once_also_over_a_restart() {
    let mut world = offline();
    world.pass(minutes(1));
    assert_eq!(world.shown.len(), 1);
    assert_eq!(world.view().notices, []);
    world.restart();
    assert_eq!(world.view().notices, []);
}

#[test]
fn days_that_nobody_saw_are_not_told_once_it_is_over() {
    let mut world = offline();
    world.viewer = false;
    world.pass(hours(20));
    assert_eq!(world.view().notices.len(), 1);
    world.set_network(true);
    world.pass(minutes(1));
    assert_eq!(world.view().notices, []);
}

#[test]
fn that_a_product_must_stop_is_told_whatever_else_is() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    world.viewer = false;
    world
        .service()
        .seat(ATLAS, Seat::Refused(Code::SubscriptionEnded));
    world.ask(Ask::Check);
    world.pass(seconds(1));
    let waiting = |world: &World| {
        let kinds = world.view().notices.iter().map(|notice| &notice.kind);
        let stops = kinds
            .clone()
            .filter(|kind| matches!(kind, NoticeKind::MustStop { .. }));
        (stops.count(), kinds.count())
    };
    assert_eq!(waiting(&world), (1, 1));
    world.ask(Ask::Check);
    world.pass(seconds(1));
    assert_eq!(waiting(&world), (1, 1));
    world.set_network(false);
    world.pass(minutes(1));
    assert_eq!(waiting(&world), (1, 2), "the days of Quarry are told beside it");
}

#[test]
fn that_it_is_over_names_what_ends_first_and_when() {
    let mut world = offline();
    world.pass(days(28));
    world.set_network(true);
    world.pass(minutes(1));
    let last = &world.shown.last().unwrap().notice;
    let until = world.product(ATLAS).until.unwrap();
    assert_eq!(last.kind, NoticeKind::Connected { until });
    assert_eq!(last.product, "Atlas");
}

#[test]
fn the_end_takes_the_place_of_the_warnings_that_nobody_saw() {
    let mut world = offline();
    world.viewer = false;
    pass_asleep(&mut world, 24 * 31);
    let waiting = &world.view().notices;
    assert!(
        matches!(waiting[..], [ref only] if matches!(only.kind, NoticeKind::Ended { .. })),
        "{waiting:?}"
    );
}

#[test]
fn whoever_was_warned_hears_that_it_is_over_and_nobody_else() {
    for (away, hears) in [(20, false), (28, true), (31, true)] {
        let mut world = offline();
        pass_asleep(&mut world, 24 * away);
        world.shown.clear();
        world.set_network(true);
        world.pass(minutes(5));
        world.set_network(true);
        world.pass(minutes(5));
        let connected = said(&world)
            .iter()
            .filter(|(_, says)| *says == Says::Connected)
            .count();
        assert_eq!(connected, usize::from(hears), "after {away} days");
        assert_eq!(world.code(ATLAS), 0);
    }
}

#[test]
fn a_month_behind_whatever_else_keeps_checks_away_is_counted_down_too() {
    type Fault = fn(&mut World);
    let faults: [(&str, Fault); 5] = [
        ("a captive portal", |world| {
            world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
        }),
        ("a locked keyring", |world| world.keyring = Keyring::Locked),
        ("no keyring", |world| world.keyring = Keyring::Missing),
        ("an ended grant", |world| world.grant_revoked = true),
        ("no identity service", |world| world.identity = false),
    ];
    for (fault, begin) in faults {
        let mut world = World::signed_in();
        begin(&mut world);
        pass_asleep(&mut world, 24 * 29 + 20);
        let told = said(&world);
        assert!(told.len() >= 29 && told.len() <= 31, "{fault}: {told:?}");
        assert_eq!(told.last().unwrap().1, Says::Final(Left::Hours(9)), "{fault}");
        assert_eq!(world.product(ATLAS).basis, Some(Basis::FinalWarning), "{fault}");
        pass_asleep(&mut world, 24);
        assert_eq!(
            said(&world)[told.len()..],
            [("Atlas".to_owned(), Says::Ended(30))],
            "{fault}"
        );
    }
}

#[test]
fn nothing_is_counted_down_while_all_is_well() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(days(40));
    world.sleep(days(5));
    world.pass(minutes(1));
    world.reboot(days(5));
    world.pass(minutes(1));
    assert_eq!(said(&world), []);
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease));
    let now: Timestamp = world.trusted();
    assert!(world.product(ATLAS).until.unwrap().since(now) > 29 * DAY);
}

/// Rule 7: in a licensing outage the days count when the end is near, and not before.
#[test]
fn in_an_outage_the_days_are_told_when_they_are_few() {
    let mut world = World::new();
    world.service().policy.temporary_limit = Some(0);
    world.sign_in();
    world.licensing = false;
    world.input(Input::NetworkChanged);
    world.pass(minutes(1));
    let outage = || ("Atlas".to_owned(), Says::Outage);
    assert_eq!(said(&world), [outage()], "at once, and of a lease too");
    world.pass(days(26));
    assert_eq!(said(&world), [outage()]);
    world.pass(days(2));
    let told = said(&world);
    assert!(
        matches!(told[1..], [(_, Says::Final(_)), ..]) && told.len() <= 3,
        "{told:?}"
    );
}

/// Rule 4, for whom no check gives more time: online, with every check answered.
#[test]
fn the_last_days_of_a_subscription_are_told_as_what_they_are() {
    let mut world = World::signed_in();
    let end = world.machine.real + days(5);
    world.service().subscription_ends = Some(end);
    let key = world.start(ATLAS);
    world.pass(days(1));
    assert_eq!(world.status(key).basis, Some(Basis::Lease));
    world.shown.clear();
    world.pass(days(3) + hours(12));
    let seen = world.status(key);
    assert_eq!(
        (seen.code, seen.basis, seen.away),
        (0, Some(Basis::FinalWarning), Some(Away::Subscription))
    );
    let told: Vec<_> = world.shown.iter().map(|shown| &shown.notice.kind).collect();
    let is_meant = |kind: &&NoticeKind| matches!(kind, NoticeKind::FinalWarning { away: Away::Subscription, until, .. } if *until == end);
    assert!(
        (2..=3).contains(&told.len()) && told.iter().all(is_meant),
        "{told:?}"
    );
    assert!(matches!(
        world.view().headline.line,
        Line::Final {
            away: Away::Subscription,
            ..
        }
    ));

    // Renewed: it is over, and said once.
    world.service().subscription_ends = None;
    world.shown.clear();
    world.ask(Ask::Check);
    world.pass(days(2));
    assert_eq!(world.status(key).basis, Some(Basis::Lease));
    assert_eq!(world.shown.len(), 1);
    assert!(matches!(world.shown[0].notice.kind, NoticeKind::Connected { .. }));
}

/// What nobody has been shown of an account is over with it.
#[test]
fn whoever_signs_out_is_told_nothing_more_of_the_days() {
    let mut world = World::signed_in();
    world.viewer = false;
    world.set_network(false);
    world.pass(days(28));
    assert!(!world.view().notices.is_empty(), "days, and the final warning");
    world.ask(Ask::SignOut(None));
    world.pass(minutes(1));
    assert!(world.view().notices.is_empty(), "{:?}", world.view().notices);
    world.viewer = true;
    world.set_network(true);
    world.sign_in();
    world.pass(minutes(10));
    assert!(world.shown.is_empty(), "{:?}", world.shown);
}

/// A lid that was closed offline and is opened where the network is: what was known before says nothing about now.
#[test]
fn whoever_wakes_with_a_network_is_told_of_no_days_and_of_no_end() {
    for time in [days(1), days(31)] {
        let mut world = World::signed_in();
        world.set_network(false);
        world.pass(hours(1));
        world.shown.clear();
        world.network = true;
        world.sleep(time);
        world.pass(minutes(5));
        let told: Vec<_> = world.shown.iter().map(|shown| &shown.notice.kind).collect();
        let offline = told.iter().any(|kind| {
            matches!(
                kind,
                NoticeKind::Offline { .. } | NoticeKind::FinalWarning { .. } | NoticeKind::Ended { .. }
            )
        });
        assert!(!offline, "{told:?}");
    }
}

/// Who was offline and gets into a network that wants to be signed in to is as offline as before, however long nothing is known anew.
#[test]
fn the_days_are_told_behind_a_portal_that_follows_a_day_offline() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.pass(days(1));
    world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
    world.set_network(true);
    world.pass(minutes(5));
    world.shown.clear();
    world.pass(days(3));
    let told = world.shown.iter();
    let told = told.filter(|shown| matches!(shown.notice.kind, NoticeKind::Offline { .. }));
    assert_eq!(told.count(), 3);
}
