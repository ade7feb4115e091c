//! Rule 15: what a reset deletes, what it keeps, and what a crash in the middle of it leaves.

use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::{Answer, Ask, SignInWish, Ticket};
use latchkey_core::facts::{Facts, Held};
use latchkey_core::view::Line;

use crate::support::world::{Keyring, User, World};
use crate::support::{ATLAS, QUARRY, SERVICE, at, days, device, hours, minutes, seconds};

const OTHER: &str = "https://licence.other.example";

/// Nothing of the user is left, on disk or in the vault.
pub(crate) fn assert_nothing_left(world: &World, story: &str) {
    let facts = world.facts();
    for service in facts.services.values() {
        assert!(
            service.account.is_none() && service.device.is_none() && service.user.is_none(),
            "{story}"
        );
        assert!(service.products.values().all(Held::is_empty), "{story}");
        assert_eq!(service.forget, None, "{story}");
    }
    for secrets in world.vault.values() {
        assert!(!secrets.tokens && secrets.device.is_none(), "{story}");
    }
    for copy in [&world.disk, &world.backup] {
        for secret in ["latchkey-lease", "Maya", "token-"] {
            assert!(
                !copy.contains(secret),
                "{story}: {secret} is still on disk: {copy}"
            );
        }
    }
}

#[test]
fn one_product_loses_its_lease_and_the_user_stays_signed_in() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(seconds(10));
    let ticket = world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(seconds(1));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert!(world.facts().held(SERVICE, ATLAS).unwrap().is_empty());
    assert_eq!(world.code(QUARRY), 0);
    assert!(world.facts().services[SERVICE].account.is_some() && world.vault[SERVICE].tokens);
    assert!(
        world.status(key).stop_at.is_some(),
        "an open product gets its save window"
    );
    assert_eq!(world.service().released[0].token, "release of ATLAS by device-1");
    let next = world.start(ATLAS);
    world.pass(seconds(1));
    assert_eq!(world.status(next).code, 0, "the next start checks anew");
}

#[test]
fn all_deletes_everything_but_what_it_must_keep() {
    let mut world = World::signed_in();
    world.pass(days(2));
    let floor = world.trusted();
    let ticket = world.ask(Ask::Reset(None));
    world.pass(seconds(10));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert_nothing_left(&world, "all");
    assert_eq!(
        world.service().released[0].token,
        "release of everything by device-1"
    );
    assert!(
        world.facts().services[SERVICE].releases.is_empty(),
        "it has reached the service"
    );
    assert_eq!(world.registry.len(), 2);
    world.machine.wall_ahead = -10 * 86_400_000;
    world.reboot(hours(1));
    assert!(world.trusted() >= floor, "the clock's floor is kept");
    assert_eq!(world.view().headline.line, Line::SignedOut);
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 10, "the next start signs in anew");
}

/// Both copies of the state are damaged, or somebody has deleted them.
fn loses_its_state(world: &mut World) {
    world.crash();
    world.disk = serde_json::to_string(&Facts::default()).unwrap();
    world.backup = world.disk.clone();
    world.launch();
}

#[test]
fn a_reset_finds_what_is_in_the_vault_also_after_the_state_was_lost() {
    for online in [true, false] {
        let mut world = World::signed_in();
        loses_its_state(&mut world);
        world.set_network(online);
        let ticket = world.ask(Ask::Reset(None));
        assert_eq!(world.answer(ticket), None, "nothing is deleted yet");
        world.pass(seconds(10));
        assert_eq!(world.answer(ticket), Some(&Answer::Done));
        assert_nothing_left(&world, "a lost state");
        world.restart();
        world.set_network(true);
        world.pass(minutes(6));
        let released: Vec<&str> = world
            .service()
            .released
            .iter()
            .map(|release| release.token.as_str())
            .collect();
        assert_eq!(
            released,
            ["release of everything by device-1"],
            "online: {online}"
        );
    }
}

/// It is told what the vault could not do, and does it later.
#[test]
fn and_what_the_vault_does_not_delete_then_is_deleted_later() {
    let mut world = World::signed_in();
    loses_its_state(&mut world);
    world.keyring = Keyring::Locked;
    let ticket = world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    let refused = Answer::Refused {
        code: Code::AuthPending,
        problem: "vault_not_deleted".to_owned(),
    };
    assert_eq!(world.answer(ticket), Some(&refused));
    world.restart();
    world.keyring = Keyring::Open;
    world.pass(minutes(6));
    assert_nothing_left(&world, "a lost state and a locked vault");
}

