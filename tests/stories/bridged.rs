//! A licensing service that is out for longer than a lease is good: the device goes on by itself (rule 7).

use std::time::Duration;

use serde_json::{Value, json};
use stories::atlas::atlas_of;
use stories::prelude::*;

tell!(
    temporary_licences_go_on_from_a_lease_that_ends_in_an_outage,
    where_temporary_licences_are_used_up_the_end_of_the_lease_is_the_end,
);

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// So much is left of the lease when Atlas starts: more than it takes to find out that the service is out (rule 8).
const LEFT: Duration = Duration::from_secs(45);
const DECIDED: Duration = Duration::from_secs(60);

/// A lease of two days.
fn two_days(limit: Option<u32>) -> Value {
    json!({
        "offline_for": 2 * DAY.as_secs(),
        "final_warning": HOUR.as_secs(),
        "save_window": 60,
        "temporary_limit": limit,
    })
}

fn wait_for_basis(world: &World<'_>, basis: &str) -> Result<Value> {
    until(&format!("Atlas to run on {basis}"), DECIDED, || {
        let status = world.status()?;
        Ok((atlas_of(&status)?["basis"] == basis).then_some(status))
    })
}

/// Maya has a lease, the service goes out, and two days later but for a moment she starts Atlas.
fn at_the_end_of_the_lease(world: &World<'_>) -> Result<Atlas> {
    world.start_tray()?;
    world.sign_in()?;
    world.cli(["check"])?;
    world.service().stop()?;
    world.time_passes(2 * DAY - LEFT)?;
    let mut atlas = world.start_atlas_with(&["--json"])?;
    atlas.wait_for(r#""event":"started""#)?;
    Ok(atlas)
}

fn temporary_licences_go_on_from_a_lease_that_ends_in_an_outage(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &two_days(None))?;
    let mut atlas = at_the_end_of_the_lease(&world)?;
    let status = wait_for_basis(&world, "temporary")?;
    ensure!(
        status["headline"]["text"] == "The licensing service is not answering — you can keep working",
        "the menu says {}",
        status["headline"]
    );
    let said = world.cli(["status"])?;
    ensure!(
        said.contains("temporary licence until"),
        "latchkey status says {said}"
    );
    // Nothing tells of an end that does not come: it is lived through.
    std::thread::sleep(LEFT + Duration::from_secs(5));
    ensure!(
        atlas.process().is_running()? && !atlas.text()?.contains("must_stop"),
        "the lease has ended, and Atlas goes on: {}",
        atlas.text()?
    );
    let mut second = world.start_atlas()?;
    second.wait_for("OK")?;
    second.close()?;
    atlas.close()?;

    // Long after the last temporary licence has ended, on a machine that was off.
    world.time_passes(5 * DAY)?;
    let mut later = world.start_atlas()?;
    later.wait_as_long_as(DECIDED, "OK")?;
    world.service().serve()?;
    world.cli(["check"])?;
    let status = wait_for_basis(&world, "lease")?;
    ensure!(
        status["headline"]["line"] == "licensed",
        "the real lease is back: {}",
        status["headline"]
    );
    ensure!(!later.text()?.contains("must stop"), "{}", later.text()?);
    later.close()
}

fn where_temporary_licences_are_used_up_the_end_of_the_lease_is_the_end(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &two_days(Some(1)))?;
    let atlas = at_the_end_of_the_lease(&world)?;
    wait_for_basis(&world, "temporary")?;
    atlas.close()?;
    world.time_passes(5 * HOUR)?;
    let mut refused = world.start_atlas()?;
    refused.wait_as_long_as(DECIDED, "OFFLINE_LIMIT_REACHED")?;
    world.service().serve()?;
    world.cli(["check"])?;
    let mut healed = world.start_atlas()?;
    healed.wait_for("OK")?;
    healed.close()
}
