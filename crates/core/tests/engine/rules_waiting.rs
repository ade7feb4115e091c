//! Rule 17: nothing waits for ever.

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::{Answer, Ask, Input, Outcome, SignInWish, SignedIn};
use latchkey_core::view::{SignInMethod, SignInPhase, SignInResult};

use crate::support::world::{Keyring, TRAY, User, World};
use crate::support::{ATLAS, SERVICE, at, days, device, hours, minutes, seconds};

const WINDOW: u64 = 2;
const OTHER: &str = "https://licence.other.example";

fn open() -> World {
    let mut world = World::new();
    world.user = User::Ignores;
    world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(seconds(1));
    assert_eq!(
        world.view().sign_in.as_ref().unwrap().phase,
        SignInPhase::WaitingForUser
    );
    world
}

fn how_it_ended(world: &World) -> Option<SignInResult> {
    assert_eq!(world.view().sign_in, None);
    world.view().last_sign_in.clone().map(|end| end.result)
}

#[test]
fn a_sign_in_that_nobody_finishes_ends_after_fifteen_minutes() {
    let mut world = open();
    let key = world.start(ATLAS);
    world.pass(minutes(14));
    let status = world.status(key);
    assert_eq!((status.code, status.reason), (4, Some(Reason::WaitingForUser)));
    world.pass(minutes(1));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Expired));
    assert_eq!(world.status(key).code, 10);
    world.sign_in();
    assert_eq!(world.status(key).code, 0, "the next try starts clean");
}

#[test]
fn also_when_the_machine_slept_through_it() {
    let mut world = open();
    world.sleep(hours(8));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Expired));
}

#[test]
fn when_its_owner_goes_it_ends_and_says_so() {
    let mut world = open();
    world.input(Input::ClientGone(TRAY));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Abandoned));
    world.sign_in();
}

#[test]
fn while_somebody_still_waits_it_goes_on() {
    let mut world = open();
    let second = world.ask_as(WINDOW, Ask::SignIn(SignInWish::default()));
    let attempt = world.view().sign_in.as_ref().unwrap().attempt;
    assert!(
        matches!(world.answer(second), Some(Answer::SignIn { attempt: same, open: false, .. }) if *same == attempt),
        "a second click shows the same attempt, and opens no second browser"
    );
    world.input(Input::ClientGone(TRAY));
    assert!(world.view().sign_in.is_some());
    world.input(Input::ClientGone(WINDOW));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Abandoned));
}

/// A command asks for it and is gone: the tray shows it, and may end it.
#[test]
fn the_tray_goes_on_waiting_for_what_another_began() {
    let mut world = World::new();
    world.user = User::Ignores;
    world.ask_as(WINDOW, Ask::SignIn(SignInWish::default()));
    world.pass(seconds(1));
    world.engine.as_mut().unwrap().adopt_sign_in(TRAY);
    world.input(Input::ClientGone(WINDOW));
    assert!(world.view().sign_in.is_some());
    world.input(Input::ClientGone(TRAY));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Abandoned));
}

#[test]
fn a_second_asker_who_comes_early_is_answered_with_the_first() {
    let mut world = World::new();
    world.user = User::Ignores;
    let first = world.ask_as(TRAY, Ask::SignIn(SignInWish::default()));
    let second = world.ask_as(WINDOW, Ask::SignIn(SignInWish::default()));
    world.pass(seconds(1));
    let opens = |ticket| matches!(world.answer(ticket), Some(Answer::SignIn { open: true, .. }));
    assert_eq!((opens(first), opens(second)), (true, false));
}

#[test]
fn when_the_first_asker_has_gone_the_second_opens_the_browser() {
    let mut world = World::new();
    world.user = User::Ignores;
    world.ask_as(TRAY, Ask::SignIn(SignInWish::default()));
    let second = world.ask_as(WINDOW, Ask::SignIn(SignInWish::default()));
    world.input(Input::ClientGone(TRAY));
    world.pass(seconds(1));
    assert!(matches!(
        world.answer(second),
        Some(Answer::SignIn { open: true, .. })
    ));
}

fn by_code() -> Ask {
    Ask::SignIn(SignInWish {
        method: Some(SignInMethod::DeviceCode),
        ..SignInWish::default()
    })
}

