//! Which status, where several would fit: the order of the rules' last paragraph, against every combination.

use std::time::Duration;

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::engine::Signed;
use latchkey_core::facts::{Account, Facts, Service};
use latchkey_core::hindrance::Hindrance;
use latchkey_core::jws::Thumbprint;
use latchkey_core::notice::Left;
use latchkey_core::policy::IdentityOutage;
use latchkey_core::proof;
use latchkey_core::registration::Registration;
use latchkey_core::status::{OpenSignIn, Party, Pending, Status, Why, Wire, status};
use latchkey_core::temporary::{self, TemporaryClaims};
use latchkey_core::time::{DAY, MINUTE, Timestamp};
use latchkey_core::view::{Away, Reach};

use crate::support::licensing::{Licensing, Seat};
use crate::support::{ATLAS, SERVICE, device, device_key, hindrance, hours, minutes};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const MILLISECOND: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    Good,
    Ended,
    /// It has ended, and a temporary licence goes on from it.
    Continued,
    /// It is good, and a temporary licence goes on from it.
    Bridged,
    /// Made for another device.
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    Out,
    In,
    /// The grant has ended.
    Again,
}

/// The device key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Here,
    /// The vault does not give it yet.
    Awaited,
    Gone,
}

/// One combination of everything that a status depends on.
#[derive(Clone, Copy, Debug)]
struct Case {
    registered: bool,
    hindrance: Option<Reason>,
    refusal: Option<Code>,
    held: Held,
    confirm: bool,
    wire: Option<Party>,
    sign_in: Option<bool>,
    vault_locked: bool,
    /// It is not there, or does not answer.
    vault_silent: bool,
    /// A seat may just have been assigned.
    spreading: bool,
    key: Key,
    /// It is another one than what is held is bound to.
    unbound: bool,
    user: User,
    reach: Reach,
    /// The service has just answered that it is busy.
    busy: bool,
}

const REASONS: [Option<Reason>; 4] = [
    None,
    Some(Reason::ServiceOutdated),
    Some(Reason::NetworkBlocked),
    Some(Reason::ClockWrong),
];
const REFUSALS: [Option<Code>; 7] = [
    None,
    Some(Code::NotAssigned),
    Some(Code::SubscriptionEnded),
    Some(Code::DeviceLimit),
    Some(Code::SessionInUse),
    Some(Code::ClientOutdated),
    Some(Code::DeviceReleased),
];
const REACHES: [Reach; 7] = [
    Reach::Unknown,
    Reach::Online,
    Reach::Doubtful,
    Reach::Offline,
    Reach::NeitherAnswers,
    Reach::IdentityOutage,
    Reach::LicensingOutage,
];

/// What the rules say, in their order: the first line that fits.
fn by_the_rules(case: &Case) -> (u16, Option<Reason>) {
    let is_offline = matches!(case.reach, Reach::Offline | Reach::NeitherAnswers);
    let case = &match case.unbound {
        // As if nothing were held, and nobody signed in.
        true => Case {
            refusal: None,
            held: Held::Nothing,
            user: User::Again,
            ..*case
        },
        false => *case,
    };
    let has_good_lease = case.held == Held::Good && case.user != User::Out;
    // Rule 7: a temporary licence goes on from the lease, also past its end.
    let is_good = has_good_lease || (case.held == Held::Continued && case.user != User::Out);
    let stands = match case.refusal {
        Some(Code::ClientOutdated) => !has_good_lease,
        Some(_) => true,
        None => false,
    };
    let may_be_over = matches!(case.refusal, Some(Code::SessionInUse | Code::ClientOutdated));
    let asks_anew = may_be_over && case.confirm;
    let waits_at = |party| case.wire == Some(party);
    let first_match = [
        (4, !case.registered, Some(Reason::NotRegistered)),
        (4, case.hindrance == Some(Reason::ServiceOutdated), case.hindrance),
        (
            4,
            case.refusal == Some(Code::NotAssigned) && case.spreading,
            Some(Reason::EntitlementSpreading),
        ),
        // docs/decisions/0003: whoever starts is answered by the check that asks whether the session is still in use.
        (2, asks_anew && waits_at(Party::Identity), None),
        (3, asks_anew && waits_at(Party::Licensing), None),
        (case.refusal.map_or(0, Code::number), stands, None),
        (
            0,
            is_good && case.key == Key::Here && !(case.confirm && case.wire.is_some()),
            None,
        ),
        (2, waits_at(Party::Identity), None),
        (3, waits_at(Party::Licensing), None),
        (4, case.sign_in == Some(true), Some(Reason::WaitingForUser)),
        (4, case.sign_in == Some(false), Some(Reason::WaitingForOther)),
        (
            4,
            case.vault_locked || (is_good && case.key == Key::Awaited),
            Some(Reason::VaultLocked),
        ),
        // Without somebody signed in, it holds nothing that would help.
        (
            4,
            case.vault_silent && case.user == User::In,
            Some(Reason::VaultLocked),
        ),
        (4, case.hindrance.is_some(), case.hindrance),
        (10, is_good, None),
        (12, case.held == Held::Ended && case.user != User::Out, None),
        (21, case.held == Held::Foreign, None),
        (11, is_offline, None),
        (10, case.user != User::In, None),
        (17, case.reach == Reach::IdentityOutage, None),
        (18, case.reach == Reach::LicensingOutage || case.busy, None),
        (11, true, None),
    ];
    let (code, _, reason) = first_match.into_iter().find(|(_, fits, _)| *fits).unwrap();
    (code, reason)
}

