//! A network that is cut while a product is open: the session goes to whoever waits for it (rule 11).

use std::rc::Rc;
use std::time::Duration;

use stories::atlas::atlas_of;
use stories::prelude::*;
use stories::services::PRODUCT;

use super::{company, proxy, sign_in, trusting};

/// When a device that is not heard of has no session any more.
const SILENT: Duration = Duration::from_secs(15 * 60);
/// The service looks every 50 s who is there.
const LOOKED: Duration = Duration::from_secs(75);
/// A failure is not taken for more before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);
/// One that does not answer is tried again within five minutes (rule 2), and mostly sooner.
const TRIED_AGAIN: Duration = Duration::from_secs(5 * 60 + 15);

pub(super) fn a_holder_who_is_cut_off_loses_the_session_to_whoever_waits(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let (mut office, branch) = (
        proxy(&desk, &company, "office")?,
        proxy(&desk, &company, "branch")?,
    );
    let _store = trusting(&desk, &company)?;
    let studio = World::at(&desk, Rc::clone(&company))?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    for (world, proxy) in [(&studio, &office), (&laptop, &branch)] {
        world.cli(["config", "set", "proxy", &proxy.url()])?;
        sign_in(world, proxy)?;
        world.cli(["check"])?;
    }

    // It was open on the laptop first: there it waits for the session, and asks for it no more.
    let mut waiting = laptop.start_atlas()?;
    waiting.wait_for("OK")?;
    studio.cli(["use-here", PRODUCT])?;
    waiting.wait_for("SESSION_IN_USE")?;
    let mut holding = studio.start_atlas()?;
    holding.wait_for("OK")?;

    office.stop()?;
    until("the studio to be cut off", DECIDED, || {
        Ok((studio.status()?["accounts"][0]["reach"] == "neither_answers").then_some(()))
    })?;
    studio.service().clock().advance(SILENT)?;
    waiting.wait_as_long_as(LOOKED, "OK")?;
    let status = laptop.status()?;
    ensure!(
        atlas_of(&status)?["code"] == 0 && atlas_of(&status)?["stop_at"].is_null(),
        "it has the session, and no end: {status}"
    );
    let said = holding.text()?;
    ensure!(
        holding.process().is_running()? && !said.contains("SESSION_IN_USE") && !said.contains("must stop"),
        "whoever is cut off is licensed by the lease: {said}"
    );

    // It comes back, and is the newcomer.
    office.resume()?;
    holding.wait_as_long_as(TRIED_AGAIN, "SESSION_IN_USE")?;
    let status = studio.status()?;
    let refused = atlas_of(&status)?;
    ensure!(
        refused["code"] == 16 && !refused["holder"].is_null() && !refused["stop_at"].is_null(),
        "who has it, and time to save: {refused}"
    );
    let said = waiting.text()?;
    ensure!(
        said.matches("SESSION_IN_USE").count() == 1,
        "the newcomer took it back: {said}"
    );
    let sessions = studio.service().tell(["session", "list"])?;
    ensure!(
        sessions.as_array().is_some_and(|sessions| sessions.len() == 1),
        "{sessions}"
    );
    waiting.close()?;
    holding.close()
}
