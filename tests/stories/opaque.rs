//! Access tokens that only their issuer can read: the licensing service asks it about each (RFC 7662), and a token that was
//! revoked there counts no more.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use stories::prelude::*;
use stories::provider::RESOURCE;
use stories::providers::tokens::{self, Asker};
use stories::wait::SOON;

tell!(
    a_token_for_the_service_is_asked_about_and_signing_out_revokes_it,
    a_token_that_says_not_for_whom_counts_by_its_client,
    a_revoked_access_token_is_replaced_and_nobody_notices,
    a_revoked_grant_asks_for_a_sign_in_and_the_lease_stays,
    a_provider_that_cannot_be_asked_is_an_outage,
);

/// The client that the licensing service asks as.
const SERVICE: &str = "licensing-service";
/// Its secret, which only the two of them know.
const SECRET: &str = "a-secret-of-the-service-alone";
/// Longer than an answer about a token is remembered.
const FORGOTTEN: Duration = Duration::from_secs(120);
/// A failure is not an outage before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);

/// Whom the provider says that its tokens are for.
#[derive(Clone, Copy)]
enum Audience {
    /// The licensing service, which the agent names (RFC 8707).
    Service,
    /// Nobody: no resource is named.
    Unsaid,
}

/// A world whose provider gives opaque access tokens.
fn opaque<'d>(desk: &'d Desktop, audience: Audience) -> Result<World<'d>> {
    let client = json!({
        "client_id": SERVICE,
        "client_secret": SECRET,
        "grant_types": [],
        "response_types": [],
        "redirect_uris": [],
    });
    let settings = json!({ "clients": [client], "access_token_format": "opaque" });
    let world = World::seeded_by(desk, &json!({}), &settings)?;
    let secret = desk.folder().join("introspection-secret");
    fs::write(&secret, SECRET)?;
    let secret = secret.display().to_string();
    let issuer = world.provider().issuer().to_owned();
    let mut add = vec!["issuer", "add", issuer.as_str(), "--client-id", "latchkey"];
    add.extend(["--token", "opaque", "--introspection-client", SERVICE]);
    add.extend(["--introspection-secret-file", secret.as_str()]);
    match audience {
        Audience::Service => add.extend(["--resource", RESOURCE]),
        Audience::Unsaid => add.push("--introspection-audience-optional"),
    }
    world.service().tell(add)?;
    Ok(world)
}

/// Whether the provider takes a token.
fn is_active(world: &World<'_>, token: &str) -> Result<bool> {
    let endpoint = format!("{}/token/introspection", world.provider().issuer());
    let asker = Asker {
        endpoint: &endpoint,
        client: SERVICE,
        secret: SECRET,
    };
    asker.is_active(token)
}

fn revoke(world: &World<'_>, token: &str) -> Result<()> {
    let endpoint = format!("{}/token/revocation", world.provider().issuer());
    tokens::revoke(&endpoint, "latchkey", token)?;
    ensure!(!is_active(world, token)?, "the provider still takes it");
    Ok(())
}

/// An admin deletes every access token from the provider's storage, and nothing else: what is revoked by the protocol takes
/// the refresh token with it here.
fn is_forgotten(world: &World<'_>) -> Result<()> {
    world.provider().stop()?;
    let file = world.desk().folder().join("provider/store.json");
    let mut store: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let entries = store["entries"]
        .as_array_mut()
        .context("the storage has entries")?;
    entries.retain(|entry| {
        !entry[0]
            .as_str()
            .is_some_and(|key| key.starts_with("AccessToken:"))
    });
    fs::write(&file, store.to_string())?;
    world.provider().resume()
}

/// Maya has signed in, and her access token is one that nobody can read.
fn signs_in(world: &World<'_>) -> Result<String> {
    world.sign_in()?;
    world.cli(["check"])?;
    let token = tokens::held(world.desk().bus(), "access_token")?;
    ensure!(
        !token.contains('.'),
        "the token can be read: {} bytes",
        token.len()
    );
    ensure!(
        is_active(world, &token)?,
        "the provider does not take its own token"
    );
    Ok(token)
}