struct Shelf {
    service: Licensing,
    registration: Registration,
}

impl Shelf {
    fn new() -> Self {
        let service = Licensing::new(SERVICE, 1);
        let registration = service.registration(ATLAS, "Atlas");
        Self {
            service,
            registration,
        }
    }

    fn sign(&mut self, seat: Seat, device: &Thumbprint, at: Timestamp) -> (String, String) {
        self.service.seat(ATLAS, seat);
        let mut answered = self.service.answer("request", device, &[ATLAS.to_owned()], at);
        let token = match answered.products.remove(0).1 {
            Signed::Lease(token) | Signed::Refusal(token) => token,
        };
        (token, answered.keys)
    }

    /// Facts as they are read from disk, and verified.
    fn facts(&mut self, held: Held, refusal: Option<Code>, user: User) -> Facts {
        let (whose, at) = match held {
            Held::Nothing | Held::Good => (1, NOW - DAY),
            Held::Ended | Held::Continued => (1, NOW - 30 * DAY),
            Held::Bridged => (1, NOW - 2 * DAY),
            Held::Foreign => (2, NOW - DAY),
        };
        let (lease, keys) = self.sign(Seat::Assigned, &device(whose), at);
        let refusal = refusal.map(|code| self.sign(Seat::Refused(code), &device(1), NOW - DAY).0);
        let claims = TemporaryClaims {
            iss: device(1).0,
            aud: ATLAS.to_owned(),
            sub: "user-1".to_owned(),
            iat: (NOW - MINUTE).as_secs(),
            exp: (NOW + MINUTE).as_secs(),
            number: 1,
            lease_hash: Some(proof::hash(&lease)),
            registration_hash: None,
            id_token: None,
        };
        let goes_on = matches!(held, Held::Continued | Held::Bridged);
        let temporary = goes_on.then(|| temporary::sign(&device_key(1), &claims).unwrap());
        let lease = (held != Held::Nothing).then_some(lease);
        let product = serde_json::json!({
            "lease": lease, "refusal": refusal, "seq": 1, "temporary": temporary,
        });
        let service = Service {
            account: (user != User::Out).then(|| Account {
                issuer: "https://identity.example".to_owned(),
                subject: "maya".to_owned(),
                name: "Maya".to_owned(),
                email: None,
                sign_in_again: user == User::Again,
            }),
            device: Some(device(1)),
            keys: Some(keys),
            products: [(ATLAS.to_owned(), serde_json::from_value(product).unwrap())].into(),
            checked_at: Some(NOW - DAY),
            ..Service::default()
        };
        let mut facts = Facts::default();
        facts.services.insert(SERVICE.to_owned(), service);
        facts.verify(std::slice::from_ref(&self.registration));
        facts
    }
}

