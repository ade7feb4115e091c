//! Rules 6, 7 (as far as leases go) and 8: which outage it is, and what it does to a good lease.

use std::collections::BTreeSet;

use latchkey_core::code::Basis;
use latchkey_core::engine::{Ask, CheckFailure, Input};
use latchkey_core::hindrance::{Hindrance, NetworkTrouble};
use latchkey_core::notice::NoticeKind;
use latchkey_core::policy::Policy;
use latchkey_core::view::{Away, Line, Reach};

use crate::support::world::{Wire, World};
use crate::support::{ATLAS, QUARRY, blocked, days, hours, minutes, seconds};

/// What answers, what it is called, and what a good lease rests on.
const TABLE: [(bool, bool, bool, Reach, Basis); 5] = [
    (true, true, true, Reach::Online, Basis::Lease),
    (true, true, false, Reach::IdentityOutage, Basis::Grace),
    (true, false, true, Reach::LicensingOutage, Basis::Outage),
    (true, false, false, Reach::NeitherAnswers, Basis::Grace),
    (false, true, true, Reach::Offline, Basis::Grace),
];

fn with_outage(network: bool, licensing: bool, identity: bool) -> World {
    let mut world = World::signed_in();
    world.pass(hours(2));
    (world.licensing, world.identity) = (licensing, identity);
    world.set_network(network);
    world
}

#[test]
fn it_is_decided_from_what_both_services_answered() {
    for (network, licensing, identity, reach, basis) in TABLE {
        let mut world = with_outage(network, licensing, identity);
        world.pass(minutes(1));
        assert_eq!(world.view().accounts[0].reach, reach);
        let status = world.product(ATLAS);
        assert_eq!((status.code, status.basis), (0, Some(basis)), "{reach:?}");
    }
}

/// What people read in the days that are counted is what keeps checks away.
#[test]
fn the_days_are_told_with_what_keeps_checks_away() {
    for (network, licensing, identity, away) in [
        (false, true, true, Away::Offline),
        (true, false, false, Away::NeitherAnswers),
        (true, true, false, Away::IdentityOutage),
    ] {
        let mut world = with_outage(network, licensing, identity);
        let mut headlines = BTreeSet::new();
        for _ in 0..29 {
            world.pass(days(1));
            match world.view().headline.line {
                Line::Offline { away: told, .. } => {
                    assert_eq!(told, away);
                    headlines.insert("offline");
                }
                Line::Final { away: told, .. } => {
                    assert_eq!(told, away);
                    headlines.insert("final");
                }
                ref other => panic!("{other:?}"),
            }
            assert_eq!(world.product(ATLAS).away, Some(away));
        }
        assert_eq!(headlines.len(), 2);
        let told: Vec<Away> = world
            .shown
            .iter()
            .filter_map(|shown| match shown.notice.kind {
                NoticeKind::Offline { away, .. } | NoticeKind::FinalWarning { away, .. } => Some(away),
                _ => None,
            })
            .collect();
        assert!(
            told.len() > 20 && told.iter().all(|told| *told == away),
            "{told:?}"
        );
    }
    let mut world = World::signed_in();
    world.pass(hours(2));
    world.wire = Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage)));
    world.pass(days(2));
    let seen = world.product(ATLAS);
    assert_eq!((seen.basis, seen.away), (Some(Basis::Grace), Some(Away::Overdue)));
}

/// However many checks fail while an outage is being decided: the words wait for what it is.
#[test]
fn the_words_wait_until_it_is_known_what_keeps_checks_away() {
    for (network, licensing, identity, away) in [
        (false, true, true, Away::Offline),
        (true, false, false, Away::NeitherAnswers),
        (true, true, false, Away::IdentityOutage),
    ] {
        let mut world = with_outage(network, licensing, identity);
        world.reboot(days(25));
        world.shown.clear();
        for _ in 0..9 {
            world.ask(Ask::Check);
            world.pass(seconds(1));
        }
        assert_eq!(world.view().accounts[0].reach, Reach::Doubtful);
        world.pass(minutes(2));
        let told: Vec<_> = world.shown.iter().map(|shown| &shown.notice.kind).collect();
        assert!(
            matches!(told[..], [NoticeKind::Offline { away: told, .. }] if *told == away),
            "{told:?}"
        );
    }
}

