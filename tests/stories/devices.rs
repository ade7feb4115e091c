//! Two machines of one user: who may run, who is told, and who gives way (rules 10, 11 and 14).

#[path = "devices/handed_over.rs"]
mod handed_over;
#[path = "devices/reinstalled.rs"]
mod reinstalled;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stories::prelude::*;
use stories::services::PRODUCT;
use stories::wait::SOON;

use handed_over::the_holder_sees_who_asks_and_hands_over;
use reinstalled::{
    a_fourth_device_is_given_the_list_and_releases_one, a_machine_installed_anew_keeps_its_place,
};

tell!(
    a_session_is_taken_over_and_the_other_desktop_is_told_within_seconds,
    under_deny_the_second_waits_until_the_first_is_closed,
    the_holder_sees_who_asks_and_hands_over,
    one_device_too_many_releases_another_and_goes_on,
    a_fourth_device_is_given_the_list_and_releases_one,
    a_machine_installed_anew_keeps_its_place,
    a_lost_laptop_is_released_from_the_other_machine_and_cannot_come_back,
    a_seat_that_is_assigned_while_its_user_waits_arrives_by_itself,
);

/// How soon the other device must be told (rule 11).
const TOLD: Duration = Duration::from_secs(5);

fn signed_in(world: &World<'_>) -> Result<()> {
    world.sign_in()?;
    world.cli(["check"]).map(drop)
}

fn atlas_of(world: &World<'_>) -> Result<Value> {
    stories::atlas::atlas_of(&world.status()?).cloned()
}

fn wait_for_code(world: &World<'_>, code: u16, limit: Duration) -> Result<Value> {
    until(&format!("Atlas to have code {code}"), limit, || {
        let status = atlas_of(world)?;
        Ok((status["code"] == code).then_some(status))
    })
}

fn a_session_is_taken_over_and_the_other_desktop_is_told_within_seconds(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded(&desk)?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    signed_in(&laptop)?;
    let tray = studio.start_tray()?;

    let mut first = studio.start_atlas()?;
    first.wait_for("OK")?;
    let mut second = laptop.start_atlas_with(&["--keep-trying"])?;
    second.wait_for("SESSION_IN_USE")?;
    let refused = atlas_of(&laptop)?;
    ensure!(
        !refused["holder"].is_null() && !refused["holder_since"].is_null(),
        "who has it: {refused}"
    );
    ensure!(refused["may_take_over"] == true, "{refused}");
    let holder = until("the holder to see who waits", SOON, || {
        let waiting = studio.status()?["accounts"][0]["session_awaited"].clone();
        Ok(waiting.as_array().filter(|waiting| !waiting.is_empty()).cloned())
    })?;
    ensure!(holder.len() == 1, "{holder:?}");

    let began = Instant::now();
    laptop.cli(["use-here", PRODUCT])?;
    first.wait_for("SESSION_IN_USE")?;
    let told = began.elapsed();
    ensure!(told < TOLD, "the other device was told after {told:?}");
    second.wait_for("OK")?;
    let stopping = atlas_of(&studio)?;
    ensure!(!stopping["stop_at"].is_null(), "it has time to save: {stopping}");
    tray.wait_for_words("in use on")?;
    desk.screenshot("in-use-elsewhere")?;
    first.close()?;

    // It is closed there, and free here again: nothing of the refusal of before stands in the way.
    second.close()?;
    until("the session to be free", TOLD, || {
        let sessions = studio.service().tell(["session", "list"])?;
        Ok(sessions.as_array().is_some_and(Vec::is_empty).then_some(()))
    })?;
    let mut again = studio.start_atlas()?;
    again.wait_for("OK")?;
    ensure!(!again.text()?.contains("SESSION_IN_USE"), "{}", again.text()?);
    let sessions = studio.service().tell(["session", "list"])?;
    ensure!(
        sessions.as_array().is_some_and(|sessions| sessions.len() == 1),
        "{sessions}"
    );
    again.close()
}

fn under_deny_the_second_waits_until_the_first_is_closed(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded_with(&desk, &json!({ "session_policy": "deny" }))?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    signed_in(&laptop)?;
    let mut first = studio.start_atlas()?;
    first.wait_for("OK")?;
    let mut second = laptop.start_atlas_with(&["--keep-trying"])?;
    second.wait_for("SESSION_IN_USE")?;
    // Whoever may not take it over is told the same again.
    laptop.cli(["use-here", PRODUCT])?;
    let refused = atlas_of(&laptop)?;
    ensure!(
        refused["code"] == 16 && refused["may_take_over"] == false,
        "{refused}"
    );
    ensure!(
        first.process().is_running()? && !first.text()?.contains("SESSION_IN_USE"),
        "{}",
        first.text()?
    );

    first.close()?;
    second.wait_for("OK")?;
    // And the holder may give it away by themselves.
    let mut third = studio.start_atlas_with(&["--keep-trying"])?;
    third.wait_for("SESSION_IN_USE")?;
    until("the holder to see who waits", SOON, || {
        let waiting = laptop.status()?["accounts"][0]["session_awaited"].clone();
        Ok(waiting.as_array().filter(|waiting| !waiting.is_empty()).map(drop))
    })?;
    laptop.cli(["hand-over", PRODUCT])?;
    third.wait_for("OK")?;
    second.wait_for("SESSION_IN_USE")?;
    second.close()?;
    third.close()
}

