//! Rule 7: a first start in a licensing outage, where the vendor has signed that it may.

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::engine::{Ask, Input, UseKey};
use latchkey_core::notice::NoticeKind;
use latchkey_core::policy::Policy;
use latchkey_core::proof;
use latchkey_core::vault::VaultTrouble;
use latchkey_core::view::{Line, Reach};

use crate::support::licensing::{Licensing, Seat};
use crate::support::world::{Keyring, Signing, World};
use crate::support::{ATLAS, QUARRY, SERVICE, days, hours, minutes, seconds};

/// A machine on which Atlas and Quarry are installed with signed registrations.
fn installed(policy: Policy) -> World {
    let mut world = World::new();
    world.may_first_start(ATLAS, policy.clone());
    world.may_first_start(QUARRY, policy);
    world
}

/// Its user signs in while the licensing service is out, and starts Atlas.
fn first_start(policy: Policy) -> (World, UseKey) {
    let mut world = installed(policy);
    world.licensing = false;
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    (world, key)
}

#[test]
fn a_first_start_is_given_a_temporary_licence_and_the_next_follows() {
    let (mut world, key) = first_start(Policy::default());
    let status = world.status(key);
    assert_eq!((status.code, status.basis), (0, Some(Basis::Temporary)));
    let left = status.until.unwrap().since(world.trusted());
    assert!(hours(3) < left && left <= hours(4), "{left:?}");
    assert!(
        world.told(key).iter().all(|code| *code <= 3),
        "whoever waits is not turned away first: {:?}",
        world.told(key)
    );
    assert_eq!(world.temporaries.len(), 1);
    assert_eq!(world.temporaries[0].sub, "maya");
    assert_eq!(
        world.product(QUARRY).code,
        Code::LicensingUnavailable.number(),
        "nothing is given in advance"
    );
    assert_eq!(
        world.view().headline.line,
        Line::Outage {
            reach: Reach::LicensingOutage
        }
    );

    world.pass(days(40));
    assert_eq!(world.status(key).basis, Some(Basis::Temporary));
    assert!(world.told(key).iter().all(|code| *code <= 3), "without a gap");
    let numbers: Vec<u32> = world.temporaries.iter().map(|claims| claims.number).collect();
    assert!(
        numbers
            .iter()
            .copied()
            .eq(1..=u32::try_from(numbers.len()).unwrap())
    );
    let kinds: Vec<&NoticeKind> = world.shown.iter().map(|shown| &shown.notice.kind).collect();
    assert_eq!(kinds, [&NoticeKind::Outage], "told once");

    world.licensing = true;
    world.pass(minutes(5) + seconds(1));
    assert_eq!(world.status(key).basis, Some(Basis::Lease), "by itself");
    let mut id_tokens = world
        .temporaries
        .iter()
        .filter_map(|claims| claims.id_token.as_ref());
    assert!(id_tokens.all(|token| !world.disk.contains(token) && !world.backup.contains(token)));
}

/// The rest of what is written down may be an older state; an ID token that is still in use is not written twice for nothing.
#[test]
fn only_what_gives_an_id_token_up_is_written_to_both_copies() {
    let (mut world, _) = first_start(Policy::default());
    let before = world.saved_twice;
    world.licensing = true;
    world.pass(minutes(6));
    assert_eq!(world.saved_twice, before + 1, "the token went from both");
    world.pass(days(3));
    assert_eq!(world.saved_twice, before + 1, "checks like any other");
}

#[test]
fn it_is_on_disk_and_a_restart_needs_no_other() {
    let (mut world, key) = first_start(Policy::default());
    world.close(key);
    world.restart();
    world.pass(seconds(1));
    assert_eq!(world.product(ATLAS).basis, Some(Basis::Temporary));
    let again = world.start(ATLAS);
    world.pass(minutes(1));
    assert_eq!(world.status(again).basis, Some(Basis::Temporary));
    assert_eq!(world.temporaries.len(), 1);
}

#[test]
fn where_nothing_allows_it_the_service_is_named() {
    let unsigned = World::new();
    let revoked = {
        let mut world = installed(Policy::default());
        world.id_tokens = false;
        world
    };
    let none_left = installed(Policy {
        temporary_limit: Some(0),
        ..Policy::default()
    });
    for mut world in [unsigned, revoked, none_left] {
        world.licensing = false;
        world.sign_in();
        let key = world.start(ATLAS);
        world.pass(minutes(2));
        assert_eq!(world.status(key).code, Code::LicensingUnavailable.number());
        assert!(world.temporaries.is_empty());
    }
}

