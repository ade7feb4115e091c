//! The vault: whatever stands in its way is named, signs nobody out and stops no good lease.

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::{Answer, Ask, CheckFailure, Engine, Input, SignInWish};
use latchkey_core::facts::Facts;
use latchkey_core::jws::Thumbprint;
use latchkey_core::vault::{KeyState, VaultKind, VaultTrouble};
use latchkey_core::view::{Line, Problem};

use crate::support::licensing::Seat;
use crate::support::world::{Keyring, User, Wire, World};
use crate::support::{ATLAS, SERVICE, at, days, device, hours, minutes, seconds};

const TROUBLES: [VaultTrouble; 9] = [
    VaultTrouble::Locked,
    VaultTrouble::Prompting,
    VaultTrouble::NoPassphrase,
    VaultTrouble::PassphraseFile,
    VaultTrouble::Unavailable,
    VaultTrouble::Hung,
    VaultTrouble::ReadOnly,
    VaultTrouble::Damaged,
    VaultTrouble::TooNew,
];

#[test]
fn each_obstacle_has_a_name_of_its_own_and_signs_nobody_out() {
    for trouble in TROUBLES {
        let mut world = World::signed_in();
        world.wire = Wire::Fails(CheckFailure::Vault(trouble));
        let ticket = world.ask(Ask::Check);
        world.pass(days(2));
        assert_eq!(world.view().problems, [trouble.problem()]);
        let told = world.answer(ticket);
        assert!(
            matches!(told, Some(Answer::Refused { problem, .. }) if problem == trouble.key()),
            "{told:?}"
        );
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        assert_eq!(world.status(key).code, 0, "{trouble:?}");
        assert!(world.view().accounts[0].user.is_some(), "{trouble:?}");
        let waits = world.view().headline.line == Line::VaultLocked;
        assert_eq!(waits, trouble.awaits_user(), "{trouble:?}");
        world.wire = Wire::Honest;
        world.pass(minutes(6));
        let left: &[Problem] = match trouble {
            // That a check went well says nothing about whether anything can be written.
            VaultTrouble::ReadOnly => &[Problem::VaultReadOnly],
            _ => &[],
        };
        assert_eq!(world.view().problems, left);
        world.input(Input::Vault(None));
        assert_eq!(world.view().problems, []);
    }
}

#[test]
fn what_the_user_has_opened_is_used_at_once() {
    let mut world = World::signed_in();
    world.keyring = Keyring::Locked;
    world.input(Input::Vault(Some(VaultTrouble::Locked)));
    world.pass(days(2));
    let checks = world.checks.len();
    world.keyring = Keyring::Open;
    world.input(Input::Vault(None));
    world.pass(seconds(1));
    assert_eq!(world.checks.len(), checks + 1);
    assert_eq!(world.view().problems, []);
    world.input(Input::Vault(None));
    world.pass(seconds(1));
    assert_eq!(world.checks.len(), checks + 1, "nothing was opened");
}

/// The user unlocks it while a check waits for them.
#[test]
fn what_is_under_way_when_it_is_opened_is_not_begun_again() {
    let mut world = World::signed_in();
    world.input(Input::Vault(Some(VaultTrouble::Prompting)));
    world.latency = seconds(5);
    world.ask(Ask::Check);
    let checks = world.checks.len();
    world.input(Input::Vault(None));
    world.pass(minutes(1));
    assert_eq!(world.checks.len(), checks);
}

#[test]
fn a_network_that_is_away_does_not_hide_a_locked_vault() {
    let mut world = World::signed_in();
    world.input(Input::Vault(Some(VaultTrouble::Locked)));
    world.set_network(false);
    world.pass(minutes(1));
    assert_eq!(world.view().problems, [Problem::VaultLocked]);
}

#[test]
fn an_entry_that_somebody_removed_is_named_and_the_lease_stays() {
    let mut world = World::signed_in();
    world.vault.clear();
    let ticket = world.ask(Ask::Check);
    world.pass(seconds(5));
    assert!(
        matches!(world.answer(ticket), Some(Answer::Refused { problem, .. }) if problem == "vault_entry_gone")
    );
    // The reason is the entry, and not that the identity service wants anything.
    assert_eq!(world.view().problems, [Problem::VaultEntryGone]);
    assert!(matches!(world.view().headline.line, Line::SignInAgain { .. }));
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 0, "this agent still has the device key");
    world.sign_in();
    assert_eq!(world.view().problems, []);
    assert_eq!(world.product(ATLAS).code, 0);
}

#[test]
fn without_the_device_key_nothing_runs_and_nothing_is_lost() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.restart();
    let service = SERVICE.to_owned();
    let key = KeyState::Gone;
    world.input(Input::Key { service, key });
    assert_eq!(world.view().problems, [Problem::VaultEntryGone]);
    let start = world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.status(start).code, 10);
    assert_eq!(world.product(ATLAS).code, 10, "everyone is told the same");
    assert!(world.facts().held(SERVICE, ATLAS).unwrap().lease().is_some());
    let service = SERVICE.to_owned();
    let key = KeyState::Held(world.facts().services[SERVICE].device.clone().unwrap());
    world.input(Input::Key { service, key });
    world.pass(seconds(1));
    assert_eq!(world.status(start).code, 0);
}