fn judge(case: &Case, facts: &Facts, registration: &Registration) {
    let wire = |party| Wire {
        party,
        since: NOW,
        until: NOW + MINUTE,
    };
    let pending = Pending {
        wire: case.wire.map(wire),
        confirm: case.confirm,
        sign_in: case.sign_in.map(|for_this_service| OpenSignIn {
            service: if for_this_service {
                SERVICE
            } else {
                "https://other.example"
            }
            .to_owned(),
            since: NOW - MINUTE,
            until: NOW + 14 * MINUTE,
        }),
        reach: case.reach,
        busy: case.busy.then_some(Party::Licensing),
        running: false,
        vault_locked: case.vault_locked.then_some(NOW - MINUTE),
        vault_silent: case.vault_silent.then_some(NOW - MINUTE),
        spreading: case.spreading.then_some((NOW - MINUTE, NOW + MINUTE)),
        key_awaited: (case.key == Key::Awaited).then_some(NOW - MINUTE),
        keyless: case.key == Key::Gone,
        unbound: case.unbound,
        hindrance: case.hindrance.map(|reason| (hindrance(reason), NOW - MINUTE)),
    };
    let seen = status(facts, &pending, case.registered.then_some(registration), NOW);
    let view = seen.view(NOW, None);
    assert_eq!((view.code, view.reason), by_the_rules(case), "{case:?}");
    assert_eq!(
        view.basis.is_some(),
        view.code == 0,
        "a basis belongs to OK: {case:?}"
    );
    let is_silent = view.reason == Some(Reason::VaultLocked) && view.until.is_none();
    assert!(
        !is_silent || (case.vault_silent && !case.vault_locked),
        "{case:?}"
    );
    let names_somebody = matches!(
        view.reason,
        Some(
            Reason::WaitingForUser
                | Reason::WaitingForOther
                | Reason::VaultLocked
                | Reason::EntitlementSpreading
        )
    );
    let awaited = names_somebody && !is_silent;
    assert_eq!(
        view.is_pending(),
        awaited || matches!(view.code, 2 | 3),
        "{case:?}"
    );
    if view.code == 4 {
        assert!(view.since.is_some(), "{case:?}");
        assert_eq!(view.until.is_some(), awaited, "{case:?}");
    }
}

#[test]
fn every_combination_has_the_status_that_the_rules_name_first() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    let mut judged = 0;
    for refusal in REFUSALS {
        for held in [
            Held::Nothing,
            Held::Good,
            Held::Ended,
            Held::Continued,
            Held::Foreign,
        ] {
            for user in [User::Out, User::In, User::Again] {
                let facts = shelf.facts(held, refusal, user);
                let case = |pick: usize| pending_case(pick, refusal, held, user);
                for pick in 0..PENDING_CASES {
                    judge(&case(pick), &facts, &registration);
                    judged += 1;
                }
            }
        }
    }
    assert_eq!(judged, 7 * 5 * 3 * PENDING_CASES);
}

const PENDING_CASES: usize = 2 * 4 * 2 * 3 * 3 * 2 * 2 * 3 * 2 * 7;

/// The `pick`-th combination of what the running agent knows.
fn pending_case(mut pick: usize, refusal: Option<Code>, held: Held, user: User) -> Case {
    let mut one_of = |count: usize| {
        let chosen = pick % count;
        pick /= count;
        chosen
    };
    Case {
        registered: one_of(2) == 0,
        hindrance: REASONS[one_of(4)],
        refusal,
        held,
        confirm: one_of(2) == 0,
        wire: [None, Some(Party::Identity), Some(Party::Licensing)][one_of(3)],
        sign_in: [None, Some(true), Some(false)][one_of(3)],
        vault_locked: one_of(2) == 0,
        vault_silent: false,
        spreading: one_of(2) == 0,
        key: [Key::Here, Key::Awaited, Key::Gone][one_of(3)],
        unbound: one_of(2) == 0,
        user,
        reach: REACHES[one_of(7)],
        busy: false,
    }
}

/// Every eleventh of those combinations: each of them meets each of the others.
#[test]
fn and_so_has_every_combination_with_a_busy_service_or_a_keyring_that_says_nothing() {
    let mut shelf = Shelf::new();
    let registration = shelf.registration.clone();
    for held in [Held::Nothing, Held::Good, Held::Ended] {
        for user in [User::Out, User::In, User::Again] {
            let facts = shelf.facts(held, None, user);
            for (busy, vault_silent) in [(true, false), (false, true), (true, true)] {
                for pick in (0..PENDING_CASES).step_by(11) {
                    let case = Case {
                        busy,
                        vault_silent,
                        ..pending_case(pick, None, held, user)
                    };
                    judge(&case, &facts, &registration);
                }
            }
        }
    }
}

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