#[test]
fn none_is_given_offline_or_to_nobody() {
    let mut world = installed(Policy::default());
    world.licensing = false;
    let key = world.start(ATLAS);
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, Code::SignInRequired.number());
    world.identity = false;
    world.pass(minutes(10));
    assert_eq!(world.status(key).code, Code::FirstStartOffline.number());
    assert!(world.temporaries.is_empty());
}

#[test]
fn they_are_counted_and_used_up_and_the_open_product_may_save() {
    let policy = Policy {
        temporary_limit: Some(2),
        ..Policy::default()
    };
    let (mut world, key) = first_start(policy);
    world.pass(hours(9));
    assert_eq!(world.temporaries.len(), 2);
    let status = world.status(key);
    assert_eq!(status.code, Code::LicensingUnavailable.number());
    assert!(status.stop_at.is_some());
    // A reset wins no new count.
    world.close(key);
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.sign_in();
    let again = world.start(ATLAS);
    world.pass(minutes(2));
    assert_eq!(world.status(again).code, Code::LicensingUnavailable.number());
    assert_eq!(world.temporaries.len(), 2);
}

#[test]
fn whoever_was_refused_does_not_get_round_it_by_starting_anew() {
    let mut world = installed(Policy::default());
    world.service().seat(ATLAS, Seat::Refused(Code::NotAssigned));
    world.sign_in();
    world.pass(minutes(1));
    assert_eq!(world.code(ATLAS), Code::NotAssigned.number());
    world.licensing = false;
    for end in [Ask::SignOut(None), Ask::Reset(None)] {
        world.ask(end);
        world.pass(minutes(1));
        world.sign_in();
        let key = world.start(ATLAS);
        world.pass(minutes(2));
        assert_eq!(world.status(key).code, Code::LicensingUnavailable.number());
        world.close(key);
    }
    assert!(world.temporaries.is_empty());
    // Quarry has a lease no more, and was never refused.
    let quarry = world.start(QUARRY);
    world.pass(minutes(1));
    assert_eq!(world.status(quarry).basis, Some(Basis::Temporary));
}

#[test]
fn it_ends_with_its_account_and_runs_to_its_end_when_more_goes_out() {
    let (mut world, key) = first_start(Policy::default());
    world.identity = false;
    world.pass(hours(3));
    assert_eq!(world.status(key).basis, Some(Basis::Temporary));
    world.pass(hours(2));
    assert_eq!(world.status(key).code, Code::FirstStartOffline.number());
    world.identity = true;
    world.pass(minutes(11));
    assert_eq!(world.status(key).basis, Some(Basis::Temporary));
    world.ask(Ask::SignOut(None));
    world.pass(seconds(1));
    assert_eq!(world.status(key).code, Code::SignInRequired.number());
}

/// A revoked grant asks for a sign-in; which brings what the next licence needs.
#[test]
fn a_grant_that_was_revoked_asks_for_a_sign_in() {
    let (mut world, key) = first_start(Policy::default());
    world.grant_revoked = true;
    world.pass(hours(5));
    assert_eq!(world.status(key).code, Code::SignInRequired.number());
    world.sign_in();
    world.pass(minutes(1));
    assert_eq!(world.status(key).basis, Some(Basis::Temporary));
}

#[test]
fn nothing_goes_on_from_a_subscription_that_has_ended() {
    let mut world = installed(Policy::default());
    world.service().subscription_ends = Some(world.machine.real + days(1));
    world.sign_in();
    world.licensing = false;
    world.pass(days(2));
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, Code::LicensingUnavailable.number());
    assert!(world.temporaries.is_empty());
}

#[test]
fn another_version_that_is_installed_meanwhile_ends_nothing() {
    let (mut world, key) = first_start(Policy::default());
    world.service().first_start = Some(Policy {
        temporary_for: hours(2),
        ..Policy::default()
    });
    world.service().registered_at += 1;
    let mut newer = world.service().registration(ATLAS, "Atlas");
    newer.version = "2027.1".to_owned();
    world.registry.push(newer);
    world.input(Input::Registry(world.registry.clone()));
    world.pass(minutes(1));
    assert_eq!(world.status(key).basis, Some(Basis::Temporary));
    assert_eq!(world.temporaries.len(), 1);
    assert!(world.told(key).iter().all(|code| *code <= 3));
    let grounds = world.engine().grant(&world.now(), key).unwrap();
    let rests_on = Some(proof::hash(grounds.base.token()));
    assert_eq!(
        rests_on, world.temporaries[0].registration_hash,
        "the product is shown that one"
    );
    let first = world.registry[0].first_start.as_deref();
    assert_eq!((grounds.base.first_start(), grounds.base.lease()), (first, None));
    world.pass(hours(4));
    let newest = world.registry.last().unwrap().first_start.as_deref().unwrap();
    assert_eq!(
        world.temporaries[1].registration_hash,
        Some(proof::hash(newest)),
        "the next one rests on what the vendor signed last"
    );
}

