//! What stands in the way is named, and nobody loses anything over it.

use std::fs;
use std::time::Duration;

use stories::prelude::*;
use stories::proxy::Proxy;
use stories::services::{LICENSING, PROVIDER};

use super::{
    AGENT, agent, begin_sign_in, company, fails, install, nothing_is_lost, proxy, sign_in, trusting, watch,
};

/// A failure is not taken for more before it has been seen twice, ten seconds apart (rule 8).
const DECIDED: Duration = Duration::from_secs(60);
/// What the proxy wants to hear.
const PASSWORD: &str = "s3cret-of-the-proxy";

pub(super) fn an_unknown_authority_is_named_and_takes_nothing_away(story: &Story) -> Result<()> {
    let says = "an authority that this computer does not know";
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let proxy = proxy(&desk, &company, "proxy")?;
    let store = trusting(&desk, &company)?;
    let with_it = store.text()?;
    let root = fs::read_to_string(company.root())?;
    let without = with_it.replace(&root, "");
    store.write(&without)?;
    let world = World::at(&desk, std::rc::Rc::clone(&company))?;
    let watching = watch(&world)?;
    let running = agent(&world)?;
    world.cli(["config", "set", "proxy", &proxy.url()])?;
    fails(&world, &["sign-in"], says)?;
    ensure!(
        desk.opened_addresses()?.is_empty(),
        "a page was opened all the same"
    );

    // An admin installs it, while the agent runs.
    install(&store, &company)?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;
    ensure!(agent(&world)? == running, "the agent was started anew");
    nothing_is_lost(&world)?;

    // It is taken away again. Connections that are open have been believed: another agent has none.
    drop(watching);
    world.machine().end(AGENT)?;
    store.write(&without)?;
    let _watching = watch(&world)?;
    let running = agent(&world)?;
    fails(&world, &["check"], says)?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["problems"] == serde_json::json!(["authority_unknown"]),
        "the problems are {}",
        status["problems"]
    );
    let told = world.cli(["status"])?;
    ensure!(told.contains(says), "the status says {told}");

    store.write(&with_it)?;
    world.cli(["check"])?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["problems"] == serde_json::json!([]),
        "the problems are still {}",
        status["problems"]
    );
    ensure!(agent(&world)? == running, "the agent was started anew");
    let devices = world.service().tell(["device", "list"])?;
    ensure!(
        devices.as_array().is_some_and(|devices| devices.len() == 1),
        "it is the same device: {devices}"
    );
    Ok(())
}

/// Their owners forgot to renew them. The machine's clock is right, as a check has shown.
pub(super) fn a_certificate_that_has_ended_is_an_outage_and_no_wrong_clock(story: &Story) -> Result<()> {
    let says = "The service's certificate is not trusted on this computer.";
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let proxy = proxy(&desk, &company, "proxy")?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, std::rc::Rc::clone(&company))?;
    let _watching = watch(&world)?;
    world.cli(["config", "set", "proxy", &proxy.url()])?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;

    // The licensing service's: whoever is licensed goes on, and nobody is told to set their clock.
    company.let_end(LICENSING)?;
    world.service().stop()?;
    world.service().serve()?;
    fails(&world, &["check"], "The licensing service is not answering.")?;
    until("the outage to be seen", DECIDED, || {
        let reach = world.status()?["accounts"][0]["reach"].clone();
        Ok((reach == "licensing_outage").then_some(()))
    })?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["problems"] == serde_json::json!([]) && status["products"][0]["status"]["basis"] == "outage",
        "the status is {status}"
    );
    company.certificate(LICENSING)?;
    world.service().stop()?;
    world.service().serve()?;
    world.cli(["check"])?;

    // The provider's: with a token that is good all goes on, and whoever signs in hears what is wrong.
    company.let_end(PROVIDER)?;
    world.provider().stop()?;
    world.provider().resume()?;
    world.cli(["check"])?;
    nothing_is_lost(&world)?;
    world.cli(["sign-out"])?;
    fails(&world, &["sign-in"], says)?;
    company.certificate(PROVIDER)?;
    world.provider().stop()?;
    world.provider().resume()?;
    begin_sign_in(&world).map(drop)
}

