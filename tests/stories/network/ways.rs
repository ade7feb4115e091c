//! Ways to the services: a setting, the environment, and another one tomorrow.

use stories::company::HOSTS;
use stories::gnome::{Portal, set_proxy};
use stories::laid::Laid;
use stories::prelude::*;
use stories::proxy::Proxy;
use stories::services::{LICENSING, PROVIDER};

use super::{
    AGENT, agent, begin_sign_in, company, fails, finish_sign_in, led_to_both, nothing_is_lost, proxy,
    sign_in, trusting, watch,
};

pub(super) fn a_proxy_set_by_hand_leads_to_the_services(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let proxy = proxy(&desk, &company, "proxy")?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, company)?;
    let _watch = watch(&world)?;
    let running = agent(&world)?;
    fails(&world, &["sign-in"], "This computer is offline.")?;

    world.cli(["config", "set", "proxy", &proxy.url()])?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;
    led_to_both(&proxy)?;
    let status = nothing_is_lost(&world)?;
    ensure!(
        status["accounts"][0]["reach"] == "online",
        "the services are seen as {}",
        status["accounts"][0]["reach"]
    );
    ensure!(agent(&world)? == running, "the agent was started anew");
    let listed = world.cli(["config"])?;
    ensure!(listed.contains(&proxy.url()), "the settings say {listed}");
    Ok(())
}

pub(super) fn a_socks_proxy_leads_to_the_services(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let folder = desk.folder().join("proxy");
    let proxy = Proxy::socks(&company, "socks", folder, ("latchkey", "s3cret"))?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, company)?;
    let _watch = watch(&world)?;
    for unknown in [proxy.url(), proxy.url_of("latchkey", "wrong")] {
        world.cli(["config", "set", "proxy", &unknown])?;
        let complaint = "The proxy of this network wants a name and a password.";
        fails(&world, &["sign-in"], complaint)?;
    }

    world.cli(["config", "set", "proxy", &proxy.url_of("latchkey", "s3cret")])?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;
    led_to_both(&proxy)?;
    nothing_is_lost(&world)?;
    ensure!(
        !world.cli(["config"])?.contains("s3cret"),
        "the settings show the password"
    );
    Ok(())
}

pub(super) fn the_environments_proxy_and_authority_count(story: &Story) -> Result<()> {
    let mut desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let proxy = proxy(&desk, &company, "proxy")?;
    desk.set_variable("HTTPS_PROXY", proxy.url());
    desk.set_variable("SSL_CERT_FILE", company.root());
    let world = World::at(&desk, company)?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;
    led_to_both(&proxy)?;
    nothing_is_lost(&world)?;

    // What was set by hand stands above the environment.
    world.cli(["config", "set", "proxy", "direct"])?;
    fails(&world, &["check"], "This computer is offline.")?;
    world.cli(["config", "unset", "proxy"])?;
    world.cli(["check"])?;

    // Whoever starts the agent brings the environment along.
    world.machine().end(AGENT)?;
    let mut check = world.cli_command(["check"]);
    check.env("NO_PROXY", "northwind.example");
    let asked = proxy.asked_for(LICENSING)?;
    let output = check.output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && complaint.contains("This computer is offline."),
        "no proxy is wanted for these names: {}, {complaint}",
        output.status
    );
    ensure!(
        proxy.asked_for(LICENSING)? == asked,
        "the proxy was asked all the same"
    );
    nothing_is_lost(&world).map(drop)
}

/// What GNOME's settings say, as its portal tells it.
pub(super) fn the_desktops_proxy_counts(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let proxy = proxy(&desk, &company, "proxy")?;
    let _store = trusting(&desk, &company)?;
    let _portal = Portal::start(&desk)?;
    let world = World::at(&desk, company)?;
    let _watch = watch(&world)?;
    let running = agent(&world)?;
    fails(&world, &["sign-in"], "This computer is offline.")?;

    let address = proxy.address();
    let (host, port) = address.split_once(':').context("a port")?;
    set_proxy(&desk, ".https", "host", host)?;
    set_proxy(&desk, ".https", "port", port)?;
    set_proxy(&desk, "", "mode", "manual")?;
    sign_in(&world, &proxy)?;
    world.cli(["check"])?;
    led_to_both(&proxy)?;
    nothing_is_lost(&world)?;
    ensure!(agent(&world)? == running, "the agent was started anew");

    // What is set by hand stands above the desktop.
    world.cli(["config", "set", "proxy", "direct"])?;
    fails(&world, &["check"], "This computer is offline.")?;
    // Hosts that the desktop wants no proxy for are reached without.
    set_proxy(&desk, "", "ignore-hosts", "['*.northwind.example']")?;
    world.cli(["config", "unset", "proxy"])?;
    let asked = proxy.asked_for(LICENSING)?;
    fails(&world, &["check"], "This computer is offline.")?;
    ensure!(
        proxy.asked_for(LICENSING)? == asked,
        "the proxy was asked all the same"
    );
    nothing_is_lost(&world).map(drop)
}

pub(super) fn another_network_needs_no_restart(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let mut office = proxy(&desk, &company, "office")?;
    let branch = proxy(&desk, &company, "branch")?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, std::rc::Rc::clone(&company))?;
    let _watch = watch(&world)?;
    let running = agent(&world)?;
    world.cli(["config", "set", "proxy", &office.url()])?;
    sign_in(&world, &office)?;
    world.cli(["check"])?;

    // Another proxy, in the branch.
    office.stop()?;
    ensure!(!world.cli_output(["check"])?.status.success(), "no proxy is left");
    world.cli(["config", "set", "proxy", &branch.url()])?;
    world.cli(["check"])?;
    ensure!(branch.asked_for(LICENSING)? > 0, "another way was taken");

    // None at home, where the names are everybody's.
    world.cli(["config", "set", "proxy", "direct"])?;
    fails(&world, &["check"], "This computer is offline.")?;
    let asked = (branch.asked_for(LICENSING)?, branch.asked_for(PROVIDER)?);
    let names = Laid::copy_of(HOSTS, &desk.folder().join("names"))?;
    names.write(&company.names())?;
    world.cli(["check"])?;
    ensure!(
        (branch.asked_for(LICENSING)?, branch.asked_for(PROVIDER)?) == asked,
        "the proxy was asked all the same"
    );
    nothing_is_lost(&world)?;
    ensure!(agent(&world)? == running, "the agent was started anew");
    Ok(())
}

/// The page is open while the laptop is carried from the office to the branch.
pub(super) fn a_sign_in_goes_on_in_another_network(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let company = company(&desk)?;
    let mut office = proxy(&desk, &company, "office")?;
    let branch = proxy(&desk, &company, "branch")?;
    let _store = trusting(&desk, &company)?;
    let world = World::at(&desk, std::rc::Rc::clone(&company))?;
    let _watch = watch(&world)?;
    world.cli(["config", "set", "proxy", &office.url()])?;
    let (signing_in, address) = begin_sign_in(&world)?;

    office.stop()?;
    world.cli(["config", "set", "proxy", &branch.url()])?;
    finish_sign_in(&world, &branch, signing_in, &address)?;
    ensure!(branch.asked_for(PROVIDER)? > 0, "the tokens came another way");
    world.cli(["check"])?;
    nothing_is_lost(&world).map(drop)
}