fn one_device_too_many_releases_another_and_goes_on(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded_with(&desk, &json!({ "device_limit": 1 }))?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    laptop.sign_in()?;
    let mut refused = laptop.start_atlas()?;
    refused.wait_for("DEVICE_LIMIT")?;
    let listed = atlas_of(&laptop)?;
    ensure!(
        listed["devices"]
            .as_array()
            .is_some_and(|devices| devices.len() == 1),
        "{listed}"
    );

    let window = laptop.open_window("")?;
    window.page().wait_for_words("Devices that hold your places")?;
    window.screenshot("device-limit")?;
    window.page().click_button("Release…")?;
    window.page().wait_for_words("is free at once")?;
    window.screenshot("release")?;
    window.page().click_button("Release")?;
    let mut atlas = laptop.start_atlas_with(&["--keep-trying"])?;
    atlas.wait_for("OK")?;

    // The other one hears of it, and what it has of a sign-in is worth nothing any more.
    let _ = studio.cli_output(["check"])?;
    wait_for_code(&studio, 23, SOON)?;
    ensure!(
        studio.status()?["accounts"][0]["user"].is_null(),
        "she is still signed in there"
    );
    let mut lost = studio.start_atlas()?;
    lost.wait_for("DEVICE_RELEASED")?;
    let devices: Value = serde_json::from_str(&laptop.cli(["devices", "--json"])?)?;
    ensure!(devices["releases_left"] == 4, "{devices}");
    ensure!(
        devices["devices"]
            .as_array()
            .is_some_and(|devices| devices.len() == 1),
        "{devices}"
    );
    atlas.close()
}

fn a_lost_laptop_is_released_from_the_other_machine_and_cannot_come_back(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded_with(&desk, &json!({ "save_window": 60, "session_policy": "report" }))?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    signed_in(&laptop)?;
    let mut lost = laptop.start_atlas()?;
    lost.wait_for("OK")?;

    // No administrator has a part in it.
    let devices: Value = serde_json::from_str(&studio.cli(["devices", "--json"])?)?;
    let devices = devices["devices"].as_array().context("there are two")?.clone();
    let other = devices.iter().find(|device| device["this"] == false);
    let id = other
        .and_then(|device| device["id"].as_str())
        .context("one of them is the laptop")?;
    let began = Instant::now();
    studio.cli(["release-device", "--yes", id])?;
    lost.wait_for("DEVICE_RELEASED")?;
    ensure!(began.elapsed() < TOLD, "it was told after {:?}", began.elapsed());
    let status = atlas_of(&laptop)?;
    ensure!(
        status["code"] == 23 && !status["stop_at"].is_null(),
        "what is open has time to save: {status}"
    );
    lost.close()?;

    // Whoever has it now has nothing to sign in with: no tokens, no key, no lease.
    let check = laptop.cli_output(["check"])?;
    ensure!(!check.status.success(), "a released device checks");
    let mut refused = laptop.start_atlas()?;
    refused.wait_for("DEVICE_RELEASED")?;
    until("its keyring to hold no refresh token", SOON, || {
        let held = stories::providers::tokens::held(other_desk.bus(), "refresh_token");
        Ok(held.is_err().then_some(()))
    })?;
    let devices: Value = serde_json::from_str(&studio.cli(["devices", "--json"])?)?;
    ensure!(
        devices["devices"]
            .as_array()
            .is_some_and(|devices| devices.len() == 1),
        "{devices}"
    );

    // Its owner has found it again, and signs in: a new device. The browser still knows her, and she is asked for her password all the same.
    laptop.sign_in()?;
    let mut again = laptop.start_atlas()?;
    again.wait_for("OK")?;
    again.close()
}

fn a_seat_that_is_assigned_while_its_user_waits_arrives_by_itself(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world
        .service()
        .tell(["seat", "unassign", &world.maya().email, PRODUCT])?;
    world.sign_in()?;
    let mut atlas = world.start_atlas_with(&["--wait", "50"])?;
    let pending = until("the product to wait for its seat", SOON, || {
        let status = atlas_of(&world)?;
        Ok((status["reason"] == "entitlement_spreading").then_some(status))
    })?;
    ensure!(
        !pending["since"].is_null() && !pending["until"].is_null(),
        "{pending}"
    );
    ensure!(
        pending["next_step"].as_str().is_some_and(|step| !step.is_empty()),
        "{pending}"
    );
    world
        .service()
        .tell(["seat", "assign", &world.maya().email, PRODUCT])?;
    let began = Instant::now();
    atlas.wait_for("OK")?;
    ensure!(began.elapsed() < TOLD, "it took {:?}", began.elapsed());
    atlas.close()
}