pub(super) fn a_proxy_that_wants_a_password_is_named(story: &Story) -> Result<()> {
    let says = "The proxy of this network wants a name and a password.";
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let folder = desk.folder().join("proxy");
    let proxy = Proxy::start(&company, "proxy", folder, Some(("maya", PASSWORD)))?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, company.clone())?;
    let _watching = watch(&world)?;
    world.cli(["config", "set", "proxy", &proxy.url()])?;
    fails(&world, &["sign-in"], says)?;
    world.cli(["config", "set", "proxy", &proxy.url_of("maya", "wrong")])?;
    // This one answers so to a wrong password, and says no more.
    fails(
        &world,
        &["sign-in"],
        "The proxy of this network does not connect this computer to the service.",
    )?;

    // Maya's browser has another way in, and asks for no password: how it does so is not the product's business.
    let browsers = super::proxy(&desk, &company, "browsers")?;
    world.cli(["config", "set", "proxy", &proxy.url_of("maya", PASSWORD)])?;
    sign_in(&world, &browsers)?;
    world.cli(["check"])?;
    super::led_to_both(&proxy)?;

    world.cli(["config", "set", "proxy", &proxy.url()])?;
    fails(&world, &["check"], says)?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["problems"] == serde_json::json!(["proxy_password"]),
        "the problems are {}",
        status["problems"]
    );
    let told = world.cli(["status"])?;
    ensure!(told.contains(says), "the status says {told}");
    a_first_start_hears_of_the_host(&world)?;

    world.cli(["config", "set", "proxy", &proxy.url_of("maya", PASSWORD)])?;
    world.cli(["check"])?;
    let listed = world.cli(["config"])?;
    ensure!(
        listed.contains("maya:…@") && !listed.contains(PASSWORD),
        "the settings say {listed}"
    );
    for machine in fs::read_dir(desk.home().join(".local/state/latchkey"))? {
        let log = fs::read_to_string(machine?.path().join("agent.log")).unwrap_or_default();
        ensure!(!log.contains(PASSWORD), "the agent's log has the password");
    }
    Ok(())
}

pub(super) fn a_proxy_that_is_down_refuses_nobody(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let mut proxy = proxy(&desk, &company, "proxy")?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, company)?;
    let _watching = watch(&world)?;
    let running = agent(&world)?;
    world.cli(["config", "set", "proxy", &proxy.url()])?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;

    proxy.stop()?;
    fails(&world, &["check"], "Neither the licensing service nor")?;
    until("neither service to be seen", DECIDED, || {
        let reach = world.status()?["accounts"][0]["reach"].clone();
        Ok((reach == "neither_answers").then_some(()))
    })?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["products"][0]["status"]["basis"] == "grace",
        "it runs as when offline: {}",
        status["products"]
    );

    // The proxy is there, and does not reach the services behind it: that is the same.
    world.go_offline()?;
    proxy.resume()?;
    fails(&world, &["check"], "Neither the licensing service nor")?;
    nothing_is_lost(&world)?;
    world.go_online()?;
    world.cli(["check"])?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["products"][0]["status"]["basis"] == "lease",
        "it is confirmed again: {}",
        status["products"]
    );
    ensure!(agent(&world)? == running, "the agent was started anew");
    Ok(())
}

/// Whoever has no licence, and cannot get one, is told which host is out of reach and by what.
fn a_first_start_hears_of_the_host(world: &World<'_>) -> Result<()> {
    world.cli(["reset", "ATLAS", "--yes"])?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("AUTH_PENDING")?;
    atlas.close()?;
    let status = &world.status()?["products"][0]["status"];
    ensure!(
        status["obstacle"] == serde_json::json!({ "host": LICENSING, "by": "proxy_password" }),
        "the obstacle is {status}"
    );
    let says =
        format!("The proxy of this network wants a name and a password before it connects to {LICENSING}.");
    ensure!(status["text"] == says.as_str(), "the status says {status}");
    Ok(())
}
