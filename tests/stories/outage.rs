//! A service that is out, and a sign-in service that ends the user's grant (rules 6, 7 and 13).

#[path = "outage/away.rs"]
mod away;

use std::time::Duration;

use serde_json::{Value, json};
use stories::atlas::atlas_of;
use stories::prelude::*;
use stories::process::Process;
use stories::providers::tokens;

use away::{Away, Unavailable, Way};

tell!(
    with_grace_products_run_on_while_the_service_is_gone,
    with_grace_products_run_on_while_it_answers_that_it_is_unavailable,
    with_deny_nothing_starts_without_a_token_and_what_is_open_runs_on,
    with_deny_what_is_open_stops_a_day_after_the_last_check,
    a_grant_that_was_revoked_asks_for_a_sign_in_and_takes_no_lease,
    with_deny_a_grant_that_was_revoked_lets_nothing_start,
    nobody_signs_in_at_a_service_that_is_out_and_everybody_can_when_it_is_back,
    a_licensing_service_that_answers_that_it_is_unavailable_stops_nobody_and_heals_by_itself,
);

const DAY: Duration = Duration::from_secs(86_400);
/// Longer than an access token lives.
const TOKEN_ENDS: Duration = Duration::from_secs(2 * 3_600);
/// A failure is not an outage before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);
/// Everything heals by itself within five minutes; here, with both services next door, long before.
const HEALED: Duration = Duration::from_secs(320);

fn deny() -> Value {
    json!({ "identity_outage": "deny", "save_window": 60 })
}

fn wait_for_reach(world: &World<'_>, reach: &str, limit: Duration) -> Result<Value> {
    until(&format!("the services to be seen as {reach}"), limit, || {
        let status = world.status()?;
        Ok((status["accounts"][0]["reach"] == reach).then_some(status))
    })
}

/// Maya is signed in, and then the provider is out. That changes nothing for as long as she has an access token.
fn goes_out(world: &World<'_>, way: Way) -> Result<Away> {
    world.sign_in()?;
    world.cli(["check"])?;
    let away = Away::take(&mut world.provider(), way)?;
    world.cli(["check"])?;
    let status = world.status()?;
    ensure!(
        status["accounts"][0]["reach"] == "online" && atlas_of(&status)?["basis"] == "lease",
        "with a good token all goes on: {status}"
    );
    Ok(away)
}

fn check_fails(world: &World<'_>, says: &str) -> Result<()> {
    let output = world.cli_output(["check"])?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "a check succeeded without any token");
    ensure!(complaint.contains(says), "it complains: {complaint}");
    Ok(())
}

/// A sign-in does not begin: it says why, opens nothing, and leaves nothing behind.
fn signs_in_in_vain(world: &World<'_>, arguments: &[&str]) -> Result<()> {
    let opened = world.desk().opened_addresses()?;
    let mut command = world.cli_command(arguments.iter().copied());
    let mut sign_in = Process::start("in-vain", &mut command, &world.desk().logs())?;
    let status = sign_in.wait(Duration::from_secs(60))?;
    let said = sign_in.log().text()?;
    ensure!(
        !status.success() && said.contains("The sign-in service is not answering"),
        "{arguments:?}: {status}, {said}"
    );
    ensure!(
        world.desk().opened_addresses()? == opened,
        "a page was opened that is not there"
    );
    ensure!(world.status()?["sign_in"].is_null(), "nothing is left pending");
    Ok(())
}

fn with_grace_products_run_on_while_the_service_is_gone(story: &Story) -> Result<()> {
    with_grace_products_run_on(story, Way::Gone)
}

fn with_grace_products_run_on_while_it_answers_that_it_is_unavailable(story: &Story) -> Result<()> {
    with_grace_products_run_on(story, Way::Unavailable)
}

