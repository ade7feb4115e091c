//! A sign-in service that is out, that ends the user's grant, or whose access tokens nobody can read (rules 6 and 13).

use std::time::Duration;

use serde_json::{Value, json};
use stories::prelude::*;
use stories::process::Process;
use stories::services::PRODUCT;
use stories::wait::SOON;

tell!(
    with_grace_products_run_on_while_nobody_can_sign_in,
    with_deny_nothing_starts_without_a_token_and_what_is_open_runs_on,
    a_grant_that_has_ended_asks_for_a_sign_in_and_takes_no_lease,
    nobody_signs_in_at_a_service_that_is_out_and_everybody_can_when_it_is_back,
    opaque_access_tokens_are_asked_about_and_a_revoked_one_counts_no_more,
);

/// Longer than an access token lives.
const TOKEN_ENDS: Duration = Duration::from_secs(2 * 3_600);
/// A failure is not an outage before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);
/// Everything heals by itself within five minutes; here, with both services next door, long before.
const HEALED: Duration = Duration::from_secs(320);

fn atlas_of(status: &Value) -> Result<&Value> {
    let products = status["products"].as_array().into_iter().flatten();
    let mut atlas = products.filter(|product| product["product"] == PRODUCT);
    atlas
        .next()
        .map(|product| &product["status"])
        .context("Atlas is registered")
}

fn wait_for_reach(world: &World<'_>, reach: &str) -> Result<Value> {
    until(&format!("the services to be seen as {reach}"), DECIDED, || {
        let status = world.status()?;
        Ok((status["accounts"][0]["reach"] == reach).then_some(status))
    })
}

/// Maya is signed in, her access token has ended, and the provider is gone.
fn without_a_token(world: &World<'_>) -> Result<()> {
    world.sign_in()?;
    world.cli(["check"])?;
    // A token that is still good needs no provider.
    world.provider().stop()?;
    world.cli(["check"])?;
    world.time_passes(TOKEN_ENDS)?;
    Ok(())
}

fn check_fails(world: &World<'_>, says: &str) -> Result<()> {
    let output = world.cli_output(["check"])?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "a check succeeded without any token");
    ensure!(complaint.contains(says), "it complains: {complaint}");
    Ok(())
}

fn with_grace_products_run_on_while_nobody_can_sign_in(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    without_a_token(&world)?;
    check_fails(&world, "sign-in service")?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    let status = wait_for_reach(&world, "identity_outage")?;
    ensure!(
        atlas_of(&status)?["basis"] == "grace",
        "it runs as when offline: {}",
        atlas_of(&status)?
    );
    let line = status["headline"]["text"].as_str().unwrap_or_default();
    ensure!(
        line.contains("29 days") || line.contains("30 days"),
        "the line says {line:?}"
    );

    world.provider().resume()?;
    until("the check to succeed by itself", HEALED, || {
        let status = world.status()?;
        Ok((status["accounts"][0]["reach"] == "online").then_some(()))
    })?;
    ensure!(
        atlas_of(&world.status()?)?["basis"] == "lease",
        "it is confirmed again"
    );
    atlas.close()
}

fn with_deny_nothing_starts_without_a_token_and_what_is_open_runs_on(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &json!({ "identity_outage": "deny" }))?;
    without_a_token(&world)?;
    // It starts before anybody can know that there is an outage, and is open from then on.
    let mut open = world.start_atlas()?;
    open.wait_for("OK")?;
    wait_for_reach(&world, "identity_outage")?;
    ensure!(
        open.process().is_running()?,
        "what is open runs on: {}",
        open.text()?
    );
    let mut refused = world.start_atlas()?;
    refused.wait_for("IDENTITY_UNAVAILABLE")?;
    ensure!(!open.text()?.contains("IDENTITY_UNAVAILABLE"), "{}", open.text()?);

    world.provider().resume()?;
    until("a start to be allowed again", HEALED, || {
        let status = world.status()?;
        Ok((atlas_of(&status)?["code"] == 0).then_some(()))
    })?;
    let mut again = world.start_atlas()?;
    again.wait_for("OK")?;
    again.close()?;
    open.close()
}