/// What an installer registered for the machine comes first: a program of the user's signs for nobody.
#[test]
fn whoever_brings_other_root_keys_signs_no_first_start() {
    let mut world = World::new();
    let mut rogue = Licensing::new(SERVICE, 9);
    rogue.first_start = Some(Policy::default());
    rogue.publish(4_000_000_000);
    let mut entry = rogue.registration(ATLAS, "Atlas");
    entry.version = "666".to_owned();
    world.registry.push(entry.clone());
    entry.product = "ROGUE".to_owned();
    world.registry.push(entry);
    world.input(Input::Registry(world.registry.clone()));
    world.sign_in();
    assert_eq!(
        world.product(ATLAS).basis,
        Some(Basis::Lease),
        "its keys replace none"
    );
    world.ask(Ask::Reset(None));
    world.pass(minutes(1));
    world.licensing = false;
    world.sign_in();
    let key = world.start(ATLAS);
    world.pass(minutes(2));
    assert_eq!(world.status(key).code, Code::LicensingUnavailable.number());
    assert!(world.temporaries.is_empty());
}

/// The licence and the ID token in it go with a reset of the product alone.
#[test]
fn a_reset_of_the_product_takes_it_away() {
    let (mut world, key) = first_start(Policy::default());
    assert!(world.disk.contains("temporary\":{"));
    world.close(key);
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.pass(minutes(1));
    assert_eq!(world.code(ATLAS), Code::LicensingUnavailable.number());
    assert!(!world.disk.contains("temporary\":{"), "{}", world.disk);
    let counted = world.facts().held(SERVICE, ATLAS).unwrap().temporaries();
    assert_eq!(counted, 1, "and the count stays");
}

/// Nothing else is due for minutes: the service has been out for long.
#[test]
fn a_key_that_hangs_is_waited_for_half_a_minute_and_no_longer() {
    let (mut world, _) = first_start(Policy::default());
    world.pass(hours(1));
    world.signing = Signing::Hangs;
    let key = world.start(QUARRY);
    world.pass(seconds(29));
    assert_eq!(world.status(key).code, 2, "{:?}", world.told(key));
    world.pass(seconds(2));
    assert_eq!(world.told(key).last(), Some(&18), "{:?}", world.told(key));
}

#[test]
fn a_key_that_does_not_sign_is_not_waited_for() {
    let (mut world, _) = first_start(Policy::default());
    world.pass(hours(1));
    world.signing = Signing::Fails;
    let key = world.start(QUARRY);
    world.pass(seconds(8));
    assert_eq!(world.told(key).last(), Some(&18), "{:?}", world.told(key));
}

/// What a token says is in the issuer's time, and the licence in the service's.
#[test]
fn a_service_that_is_behind_its_issuer_keeps_nobody_from_a_first_start() {
    for behind in [minutes(6), minutes(59)] {
        let mut world = installed(Policy::default());
        world.service().clock_ahead = -i64::try_from(behind.as_millis()).unwrap();
        world.sign_in();
        world.pass(minutes(1));
        world.ask(Ask::Reset(Some(ATLAS.to_owned())));
        world.pass(minutes(1));
        world.licensing = false;
        world.pass(hours(1));
        let key = world.start(ATLAS);
        world.pass(minutes(1));
        let status = world.status(key);
        assert_eq!(
            (status.code, status.basis),
            (0, Some(Basis::Temporary)),
            "{behind:?}"
        );
    }
}

/// What the key could not sign behind the lock, it signs when that is open.
#[test]
fn a_keyring_that_is_opened_lets_a_first_start_go_on() {
    let mut world = installed(Policy::default());
    world.licensing = false;
    world.sign_in();
    world.keyring = Keyring::Locked;
    world.input(Input::Vault(Some(VaultTrouble::Locked)));
    world.signing = Signing::Fails;
    let key = world.start(ATLAS);
    world.pass(seconds(40));
    assert_eq!(
        (world.status(key).code, world.status(key).reason),
        (4, Some(Reason::VaultLocked))
    );
    world.signing = Signing::Works;
    world.keyring = Keyring::Open;
    world.input(Input::Vault(None));
    world.pass(seconds(20));
    let status = world.status(key);
    assert_eq!((status.code, status.basis), (0, Some(Basis::Temporary)));
}
