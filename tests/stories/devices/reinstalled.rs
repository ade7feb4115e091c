//! A machine that was installed anew: nothing is left of it but its place (rule 10).

use std::fs;

use serde_json::{Value, json};
use stories::laid::Laid;
use stories::prelude::*;
use stories::services::VERSION;
use stories::wait::SOON;

use super::{atlas_of, signed_in, wait_for_code};

/// What a system is known by, which is another after an installation.
const MACHINE_ID: &str = "/etc/machine-id";
/// What of a home is Latchkey's, the browser's or the keyring's.
const KEPT: [&str; 5] = [
    ".browser",
    ".config/latchkey",
    ".local/share/keyrings",
    ".local/share/latchkey",
    ".local/state/latchkey",
];

/// What `latchkey devices --json` tells.
fn devices(world: &World<'_>) -> Result<Value> {
    Ok(serde_json::from_str(&world.cli(["devices", "--json"])?)?)
}

fn ids(devices: &Value) -> Vec<&str> {
    let listed = devices.as_array().into_iter().flatten();
    listed.filter_map(|device| device["id"].as_str()).collect()
}

/// The one of the devices that is this machine.
fn this(world: &World<'_>) -> Result<String> {
    let listed = devices(world)?;
    let mut listed = listed["devices"].as_array().into_iter().flatten();
    let this = listed.find(|device| device["this"] == true);
    let id = this.and_then(|device| device["id"].as_str());
    Ok(id.context("this machine is among them")?.to_owned())
}

/// Installs the system anew: another machine as far as anybody can tell.
fn install_anew(world: &World<'_>, machine_id: &Laid) -> Result<()> {
    let desk = world.desk();
    world.machine().end("latchkey-agent")?;
    desk.end_part("keyring")?;
    for kept in KEPT {
        let kept = desk.home().join(kept);
        if kept.exists() {
            fs::remove_dir_all(&kept)?;
        }
    }
    let other: String = machine_id.text()?.trim().chars().rev().collect();
    machine_id.write(&format!("{other}\n"))?;
    desk.start_keyring()?;
    world.register(VERSION)
}

pub(super) fn a_machine_installed_anew_keeps_its_place(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded_with(&desk, &json!({ "device_limit": 2, "session_policy": "report" }))?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    signed_in(&laptop)?;
    let (before, other) = (this(&studio)?, this(&laptop)?);

    let machine_id = Laid::copy_of(MACHINE_ID, &desk.folder().join("anew"))?;
    install_anew(&studio, &machine_id)?;
    ensure!(atlas_of(&studio)?["code"] == 10, "something of her is left");
    studio.sign_in()?;
    let mut refused = studio.start_atlas()?;
    refused.wait_for("DEVICE_LIMIT")?;
    let listed = atlas_of(&studio)?["devices"].clone();
    let mut held = ids(&listed);
    held.sort_unstable();
    let mut expected = [before.as_str(), other.as_str()];
    expected.sort_unstable();
    ensure!(held == expected, "the places are held by {listed}");

    studio.cli(["release-device", "--yes", "--same-machine", &before])?;
    let mut atlas = studio.start_atlas_with(&["--keep-trying"])?;
    atlas.wait_for("OK")?;
    let now = this(&studio)?;
    let listed = devices(&studio)?;
    let held = ids(&listed["devices"]);
    ensure!(
        held.len() == 2 && held.contains(&now.as_str()) && held.contains(&other.as_str()),
        "it is the place of before: {listed}"
    );
    ensure!(listed["releases_left"] == 4, "one of the day's five: {listed}");

    // It has the rank of before too: where fewer may run, it is the laptop that came last.
    let subscriptions = studio.service().tell(["subscription", "list"])?;
    let subscription = subscriptions[0]["id"]
        .as_str()
        .context("there is one")?
        .to_owned();
    let fewer = json!({ "device_limit": 1, "session_policy": "report" }).to_string();
    studio
        .service()
        .tell(["subscription", "policy", "set", &subscription, &fewer])?;
    let mut last = laptop.start_atlas()?;
    last.wait_for("DEVICE_LIMIT")?;
    wait_for_code(&laptop, 15, SOON)?;
    studio.cli(["check"])?;
    wait_for_code(&studio, 0, SOON).context("it came last")?;
    atlas.close()
}

/// As the policy comes: three places. The machine was installed anew twice, and nobody said that it is the same.
pub(super) fn a_fourth_device_is_given_the_list_and_releases_one(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded(&desk)?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    let machine_id = Laid::copy_of(MACHINE_ID, &desk.folder().join("anew"))?;
    for _ in 0..2 {
        install_anew(&studio, &machine_id)?;
        signed_in(&studio)?;
    }
    let present = this(&studio)?;

    laptop.sign_in()?;
    let mut refused = laptop.start_atlas()?;
    refused.wait_for("DEVICE_LIMIT")?;
    let listed = atlas_of(&laptop)?["devices"].clone();
    let held = ids(&listed);
    ensure!(
        held.len() == 3 && held.contains(&present.as_str()),
        "the list is {listed}"
    );
    let told = ["name", "system", "last_seen"];
    let is_told = |device: &Value| told.iter().all(|field| device[field].is_string());
    ensure!(
        listed.as_array().is_some_and(|listed| listed.iter().all(is_told)),
        "name, system and when it was last seen: {listed}"
    );

    let given_up = held
        .iter()
        .find(|id| **id != present)
        .context("two of them are gone")?;
    laptop.cli(["release-device", "--yes", given_up])?;
    let mut atlas = laptop.start_atlas_with(&["--keep-trying"])?;
    atlas.wait_for("OK")?;
    studio.cli(["check"])?;
    wait_for_code(&studio, 0, SOON).context("whoever keeps a place keeps it")?;
    let listed = devices(&laptop)?;
    let held = ids(&listed["devices"]);
    ensure!(
        held.len() == 3 && !held.contains(given_up) && listed["releases_left"] == 4,
        "{listed}"
    );
    atlas.close()
}