/// The agent starts before the keyring is unlocked: what is held is good, and cannot be proven to anybody yet.
#[test]
fn while_the_vault_keeps_the_key_everyone_is_told_so_and_what_is_open_runs_on() {
    let key = |key| Input::Key {
        service: SERVICE.to_owned(),
        key,
    };
    for trouble in [VaultTrouble::Locked, VaultTrouble::Unavailable] {
        let mut world = World::signed_in();
        let open = world.start(ATLAS);
        world.pass(seconds(5));
        world.set_network(false);
        world.restart();
        world.authorize(open, ATLAS, true);
        let begun = world.trusted();
        world.input(Input::Vault(Some(trouble)));
        world.input(key(KeyState::Awaited));
        let start = world.start(ATLAS);
        let told = |world: &World| {
            let (one, all) = (world.status(start), world.product(ATLAS));
            assert_eq!(
                (one.code, one.reason),
                (4, Some(Reason::VaultLocked)),
                "{trouble:?}"
            );
            assert_eq!(
                (all.code, all.reason),
                (4, Some(Reason::VaultLocked)),
                "everyone is told the same"
            );
            let running = world.status(open);
            assert_eq!((running.code, running.stop_at), (4, None), "{trouble:?}");
            assert_eq!(world.view().headline.line, Line::VaultLocked);
            (one.since, one.until)
        };
        world.pass(seconds(10));
        assert_eq!(told(&world), (Some(begun), Some(begun + minutes(15))));
        world.pass(minutes(5));
        let too = world.start(ATLAS);
        world.pass(seconds(10));
        let waiting = told(&world);
        assert_eq!(
            waiting,
            (Some(begun), Some(begun + minutes(15))),
            "for as long as before"
        );
        world.close(too);
        world.pass(minutes(10));
        assert_eq!(told(&world), (Some(begun), None), "nobody is awaited any more");
        let again = world.start(ATLAS);
        world.pass(seconds(10));
        let anew = world.status(again).since.unwrap();
        assert!(anew >= begun + minutes(15), "the next start waits anew");
        assert_eq!(told(&world), (Some(anew), Some(anew + minutes(15))));

        let held = KeyState::Held(world.facts().services[SERVICE].device.clone().unwrap());
        world.input(Input::Vault(None));
        world.input(key(held));
        world.pass(seconds(1));
        assert_eq!((world.status(start).code, world.status(open).code), (0, 0));
        assert_eq!(world.product(ATLAS).code, 0);
        assert!(matches!(world.view().headline.line, Line::Offline { .. }));
    }
}

#[test]
fn that_nobody_is_awaited_any_more_is_shown_when_it_is_so() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.restart();
    world.input(Input::Key {
        service: SERVICE.to_owned(),
        key: KeyState::Awaited,
    });
    let begun = world.trusted();
    world.start(ATLAS);
    world.pass(seconds(1));
    let shown = |world: &World| {
        let mut products = world.view().products.iter();
        products
            .find(|product| product.product == ATLAS)
            .unwrap()
            .status
            .until
    };
    assert_eq!(shown(&world), Some(begun + minutes(15)));
    world.pass(minutes(15));
    assert_eq!(shown(&world), None);
}

#[test]
fn how_long_a_key_has_been_awaited_does_not_jump_with_the_clock() {
    for wrong in [-300, 300] {
        let mut world = World::signed_in();
        world.licensing = false;
        world.machine.wall_ahead = wrong * 86_400_000;
        world.reboot(if wrong < 0 { days(300) } else { minutes(1) });
        world.input(Input::Key {
            service: SERVICE.to_owned(),
            key: KeyState::Awaited,
        });
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        world.licensing = true;
        world.pass(minutes(6));
        let status = world.status(key);
        assert_eq!(status.reason, Some(Reason::VaultLocked), "the check was answered");
        let waited = world.trusted().offset_from(status.since.unwrap());
        assert!((6 * 60_000..8 * 60_000).contains(&waited), "{waited} ms");
    }
}

/// What has ended has ended, whoever has the key.
#[test]
fn a_key_that_is_awaited_hides_no_end() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.pass(days(31));
    world.restart();
    world.input(Input::Key {
        service: SERVICE.to_owned(),
        key: KeyState::Awaited,
    });
    world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.product(ATLAS).code, 12);
}

/// Nobody need wait for a check to fail first, which may be a day away.
#[test]
fn whose_key_is_gone_signs_in_again_as_they_are_told_to() {
    for key in [KeyState::Gone, KeyState::Unreadable(VaultTrouble::Damaged)] {
        let mut world = World::signed_in();
        world.restart();
        let service = SERVICE.to_owned();
        let said = format!("{key:?}");
        world.input(Input::Key { service, key });
        world.ask(Ask::SignIn(SignInWish::default()));
        assert!(
            world.view().sign_in.is_some(),
            "{said}: told that it is done already"
        );
    }
    let mut world = World::signed_in();
    world.restart();
    let ticket = world.ask(Ask::SignIn(SignInWish::default()));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
}