#[test]
fn signing_out_finds_the_tokens_also_after_the_state_was_lost() {
    let mut world = World::signed_in();
    loses_its_state(&mut world);
    let ticket = world.ask(Ask::SignOut(None));
    world.pass(seconds(10));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert!(!world.vault[SERVICE].tokens && world.vault[SERVICE].device.is_some());
}

/// What a reset is still to delete stays to be deleted.
#[test]
fn signing_out_after_a_reset_takes_nothing_of_it_back() {
    let mut world = World::signed_in();
    world.keyring = Keyring::Locked;
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.ask(Ask::SignOut(None));
    world.pass(minutes(1));
    world.keyring = Keyring::Open;
    world.pass(minutes(6));
    assert_nothing_left(&world, "signed out after a reset");
}

#[test]
fn a_service_that_nobody_here_knows_is_none_to_sign_in_to_or_out_of() {
    let mut world = World::signed_in();
    for ask in [Ask::SignIn(at(OTHER)), Ask::SignOut(Some(OTHER.to_owned()))] {
        let ticket = world.ask(ask);
        let refused = Answer::Refused {
            code: Code::InvalidArgument,
            problem: "unknown_service".to_owned(),
        };
        assert_eq!(world.answer(ticket), Some(&refused));
    }
}

#[test]
fn no_check_is_begun_while_an_account_ends() {
    let mut world = World::signed_in();
    world.latency = seconds(5);
    world.ask(Ask::Check);
    let checks = world.checks.len();
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    assert_eq!(world.checks.len(), checks);
}

#[test]
fn a_product_that_nobody_here_knows_is_none_to_reset() {
    let mut world = two_services();
    let ticket = world.ask(Ask::Reset(Some("NOSUCH".to_owned())));
    let refused = Answer::Refused {
        code: Code::InvalidArgument,
        problem: "unknown_product".to_owned(),
    };
    assert_eq!(world.answer(ticket), Some(&refused));
    let ticket = world.ask(Ask::Reset(Some("OTHER".to_owned())));
    world.pass(seconds(1));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert!(world.facts().held(OTHER, "OTHER").unwrap().is_empty());
    assert_eq!((world.code(ATLAS), world.code(QUARRY)), (0, 0));
}

#[test]
fn a_vault_that_does_not_delete_is_left_alone_for_five_seconds() {
    let mut world = World::signed_in();
    world.keyring = Keyring::Locked;
    world.recording = true;
    world.ask(Ask::Reset(None));
    world.pass(seconds(5));
    let tried = |world: &World| {
        let effects = world.record.iter();
        effects.filter(|effect| effect.contains(" Forget {")).count()
    };
    assert_eq!(tried(&world), 1);
    world.pass(minutes(1));
    assert!(tried(&world) > 1);
}

/// What it brings takes the place of what could not be deleted.
#[test]
fn a_sign_in_that_is_open_is_not_cut_off_by_what_is_still_to_be_deleted() {
    let mut world = two_services();
    world.keyring = Keyring::Locked;
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.user = User::Ignores;
    world.ask(Ask::SignIn(at(SERVICE)));
    world.pass(seconds(1));
    world.keyring = Keyring::Open;
    world.pass(minutes(6));
    assert!(world.view().sign_in.is_some(), "{:?}", world.view().last_sign_in);
    assert!(!world.vault[OTHER].tokens, "nobody signs in there");
}

#[test]
fn tokens_of_a_sign_in_that_was_killed_before_it_was_written_down_go_too() {
    let mut world = World::new();
    world.user = User::SignsIn;
    let key = world.start(ATLAS);
    world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(seconds(5));
    let open = world.view().sign_in.as_ref();
    assert!(
        open.is_some_and(|open| open.url.is_some()),
        "the browser is open: {open:?}"
    );
    // The tokens are in the vault, and the agent is killed before it hears of it.
    world.close(key);
    world.crash();
    let secrets = world.vault.entry(SERVICE.to_owned()).or_default();
    secrets.tokens = true;
    secrets.device = Some(device(1));
    world.restart();
    assert!(world.facts().services[SERVICE].account.is_none());
    let ticket = world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert_nothing_left(&world, "a sign-in that was killed");
}

