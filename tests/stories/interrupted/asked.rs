//! Everybody who asks at once: two command lines, a tray and a product.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use stories::gate::Gate;
use stories::listeners;
use stories::prelude::*;
use stories::process::Process;
use stories::wait::SOON;

pub(crate) const AGENT: &str = "latchkey-agent";
/// Where tokens are asked for, behind the gate.
pub(crate) const TOKEN: &str = "/token";
/// A command line that waits for an agent that has gone must have noticed by then.
const NOTICED: Duration = Duration::from_secs(60);

/// A world whose provider stands behind a gate.
pub(crate) fn gated<'d>(desk: &'d Desktop, gate: &Gate, settings: &Value) -> Result<World<'d>> {
    let mut settings = settings.clone();
    settings["issuer"] = gate.url().into();
    let world = World::seeded_by(desk, &json!({}), &settings)?;
    gate.lead_to(world.provider().port());
    Ok(world)
}

/// Starts `latchkey ARGUMENTS`, which goes on waiting.
pub(crate) fn terminal(world: &World<'_>, name: &str, arguments: &[&str]) -> Result<Process> {
    let mut command = world.cli_command(arguments.iter().copied());
    Process::start(name, &mut command, &world.desk().logs())
}

/// The attempt that is open, or null.
pub(crate) fn attempt(world: &World<'_>) -> Result<Value> {
    Ok(world.status()?["sign_in"].clone())
}

pub(crate) fn wait_for_phase(world: &World<'_>, phase: &str) -> Result<()> {
    let mut last = Value::Null;
    until(&format!("the sign-in to be {phase}"), SOON, || {
        last = attempt(world)?;
        Ok((last["phase"] == phase).then_some(()))
    })
    .with_context(|| format!("it is {last}"))
}

/// Nothing is left of an attempt: neither in the status, nor on a port.
pub(crate) fn wait_until_clean(world: &World<'_>) -> Result<()> {
    until("nothing to be left of the sign-in", SOON, || {
        let status = world.status()?;
        let is_clean = status["sign_in"].is_null() && status["products"][0]["status"]["code"] != 4;
        Ok(is_clean.then_some(()))
    })?;
    for agent in world.machine().running(AGENT)? {
        let ports = listeners::of(agent)?;
        ensure!(ports.is_empty(), "the agent still listens on {ports:?}");
    }
    Ok(())
}

/// A command line is told that nobody is signed in, and why.
pub(crate) fn is_told(asking: &mut Process, why: &str) -> Result<()> {
    let status = asking.wait(NOTICED)?;
    let said = asking.log().text()?;
    ensure!(
        !status.success() && said.contains(why),
        "it should be told {why:?}, and ended with {status}: {said}"
    );
    Ok(())
}

/// A command line is told that somebody is signed in.
pub(crate) fn is_in(asking: &mut Process) -> Result<()> {
    let status = asking.wait(NOTICED)?;
    ensure!(status.success(), "{status}: {}", asking.log().text()?);
    Ok(())
}

/// Ends the browser as a crash would: every process that has this story's profile.
pub(crate) fn kill_browser(desk: &Desktop) -> Result<()> {
    let profile = desk.home().join(".browser").display().to_string();
    let ids =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    for id in ids {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(&profile) {
            // One that has ended with another needs no signal.
            let _ = Pid::from_raw(id).map(|id| kill_process(id, Signal::KILL));
        }
    }
    Ok(())
}

/// Everybody who asked.
pub(crate) struct Asked {
    /// The first, who opened the page.
    pub(crate) first: Process,
    /// Who joined.
    pub(crate) second: Process,
    /// A product that waits to start.
    pub(crate) product: Atlas,
    /// The page.
    pub(crate) page: String,
}

impl Asked {
    /// Two ask, one page is opened, and a product starts.
    pub(crate) fn begin(world: &World<'_>) -> Result<Self> {
        let seen = world.desk().opened_addresses()?.len();
        let first = terminal(world, "first", &["sign-in"])?;
        let page = world.desk().wait_for_opened_address(seen)?;
        let mut second = terminal(world, "second", &["sign-in"])?;
        second.wait_for_line("the same page", SOON, |line| line.contains(&page).then_some(()))?;
        let mut product = world.start_atlas_with(&["--keep-trying"])?;
        product.wait_for("AUTH_PENDING")?;
        Ok(Self {
            first,
            second,
            product,
            page,
        })
    }

    /// The same, and Maya has agreed in the browser: the tokens are asked for, and held at the gate.
    pub(crate) fn fetching(world: &World<'_>, gate: &Gate, browser: &Browser) -> Result<Self> {
        gate.release();
        let asked = Self::begin(world)?;
        gate.hold(TOKEN);
        let page = browser.page();
        page.go_to(&asked.page)?;
        // One that crashed has forgotten her.
        if page.find("#email")?.is_some() {
            page.wait_for("#email")?.type_text(&world.maya().email)?;
            page.wait_for("#password")?.type_text(&world.maya().password)?;
            page.wait_for("#sign-in")?.click()?;
        }
        page.wait_for("#allow")?;
        // Whoever clicks waits for the page that follows: so it clicks by itself, when nobody looks any more.
        page.run("setTimeout(() => document.querySelector('#allow').click(), 300)")?;
        gate.wait_until_held()?;
        wait_for_phase(world, "finishing")?;
        Ok(asked)
    }

    /// Everybody is told why nobody is signed in, and nothing is left.
    pub(crate) fn are_told(mut self, world: &World<'_>, why: &str) -> Result<()> {
        is_told(&mut self.first, why)?;
        is_told(&mut self.second, why)?;
        self.product.wait_for("SIGN_IN_REQUIRED")?;
        wait_until_clean(world)?;
        self.product.close()
    }

    /// Whoever is left is told that Maya is signed in, and the product runs. Then she signs out.
    pub(crate) fn are_in(mut self, world: &World<'_>) -> Result<()> {
        for asking in [&mut self.first, &mut self.second] {
            if asking.is_running()? || asking.wait(NOTICED)?.code().is_some() {
                is_in(asking)?;
            }
        }
        if self.product.process().is_running()? {
            self.product.wait_for("started")?;
            self.product.close()?;
        }
        wait_until_clean(world)?;
        world.cli(["sign-out"]).map(drop)
    }
}
