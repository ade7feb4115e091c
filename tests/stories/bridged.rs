//! A licensing service that is out for longer than a lease is good, or before there was one: the device goes on by itself (rule 7).

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use stories::atlas::atlas_of;
use stories::prelude::*;
use stories::services::{PRODUCT, VERSION};

tell!(
    temporary_licences_go_on_from_a_lease_that_ends_in_an_outage,
    where_temporary_licences_are_used_up_the_end_of_the_lease_is_the_end,
    a_first_start_in_an_outage_is_bridged_where_the_vendor_has_signed_that_it_may,
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

/// The installer brings a registration that the vendor has signed.
fn install_signed(world: &World<'_>) -> Result<()> {
    let service = world.service();
    service.tell(["key", "issuers"])?;
    let signed = [
        "product",
        "registration",
        PRODUCT,
        "--version",
        VERSION,
        "--first-start",
        "{}",
    ];
    fs::write(world.registration(), service.tell(signed)?.to_string())?;
    drop(service);
    world
        .cli(["register", &world.registration().display().to_string()])
        .map(drop)
}

fn a_first_start_in_an_outage_is_bridged_where_the_vendor_has_signed_that_it_may(
    story: &Story,
) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.service().stop()?;
    let nowhere = world.cli_output(["sign-in"])?;
    ensure!(!nowhere.status.success(), "nobody knows where to sign in");
    world.service().serve()?;
    install_signed(&world)?;
    world.service().stop()?;

    // This machine has never had an answer of the service, and knows by the registration whom to ask who she is.
    let mut unknown = world.start_atlas()?;
    unknown.wait_as_long_as(DECIDED, "SIGN_IN_REQUIRED")?;
    world.sign_in()?;
    world.start_tray()?;
    let mut atlas = world.start_atlas_with(&["--json"])?;
    atlas.wait_as_long_as(DECIDED, r#""event":"started""#)?;
    let status = wait_for_basis(&world, "temporary")?;
    ensure!(
        status["headline"]["text"] == "The licensing service is not answering — you can keep working",
        "the menu says {}",
        status["headline"]
    );
    desk.screenshot("first-start-in-an-outage")?;
    atlas.close()?;

    // The next day that licence is over, and so is its ID token.
    world.time_passes(DAY)?;
    let mut later = world.start_atlas()?;
    later.wait_as_long_as(DECIDED, "OK")?;
    world.service().serve()?;
    world.cli(["check"])?;
    wait_for_basis(&world, "lease")?;
    ensure!(!later.text()?.contains("must stop"), "{}", later.text()?);
    later.close()
}
