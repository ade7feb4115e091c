//! Which status, where several would fit: the order of the rules' last paragraph, against every combination.

mod bounds;

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::Signed;
use latchkey_core::facts::{Account, Facts, Service};
use latchkey_core::jws::Thumbprint;
use latchkey_core::proof;
use latchkey_core::registration::Registration;
use latchkey_core::status::{OpenSignIn, Party, Pending, Wire, status};
use latchkey_core::temporary::{self, TemporaryClaims};
use latchkey_core::time::{DAY, MINUTE, Timestamp};
use latchkey_core::view::Reach;

use crate::support::licensing::{Licensing, Seat};
use crate::support::{ATLAS, SERVICE, device, device_key, hindrance};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

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
        (
            4,
            case.sign_in == Some(false) && (case.user != User::In || case.unbound || case.key == Key::Gone),
            Some(Reason::WaitingForOther),
        ),
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
