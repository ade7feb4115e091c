//! Rules 2, 13 and 19: when a check is made, and what it brings.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::{Answer, Ask, CheckFailure, Input};
use latchkey_core::policy::{Policy, SessionPolicy};
use latchkey_core::time::{DAY, Timestamp};
use latchkey_core::view::Reach;

use crate::support::world::{Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, days, hours, minutes, seconds};

/// The leases' ends, by product.
fn ends(world: &World) -> Vec<Timestamp> {
    let end = |product| {
        world
            .facts()
            .held(SERVICE, product)?
            .lease()
            .map(|lease| lease.until())
    };
    [ATLAS, QUARRY].into_iter().filter_map(end).collect()
}

#[test]
fn a_check_covers_every_product_and_is_good_for_thirty_days_by_the_services_clock() {
    let mut world = World::signed_in();
    world.machine.wall_ahead = -5 * 86_400_000;
    world.pass(days(2));
    let before = world.checks.len();
    world.start(ATLAS);
    let asked = Timestamp::from_secs(world.machine.real.as_secs());
    world.pass(seconds(1));
    assert_eq!(world.checks.len(), before + 1);
    assert_eq!(ends(&world), [asked + 30 * DAY, asked + 30 * DAY]);
}

#[test]
fn somebody_signed_in_is_checked_before_a_day_has_passed_also_with_nothing_open() {
    let mut world = World::signed_in();
    world.pass(days(20));
    let gaps: Vec<Duration> = world.checks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() >= 20, "{gaps:?}");
    for gap in &gaps {
        assert!(*gap <= DAY + seconds(1), "later than a day: {gap:?}");
        assert!(*gap >= DAY * 9 / 10 - seconds(1), "too often: {gap:?}");
    }
    assert!(
        gaps.iter().any(|gap| *gap < DAY - minutes(5)),
        "spread by jitter: {gaps:?}"
    );
}

#[test]
fn nobody_signed_in_is_nobody_checked_and_the_agent_may_sleep_for_ever() {
    let mut world = World::new();
    let handled = world.handled;
    world.pass(days(20));
    assert_eq!((world.checks.len(), world.handled), (0, handled));
}

#[test]
fn credentials_are_refreshed_as_often_as_the_policy_says() {
    // Where the products have different ones, as the shortest says.
    for short in [ATLAS, QUARRY] {
        let mut world = World::new();
        let policy = Policy {
            credentials_refresh_every: hours(8),
            ..Policy::default()
        };
        world.service().policies.insert(short.to_owned(), policy);
        world.sign_in();
        world.pass(days(10));
        let gaps = world.checks.windows(2).map(|pair| pair[1] - pair[0]);
        for gap in gaps {
            assert!(gap <= hours(8) + seconds(1), "rule 13: {gap:?}");
        }
        // The check comes by up to a tenth early, and what is that old is renewed all the same.
        let orders = world.orders[1..].iter();
        let asked: BTreeSet<Duration> = orders.map(|order| order.refresh_every).collect();
        assert_eq!(asked, BTreeSet::from([hours(8) - minutes(48)]), "{short}");
    }
}

#[test]
fn what_makes_a_check_at_once() {
    type Event = fn(&mut World);
    let events: [(&str, Event); 6] = [
        ("a start", |world| {
            world.start(ATLAS);
        }),
        ("the network's return", |world| world.set_network(true)),
        ("sleep", |world| world.sleep(hours(1))),
        ("preparing for offline", |world| {
            world.ask(Ask::Check);
        }),
        ("what this machine has changed at the service", |world| {
            world.input(Input::Changed(SERVICE.to_owned()));
        }),
        ("a product that was never checked", |world| {
            world.install("https://licence.example", 1, "NEW")
        }),
    ];
    for (what, event) in events {
        let mut world = World::signed_in();
        world.pass(hours(3));
        let before = world.checks.len();
        event(&mut world);
        world.pass(seconds(1));
        assert_eq!(world.checks.len(), before + 1, "{what}");
    }
}

#[test]
fn a_start_with_a_good_lease_waits_for_its_check_three_seconds_at_most() {
    // Policy, how long the service takes, whether there is a network, and when the start is answered.
    let table = [
        (SessionPolicy::Takeover, 1_000, true, 1_000),
        (SessionPolicy::Takeover, 30_000, true, 3_000),
        (SessionPolicy::Deny, 30_000, true, 3_000),
        (SessionPolicy::Report, 30_000, true, 0),
        (SessionPolicy::Takeover, 30_000, false, 0),
    ];
    for (session_policy, latency, online, answered_after) in table {
        let mut world = World::new();
        world.service().policy.session_policy = session_policy;
        world.sign_in();
        world.latency = Duration::from_millis(latency);
        world.set_network(online);
        world.pass(minutes(1));
        let key = world.start(ATLAS);
        let answered = Duration::from_millis(answered_after);
        let case = format!("{session_policy:?}, {latency} ms, online {online}");
        if answered > Duration::ZERO {
            world.pass(answered - Duration::from_millis(1));
            assert_eq!(world.status(key).code, 3, "{case}");
            world.pass(Duration::from_millis(1));
        }
        assert_eq!(world.status(key).code, 0, "{case}");
    }
}