#[test]
fn a_code_takes_the_place_of_the_browser_for_everyone_who_waits() {
    let mut world = open();
    let first = world.view().sign_in.clone().unwrap();
    world.recording = true;
    let asked = world.ask_as(WINDOW, by_code());
    let cancelled = format!("CancelSignIn {{ attempt: {} }}", first.attempt);
    assert!(world.record.iter().any(|effect| effect.ends_with(&cancelled)));
    world.pass(seconds(1));
    let shown = world.view().sign_in.clone().unwrap();
    assert_eq!(shown.method, SignInMethod::DeviceCode);
    let code = shown.code.unwrap().user_code;
    assert_eq!(code, format!("CODE-{}", shown.attempt));
    assert!(
        matches!(world.answer(asked), Some(Answer::SignIn { code: Some(answered), open: true, .. }) if answered.user_code == code)
    );
    // The one who asked first still waits: when the window goes, the attempt stays.
    world.input(Input::ClientGone(WINDOW));
    assert!(world.view().sign_in.is_some());
    world.input(Input::ClientGone(TRAY));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Abandoned));
}

#[test]
fn who_only_wants_to_sign_in_joins_the_code_that_is_shown() {
    let mut world = World::new();
    world.user = User::Ignores;
    world.ask(by_code());
    world.pass(seconds(1));
    let attempt = world.view().sign_in.as_ref().unwrap().attempt;
    let joined = world.ask_as(WINDOW, Ask::SignIn(SignInWish::default()));
    assert!(
        matches!(world.answer(joined), Some(Answer::SignIn { attempt: same, code: Some(_), .. }) if *same == attempt)
    );
}

#[test]
fn a_code_ends_when_the_provider_says() {
    let mut world = World::new();
    world.user = User::Ignores;
    world.ask(by_code());
    world.pass(seconds(1));
    let shown = world.view().sign_in.clone().unwrap();
    let left = shown.until.since(shown.since);
    assert!(left >= minutes(5) && left < minutes(5) + seconds(1), "{left:?}");
    world.pass(minutes(4));
    assert!(world.view().sign_in.is_some());
    world.pass(minutes(1));
    assert!(
        world.view().sign_in.is_some(),
        "it is still to be said why it has ended"
    );
    world.pass(seconds(10));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Expired));
    world.ask(by_code());
    world.pass(seconds(1));
    assert_ne!(
        world.view().sign_in.clone().unwrap().code,
        shown.code,
        "a new one with one click"
    );
}

#[test]
fn another_work_address_begins_anew_and_the_same_one_does_not() {
    let mut world = World::new();
    world.user = User::Ignores;
    let with = |email: &str| {
        Ask::SignIn(SignInWish {
            email: Some(email.to_owned()),
            ..SignInWish::default()
        })
    };
    world.ask(with("maya@nord.example"));
    world.pass(seconds(1));
    let attempt = |world: &World| world.view().sign_in.as_ref().unwrap().attempt;
    let first = attempt(&world);
    world.ask(with("maya@nord.example"));
    world.ask(Ask::SignIn(SignInWish::default()));
    assert_eq!(attempt(&world), first);
    world.ask(with("maya@sued.example"));
    assert_ne!(attempt(&world), first);
    // Whoever then wants a code wants it from the same company.
    world.recording = true;
    world.ask(by_code());
    let begun = world.record.iter().find(|effect| effect.contains("BeginSignIn"));
    let with_both = r#"email: Some("maya@sued.example"), method: DeviceCode"#;
    assert!(
        begun.is_some_and(|effect| effect.contains(with_both)),
        "{begun:?}"
    );
}

#[test]
fn cancelling_tells_everyone_why() {
    let mut world = World::new();
    world.latency = seconds(30);
    let waits = world.ask_as(WINDOW, Ask::SignIn(SignInWish::default()));
    let cancel = world.ask(Ask::CancelSignIn);
    assert_eq!(world.answer(cancel), Some(&Answer::Done));
    let refused = Answer::Refused {
        code: Code::SignInRequired,
        problem: "sign_in_cancelled".to_owned(),
    };
    assert_eq!(world.answer(waits), Some(&refused));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Cancelled));
    world.latency = seconds(1);
    world.sign_in();
}

