//! A list that was cut off in the middle: nobody stops working over it, until an administrator says that it is true (rule 18).

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use stories::atlas::atlas_of;
use stories::prelude::*;
use stories::provider::Account;
use stories::services::{ORGANISATION, PRODUCT};

tell!(a_list_that_was_cut_off_stops_nobody_until_it_is_confirmed);

/// With Maya they are five, which is the fewest whose loss at once is a mass loss.
const COLLEAGUES: [&str; 4] = ["Ada", "Ben", "Cleo", "Dan"];
/// A failure is not an outage before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);

fn colleagues() -> Vec<Account> {
    let account = |name: &&str| {
        let email = format!("{}@northwind.example", name.to_lowercase());
        Account::new(&email, name, "seven seas")
    };
    COLLEAGUES.iter().map(account).collect()
}

/// Everybody can sign in at the provider.
fn everybody() -> Value {
    let maya = Account::new("maya@northwind.example", "Maya Lindqvist", "a quiet harbour");
    let all = colleagues().into_iter().chain([maya]);
    let all: Vec<Value> = all
        .map(|one| json!({ "email": one.email, "name": one.name, "password": one.password }))
        .collect();
    json!({ "accounts": all })
}

/// The colleagues have used their seats this week, all at one computer.
fn used_by_everybody(workstation: &World<'_>) -> Result<()> {
    for one in &colleagues() {
        let service = workstation.service();
        service.tell(["user", "add", &one.email, "--organisation", ORGANISATION])?;
        service.tell(["seat", "assign", &one.email, PRODUCT])?;
        drop(service);
        workstation.sign_in_as(one)?;
        workstation.cli(["check"])?;
        workstation.cli(["sign-out"])?;
    }
    Ok(())
}

/// What the other system sends: one new name, and then nothing.
fn import_a_cut_list(world: &World<'_>) -> Result<Value> {
    let list = world.desk().folder().join("seats.txt");
    fs::write(&list, "zoe@northwind.example\n")?;
    let service = world.service();
    let subscriptions = service.tell(["subscription", "list"])?;
    let id = subscriptions[0]["id"].as_str().context("there is one")?;
    service.tell(["seat", "import", id, &list.display().to_string()])
}

fn wait_for(world: &World<'_>, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<()> {
    until(what, DECIDED, || {
        let status = atlas_of(&world.status()?)?.clone();
        Ok(is_so(&status).then_some(()))
    })
}

fn a_list_that_was_cut_off_stops_nobody_until_it_is_confirmed(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_by(&desk, &json!({ "save_window": 60 }), &everybody())?;
    let other_desk = Desktop::second(story)?;
    let workstation = world.second(&other_desk)?;
    used_by_everybody(&workstation)?;
    world.sign_in()?;
    world.cli(["check"])?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;

    let imported = import_a_cut_list(&world)?;
    ensure!(imported["held"] == ORGANISATION, "nobody is lost yet: {imported}");
    let holds = world.service().tell(["hold", "list"])?;
    ensure!(holds[0]["lost"] == 5 && holds[0]["active"] == 5, "{holds}");
    // The push has made Maya's agent ask: it is told what it is told in an outage.
    wait_for(&world, "Atlas to run on in an outage", |status| {
        status["basis"] == "outage"
    })?;
    let mut second = world.start_atlas()?;
    second.wait_for("OK")?;
    second.close()?;

    world.service().tell(["hold", "give-back", ORGANISATION])?;
    world.cli(["check"])?;
    wait_for(&world, "Atlas to be licensed as before", |status| {
        status["basis"] == "lease"
    })?;
    ensure!(!atlas.text()?.contains("must stop"), "{}", atlas.text()?);

    // And once more, because it is true this time.
    import_a_cut_list(&world)?;
    wait_for(&world, "Atlas to run on in an outage again", |status| {
        status["basis"] == "outage"
    })?;
    world.service().tell(["hold", "confirm", ORGANISATION])?;
    let _ = world.cli_output(["check"])?;
    wait_for(&world, "the seat to be lost", |status| status["code"] == 13)?;
    atlas.wait_for("must stop")?;
    desk.screenshot("the-seat-is-lost")?;
    atlas.close()
}