#[test]
fn on_two_failures_ten_seconds_apart_and_never_on_one() {
    for (network, licensing, identity, reach, _) in &TABLE[1..] {
        let mut world = with_outage(*network, *licensing, *identity);
        let mut failures = Vec::new();
        let mut doubtful = false;
        while failures.len() < 40 && world.view().accounts[0].reach != *reach {
            world.pass(seconds(1));
            failures.push(world.view().accounts[0].reach);
            doubtful |= failures.last() == Some(&Reach::Doubtful);
        }
        assert!(doubtful, "{reach:?} was decided at once");
        let undecided = failures.iter().filter(|seen| **seen == Reach::Doubtful).count();
        assert!(undecided >= 9, "{reach:?} was decided after {undecided} s");
        assert!(undecided <= 16, "{reach:?} took {undecided} s to decide");
    }
}

/// Whatever was out before.
#[test]
fn a_start_without_a_lease_takes_the_machines_word_that_there_is_no_route() {
    for (licensing, identity) in [(true, true), (false, true), (true, false)] {
        let mut world = World::signed_in();
        (world.licensing, world.identity) = (licensing, identity);
        world.pass(hours(26));
        world.ask(Ask::Reset(Some(ATLAS.to_owned())));
        world.pass(seconds(1));
        world.set_network(false);
        let key = world.start(ATLAS);
        world.pass(seconds(1));
        let code = world.status(key).code;
        assert_eq!(code, 11, "licensing {licensing}, identity {identity}");
    }
}

/// Somebody else answers in the licensing service's place, and the token is good still: the identity service was not asked yet.
#[test]
fn what_a_stranger_answers_is_an_outage_only_where_the_identity_service_is_there() {
    for (identity, reach) in [(true, Reach::LicensingOutage), (false, Reach::NeitherAnswers)] {
        let mut world = World::signed_in();
        (world.wire, world.identity) = (Wire::Replayed, identity);
        world.ask(Ask::Check);
        world.pass(minutes(2));
        assert_eq!(world.view().accounts[0].reach, reach);
    }
}

/// Whatever came of it, it was an answer.
#[test]
fn what_was_reached_is_not_doubted_and_what_is_hidden_is_not_known_to_be_out() {
    for (answer, before) in [
        (CheckFailure::Busy { retry_after: None }, Reach::Doubtful),
        (
            CheckFailure::Hindered(Hindrance::ServiceOutdated),
            Reach::Doubtful,
        ),
        (
            CheckFailure::Hindered(Hindrance::ServiceOutdated),
            Reach::LicensingOutage,
        ),
        (
            CheckFailure::Hindered(blocked(NetworkTrouble::AuthorityUnknown)),
            Reach::LicensingOutage,
        ),
    ] {
        let mut world = with_outage(true, false, true);
        while world.view().accounts[0].reach != before {
            world.pass(seconds(1));
        }
        world.licensing = true;
        world.wire = Wire::Fails(answer.clone());
        world.ask(Ask::Check);
        world.pass(seconds(8));
        let after = world.view().accounts[0].reach;
        assert_eq!(after, Reach::Unknown, "{answer:?} after {before:?}");
    }
}

#[test]
fn a_failure_from_before_the_network_changed_does_not_count() {
    let mut world = with_outage(true, false, false);
    world.pass(seconds(6));
    assert_eq!(world.view().accounts[0].reach, Reach::Doubtful);
    world.pass(seconds(3));
    world.input(Input::NetworkChanged);
    world.pass(seconds(9));
    assert_eq!(
        world.view().accounts[0].reach,
        Reach::Doubtful,
        "one failure since"
    );
    world.pass(seconds(20));
    assert_eq!(world.view().accounts[0].reach, Reach::NeitherAnswers);
}

