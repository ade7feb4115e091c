//! The product as it is installed, with a user who signs in. It lives by the machine's own clock: the one that stories
//! set looks into a file whenever a program asks for the time, which would be measured with it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use latchkey_core::registration::Registration;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stories::browser::Browser;
use stories::desktop::Desktop;
use stories::process::Process;
use stories::programs::program;
use stories::services::{Services, VERSION};
use stories::tray::Tray;
use stories::wait::{SOON, until};

use crate::processes;

const AGENT: &str = "latchkey-agent";
const TRAY: &str = "latchkey-tray";

/// A machine with Atlas registered on it, and the services behind it.
pub(crate) struct Installed<'d> {
    desk: &'d Desktop,
    services: Services,
    registration: PathBuf,
}

impl<'d> Installed<'d> {
    pub(crate) fn new(desk: &'d Desktop) -> Result<Self> {
        // Where sessions are taken over, a start waits for the service (rule 2); here a start is answered from memory.
        let policy = json!({ "session_policy": "report" });
        let installed = Self {
            desk,
            services: Services::seeded(desk.folder(), &desk.logs(), &policy)?,
            registration: desk.folder().join("atlas-registration.json"),
        };
        fs::write(&installed.registration, installed.services.registration(VERSION)?)?;
        let registered = installed
            .command("latchkey")?
            .arg("register")
            .arg(&installed.registration)
            .output()?;
        ensure!(
            registered.status.success(),
            "registering Atlas: {}",
            String::from_utf8_lossy(&registered.stderr)
        );
        Ok(installed)
    }

    pub(crate) fn desk(&self) -> &'d Desktop {
        self.desk
    }

    fn command(&self, name: &str) -> Result<Command> {
        Ok(self.desk.command(program(name)?))
    }

    pub(crate) fn registration(&self) -> Result<Registration> {
        Ok(serde_json::from_slice(&fs::read(&self.registration)?)?)
    }

    pub(crate) fn start_tray(&self) -> Result<Process> {
        Process::start("tray", &mut self.command(TRAY)?, &self.desk.logs())
    }

    /// Signs the user in from the tray's menu.
    pub(crate) fn sign_in_from(&self, tray: &Tray<'_>) -> Result<()> {
        let seen = self.desk.opened_addresses()?.len();
        tray.click("Sign in…")?;
        let address = self.desk.wait_for_opened_address(seen)?;
        let maya = self.services.maya();
        let browser = Browser::start(self.desk)?;
        browser.sign_in(&address, &maya.email, &maya.password)?;
        browser.page().wait_for_words("You are signed in")?;
        tray.wait_for_words("licensed")?;
        Ok(())
    }

    /// Starts Atlas, and waits until it runs.
    pub(crate) fn start_atlas(&self) -> Result<Process> {
        let mut command = self.command("examples/atlas")?;
        command.arg("--registration").arg(&self.registration);
        let mut atlas = Process::start("atlas", &mut command, &self.desk.logs())?;
        atlas.wait_for_line("that it runs", SOON, |line| {
            line.contains("started").then_some(())
        })?;
        Ok(atlas)
    }

    /// The product's processes: tray, agent, and all that they have started.
    pub(crate) fn processes(&self) -> Result<Vec<processes::Pid>> {
        processes::running(&[program(TRAY)?.canonicalize()?, program(AGENT)?.canonicalize()?])
    }

    /// Ends the agent, which is nobody's child.
    pub(crate) fn end_agent(&self) -> Result<()> {
        let agent = [program(AGENT)?.canonicalize()?];
        for id in processes::running(&agent)? {
            // One that has ended meanwhile needs no signal.
            let _ = Pid::from_raw(i32::try_from(id)?).map(|pid| kill_process(pid, Signal::TERM));
        }
        until("the agent to end", SOON, || {
            Ok(processes::running(&agent)?.is_empty().then_some(()))
        })
    }

    /// The folder of the agent's socket.
    pub(crate) fn sockets(&self) -> Result<PathBuf> {
        let runtime = self.desk.variable("XDG_RUNTIME_DIR")?;
        let folder = PathBuf::from(runtime).join("latchkey");
        ensure!(
            folder.exists(),
            "the agent does not listen in {}",
            folder.display()
        );
        Ok(folder)
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        // Nothing can be reported from here; what outlives this ends with the namespace.
        let _ = self.end_agent();
    }
}