/// The keyring got a new key, and the agent died before it had written down whose.
#[test]
fn a_key_of_a_sign_in_that_died_is_nobodys() {
    let mut world = World::signed_in();
    world.restart();
    let service = SERVICE.to_owned();
    let key = KeyState::Held(Thumbprint("device-of-a-sign-in-that-died".into()));
    world.input(Input::Key { service, key });
    assert_eq!(
        world.product(ATLAS).code,
        10,
        "answers for that key are none for us"
    );
    assert_eq!(world.view().problems, [Problem::VaultEntryGone]);
    world.sign_in();
    assert_eq!(world.view().problems, []);
    assert_eq!(world.product(ATLAS).code, 0);
}

/// A disk that was full when the new key was written down: what is on it is of the old one.
#[test]
fn what_another_key_was_told_is_no_answer_for_this_one() {
    let mut world = World::signed_in();
    let strange = || Input::Key {
        service: SERVICE.to_owned(),
        key: KeyState::Held(Thumbprint("device-that-was-not-written-down".into())),
    };
    let start = world.start(ATLAS);
    world.input(strange());
    world.ask(Ask::SignIn(SignInWish::default()));
    world.input(strange());
    assert_ne!(world.status(start).code, 0, "an open sign-in vouches for no key");
    world.ask(Ask::CancelSignIn);

    world.sign_in();
    world.service().seat(ATLAS, Seat::Refused(Code::DeviceLimit));
    world.ask(Ask::Check);
    world.pass(seconds(1));
    assert_eq!(world.product(ATLAS).code, 15);
    world.input(strange());
    assert_eq!(world.product(ATLAS).code, 10);
    let asked = world.checks.len();
    world.pass(days(2));
    assert_eq!(world.checks.len(), asked, "answers for that key are none for us");
}

#[test]
fn with_a_key_that_is_not_ours_nobody_listens() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.listens(), 1);
    let service = SERVICE.to_owned();
    let key = KeyState::Held(Thumbprint("device-that-was-not-written-down".into()));
    world.input(Input::Key { service, key });
    assert_eq!(world.listens(), 0);
}

#[test]
fn a_key_that_cannot_be_read_says_why() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.restart();
    let service = SERVICE.to_owned();
    let key = KeyState::Unreadable(VaultTrouble::Damaged);
    world.input(Input::Key { service, key });
    assert_eq!(world.view().problems, [Problem::VaultDamaged]);
    assert_eq!(world.product(ATLAS).code, 10);
}

#[test]
fn a_key_that_ends_with_the_agent_gives_the_device_up() {
    let mut world = World::signed_in();
    let release = world.sign_release(SERVICE, None).unwrap();
    world.engine.as_mut().unwrap().key_ends(SERVICE, release);
    let service = &world.facts().services[SERVICE];
    assert_eq!((&service.account, &service.device), (&None, &None));
    assert_eq!(service.releases.len(), 1);
    assert!(world.facts().held(SERVICE, ATLAS).unwrap().lease().is_none());
    // The next agent brings it to the service, and nobody's place is kept.
    world.disk = serde_json::to_string(world.facts()).unwrap();
    world.vault.clear();
    world.restart();
    world.pass(seconds(5));
    assert!(world.facts().services[SERVICE].releases.is_empty());
    assert_eq!(world.view().problems, []);
    assert_eq!(world.product(ATLAS).code, 10);
    world.sign_in();
    assert_eq!(world.product(ATLAS).code, 0);
}

#[test]
fn a_sign_in_in_memory_says_so() {
    let now = World::new().machine.now();
    let mut engine = Engine::new(Facts::default(), Vec::new()).with_vault(VaultKind::Memory);
    engine.handle(&now, Input::Tick);
    assert_eq!(engine.view().problems, [Problem::SessionInMemory]);
    assert_eq!(engine.view().vault, VaultKind::Memory);
}

#[test]
fn a_check_that_fails_over_something_else_got_past_the_vault() {
    let mut world = World::signed_in();
    for (failure, problems) in [
        (
            CheckFailure::Vault(VaultTrouble::Locked),
            &[VaultTrouble::Locked.problem()][..],
        ),
        (CheckFailure::Busy { retry_after: None }, &[]),
    ] {
        world.wire = Wire::Fails(failure);
        world.ask(Ask::Check);
        world.pass(seconds(1) / 2);
        assert_eq!(world.view().problems, problems);
    }
}

/// Whose it is will be told in a moment; until then nothing is taken from whoever works.
#[test]
fn a_key_that_an_open_sign_in_brings_before_itself_stops_nothing() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(hours(2));
    world.grant_revoked = true;
    world.ask(Ask::Check);
    world.pass(seconds(5));
    world.user = User::Ignores;
    world.ask(Ask::SignIn(at(SERVICE)));
    let brought = Input::Key {
        service: SERVICE.to_owned(),
        key: KeyState::Held(device(2)),
    };
    world.input(brought.clone());
    assert_eq!(world.status(key).code, 0);
    world.ask(Ask::CancelSignIn);
    world.input(brought);
    assert_eq!(world.status(key).code, 10, "without one it is nobody's");
}
