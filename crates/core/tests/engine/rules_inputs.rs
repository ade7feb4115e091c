//! Each status × each input: what brings no news leaves every status as it is; what does, leads where it should.

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::{
    Ask, CheckAnswered, CheckFailure, ClientId, Engine, Input, Invitation, Outcome, Side, SignInWish,
    SignedIn, UseKey,
};
use latchkey_core::facts::Facts;
use latchkey_core::jws::Thumbprint;
use latchkey_core::status::Party;
use latchkey_core::vault::VaultTrouble;
use latchkey_core::view::{Problem, SignInResult};

use crate::support::licensing::Seat;
use crate::support::world::{Keyring, User, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, days, hindrance, hours, minutes, seconds};

/// A client that never asked for anything.
const STRANGER: ClientId = 99;

struct Situation {
    code: u16,
    reason: Option<Reason>,
    story: fn() -> (World, UseKey),
}

fn started(mut world: World) -> (World, UseKey) {
    let key = world.start(ATLAS);
    world.pass(seconds(1));
    (world, key)
}

/// Signed in, the lease of Atlas reset, and then this happens before it starts.
fn without_lease(then: fn(&mut World)) -> (World, UseKey) {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(hours(2));
    then(&mut world);
    let key = world.start(ATLAS);
    while matches!(world.status(key).code, 2 | 3) {
        world.pass(seconds(1));
    }
    (world, key)
}

fn refused(code: Code) -> (World, UseKey) {
    let mut world = World::signed_in();
    world.service().seat(ATLAS, Seat::Refused(code));
    world.ask(Ask::Check);
    world.pass(seconds(1));
    started(world)
}

const fn plain(code: u16, story: fn() -> (World, UseKey)) -> Situation {
    Situation {
        code,
        reason: None,
        story,
    }
}

const fn because(reason: Reason, story: fn() -> (World, UseKey)) -> Situation {
    Situation {
        code: 4,
        reason: Some(reason),
        story,
    }
}

fn situations() -> Vec<Situation> {
    vec![
        plain(0, || started(World::signed_in())),
        plain(0, || {
            let mut world = World::signed_in();
            world.set_network(false);
            world.sleep(days(28));
            started(world)
        }),
        plain(3, || {
            let mut world = World::signed_in();
            world.latency = minutes(2);
            started(world)
        }),
        plain(10, || started(World::new())),
        plain(11, || {
            let mut world = World::new();
            world.network = false;
            started(world)
        }),
        plain(12, || {
            let mut world = World::signed_in();
            world.set_network(false);
            world.sleep(days(31));
            started(world)
        }),
        plain(13, || {
            let (mut world, key) = refused(Code::NotAssigned);
            world.pass(minutes(12));
            (world, key)
        }),
        plain(14, || refused(Code::SubscriptionEnded)),
        plain(15, || refused(Code::DeviceLimit)),
        plain(16, || refused(Code::SessionInUse)),
        plain(17, || without_lease(|world| world.identity = false)),
        plain(18, || without_lease(|world| world.licensing = false)),
        plain(19, || {
            without_lease(|world| world.service().seat(ATLAS, Seat::Refused(Code::ClientOutdated)))
        }),
        plain(23, || refused(Code::DeviceReleased)),
        because(Reason::WaitingForUser, || {
            let mut world = World::new();
            world.user = User::Ignores;
            world.ask(Ask::SignIn(SignInWish::default()));
            started(world)
        }),
        because(Reason::VaultLocked, || {
            without_lease(|world| world.keyring = Keyring::Locked)
        }),
        because(Reason::NetworkBlocked, || {
            without_lease(|world| fail(world, Reason::NetworkBlocked))
        }),
        because(Reason::ClockWrong, || {
            without_lease(|world| fail(world, Reason::ClockWrong))
        }),
        because(Reason::ServiceOutdated, || {
            without_lease(|world| fail(world, Reason::ServiceOutdated))
        }),
    ]
}