fn with_grace_products_run_on(story: &Story, way: Way) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let away = goes_out(&world, way)?;
    world.time_passes(TOKEN_ENDS)?;
    check_fails(&world, "The sign-in service is not answering")?;
    let status = wait_for_reach(&world, "identity_outage", DECIDED)?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    ensure!(
        atlas_of(&status)?["basis"] == "grace",
        "it runs as when offline: {}",
        atlas_of(&status)?
    );
    let said = world.cli(["status"])?;
    ensure!(
        said.contains("30 days left") && said.contains("The sign-in service is not answering."),
        "latchkey status says {said}"
    );
    away.end(&mut world.provider())?;
    if let Way::Gone = way {
        world.cli(["check"])?;
    }
    // Nobody asks for it in the other case: it heals by itself.
    let status = wait_for_reach(&world, "online", HEALED)?;
    ensure!(
        atlas_of(&status)?["basis"] == "lease" && status["headline"]["line"] == "licensed",
        "it is confirmed again: {status}"
    );
    ensure!(
        !atlas.text()?.contains("must stop"),
        "Atlas was told to stop: {}",
        atlas.text()?
    );
    atlas.close()
}

fn with_deny_nothing_starts_without_a_token_and_what_is_open_runs_on(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &deny())?;
    let away = goes_out(&world, Way::Gone)?;
    world.time_passes(TOKEN_ENDS)?;
    // It starts before anybody can know that there is an outage, and is open from then on.
    let mut open = world.start_atlas()?;
    open.wait_for("OK")?;
    wait_for_reach(&world, "identity_outage", DECIDED)?;
    let mut refused = world.start_atlas()?;
    refused.wait_for(
        "refused 17 IDENTITY_UNAVAILABLE: The sign-in service is not answering. Try again later. \
         Latchkey keeps trying by itself.",
    )?;
    ensure!(
        refused.process().wait(DECIDED)?.code() == Some(117),
        "{}",
        refused.text()?
    );
    ensure!(
        open.process().is_running()? && !open.text()?.contains("IDENTITY_UNAVAILABLE"),
        "what is open runs on: {}",
        open.text()?
    );

    away.end(&mut world.provider())?;
    world.cli(["check"])?;
    let mut again = world.start_atlas()?;
    again.wait_for("OK")?;
    again.close()?;
    open.close()
}

