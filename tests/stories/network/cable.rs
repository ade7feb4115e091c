//! A machine that loses its network, and finds it again (rules 1, 2, 3 and 8).

use std::time::Duration;

use stories::atlas::atlas_of;
use stories::cable::Cable;
use stories::prelude::*;
use stories::wait::SOON;

use super::{AGENT, agent, watch};

/// A failure is not taken for more before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);

/// Nobody has ever been asked here, and nobody knows whom to ask but the licensing service.
pub(super) fn a_machine_that_never_had_a_network_says_so(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let cable = Cable::lay(&[world.provider().port(), world.service().port()])?;
    cable.pull_out()?;
    world.machine().is_behind(Some(&cable))?;
    // The one that registered the product.
    world.machine().end(AGENT)?;
    needs_the_internet(&world)?;
    world.machine().is_behind(None)
}

/// Without a licence it does, and says so at once: that there is no route, the machine knows by itself.
fn needs_the_internet(world: &World<'_>) -> Result<()> {
    let mut first = world.start_atlas()?;
    first.wait_for("refused 11 FIRST_START_OFFLINE: The first start of Atlas needs the Internet.")?;
    first.close()
}

pub(super) fn a_cable_that_is_pulled_out_is_being_offline_and_plugged_in_all_heals(
    story: &Story,
) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    let cable = Cable::lay(&[world.provider().port(), world.service().port()])?;
    // Before the old one ends: the tray starts a new one at once.
    world.machine().is_behind(Some(&cable))?;
    world.machine().end(AGENT)?;
    let _watching = watch(&world)?;
    let running = agent(&world)?;
    world.cli(["check"])?;

    cable.pull_out()?;
    let status = until("the machine to be seen as offline", DECIDED, || {
        let status = world.status()?;
        Ok((status["accounts"][0]["reach"] == "offline").then_some(status))
    })?;
    let headline = status["headline"]["text"].as_str().unwrap_or_default();
    ensure!(
        headline.starts_with("Offline — 30 days left, until "),
        "the menu says {headline}"
    );
    ensure!(
        atlas_of(&status)?["basis"] == "grace" && atlas_of(&status)?["away"] == "offline",
        "offline everything runs: {status}"
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;

    world.cli(["reset", "ATLAS", "--yes"])?;
    needs_the_internet(&world)?;
    let status = world.status()?;
    ensure!(
        atlas_of(&status)?["text"] == "The first start of Atlas needs the Internet.",
        "{status}"
    );

    // The network is back, and nobody has to say so.
    cable.plug_in()?;
    until("Atlas to have a licence again", SOON, || {
        let status = world.status()?;
        let healed = status["accounts"][0]["reach"] == "online" && atlas_of(&status)?["basis"] == "lease";
        Ok(healed.then_some(()))
    })?;
    ensure!(agent(&world)? == running, "the agent was started anew");
    world.machine().is_behind(None)
}