fn a_grant_that_has_ended_asks_for_a_sign_in_and_takes_no_lease(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_by(&desk, &json!({}), &json!({ "refresh_token_for": 3_600 }))?;
    world.sign_in()?;
    world.cli(["check"])?;
    world.time_passes(TOKEN_ENDS)?;
    check_fails(&world, "again")?;
    let status = world.status()?;
    ensure!(
        status["headline"]["line"] == "sign_in_again",
        "the line is {}",
        status["headline"]
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;

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

fn nobody_signs_in_at_a_service_that_is_out_and_everybody_can_when_it_is_back(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.provider().stop()?;
    for arguments in [&["sign-in"][..], &["sign-in", "--device"]] {
        let mut command = world.cli_command(arguments.iter().copied());
        let mut sign_in = Process::start("in-vain", &mut command, &desk.logs())?;
        let status = sign_in.wait(Duration::from_secs(60))?;
        let said = sign_in.log().text()?;
        ensure!(
            !status.success() && said.contains("sign-in service"),
            "{arguments:?}: {status}, {said}"
        );
    }
    ensure!(
        desk.opened_addresses()?.is_empty(),
        "a page was opened that is not there"
    );
    ensure!(world.status()?["sign_in"].is_null(), "nothing is left pending");
    let mut refused = world.start_atlas()?;
    refused.wait_for("SIGN_IN_REQUIRED")?;

    world.provider().resume()?;
    world.sign_in()?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}

/// The secret of the client that the licensing service asks as.
const SECRET: &str = "a-secret-of-the-service-alone";

/// Maya's provider gives access tokens that only it can read.
fn opaque<'d>(desk: &'d Desktop) -> Result<World<'d>> {
    let client = json!({
        "client_id": "licensing-service",
        "client_secret": SECRET,
        "grant_types": [],
        "response_types": [],
        "redirect_uris": [],
    });
    let world = World::seeded_by(desk, &json!({}), &json!({ "clients": [client] }))?;
    let secret = desk.folder().join("introspection-secret");
    std::fs::write(&secret, SECRET)?;
    let issuer = world.provider().issuer().to_owned();
    let secret = secret.display().to_string();
    world.service().tell(["issuer", "remove", &issuer])?;
    world.service().tell([
        "issuer",
        "add",
        &issuer,
        "--client-id",
        "latchkey",
        "--token",
        "opaque",
        "--introspection-client",
        "licensing-service",
        "--introspection-secret-file",
        &secret,
        "--introspection-audience-optional",
    ])?;
    Ok(world)
}

fn opaque_access_tokens_are_asked_about_and_a_revoked_one_counts_no_more(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = opaque(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;
    let token = access_token(&world)?;
    ensure!(
        !token.contains('.'),
        "the provider gave a token that can be read: {} bytes",
        token.len()
    );

    // The service has just asked about it, and the provider is out: the answer of before still holds for a while.
    world.provider().stop()?;
    world.cli(["check"])?;
    world.provider().resume()?;

    // Whoever signs out gives the token back; a copy of it is worth nothing from then on.
    let seat = world.service().tell(["device", "list"])?;
    ensure!(
        seat.as_array().is_some_and(|devices| devices.len() == 1),
        "{seat}"
    );
    world.cli(["sign-out"])?;
    let revoked = until("the token to be revoked", SOON, || {
        Ok((!is_active(&world, &token)?).then_some(()))
    });
    revoked.context("the provider still takes it")?;
    world.sign_in_again()?;
    world.cli(["check"])?;
    let devices = world.service().tell(["device", "list"])?;
    ensure!(
        devices.as_array().is_some_and(|devices| devices.len() == 1),
        "the device kept its place: {devices}"
    );
    Ok(())
}

/// The access token in the keyring.
fn access_token(world: &World<'_>) -> Result<String> {
    let items = stories::keyring::items(world.desk().bus())?;
    let secrets = items.iter().filter(|item| item.label.contains("Latchkey"));
    let mut tokens = secrets.filter_map(|item| {
        let secret: Value = serde_json::from_slice(&item.secret).ok()?;
        secret["tokens"]["access_token"].as_str().map(str::to_owned)
    });
    tokens.next().context("there is an access token in the keyring")
}

/// What the provider says of a token (RFC 7662).
fn is_active(world: &World<'_>, token: &str) -> Result<bool> {
    let url = format!("{}/token/introspection", world.provider().issuer());
    let credentials = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("licensing-service:{SECRET}"),
    );
    let mut answer = ureq::post(&url)
        .header("authorization", &format!("Basic {credentials}"))
        .send_form([("token", token)])?;
    let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
    Ok(answer["active"] == true)
}