#[test]
fn another_account_gives_up_the_place_of_the_one_before() {
    let mut world = World::signed_in();
    world.ask(Ask::SignOut(None));
    world.pass(minutes(1));
    assert!(
        world.service().released.is_empty(),
        "signed out, the device keeps its place"
    );
    world.subject = "noor";
    world.sign_in();
    world.pass(minutes(1));
    let released = &world.service().released;
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].token, "release of everything by device-1");
    world.ask(Ask::SignOut(None));
    world.pass(minutes(1));
    world.sign_in();
    world.pass(minutes(1));
    assert_eq!(
        world.service().released.len(),
        1,
        "the same account keeps its place"
    );
}

/// Whoever signs in after a grant has ended: what counts offline is known before any check.
#[test]
fn of_an_ended_grant_the_same_user_keeps_the_lease_and_another_inherits_nothing() {
    for subject in ["maya", "noor"] {
        let mut world = World::signed_in();
        world.grant_revoked = true;
        world.pass(days(2));
        let signs_in_again = |world: &World| {
            let account = world.facts().services[SERVICE].account.as_ref();
            account.is_some_and(|account| account.sign_in_again)
        };
        assert!(signs_in_again(&world));
        world.grant_revoked = false;
        world.licensing = false;
        world.subject = subject;
        world.sign_in();
        world.pass(seconds(1));
        assert!(!signs_in_again(&world));
        assert_eq!(world.code(ATLAS) == 0, subject == "maya", "{subject}");
    }
}

#[test]
fn two_services_are_one_request_with_one_answer() {
    for locked in [false, true] {
        let mut world = two_services();
        if locked {
            world.keyring = Keyring::Locked;
        }
        let ticket = world.ask(Ask::Reset(None));
        assert_eq!(world.answer(ticket), None);
        world.pass(minutes(2));
        let expected = if locked {
            Answer::Refused {
                code: Code::AuthPending,
                problem: "vault_not_deleted".to_owned(),
            }
        } else {
            Answer::Done
        };
        assert_eq!(world.answer(ticket), Some(&expected));
        world.keyring = Keyring::Open;
        world.pass(minutes(6));
        assert_nothing_left(&world, "two services");
    }
}

fn two_services() -> World {
    let mut world = World::signed_in();
    world.install(OTHER, 9, "OTHER");
    world.ask(Ask::SignIn(at(OTHER)));
    world.pass(minutes(1));
    assert_eq!((world.code(ATLAS), world.code("OTHER")), (0, 0));
    world
}

#[test]
fn whoever_waited_for_something_is_told() {
    let mut world = World::signed_in();
    world.latency = seconds(20);
    let before = world.ask(Ask::Check);
    let reset = world.ask(Ask::Reset(None));
    let meanwhile = world.ask(Ask::Check);
    world.start(ATLAS);
    let again = world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(2));
    let tickets: [Ticket; 4] = [before, reset, meanwhile, again];
    for ticket in tickets {
        assert!(world.answer(ticket).is_some(), "request {ticket} waits for ever");
    }
}

#[test]
fn a_narrower_reset_does_not_take_a_wider_one_back() {
    let mut world = World::signed_in();
    let all = world.ask(Ask::Reset(None));
    let one = world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(1));
    assert_nothing_left(&world, "all, and then one");
    assert_eq!(world.answer(all), Some(&Answer::Done));
    assert_eq!(world.answer(one), Some(&Answer::Done));
}

/// Also one that had come before the request was stopped, and was only not handled yet.
#[test]
fn late_answers_to_old_requests_are_dropped() {
    let asks = [
        Ask::Reset(None),
        Ask::Reset(Some(ATLAS.to_owned())),
        Ask::SignOut(None),
    ];
    for (reset, after) in asks.into_iter().flat_map(|ask| [(ask.clone(), 0), (ask, 30)]) {
        let mut world = World::signed_in();
        world.latency = seconds(5);
        world.ask(Ask::Check);
        world.pass(seconds(2));
        let late = world.take_answer();
        world.latency = hours(1);
        world.ask(reset.clone());
        world.pass(seconds(after));
        world.input(late);
        world.pass(seconds(30));
        assert!(
            world.facts().held(SERVICE, ATLAS).unwrap().is_empty(),
            "{reset:?}, and an answer {after} s later"
        );
    }
}

