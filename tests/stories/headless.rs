//! Machines without a keyring: a server, which keeps the sign-in in a file that a passphrase encrypts, and a session that is in
//! the agent's memory alone. Nothing is ever kept in plain text, and nothing that nobody has chosen is fallen back to.

#[path = "headless/plain.rs"]
mod plain;
#[path = "headless/server.rs"]
mod server;

use std::time::Duration;

use serde_json::{Value, json};
use stories::keyring;
use stories::prelude::*;
use stories::wait::SOON;

use plain::ensure_nothing_is_plain;
use server::a_server_without_a_keyring_keeps_the_sign_in_in_a_file;

tell!(
    a_server_without_a_keyring_keeps_the_sign_in_in_a_file,
    a_session_in_memory_ends_with_its_agent_and_gives_up_its_place,
);

pub(crate) const AGENT: &str = "latchkey-agent";
/// The agent ends within this time, whatever it has to bring to an end.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(5);

/// Maya's devices that hold a place, as the vendor sees them.
fn places(world: &World<'_>) -> Result<usize> {
    let devices = world.service().tell(["device", "list", &world.maya().email])?;
    let devices = devices.as_array().context("devices are a list")?;
    Ok(devices
        .iter()
        .filter(|device| device["released_at"].is_null())
        .count())
}

fn problems(status: &Value) -> &Value {
    &status["problems"]
}

fn a_session_in_memory_ends_with_its_agent_and_gives_up_its_place(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.cli(["config", "set", "vault", "memory"])?;
    world.machine().end(AGENT)?;
    world.sign_in()?;
    world.cli(["check"])?;
    let status = world.status()?;
    ensure!(problems(&status) == &json!(["session_in_memory"]), "{status}");
    let words = world.cli(["status"])?;
    ensure!(words.contains("kept in memory only"), "nobody is told: {words}");
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;
    ensure_nothing_is_plain(&world)?;
    ensure!(
        keyring::items(desk.bus())?.is_empty(),
        "something is in the keyring although memory was chosen"
    );
    ensure!(places(&world)? == 1, "{} devices hold a place", places(&world)?);

    // An orderly end gives the place up, and the next agent brings that to the service.
    world.machine().end(AGENT)?;
    let ended = world.status()?;
    ensure!(
        ended["products"][0]["status"]["code"] == 10 && ended["accounts"][0]["user"].is_null(),
        "the session has outlived its agent: {ended}"
    );
    until("the place to be given up", SOON, || {
        Ok((places(&world)? == 0).then_some(()))
    })?;
    world.sign_in_again()?;
    world.cli(["check"])?;
    ensure!(places(&world)? == 1, "{} devices hold a place", places(&world)?);

    // After a crash nobody can give it up: it stands in the list until somebody releases it there.
    world.machine().kill(AGENT)?;
    until("the loss to be told", SOON, || {
        let status = world.status()?;
        let told = problems(&status)
            .as_array()
            .is_some_and(|problems| problems.contains(&"vault_entry_gone".into()));
        Ok(told.then_some(()))
    })?;
    world.sign_in_again()?;
    world.cli(["check"])?;
    ensure!(places(&world)? == 2, "{} devices hold a place", places(&world)?);
    ensure_nothing_is_plain(&world)
}
