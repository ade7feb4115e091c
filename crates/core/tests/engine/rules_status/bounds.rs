//! A status at its exact bounds, and all that it says.

use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::facts::Facts;
use latchkey_core::hindrance::Hindrance;
use latchkey_core::notice::Left;
use latchkey_core::policy::IdentityOutage;
use latchkey_core::status::{OpenSignIn, Party, Pending, Status, Why, Wire, status};
use latchkey_core::time::{DAY, MINUTE};
use latchkey_core::view::{Away, Reach};

use super::{Held, NOW, REACHES, Shelf, User};
use crate::support::{SERVICE, hours, minutes};

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn a_lease_whose_time_has_not_come_is_not_believed() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let facts = shelf.facts(Held::Good, None, User::In);
    let early = NOW - 2 * DAY;
    let seen = status(&facts, &Pending::default(), Some(&registration), early);
    assert_eq!(
        seen,
        Status::LeaseInvalid,
        "the clock is behind what the service signed"
    );
}

/// Rules 3 and 7: a temporary licence is for an outage. Offline the days of the lease are counted, and so they are under rule 6.
#[test]
fn with_both_the_lease_counts_offline_and_the_temporary_licence_in_an_outage() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let facts = shelf.facts(Held::Bridged, None, User::In);
    for reach in REACHES {
        let pending = Pending {
            reach,
            ..Pending::default()
        };
        let seen = status(&facts, &pending, Some(&registration), NOW);
        let expected = match reach {
            Reach::Offline | Reach::NeitherAnswers | Reach::IdentityOutage => (Basis::Grace, NOW + 28 * DAY),
            _ => (Basis::Temporary, NOW + MINUTE),
        };
        let (basis, until) = expected;
        let away = (basis == Basis::Grace).then(|| Away::from(reach));
        let detail = None;
        assert_eq!(
            seen,
            Status::Ok {
                basis,
                away,
                detail,
                until
            },
            "{reach:?}"
        );
    }
}

#[test]
fn with_three_days_left_it_is_no_final_warning_and_with_less_it_is() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let facts = shelf.facts(Held::Good, None, User::In);
    let basis = |left| {
        let now = NOW + 29 * DAY - left;
        let seen = status(&facts, &Pending::default(), Some(&registration), now);
        seen.view(now, None).basis
    };
    assert_eq!(basis(3 * DAY), Some(Basis::Grace));
    assert_eq!(basis(3 * DAY - MILLISECOND), Some(Basis::FinalWarning));
}

/// Rule 3: a day and a minute, because the check that is due after a day may take one.
#[test]
fn a_lease_is_unconfirmed_from_a_day_and_a_minute_without_a_check() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let facts = shelf.facts(Held::Good, None, User::In);
    let basis = |now| {
        let seen = status(&facts, &Pending::default(), Some(&registration), now);
        seen.view(now, None).basis
    };
    assert_eq!(basis(NOW + MINUTE - MILLISECOND), Some(Basis::Lease));
    assert_eq!(basis(NOW + MINUTE), Some(Basis::Grace));
}

#[test]
fn under_deny_what_is_open_runs_until_a_day_after_the_last_check_exclusive() {
    let mut shelf = Shelf::new();
    shelf.service.policy.identity_outage = IdentityOutage::Deny;
    let registration = shelf.registration.clone();
    let facts = shelf.facts(Held::Good, None, User::In);
    let pending = Pending {
        reach: Reach::IdentityOutage,
        running: true,
        ..Pending::default()
    };
    let code = |now| status(&facts, &pending, Some(&registration), now).code();
    assert_eq!(code(NOW - MILLISECOND), Code::Ok);
    assert_eq!(code(NOW), Code::IdentityUnavailable);
}

#[test]
fn at_its_deadline_nobody_is_awaited_at_the_keyring_any_more() {
    let registration = Shelf::new().registration;
    let pending = Pending {
        vault_locked: Some(NOW),
        ..Pending::default()
    };
    let deadline = NOW + 15 * MINUTE;
    for (now, until) in [(deadline - MILLISECOND, Some(deadline)), (deadline, None)] {
        let seen = status(&Facts::default(), &pending, Some(&registration), now);
        let awaited = Status::AuthPending {
            why: Why::VaultLocked,
            since: NOW,
            until,
        };
        assert_eq!(seen, awaited);
    }
}