#[test]
fn what_came_too_late_is_dropped() {
    let mut world = World::new();
    world.latency = minutes(20);
    world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(minutes(16));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Expired));
    world.pass(minutes(10));
    assert_eq!(world.view().accounts[0].user, None);
    assert_eq!(how_it_ended(&world), Some(SignInResult::Expired));
}

#[test]
fn denied_and_unreachable_are_different_ends() {
    let mut world = World::new();
    world.user = User::Denies;
    world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(minutes(1));
    assert_eq!(how_it_ended(&world), Some(SignInResult::Denied));
    world.identity = false;
    world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(minutes(1));
    assert!(matches!(how_it_ended(&world), Some(SignInResult::Failed { .. })));
}

#[test]
fn a_sign_in_elsewhere_holds_the_slot_and_is_named() {
    let mut world = open();
    world.install(OTHER, 9, "OTHER");
    let key = world.start("OTHER");
    world.pass(seconds(5));
    let status = world.status(key);
    assert_eq!((status.code, status.reason), (4, Some(Reason::WaitingForOther)));
    let refused = world.ask(Ask::SignIn(at(OTHER)));
    assert!(matches!(
        world.answer(refused),
        Some(Answer::Refused { code: Code::AuthPending, problem }) if problem == "waiting_for_other"
    ));
    world.pass(minutes(15));
    assert_eq!(world.status(key).code, 10);
}

/// It would help in nothing.
#[test]
fn whoever_is_signed_in_waits_for_no_sign_in_elsewhere() {
    for (network, expected) in [(false, 11), (true, 18)] {
        let mut world = World::signed_in();
        world.install(OTHER, 9, "OTHER");
        world.ask(Ask::Reset(Some(ATLAS.to_owned())));
        world.pass(seconds(1));
        world.user = User::Ignores;
        world.ask(Ask::SignIn(at(OTHER)));
        world.pass(seconds(1));
        assert!(world.view().sign_in.is_some());
        if network {
            world.service().out = true;
        } else {
            world.set_network(false);
        }
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        assert!(world.view().sign_in.is_some());
        assert_eq!(world.status(key).code, expected, "network: {network}");
    }
}

#[test]
fn whoever_is_signed_in_need_not_be_asked() {
    let mut world = World::signed_in();
    let ticket = world.ask(Ask::SignIn(SignInWish::default()));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert_eq!(world.view().sign_in, None);
}

#[test]
fn a_locked_keyring_is_waited_for_and_not_for_ever() {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(seconds(1));
    world.keyring = Keyring::Locked;
    let key = world.start(ATLAS);
    world.pass(seconds(1));
    let locked = |world: &mut World, key| {
        let status = world.status(key);
        (status.reason == Some(Reason::VaultLocked)).then_some(status.until.is_some())
    };
    assert_eq!(locked(&mut world, key), Some(true), "the user is awaited");
    world.pass(minutes(15));
    assert_eq!(locked(&mut world, key), Some(false), "and not any longer");
    let next = world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(locked(&mut world, next), Some(true), "the next try starts clean");
    world.keyring = Keyring::Open;
    world.pass(minutes(6));
    assert_eq!((world.status(key).code, world.status(next).code), (0, 0));
    assert_eq!(world.view().problems, []);
}

#[test]
fn a_locked_keyring_signs_nobody_out_and_stops_no_good_lease() {
    for keyring in [Keyring::Locked, Keyring::Missing] {
        let mut world = World::signed_in();
        world.keyring = keyring;
        world.pass(days(5));
        let key = world.start(ATLAS);
        world.pass(seconds(5));
        assert_eq!(world.status(key).code, 0);
        assert!(world.view().accounts[0].user.is_some());
        assert_eq!(world.view().problems.len(), 1);
    }
}

#[test]
fn a_check_that_is_never_answered_is_given_up_after_a_minute() {
    let mut world = World::signed_in();
    world.latency = days(1);
    let ticket = world.ask(Ask::Check);
    world.pass(seconds(59));
    assert_eq!(world.answer(ticket), None);
    assert!(world.view().accounts[0].checking);
    world.pass(seconds(1));
    assert!(matches!(world.answer(ticket), Some(Answer::Refused { .. })));
}