/// Nor does one that was on its way then, and fails afterwards.
#[test]
fn a_check_from_before_the_network_changed_that_fails_does_not_count() {
    for slept in [None, Some(hours(1))] {
        let mut world = World::signed_in();
        world.licensing = false;
        world.ask(Ask::Check);
        world.pass(seconds(1));
        assert!(
            world.engine().view().accounts[0].reach == Reach::Online,
            "nothing has failed yet"
        );
        world.licensing = true;
        match slept {
            Some(time) => world.sleep(time),
            None => world.input(Input::NetworkChanged),
        }
        world.latency = seconds(2);
        for _ in 0..20 {
            world.pass(seconds(1));
            assert_eq!(world.view().accounts[0].reach, Reach::Online, "slept: {slept:?}");
        }
    }
}

/// The same where nobody is signed in, and a start just finds out whether the network is there.
#[test]
fn a_probe_from_before_the_network_changed_that_fails_does_not_count() {
    let mut world = World::new();
    (world.licensing, world.identity) = (false, false);
    let key = world.start(ATLAS);
    world.pass(seconds(1));
    (world.licensing, world.identity) = (true, true);
    world.input(Input::NetworkChanged);
    world.latency = seconds(2);
    for _ in 0..20 {
        world.pass(seconds(1));
        assert!(matches!(
            world.view().accounts[0].reach,
            Reach::Unknown | Reach::Online
        ));
    }
    assert_eq!(world.status(key).code, 10);
}

#[test]
fn a_valid_access_token_needs_no_identity_service() {
    let mut world = World::signed_in();
    world.identity = false;
    world.input(Input::NetworkChanged);
    world.pass(minutes(1));
    assert_eq!(world.view().accounts[0].reach, Reach::Online);
}

#[test]
fn the_real_lease_comes_back_within_five_minutes_by_itself() {
    for (network, licensing, identity, ..) in &TABLE[1..4] {
        let mut world = with_outage(*network, *licensing, *identity);
        world.pass(days(2));
        (world.licensing, world.identity) = (true, true);
        world.pass(minutes(5) + seconds(6));
        assert_eq!(world.view().accounts[0].reach, Reach::Online);
        assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease));
    }
}

#[test]
fn an_outage_is_told_once() {
    let mut world = with_outage(true, false, true);
    let count = |world: &World| {
        world
            .shown
            .iter()
            .filter(|shown| matches!(shown.notice.kind, NoticeKind::Outage))
            .count()
    };
    world.pass(days(2));
    world.start(ATLAS);
    world.restart();
    world.pass(days(2));
    assert_eq!((count(&world), world.shown.len()), (1, 1));
    world.licensing = true;
    world.pass(minutes(10));
    world.licensing = false;
    world.pass(days(2));
    assert_eq!(count(&world), 2, "another outage");
    world.may_first_start(QUARRY, Policy::default());
    world.ask(Ask::SignOut(None));
    world.pass(minutes(10));
    world.sign_in();
    world.start(QUARRY);
    world.pass(days(1));
    assert!(!world.temporaries.is_empty(), "a first start in it");
    assert_eq!(count(&world), 2, "the same one, whoever is signed in");
}

#[test]
fn an_outage_that_nobody_was_shown_is_told_to_whoever_signs_in_next() {
    let mut world = World::signed_in();
    world.may_first_start(QUARRY, Policy::default());
    world.viewer = false;
    world.licensing = false;
    world.start(ATLAS);
    world.pass(minutes(2));
    let is_outage = |kind: &NoticeKind| matches!(kind, NoticeKind::Outage);
    assert!(world.view().notices.iter().any(|notice| is_outage(&notice.kind)));
    world.ask(Ask::SignOut(None));
    world.pass(minutes(1));
    world.viewer = true;
    world.sign_in();
    world.start(QUARRY);
    world.pass(minutes(5));
    let shown = world.shown.iter().filter(|shown| is_outage(&shown.notice.kind));
    assert_eq!(shown.count(), 1);
}

#[test]
fn an_ended_grant_asks_for_sign_in_and_keeps_the_lease() {
    let mut world = World::signed_in();
    world.grant_revoked = true;
    world.pass(days(2));
    assert!(
        world
            .view()
            .problems
            .contains(&latchkey_core::view::Problem::SignInAgain)
    );
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 0);
    let checks = world.checks.len();
    world.pass(days(1));
    assert_eq!(
        world.checks.len(),
        checks,
        "nobody is asked again with a grant that has ended"
    );
    world.sign_in();
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Lease));
    assert_eq!(world.view().problems, []);
}
