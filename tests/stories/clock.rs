//! A clock that is set back or forward, while the machine runs and while it is off (rule 16).

use std::time::Duration;

use stories::prelude::*;
use stories::services::PRODUCT;

tell!(
    a_clock_set_while_the_machine_runs_changes_nothing,
    a_clock_set_back_while_off_hides_no_more_than_the_time_off,
    a_clock_set_forward_while_off_stops_early_and_one_check_heals_it,
);

const DAY: Duration = Duration::from_secs(86_400);

/// How many days are left for the product, as `latchkey status --json` counts them.
fn days_left(world: &World<'_>) -> Result<u64> {
    let status = world.status()?;
    let products = status["products"].as_array().cloned().unwrap_or_default();
    let atlas = products
        .into_iter()
        .find(|product| product["product"] == PRODUCT)
        .context("Atlas is registered")?;
    atlas["status"]["left"]["days"]
        .as_u64()
        .with_context(|| format!("no days are left in {atlas}"))
}

fn offline_after_signing_in(world: &World<'_>) -> Result<()> {
    world.sign_in()?;
    world.cli(["check"])?;
    ensure!(
        days_left(world)? == 30,
        "{} days are left after a check",
        days_left(world)?
    );
    world.go_offline()
}

fn set_by_days(world: &World<'_>, days: i64) -> Result<()> {
    let clock = world.machine().wall();
    clock.set(clock.ahead() + days * 86_400)
}

fn a_clock_set_while_the_machine_runs_changes_nothing(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    offline_after_signing_in(&world)?;
    for days in [-10, 410, -400] {
        set_by_days(&world, days)?;
        ensure!(
            days_left(&world)? == 30,
            "{} days are left with the clock {days} days off",
            days_left(&world)?
        );
        let mut atlas = world.start_atlas()?;
        atlas.wait_for("OK")?;
        atlas.close()?;
    }
    Ok(())
}

fn a_clock_set_back_while_off_hides_no_more_than_the_time_off(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    offline_after_signing_in(&world)?;
    world.time_passes(5 * DAY)?;
    ensure!(
        days_left(&world)? == 25,
        "{} days are left after five",
        days_left(&world)?
    );

    world.reboot(2 * DAY)?;
    set_by_days(&world, -10)?;
    ensure!(
        days_left(&world)? == 25,
        "{} days are left: the days off are hidden, and no others",
        days_left(&world)?
    );
    world.time_passes(3 * DAY)?;
    ensure!(
        days_left(&world)? == 22,
        "{} days are left after three more",
        days_left(&world)?
    );
    Ok(())
}

fn a_clock_set_forward_while_off_stops_early_and_one_check_heals_it(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    offline_after_signing_in(&world)?;
    world.machine().end("latchkey-agent")?;
    world.reboot(DAY)?;
    set_by_days(&world, 400)?;
    let mut refused = world.start_atlas()?;
    refused.wait_as_long_as(Duration::from_secs(60), "OFFLINE_LIMIT_REACHED")?;

    set_by_days(&world, -400)?;
    world.go_online()?;
    world.cli(["check"])?;
    ensure!(
        days_left(&world)? == 30,
        "{} days are left after the check",
        days_left(&world)?
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}