fn with_deny_what_is_open_stops_a_day_after_the_last_check(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &deny())?;
    let away = goes_out(&world, Way::Gone)?;
    // So much is left of the day for Atlas to start in, and for the outage to be found out.
    world.time_passes(DAY - Duration::from_secs(30))?;
    let mut open = world.start_atlas_with(&["--json"])?;
    let started: Value = serde_json::from_str(&open.wait_for(r#""event":"started""#)?)?;
    let until = started["until"].as_i64().context("a lease ends")?;
    let checked_at = until - i64::try_from((30 * DAY).as_millis())?;
    let status = wait_for_reach(&world, "identity_outage", DECIDED)?;
    ensure!(
        atlas_of(&status)?["code"] == 0 && !open.text()?.contains("must_stop"),
        "what is open runs on within the day: {}",
        atlas_of(&status)?
    );

    let line = open.wait_as_long_as(DECIDED, r#""event":"must_stop""#)?;
    let told: Value = serde_json::from_str(&line)?;
    let window_begins = told["at"].as_i64().context("it says when")? - 60_000;
    let after = window_begins - checked_at;
    ensure!(
        told["code"] == 17 && (86_400_000..86_405_000).contains(&after),
        "told {after} ms after the last check: {line}"
    );
    away.end(&mut world.provider())?;
    world.cli(["check"])?;
    open.wait_for(r#""code":0"#)?;
    ensure!(open.process().is_running()?, "{}", open.text()?);
    open.close()
}

/// An admin ends Maya's grant at the provider.
fn is_revoked(world: &World<'_>) -> Result<()> {
    let token = tokens::held(world.desk().bus(), "refresh_token")?;
    let endpoint = format!("{}/token/revocation", world.provider().issuer());
    tokens::revoke(&endpoint, "latchkey", &token)?;
    Ok(())
}

fn asks_for_a_sign_in(world: &World<'_>) -> Result<()> {
    let line = world.status()?["headline"].clone();
    ensure!(
        line["line"] == "sign_in_again" && line["text"] == "Maya Lindqvist — sign in again",
        "the line is {line}"
    );
    Ok(())
}

fn is_the_same_device(world: &World<'_>) -> Result<()> {
    world.sign_in_again()?;
    world.cli(["check"])?;
    ensure!(
        world.status()?["headline"]["line"] == "licensed",
        "{}",
        world.status()?["headline"]
    );
    let devices = world.service().tell(["device", "list"])?;
    ensure!(
        devices.as_array().is_some_and(|devices| devices.len() == 1),
        "it is the same device: {devices}"
    );
    Ok(())
}

fn a_grant_that_was_revoked_asks_for_a_sign_in_and_takes_no_lease(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    is_revoked(&world)?;
    world.cli(["check"]).context("the access token is still good")?;
    world.time_passes(TOKEN_ENDS)?;
    check_fails(&world, "again")?;
    asks_for_a_sign_in(&world)?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    let status = world.status()?;
    ensure!(
        atlas_of(&status)?["left"]["days"].as_u64() >= Some(29),
        "the lease is as it was: {}",
        atlas_of(&status)?
    );
    atlas.close()?;
    is_the_same_device(&world)
}

fn with_deny_a_grant_that_was_revoked_lets_nothing_start(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    // An access token with less than a minute left is replaced before it is used.
    let world = World::seeded_by(&desk, &deny(), &json!({ "access_token_for": 64 }))?;
    world.sign_in()?;
    let mut open = world.start_atlas()?;
    open.wait_for("OK")?;
    is_revoked(&world)?;
    until("the access token to end", DECIDED, || {
        Ok((!world.cli_output(["check"])?.status.success()).then_some(()))
    })?;
    asks_for_a_sign_in(&world)?;
    let mut refused = world.start_atlas_with(&["--wait", "1"])?;
    refused.wait_for("SIGN_IN_REQUIRED")?;
    ensure!(
        open.process().is_running()? && !open.text()?.contains("SIGN_IN_REQUIRED"),
        "what is open runs on: {}",
        open.text()?
    );
    is_the_same_device(&world)?;
    let mut again = world.start_atlas()?;
    again.wait_for("OK")?;
    again.close()?;
    open.close()
}

fn nobody_signs_in_at_a_service_that_is_out_and_everybody_can_when_it_is_back(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    for way in [Way::Gone, Way::Unavailable] {
        let away = Away::take(&mut world.provider(), way)?;
        signs_in_in_vain(&world, &["sign-in"]).with_context(|| format!("{way:?}"))?;
        signs_in_in_vain(&world, &["sign-in", "--device"]).with_context(|| format!("{way:?}"))?;
        let mut refused = world.start_atlas_with(&["--wait", "1"])?;
        refused.wait_for("SIGN_IN_REQUIRED")?;
        away.end(&mut world.provider())?;
    }
    world.sign_in()?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}

/// A gateway stands before a licensing service that is down.
fn a_licensing_service_that_answers_that_it_is_unavailable_stops_nobody_and_heals_by_itself(
    story: &Story,
) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    world.service().stop()?;
    let gateway = Unavailable::listen(world.service().port())?;

    let status = wait_for_reach(&world, "licensing_outage", DECIDED)?;
    ensure!(
        atlas_of(&status)?["basis"] == "outage",
        "Atlas runs on: {}",
        atlas_of(&status)?
    );
    ensure!(
        status["headline"]["text"] == "The licensing service is not answering — you can keep working",
        "the menu says {}",
        status["headline"]
    );
    let mut another = world.start_atlas()?;
    another.wait_for("OK")?;
    another.close()?;

    gateway.end()?;
    world.service().serve()?;
    let status = wait_for_reach(&world, "online", HEALED)?;
    ensure!(
        atlas_of(&status)?["basis"] == "lease" && status["headline"]["line"] == "licensed",
        "it is confirmed again: {status}"
    );
    ensure!(!atlas.text()?.contains("must stop"), "{}", atlas.text()?);
    atlas.close()
}
