//! The network between a machine and its services. A company's: they have names that only its proxy knows, and certificates of its own
//! authority. And none: a cable that is pulled out.

#[path = "network/cable.rs"]
mod cable;
#[path = "network/cut.rs"]
mod cut;
#[path = "network/obstacles.rs"]
mod obstacles;
#[path = "network/ways.rs"]
mod ways;

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use stories::company::Company;
use stories::laid::Laid;
use stories::prelude::*;
use stories::process::Process;
use stories::proxy::Proxy;
use stories::services::{LICENSING, PROVIDER};

use cable::{
    a_cable_that_is_pulled_out_is_being_offline_and_plugged_in_all_heals,
    a_machine_that_never_had_a_network_says_so,
};
use cut::a_holder_who_is_cut_off_loses_the_session_to_whoever_waits;
use obstacles::{
    a_certificate_that_has_ended_is_an_outage_and_no_wrong_clock, a_proxy_that_is_down_refuses_nobody,
    a_proxy_that_wants_a_password_is_named, an_unknown_authority_is_named_and_takes_nothing_away,
};
use ways::{
    a_proxy_set_by_hand_leads_to_the_services, a_sign_in_goes_on_in_another_network,
    a_socks_proxy_leads_to_the_services, another_network_needs_no_restart, the_desktops_proxy_counts,
    the_environments_proxy_and_authority_count,
};

tell!(
    a_proxy_set_by_hand_leads_to_the_services,
    a_socks_proxy_leads_to_the_services,
    the_environments_proxy_and_authority_count,
    the_desktops_proxy_counts,
    another_network_needs_no_restart,
    a_sign_in_goes_on_in_another_network,
    an_unknown_authority_is_named_and_takes_nothing_away,
    a_certificate_that_has_ended_is_an_outage_and_no_wrong_clock,
    a_proxy_that_wants_a_password_is_named,
    a_proxy_that_is_down_refuses_nobody,
    a_holder_who_is_cut_off_loses_the_session_to_whoever_waits,
    a_cable_that_is_pulled_out_is_being_offline_and_plugged_in_all_heals,
    a_machine_that_never_had_a_network_says_so,
);

const AGENT: &str = "latchkey-agent";
/// What this machine believes, on Debian and Ubuntu.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

fn company(desk: &Desktop) -> Result<Rc<Company>> {
    Ok(Rc::new(Company::new(desk.folder().join("company"))?))
}

fn proxy(desk: &Desktop, company: &Rc<Company>, name: &'static str) -> Result<Proxy> {
    Proxy::start(company, name, desk.folder().join("proxy"), None)
}

/// What this machine believes, for a story to change; an admin has installed the company's authority.
fn trusting(desk: &Desktop, company: &Company) -> Result<Laid> {
    let store = Laid::copy_of(TRUSTED, &desk.folder().join("trusted"))?;
    install(&store, company)?;
    Ok(store)
}

fn install(store: &Laid, company: &Company) -> Result<()> {
    let root = std::fs::read_to_string(company.root())?;
    store.write(&format!("{}\n{root}", store.text()?))
}

/// Signs Maya in. Her browser has the same way to the provider, and is told so itself.
fn sign_in(world: &World<'_>, proxy: &Proxy) -> Result<()> {
    let (sign_in, address) = begin_sign_in(world)?;
    finish_sign_in(world, proxy, sign_in, &address)
}

/// Who asks for it, and where Maya is sent.
fn begin_sign_in(world: &World<'_>) -> Result<(Process, String)> {
    let desk = world.desk();
    let seen = desk.opened_addresses()?.len();
    let sign_in = Process::start("sign-in", &mut world.cli_command(["sign-in"]), &desk.logs())?;
    let address = desk.wait_for_opened_address(seen);
    let address = address.with_context(|| sign_in.log().text().unwrap_or_default())?;
    Ok((sign_in, address))
}

fn finish_sign_in(world: &World<'_>, proxy: &Proxy, mut sign_in: Process, address: &str) -> Result<()> {
    let way = format!("--proxy-server={}", proxy.of_browser());
    let browser = Browser::start_with(world.desk(), &[&way, "--ignore-certificate-errors"])?;
    browser.sign_in(address, &world.maya().email, &world.maya().password)?;
    browser.page().wait_for_words("You are signed in")?;
    let status = sign_in.wait(Duration::from_secs(30))?;
    ensure!(
        status.success(),
        "latchkey sign-in failed ({status}): {}",
        sign_in.log().text()?
    );
    Ok(())
}

/// Runs `latchkey ARGUMENTS`, which fails and says so.
fn fails(world: &World<'_>, arguments: &[&str], says: &str) -> Result<()> {
    let output = world.cli_output(arguments.iter().copied())?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && complaint.contains(says),
        "latchkey {arguments:?} should fail and say {says:?}: {}, {complaint}",
        output.status
    );
    Ok(())
}

/// Somebody who watches the status: for as long, the agent that runs now is needed.
fn watch(world: &World<'_>) -> Result<Process> {
    let mut command = world.cli_command(["status", "--watch", "--json"]);
    let mut watch = Process::start("watch", &mut command, &world.desk().logs())?;
    watch.wait_for_line("a status", stories::wait::SOON, |line| {
        line.starts_with('{').then_some(())
    })?;
    Ok(watch)
}

/// The one agent that runs.
fn agent(world: &World<'_>) -> Result<u32> {
    let running = world.machine().running(AGENT)?;
    ensure!(running.len() == 1, "the agents {running:?} run");
    Ok(running[0])
}

/// Maya is signed in, and her product may run: on what, and with which problems beside it.
fn nothing_is_lost(world: &World<'_>) -> Result<Value> {
    let status = world.status()?;
    ensure!(
        status["accounts"][0]["user"]["email"] == world.maya().email,
        "nobody is signed in any more: {}",
        status["accounts"]
    );
    ensure!(
        status["products"][0]["status"]["code"] == 0,
        "the licence is gone: {}",
        status["products"]
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;
    Ok(status)
}

/// Both services were asked for at the proxy.
fn led_to_both(proxy: &Proxy) -> Result<()> {
    for name in [LICENSING, PROVIDER] {
        ensure!(
            proxy.asked_for(name)? > 0,
            "nobody asked the proxy for {name}: how was it reached?"
        );
    }
    Ok(())
}