fn fail(world: &mut World, reason: Reason) {
    world.wire = Wire::Fails(CheckFailure::Hindered(hindrance(reason)));
}

/// Everything that an attempt of long ago, or somebody who has no part in it, may bring.
fn no_news() -> Vec<Input> {
    let stale = |outcome| Input::Outcome {
        attempt: 1_000_000,
        outcome,
    };
    let nothing = CheckAnswered {
        request: "request".to_owned(),
        keys: String::new(),
        products: Vec::new(),
        waiting: Vec::new(),
    };
    let somebody = SignedIn {
        issuer: "https://identity.example".to_owned(),
        subject: "somebody".to_owned(),
        name: "Somebody".to_owned(),
        email: None,
        device: Thumbprint("device-9".to_owned()),
        replaced: None,
    };
    vec![
        Input::Tick,
        Input::Saved(true),
        Input::Shown(vec![7, 8]),
        Input::Release(UseKey {
            client: STRANGER,
            use_id: 1,
        }),
        Input::ClientGone(STRANGER),
        stale(Outcome::OnWire(Party::Identity)),
        stale(Outcome::Checked(Ok(nothing))),
        stale(Outcome::Checked(Err(CheckFailure::SignInAgain))),
        stale(Outcome::Checked(Err(CheckFailure::Vault(VaultTrouble::Locked)))),
        stale(Outcome::Probed {
            licensing: Side::NoRoute,
            identity: Side::NoRoute,
        }),
        stale(Outcome::SignInReady(Invitation {
            issuer: "https://identity.example".to_owned(),
            url: "https://identity.example/authorize".to_owned(),
            code: None,
            expires_in: None,
        })),
        stale(Outcome::SignInReturned),
        stale(Outcome::SignInEnded(Ok(somebody))),
        stale(Outcome::SignInEnded(Err(SignInResult::Denied))),
        stale(Outcome::ReleaseSigned(None)),
        stale(Outcome::ReleaseSent),
        stale(Outcome::ReleaseNotSent { retry_after: None }),
        stale(Outcome::ListeningEnded { retry_after: None }),
        stale(Outcome::Forgotten(true)),
    ]
}

#[test]
fn every_status_stands_and_what_brings_no_news_leaves_it() {
    for situation in situations() {
        let (mut world, key) = (situation.story)();
        let expected = (situation.code, situation.reason);
        let seen = |world: &mut World| {
            let status = world.status(key);
            (status.code, status.reason)
        };
        assert_eq!(seen(&mut world), expected);
        let facts = world.facts_beside_the_clock();
        let revision = world.view().revision;
        for input in no_news() {
            world.input(input.clone());
            assert_eq!(seen(&mut world), expected, "after {input:?}");
        }
        assert_eq!(world.facts_beside_the_clock(), facts, "{expected:?}");
        assert_eq!(world.view().revision, revision, "{expected:?}");
    }
}

#[test]
fn a_restart_of_the_agent_leads_back_to_the_same_status() {
    for situation in situations() {
        // A request on the wire, and whoever waits in a browser, are not remembered.
        if situation.code == 3 || situation.reason == Some(Reason::WaitingForUser) {
            continue;
        }
        let (mut world, key) = (situation.story)();
        world.restart();
        for _ in 0..100 {
            if !matches!(world.status(key).code, 2 | 3) {
                break;
            }
            world.pass(seconds(1));
        }
        let status = world.status(key);
        let expected = match situation.code {
            // Whoever waits for a seat begins to wait anew (rule 14).
            13 => (4, Some(Reason::EntitlementSpreading)),
            code => (code, situation.reason),
        };
        assert_eq!((status.code, status.reason), expected);
    }
}

#[test]
fn from_every_status_signing_out_leads_to_sign_in_and_back() {
    for situation in situations() {
        let (mut world, key) = (situation.story)();
        heal(&mut world);
        world.ask(Ask::CancelSignIn);
        world.ask(Ask::SignOut(Some(SERVICE.to_owned())));
        world.pass(minutes(6));
        assert_eq!(
            world.status(key).code,
            if situation.code == 23 { 23 } else { 10 },
            "{:?}",
            situation.code
        );
        world.sign_in();
        assert_eq!(world.status(key).code, 0, "from {:?}", situation.code);
    }
}