fn has_a_lease(world: &World<'_>) -> Result<()> {
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;
    let devices = world.service().tell(["device", "list"])?;
    ensure!(
        devices.as_array().is_some_and(|devices| devices.len() == 1),
        "one device has its place: {devices}"
    );
    Ok(())
}

fn line(world: &World<'_>) -> Result<Value> {
    Ok(world.status()?["headline"].clone())
}

fn a_token_for_the_service_is_asked_about_and_signing_out_revokes_it(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = opaque(&desk, Audience::Service)?;
    let token = signs_in(&world)?;
    has_a_lease(&world)?;

    // The service has just asked about it, and the provider is out: the answer of before still holds for a while.
    world.provider().stop()?;
    world.cli(["check"])?;
    world.provider().resume()?;

    // Whoever signs out gives the token back: a copy of it is worth nothing from then on.
    world.cli(["sign-out"])?;
    until("the token to be revoked", SOON, || {
        Ok((!is_active(&world, &token)?).then_some(()))
    })?;
    world.sign_in_again()?;
    world.cli(["check"])?;
    has_a_lease(&world)
}

fn a_token_that_says_not_for_whom_counts_by_its_client(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = opaque(&desk, Audience::Unsaid)?;
    signs_in(&world)?;
    has_a_lease(&world)
}

fn a_revoked_access_token_is_replaced_and_nobody_notices(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = opaque(&desk, Audience::Service)?;
    let token = signs_in(&world)?;
    is_forgotten(&world)?;
    ensure!(!is_active(&world, &token)?, "the provider still knows it");
    world.time_passes(FORGOTTEN)?;
    world.cli(["check"])?;
    let another = tokens::held(desk.bus(), "access_token")?;
    ensure!(
        another != token && is_active(&world, &another)?,
        "the check was made with the token that was revoked"
    );
    ensure!(line(&world)?["line"] == "licensed", "{}", line(&world)?);
    has_a_lease(&world)
}

fn a_revoked_grant_asks_for_a_sign_in_and_the_lease_stays(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = opaque(&desk, Audience::Service)?;
    let token = signs_in(&world)?;
    revoke(&world, &tokens::held(desk.bus(), "refresh_token")?)?;
    ensure!(
        !is_active(&world, &token)?,
        "the grant ends with its refresh token"
    );
    world.time_passes(FORGOTTEN)?;
    let check = world.cli_output(["check"])?;
    let complaint = String::from_utf8_lossy(&check.stderr).into_owned();
    ensure!(
        !check.status.success() && complaint.contains("again"),
        "{complaint}"
    );
    ensure!(line(&world)?["line"] == "sign_in_again", "{}", line(&world)?);
    has_a_lease(&world)?;

    world.sign_in_again()?;
    world.cli(["check"])?;
    ensure!(line(&world)?["line"] == "licensed", "{}", line(&world)?);
    has_a_lease(&world)
}

fn a_provider_that_cannot_be_asked_is_an_outage(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = opaque(&desk, Audience::Service)?;
    signs_in(&world)?;
    world.provider().stop()?;
    world.time_passes(FORGOTTEN)?;
    let check = world.cli_output(["check"])?;
    let complaint = String::from_utf8_lossy(&check.stderr).into_owned();
    ensure!(
        !check.status.success() && complaint.contains("The sign-in service is not answering"),
        "{complaint}"
    );
    until("the sign-in service to be seen as out", DECIDED, || {
        let status = world.status()?;
        Ok((status["accounts"][0]["reach"] == "identity_outage").then_some(()))
    })?;
    has_a_lease(&world)?;
    world.provider().resume()?;
    world.cli(["check"])?;
    ensure!(line(&world)?["line"] == "licensed", "{}", line(&world)?);
    Ok(())
}
