//! When the engine wants to be called: never too late, never for nothing, never in a circle.

use latchkey_core::engine::{Ask, SignInWish};

use crate::support::licensing::Seat;
use crate::support::world::{Keyring, World};
use crate::support::{ATLAS, QUARRY, days, hours, minutes, seconds};

/// What everybody sees, without what counts up by itself.
fn visible(world: &mut World) -> String {
    let view = world.view().clone();
    let keys: Vec<_> = world.programs.keys().copied().collect();
    let uses: Vec<_> = keys.into_iter().map(|key| world.status(key)).collect();
    let accounts: Vec<_> = view
        .accounts
        .iter()
        .map(|account| (&account.user, account.reach, account.release_waiting))
        .collect();
    let products: Vec<_> = view.products.iter().map(|product| &product.status).collect();
    format!(
        "{uses:?} {accounts:?} {products:?} {:?} {:?} {:?}",
        view.notices, view.problems, view.headline
    )
}

#[test]
fn idle_online_and_licensed_it_is_called_hourly_and_says_nothing() {
    let mut world = World::signed_in();
    world.pass(days(1));
    let (handled, published, checks) = (world.handled, world.published, world.checks.len());
    world.pass(days(10));
    let checks = u32::try_from(world.checks.len() - checks).unwrap();
    assert!(checks <= 12, "{checks} checks in ten days");
    // Each check: begun, on the wire to both services, answered.
    let called = world.handled - handled - 4 * checks;
    assert!(called <= 10 * 27, "{called} calls in ten days, beside the checks");
    let published = world.published - published - 2 * checks;
    assert!(
        published <= 10,
        "{published} Views in ten days, beside the checks"
    );
}

#[test]
fn with_programs_open_it_is_no_louder() {
    let mut world = World::signed_in();
    let keys = [world.start(ATLAS), world.start(QUARRY), world.start(ATLAS)];
    world.pass(days(1));
    let told: Vec<_> = keys.iter().map(|key| world.programs[key].told.len()).collect();
    world.pass(days(10));
    for (key, before) in keys.iter().zip(told) {
        let told = world.programs[key].told.len() - before;
        assert!(told <= 24, "{told} changes in ten days");
    }
}

#[test]
fn a_program_whose_product_was_deregistered_is_told_once() {
    let mut world = World::signed_in();
    let key = world.start(ATLAS);
    world.pass(minutes(1));
    world.registry.retain(|entry| entry.product != ATLAS);
    world.input(latchkey_core::engine::Input::Registry(world.registry.clone()));
    let told = world.programs[&key].told.len();
    assert_eq!(world.status(key).code, 4);
    let since = world.status(key).since;
    world.pass(days(3));
    assert_eq!(world.programs[&key].told.len(), told);
    assert_eq!(world.status(key).since, since);
}

/// A life with everything in it.
fn life(world: &mut World, pass: &mut dyn FnMut(&mut World, std::time::Duration)) {
    world.start(ATLAS);
    pass(world, minutes(1));
    world.sign_in();
    pass(world, days(2) + minutes(7));
    world.network = false;
    pass(world, days(1) + minutes(3));
    world.start(QUARRY);
    pass(world, hours(5));
    world.network = true;
    pass(world, hours(2));
    world
        .service()
        .seat(ATLAS, Seat::Refused(latchkey_core::code::Code::SessionInUse));
    world.ask(Ask::Check);
    pass(world, minutes(30));
    world.network = false;
    pass(world, hours(1));
    world.network = true;
    world.service().seat(ATLAS, Seat::Assigned);
    pass(world, hours(1));
    world.identity = false;
    pass(world, hours(30));
    world.identity = true;
    world.keyring = Keyring::Locked;
    world.ask(Ask::Reset(Some(ATLAS.to_owned())));
    world.start(ATLAS);
    pass(world, hours(2));
    world.keyring = Keyring::Open;
    world.grant_revoked = true;
    pass(world, days(2));
    world.user = crate::support::world::User::Ignores;
    world.ask(Ask::SignIn(SignInWish::default()));
    pass(world, minutes(20));
    world.network = false;
    world.ask(Ask::Reset(None));
    pass(world, hours(3));
    world.network = true;
    pass(world, hours(1));
}

#[test]
fn whoever_is_only_called_when_due_sees_what_is_seen_by_calling_all_the_time() {
    for seed in 0..6 {
        // Called whenever due: what is visible at a moment must be what one more call would make visible.
        let mut world = World::seeded(seed);
        let mut moments = 0;
        life(&mut world, &mut |world, time| {
            let mut left = time;
            // Odd moments, so that they do not fall together with what is due.
            let step = seconds(761);
            while left > std::time::Duration::ZERO {
                let now = step.min(left);
                world.pass(now);
                left -= now;
                let seen = visible(world);
                world.input(latchkey_core::engine::Input::Tick);
                assert_eq!(
                    visible(world),
                    seen,
                    "seed {seed}: something was due, and nobody was called"
                );
                moments += 1;
            }
        });
        assert!(moments > 700, "{moments}");
    }
}

#[test]
fn calling_all_the_time_changes_nothing() {
    // With a network there is no back-off, so dice do not matter: both lives must look the same.
    let story = |world: &mut World, pass: &mut dyn FnMut(&mut World, std::time::Duration)| {
        world.sign_in();
        let key = world.start(ATLAS);
        pass(world, days(3));
        world.close(key);
        pass(world, days(2));
        world.ask(Ask::SignOut(None));
        pass(world, days(1));
    };
    let mut quiet = World::new();
    story(&mut quiet, &mut World::pass);
    let mut busy = World::new();
    story(&mut busy, &mut |world, time| {
        world.pass_ticking(time, seconds(30))
    });
    assert_eq!(visible(&mut quiet), visible(&mut busy));
    assert_eq!(quiet.published, busy.published);
}