#[test]
fn it_is_told_which_service_is_being_asked() {
    let mut world = World::signed_in();
    world.pass(hours(2));
    let key = world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(world.told(key), [3, 2, 3, 0], "the access token had ended");
}

#[test]
fn who_starts_a_product_of_one_service_asks_no_other() {
    let mut world = World::new();
    let other = "https://licence.other.example";
    world.install(other, 9, "OTHER");
    world.start(ATLAS);
    world.pass(minutes(1));
    world.recording = true;
    world.set_network(true);
    world.pass(minutes(1));
    let probes = |service: &str| {
        let probes = world.record.iter().filter(|effect| effect.contains("Probe"));
        probes.filter(|effect| effect.contains(service)).count()
    };
    assert_eq!((probes(SERVICE), probes(other)), (1, 0), "{:?}", world.record);
}

#[test]
fn the_answer_a_start_waited_for_counts() {
    let mut world = World::signed_in();
    world.service().seat(
        ATLAS,
        crate::support::licensing::Seat::Refused(Code::SessionInUse),
    );
    let key = world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(world.told(key), [3, 16]);
}

#[test]
fn failed_checks_back_off_with_jitter_up_to_five_minutes() {
    let mut world = World::signed_in();
    let first = world.checks.len();
    world.set_network(false);
    world.pass(days(1));
    let gaps: Vec<Duration> = world.checks[first..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    for (before, gap) in gaps.iter().enumerate() {
        let ceiling = seconds(1 << before.min(16)).min(minutes(5)) + seconds(1);
        assert!(*gap <= ceiling, "{gap:?} after {before} failures and one more");
    }
    let late = &gaps[12..];
    let mean = late.iter().sum::<Duration>() / u32::try_from(late.len()).unwrap();
    assert!(
        mean > minutes(2) && mean < minutes(3),
        "full jitter: {mean:?} on average"
    );
}

#[test]
fn a_busy_service_is_asked_again_when_it_says_and_is_no_outage() {
    let said = [(Some(seconds(90)), 90), (Some(hours(1)), 270), (None, 0)];
    let cases = said.into_iter().flat_map(|(said, waits)| {
        let licensing = CheckFailure::Busy { retry_after: said };
        let identity = CheckFailure::IdentityBusy { retry_after: said };
        [(licensing, said, waits), (identity, said, waits)]
    });
    for (busy, said, waits) in cases {
        let mut world = World::signed_in();
        world.wire = Wire::Fails(busy);
        let first = world.checks.len();
        world.ask(Ask::Check);
        world.pass(minutes(11));
        let gap = world.checks[first + 1] - world.checks[first];
        assert!(
            gap >= seconds(waits) && gap <= seconds(waits.max(1) + waits / 10 + 1),
            "{gap:?} for {said:?}"
        );
        assert_eq!(world.view().accounts[0].reach, Reach::Online);
        assert_eq!(world.code(ATLAS), 0);
    }
}

/// Rule 8 decides on two failures, and the second is not put off. From then on it is asked when it says.
#[test]
fn an_identity_service_that_is_out_is_asked_again_when_it_says() {
    let mut world = World::signed_in();
    world.wire = Wire::Fails(CheckFailure::IdentityOut {
        retry_after: seconds(90),
    });
    let first = world.checks.len();
    world.ask(Ask::Check);
    world.pass(minutes(6));
    assert_eq!(world.view().accounts[0].reach, Reach::IdentityOutage);
    let gaps: Vec<_> = world.checks[first..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(gaps.len() >= 3 && gaps[0] <= seconds(11), "{gaps:?}");
    assert!(
        gaps[1..]
            .iter()
            .all(|gap| (seconds(90)..=seconds(100)).contains(gap)),
        "{gaps:?}"
    );
}

#[test]
fn preparing_for_offline_says_until_when_the_device_is_good() {
    let mut world = World::signed_in();
    world.pass(days(1) - hours(3));
    let ticket = world.ask(Ask::Check);
    assert_eq!(world.answer(ticket), None, "not before the check has answered");
    world.pass(seconds(1));
    let until = ends(&world)[0];
    assert_eq!(
        world.answer(ticket),
        Some(&Answer::Checked { until: Some(until) })
    );
    assert!(until > world.machine.real + (30 * DAY - minutes(1)));
}

#[test]
fn preparing_for_offline_says_why_it_could_not() {
    type Fault = fn(&mut World);
    let faults: [(&str, Fault, Code); 5] = [
        (
            "offline",
            |world| world.network = false,
            Code::LicensingUnavailable,
        ),
        (
            "neither_answers",
            |world| {
                (world.licensing, world.identity) = (false, false);
                world.pass(hours(2));
            },
            Code::LicensingUnavailable,
        ),
        (
            "licensing_unreachable",
            |world| world.licensing = false,
            Code::LicensingUnavailable,
        ),
        (
            "service_busy",
            |world| world.wire = Wire::Fails(CheckFailure::Busy { retry_after: None }),
            Code::LicensingUnavailable,
        ),
        (
            "sign_in_again",
            |world| {
                world.grant_revoked = true;
                world.pass(hours(2));
            },
            Code::SignInRequired,
        ),
    ];
    for (problem, fault, code) in faults {
        let mut world = World::signed_in();
        fault(&mut world);
        let ticket = world.ask(Ask::Check);
        world.pass(minutes(2));
        let refused = Answer::Refused {
            code,
            problem: problem.to_owned(),
        };
        assert_eq!(world.answer(ticket), Some(&refused));
    }
}

#[test]
fn preparing_for_offline_needs_a_product_and_somebody_signed_in() {
    let mut world = World::new();
    for (code, problem) in [
        (Code::SignInRequired, "not_signed_in"),
        (Code::InvalidArgument, "no_products"),
    ] {
        let ticket = world.ask(Ask::Check);
        let refused = Answer::Refused {
            code,
            problem: problem.to_owned(),
        };
        assert_eq!(world.answer(ticket), Some(&refused));
        world.input(Input::Registry(Vec::new()));
    }
}

#[test]
fn the_id_token_is_sent_once_and_again_when_the_service_asks_for_it() {
    let mut world = World::signed_in();
    world.service().knows_user = false;
    world.ask(Ask::Check);
    world.pass(seconds(10));
    assert!(world.service().knows_user, "it was told who the user is");
    assert_eq!(world.view().accounts[0].reach, Reach::Online);
}

#[test]
fn a_lease_that_ends_with_its_subscription_is_asked_about_when_it_ends() {
    for renewed in [true, false] {
        let mut world = World::new();
        let end = world.machine.real + hours(9);
        world.service().subscription_ends = Some(end);
        world.sign_in();
        assert_eq!(world.product(ATLAS).until, Some(end));
        if renewed {
            world.pass(hours(2));
            world.service().subscription_ends = None;
        }
        let left = end.since(world.machine.real);
        world.pass(left + minutes(1));
        assert_eq!(
            world.code(ATLAS),
            if renewed { 0 } else { 14 },
            "with nothing open"
        );
        let checks = world.checks.len();
        world.pass(days(1) - minutes(3));
        assert!(
            world.checks.len() <= checks + 1,
            "and it is not asked about again and again"
        );
    }
}

/// The cable is put back while a try is under way that began without it.
#[test]
fn who_asks_while_a_check_is_under_way_that_fails_has_the_next_one() {
    let mut world = World::signed_in();
    (world.licensing, world.latency) = (false, seconds(2));
    let before = world.ask(Ask::Check);
    world.pass(seconds(1));
    world.licensing = true;
    let after = world.ask(Ask::Check);
    world.pass(seconds(10));
    let told = world.answer(before);
    assert!(matches!(told, Some(Answer::Refused { .. })), "{told:?}");
    let told = world.answer(after);
    assert!(matches!(told, Some(Answer::Checked { .. })), "{told:?}");

    // Something else has answered, and the identity service is being asked: the next check is theirs.
    (world.wire, world.latency) = (Wire::Foreign, seconds(2));
    world.ask(Ask::Check);
    world.pass(seconds(3));
    world.licensing = false;
    let meanwhile = world.ask(Ask::Check);
    world.pass(seconds(10));
    let told = world.answer(meanwhile);
    assert!(matches!(told, Some(Answer::Refused { .. })), "{told:?}");
    world.wire = Wire::Honest;

    // Nobody waits for more than one more.
    world.licensing = false;
    let late: Vec<_> = (0..3)
        .map(|_| {
            let ticket = world.ask(Ask::Check);
            world.pass(seconds(1));
            ticket
        })
        .collect();
    world.pass(seconds(10));
    for ticket in late {
        let told = world.answer(ticket);
        assert!(matches!(told, Some(Answer::Refused { .. })), "{told:?}");
    }
}