#[test]
fn from_every_status_a_reset_leads_to_a_clean_start() {
    for situation in situations() {
        let (mut world, key) = (situation.story)();
        heal(&mut world);
        world.ask(Ask::Reset(None));
        world.pass(minutes(6));
        world.close(key);
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        assert_eq!(world.status(key).code, 10, "from {:?}", situation.code);
        world.sign_in();
        assert_eq!(world.status(key).code, 0, "from {:?}", situation.code);
    }
}

#[test]
fn from_every_status_what_was_in_the_way_going_away_heals_it() {
    for situation in situations() {
        let (mut world, key) = (situation.story)();
        heal(&mut world);
        world.pass(minutes(6));
        let signed_out = world.view().accounts[0].user.is_none();
        if signed_out {
            world.ask(Ask::CancelSignIn);
            world.sign_in();
        }
        // What was refused is told at the next contact.
        world.ask(Ask::Check);
        world.pass(seconds(5));
        assert_eq!(
            world.status(key).code,
            0,
            "from {:?} {:?}",
            situation.code,
            situation.reason
        );
    }
}

/// Everything works again, and everybody has a seat.
fn heal(world: &mut World) {
    (world.network, world.licensing, world.identity) = (true, true, true);
    (world.wire, world.keyring) = (Wire::Honest, Keyring::Open);
    world.latency = std::time::Duration::from_millis(200);
    world.service().seat(ATLAS, Seat::Assigned);
}

/// The disk is full, and is not any more.
#[test]
fn what_could_not_be_stored_is_told_once_until_it_could() {
    let now = World::new().machine.now();
    let mut engine = Engine::new(Facts::default(), vec![Problem::StateRecovered]);
    for (saved, told) in [
        (false, &[Problem::StateRecovered, Problem::StateNotSaved][..]),
        (false, &[Problem::StateRecovered, Problem::StateNotSaved]),
        (true, &[Problem::StateRecovered]),
    ] {
        engine.handle(&now, Input::Saved(saved));
        assert_eq!(engine.view().problems, told);
    }
}

#[test]
fn everyone_sees_how_many_programs_run_of_what() {
    let mut world = World::signed_in();
    let keys = [world.start(ATLAS), world.start(ATLAS)];
    world.pass(seconds(5));
    let open = |world: &World| {
        let products = world.view().products.iter();
        products.map(|product| product.open).collect::<Vec<_>>()
    };
    assert_eq!(open(&world), [2, 0], "Atlas and Quarry");
    world.close(keys[0]);
    world.service().seat(QUARRY, Seat::Refused(Code::NotAssigned));
    world.start(QUARRY);
    world.pass(seconds(5));
    assert_eq!(open(&world), [1, 0], "whoever waits does not run");
}

#[test]
fn the_agent_stays_for_whoever_has_something_open_and_for_a_sign_in_and_no_longer() {
    let mut world = World::new();
    assert!(world.engine().is_idle(), "nobody has asked for anything");
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    assert!(!world.engine().is_idle(), "a program waits");
    world.close(key);
    assert!(world.engine().is_idle());
    world.user = User::Ignores;
    world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(seconds(5));
    assert!(!world.engine().is_idle(), "a browser is open");
    world.ask(Ask::CancelSignIn);
    assert!(world.engine().is_idle());
    world.sign_in();
    world.pass(minutes(1));
    assert!(!world.engine().is_idle(), "somebody is to be checked every day");
}

#[test]
fn what_is_installed_is_known_as_it_was_told_last() {
    let mut world = World::new();
    world.install(SERVICE, 1, "OTHER");
    assert_eq!(world.engine().registry(), world.registry);
    assert_eq!(world.registry.len(), 3);
}