#[test]
fn a_sign_in_that_was_open_ends_with_it() {
    let mut world = World::signed_in();
    world.grant_revoked = true;
    world.pass(days(2));
    world.keyring = Keyring::Open;
    let reset = world.ask(Ask::Reset(None));
    let sign_in = world.ask(Ask::SignIn(SignInWish::default()));
    world.pass(minutes(5));
    assert_eq!(world.answer(reset), Some(&Answer::Done));
    assert!(world.answer(sign_in).is_some());
    assert_nothing_left(&world, "a sign-in between");
    assert_eq!(world.view().sign_in, None);
}

#[test]
fn signing_out_keeps_the_device_and_its_place() {
    let mut world = World::signed_in();
    let ticket = world.ask(Ask::SignOut(None));
    world.pass(seconds(1));
    assert_eq!(world.answer(ticket), Some(&Answer::Done));
    assert!(!world.vault[SERVICE].tokens && world.vault[SERVICE].device.is_some());
    assert_eq!(world.service().released, []);
    world.set_network(false);
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    assert!(
        world.told(key).contains(&11),
        "the next start needs the Internet: {:?}",
        world.told(key)
    );
}

#[test]
fn the_clock_s_floor_survives_and_nothing_is_won_by_a_reset() {
    let mut world = World::signed_in();
    world.set_network(false);
    world.sleep(days(29));
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.machine.wall_ahead = -40 * 86_400_000;
    world.reboot(hours(1));
    let real = world.machine.real;
    assert!(
        real.since(world.trusted()) < hours(2),
        "only the time off is hidden"
    );
}

#[test]
fn a_crash_between_any_two_effects_leaves_either_nothing_or_everything_done() {
    for (scope, story) in [(None, "all"), (Some(ATLAS.to_owned()), "one")] {
        for online in [true, false] {
            for effects in 0..25 {
                let story = format!("{story}, online {online}, after {effects} effects");
                let mut world = World::signed_in();
                world.set_network(online);
                world.pass(seconds(30));
                world.dies_in = Some(effects);
                world.ask(Ask::Reset(scope.clone()));
                world.pass(minutes(1));
                world.restart();
                let reset_before_the_crash = world.facts().held(SERVICE, ATLAS).is_none_or(Held::is_empty);
                world.set_network(true);
                world.pass(minutes(6));
                match (&scope, reset_before_the_crash) {
                    // It died before anything was decided: the user is as before.
                    (_, false) => {
                        assert_eq!((world.code(ATLAS), world.code(QUARRY)), (0, 0), "{story}");
                        assert_eq!(world.service().released, [], "{story}");
                    }
                    (None, true) => assert_nothing_left(&world, &story),
                    (Some(_), true) => assert_eq!(world.code(QUARRY), 0, "{story}"),
                }
                if reset_before_the_crash {
                    assert!(!world.service().released.is_empty(), "{story}");
                    assert_eq!(world.facts().services[SERVICE].releases, [], "{story}");
                }
            }
        }
    }
}

#[test]
fn what_the_vault_could_not_delete_goes_before_the_next_sign_in() {
    let mut world = World::signed_in();
    world.keyring = Keyring::Locked;
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.keyring = Keyring::Open;
    world.sign_in();
    assert_eq!(
        world.vault[SERVICE].device,
        Some(device(2)),
        "the old key has gone first"
    );
    assert_eq!(world.facts().services[SERVICE].forget, None);
}

/// Its check is made again in a moment.
#[test]
fn a_reset_of_another_product_refuses_no_start() {
    let mut world = World::signed_in();
    world.ask(Ask::Reset(Some(QUARRY.to_owned())));
    world.pass(seconds(1));
    world.latency = seconds(5);
    let key = world.start(QUARRY);
    world.pass(seconds(1));
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.latency = Duration::from_millis(200);
    world.pass(seconds(10));
    assert_eq!(world.status(key).code, 0);
    assert!(!world.told(key).contains(&11), "{:?}", world.told(key));
}