#[test]
fn the_deadlines_of_what_is_open_do_not_jump_with_the_clock() {
    // Another service's check corrects a clock that was wrong by 300 days, while a sign-in is open.
    for wrong in [-300, 300] {
        let mut world = World::new();
        world.install(OTHER, 9, "OTHER");
        world.ask(Ask::SignIn(at(OTHER)));
        world.pass(minutes(1));
        world.licensing = false;
        world.machine.wall_ahead = wrong * 86_400_000;
        world.reboot(if wrong < 0 { days(300) } else { hours(1) });
        world.user = User::Ignores;
        world.ask(Ask::SignIn(at("https://licence.example")));
        world.pass(minutes(1));
        let real = world.machine.real;
        assert!(
            real.offset_from(world.trusted()).abs() > 86_400_000,
            "the clock is wrong"
        );
        world.licensing = true;
        world.pass(minutes(6));
        assert_eq!(world.code("OTHER"), 0, "the check was answered");
        let open = world.view().sign_in.clone().expect("it is still open");
        let now = world.trusted();
        assert!(open.since <= now && now < open.until, "{open:?} at {now:?}");
        world.pass(minutes(8) - seconds(1));
        assert!(world.view().sign_in.is_some());
        world.pass(seconds(1));
        assert_eq!(
            how_it_ended(&world),
            Some(SignInResult::Expired),
            "at its own time"
        );
    }
}

/// The user confirmed in the last second, and tokens, keys and keyring take their time.
#[test]
fn the_end_of_a_code_does_not_end_a_sign_in_that_has_come_back() {
    let mut world = World::new();
    world.user = User::Ignores;
    world.ask(Ask::SignIn(SignInWish {
        method: Some(SignInMethod::DeviceCode),
        ..SignInWish::default()
    }));
    world.pass(minutes(5) - seconds(1));
    let open = world.view().sign_in.clone().unwrap();
    assert!(open.until <= open.since + minutes(6), "{open:?}");
    world.input(Input::Outcome {
        attempt: open.attempt,
        outcome: Outcome::SignInReturned,
    });
    world.pass(minutes(9));
    let finishing = world.view().sign_in.clone().expect("it goes on");
    assert_eq!(finishing.until, finishing.since + minutes(15));
    world.pass(minutes(1) + seconds(5));
    assert_eq!(world.view().sign_in, None, "and not for ever");
}

#[test]
fn who_names_no_service_signs_in_where_somebody_must() {
    let mut world = World::signed_in();
    world.install(OTHER, 9, "OTHER");
    world.ask(Ask::SignIn(SignInWish::default()));
    let open = world.view().sign_in.as_ref().map(|open| open.service.clone());
    assert_eq!(open.as_deref(), Some(OTHER));
}

/// Another account's leases never count, and neither do those of another key.
#[test]
fn whoever_signs_in_as_somebody_else_or_with_another_key_begins_with_nothing() {
    const ISSUER: &str = "https://identity.example";
    for (issuer, subject, number, same) in [
        (ISSUER, "maya", 1, true),
        (ISSUER, "noor", 1, false),
        ("https://other.example", "maya", 1, false),
        (ISSUER, "maya", 2, false),
    ] {
        let mut world = World::signed_in();
        world.pass(hours(2));
        world.grant_revoked = true;
        world.ask(Ask::Check);
        world.pass(seconds(5));
        world.user = User::Ignores;
        world.ask(Ask::SignIn(at(SERVICE)));
        let attempt = world.view().sign_in.as_ref().unwrap().attempt;
        let signed_in = SignedIn {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            name: subject.to_owned(),
            email: None,
            device: device(number),
            replaced: None,
        };
        world.disk_full = true;
        world.input(Input::Outcome {
            attempt,
            outcome: Outcome::SignInEnded(Ok(signed_in)),
        });
        let held = world.facts().held(SERVICE, ATLAS).unwrap();
        assert_eq!(held.lease().is_some(), same, "{issuer} {subject} {number}");
        let keys = world.facts().services[SERVICE].keys.is_some();
        assert!(keys, "the service's keys are nobody's own");
    }
}