/// Whoever shows a status shows its name, since when, until when and what is left.
#[test]
fn a_status_says_what_it_has_to_say() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let mut seen = |held, refusal| {
        let facts = shelf.facts(held, refusal, User::In);
        status(&facts, &Pending::default(), Some(&registration), NOW).view(NOW, None)
    };
    let good = seen(Held::Good, None);
    assert_eq!(
        (good.name.as_str(), good.until, good.left),
        ("OK", Some(NOW + 29 * DAY), Some(Left::Days(29)))
    );
    let ended = seen(Held::Ended, None);
    assert_eq!(
        (ended.name.as_str(), ended.since, ended.until),
        ("OFFLINE_LIMIT_REACHED", Some(NOW), Some(NOW))
    );
    let refused = seen(Held::Nothing, Some(Code::NotAssigned));
    assert_eq!(refused.name, "NOT_ASSIGNED");
    assert_eq!(refused.since, Some(NOW - DAY), "when the service said so");
    assert!(refused.detail.is_some());
}

#[test]
fn numbers_and_names_are_the_rules_own() {
    let table = [
        (0, "OK"),
        (1, "CONNECTING"),
        (2, "PENDING_IDENTITY"),
        (3, "PENDING_LICENSING"),
        (4, "AUTH_PENDING"),
        (10, "SIGN_IN_REQUIRED"),
        (11, "FIRST_START_OFFLINE"),
        (12, "OFFLINE_LIMIT_REACHED"),
        (13, "NOT_ASSIGNED"),
        (14, "SUBSCRIPTION_ENDED"),
        (15, "DEVICE_LIMIT"),
        (16, "SESSION_IN_USE"),
        (17, "IDENTITY_UNAVAILABLE"),
        (18, "LICENSING_UNAVAILABLE"),
        (19, "CLIENT_OUTDATED"),
        (20, "AGENT_NOT_FOUND"),
        (21, "LEASE_INVALID"),
        (22, "INVALID_ARGUMENT"),
        (23, "DEVICE_RELEASED"),
    ];
    let known: Vec<(u16, &str)> = Code::ALL
        .iter()
        .map(|code| (code.number(), code.name()))
        .collect();
    assert_eq!(known, table);
}

/// Two services of which the one is some seconds behind the other: what the later one signed is good by the clock of the former.
#[test]
fn a_lease_of_a_service_whose_clock_is_a_little_ahead_is_good() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let facts = shelf.facts(Held::Good, None, User::In);
    let signed_at = facts.held(&registration.service, &registration.product);
    let signed_at = signed_at.and_then(|held| held.lease()).unwrap().checked_at();
    for (before, good) in [(5 * MINUTE, true), (6 * MINUTE, false)] {
        let seen = status(
            &facts,
            &Pending::default(),
            Some(&registration),
            signed_at - before,
        );
        assert_eq!(matches!(seen, Status::Ok { .. }), good, "{before:?}: {seen:?}");
    }
}

/// What is pending at a service whose clock is ahead is told in its time, whatever it is.
#[test]
fn everything_that_is_pending_is_told_in_the_time_of_its_service() {
    let at = NOW;
    let wire = Wire {
        party: Party::Licensing,
        since: at,
        until: at + minutes(1),
    };
    let pending = Pending {
        wire: Some(wire),
        sign_in: Some(OpenSignIn {
            service: SERVICE.to_owned(),
            since: at,
            until: at + minutes(15),
        }),
        vault_locked: Some(at),
        vault_silent: Some(at),
        key_awaited: Some(at),
        spreading: Some((at, at + minutes(2))),
        hindrance: Some((Hindrance::ServiceOutdated, at)),
        ..Pending::default()
    };
    let their = at + hours(1);
    let shifted = pending.shifted(3_600_000);
    let wire = shifted.wire.unwrap();
    assert_eq!((wire.since, wire.until), (their, their + minutes(1)));
    let sign_in = shifted.sign_in.unwrap();
    assert_eq!((sign_in.since, sign_in.until), (their, their + minutes(15)));
    assert_eq!(shifted.vault_locked, Some(their));
    assert_eq!(shifted.vault_silent, Some(their));
    assert_eq!(shifted.key_awaited, Some(their));
    assert_eq!(shifted.spreading, Some((their, their + minutes(2))));
    assert_eq!(shifted.hindrance, Some((Hindrance::ServiceOutdated, their)));
}
