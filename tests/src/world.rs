//! All of it together: both services, and a machine on which the product is installed and registered.

use std::cell::{Ref, RefCell, RefMut};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::atlas::Atlas;
use crate::browser::Browser;
use crate::company::Company;
use crate::desktop::Desktop;
use crate::gate::Gate;
use crate::machine::Machine;
use crate::pending::ensure_explained;
use crate::process::Process;
use crate::provider::{Account, Provider};
use crate::service::Service;
use crate::services::{Services, VERSION};
use crate::tray::Tray;
use crate::window::Window;

/// Everything a story is about.
#[derive(Debug)]
pub struct World<'d> {
    desk: &'d Desktop,
    services: Rc<Services>,
    tray: RefCell<Option<Process>>,
    machine: Machine<'d>,
}

impl<'d> World<'d> {
    /// The usual world: Maya has a seat for Atlas, which is installed and registered; nobody is signed in.
    ///
    /// # Errors
    /// A part does not come up.
    pub fn seeded(desk: &'d Desktop) -> Result<Self> {
        Self::seeded_with(desk, &json!({}))
    }

    /// The same, with another policy in the subscription: `{"offline_for": 86400}`.
    ///
    /// # Errors
    /// A part does not come up, or the policy is nonsense.
    pub fn seeded_with(desk: &'d Desktop, policy: &Value) -> Result<Self> {
        Self::seeded_by(desk, policy, &json!({}))
    }

    /// The same, with further settings of the provider (tests/provider/configuration.mjs).
    ///
    /// # Errors
    /// A part does not come up, or a setting is nonsense.
    pub fn seeded_by(desk: &'d Desktop, policy: &Value, provider: &Value) -> Result<Self> {
        let services = Services::seeded_by(desk.folder(), &desk.logs(), policy, provider)?;
        Self::before(desk, Rc::new(services))
    }

    /// The usual world at a company: both services have names of its network, and certificates of its authority.
    ///
    /// # Errors
    /// A part does not come up.
    pub fn at(desk: &'d Desktop, company: Rc<Company>) -> Result<Self> {
        let services = Services::at(company, desk.folder(), &desk.logs())?;
        Self::before(desk, Rc::new(services))
    }

    /// The usual world, whose licensing service stands behind a gate.
    ///
    /// # Errors
    /// A part does not come up.
    pub fn behind(desk: &'d Desktop, gate: &Gate) -> Result<Self> {
        let services = Services::behind(gate, desk.folder(), &desk.logs())?;
        Self::before(desk, Rc::new(services))
    }

    fn before(desk: &'d Desktop, services: Rc<Services>) -> Result<Self> {
        let world = Self {
            desk,
            services,
            tray: RefCell::default(),
            machine: Machine::install(desk)?,
        };
        world.register(VERSION)?;
        Ok(world)
    }

    /// Maya's second machine, on a desktop of its own, with the same services behind it.
    ///
    /// # Errors
    /// A part does not come up.
    pub fn second<'e>(&self, desk: &'e Desktop) -> Result<World<'e>> {
        World::before(desk, Rc::clone(&self.services))
    }

    /// The desktop.
    pub fn desk(&self) -> &'d Desktop {
        self.desk
    }

    /// The user's machine.
    pub fn machine(&self) -> &Machine<'d> {
        &self.machine
    }

    /// The services behind the product.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The user.
    pub fn maya(&self) -> &Account {
        self.services.maya()
    }

    /// The identity provider.
    pub fn provider(&self) -> RefMut<'_, Provider> {
        self.services.provider()
    }

    /// The licensing service.
    pub fn service(&self) -> RefMut<'_, Service> {
        self.services.licensing()
    }

    /// Registers a version of the product on the machine, as its installer would.
    ///
    /// # Errors
    /// The service or the command line refuses.
    pub fn register(&self, version: &str) -> Result<()> {
        fs::write(self.registration(), self.services.registration(version)?)?;
        self.cli(["register", &self.registration().display().to_string()])?;
        Ok(())
    }

    /// The registration file that the installed product brought along.
    pub fn registration(&self) -> PathBuf {
        self.desk.folder().join("atlas-registration.json")
    }

    /// `latchkey ARGUMENTS`, to be run or started.
    pub fn cli_command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.machine.command("latchkey");
        command.args(arguments);
        command
    }

    /// Runs `latchkey ARGUMENTS` to its end, whatever it says.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn cli_output<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Output> {
        self.cli_command(arguments)
            .output()
            .context("cannot start latchkey")
    }

    /// Runs `latchkey ARGUMENTS`, and returns what it printed.
    ///
    /// # Errors
    /// It failed; says what it complained.
    pub fn cli<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        let output = self.cli_output(arguments.iter().copied())?;
        let text = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!(
                "latchkey {} failed ({}): {text}{complaint}",
                arguments.join(" "),
                output.status
            );
        }
        Ok(text)
    }

    /// The whole state, as `latchkey status --json` tells it.
    ///
    /// # Errors
    /// The agent does not answer, or something is pending that says less than it owes.
    pub fn status(&self) -> Result<Value> {
        let output = self.cli_output(["status", "--json"])?;
        let text = String::from_utf8(output.stdout)?;
        let status = serde_json::from_str(&text).with_context(|| {
            format!(
                "latchkey status printed {text:?}, {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        ensure_explained(&status)?;
        Ok(status)
    }

    /// Signs Maya in, by `latchkey sign-in` and the browser that it opens.
    ///
    /// # Errors
    /// Any step of it fails.
    pub fn sign_in(&self) -> Result<()> {
        self.sign_in_with(|seen| self.finish_sign_in(seen))
    }

    /// Signs Maya in once more: her browser still knows her.
    ///
    /// # Errors
    /// Any step of it fails.
    pub fn sign_in_again(&self) -> Result<()> {
        self.sign_in_with(|seen| {
            let address = self.desk.wait_for_opened_address(seen)?;
            let browser = Browser::start(self.desk)?;
            browser.agree(&address)?;
            browser.page().wait_for_words("You are signed in")
        })
    }

    /// Signs somebody else in, in a window of the browser that knows nobody who sat here before.
    ///
    /// # Errors
    /// Any step of it fails.
    pub fn sign_in_as(&self, account: &Account) -> Result<()> {
        self.sign_in_with(|seen| {
            let address = self.desk.wait_for_opened_address(seen)?;
            let browser = Browser::start_with(self.desk, &["--incognito"])?;
            browser.sign_in(&address, &account.email, &account.password)?;
            browser.page().wait_for_words("You are signed in")
        })
    }

    fn sign_in_with(&self, in_the_browser: impl FnOnce(usize) -> Result<()>) -> Result<()> {
        let seen = self.desk.opened_addresses()?.len();
        let mut sign_in = Process::start("sign-in", &mut self.cli_command(["sign-in"]), &self.desk.logs())?;
        in_the_browser(seen)?;
        let status = sign_in.wait(Duration::from_secs(30))?;
        if !status.success() {
            bail!("latchkey sign-in failed ({status}): {}", sign_in.log().text()?);
        }
        Ok(())
    }

    /// Does what Maya does in the browser once the product has opened it, where `seen` addresses had been opened before.
    ///
    /// # Errors
    /// The browser is not opened, or its pages are not what they should be.
    pub fn finish_sign_in(&self, seen: usize) -> Result<()> {
        let address = self.desk.wait_for_opened_address(seen)?;
        let browser = Browser::start(self.desk)?;
        browser.sign_in(&address, &self.maya().email, &self.maya().password)?;
        browser.page().wait_for_words("You are signed in")?;
        self.desk.screenshot("signed-in-in-the-browser")?;
        Ok(())
    }

    /// Starts the tray app, and waits for its icon.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_tray(&self) -> Result<Tray<'d>> {
        let mut command = self.machine.command("latchkey-tray");
        let process = Process::start("tray", &mut command, &self.desk.logs())?;
        let tray = Tray::wait_for(self.desk.bus(), process.id())?;
        *self.tray.borrow_mut() = Some(process);
        Ok(tray)
    }

    /// The tray app's process.
    ///
    /// # Errors
    /// It was not started.
    pub fn tray_process(&self) -> Result<Ref<'_, Process>> {
        Ref::filter_map(self.tray.borrow(), Option::as_ref)
            .map_err(|_| anyhow::anyhow!("the tray was not started"))
    }

    /// Signs Maya in from the tray's menu.
    ///
    /// # Errors
    /// Any step of it fails.
    pub fn sign_in_from(&self, tray: &Tray<'_>) -> Result<()> {
        let seen = self.desk.opened_addresses()?.len();
        tray.click("Sign in…")?;
        self.finish_sign_in(seen)
    }

    /// Opens the product's window, driven, at a screen; an empty name is the one that fits the status.
    ///
    /// # Errors
    /// It does not come up.
    pub fn open_window(&self, screen: &str) -> Result<Window> {
        Window::open(self.desk, &self.machine, screen)
    }

    /// Starts Atlas, which ends with 100 + status code where it may not run.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_atlas(&self) -> Result<Atlas> {
        self.start_atlas_with(&[])
    }

    /// Atlas, to be started.
    pub fn atlas_command(&self) -> Command {
        let mut command = self.machine.command("atlas");
        command.arg("--registration").arg(self.registration());
        command.arg("--document").arg(self.desk.home().join("map.atlas"));
        command
    }

    /// Starts Atlas with further arguments of its own: `--keep-trying`, `--wait SECONDS`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_atlas_with(&self, arguments: &[&str]) -> Result<Atlas> {
        let mut command = self.atlas_command();
        command.args(arguments);
        Atlas::start(&mut command, &self.desk.logs())
    }

    /// Cuts the cable: neither service answers.
    ///
    /// # Errors
    /// A service does not end.
    pub fn go_offline(&self) -> Result<()> {
        self.provider().stop()?;
        self.service().stop()
    }

    /// Puts the cable back.
    ///
    /// # Errors
    /// A service does not come up.
    pub fn go_online(&self) -> Result<()> {
        self.provider().resume()?;
        self.service().serve()
    }

    /// Time passes, for everybody: the clocks of the machine, the provider and the service move on. The product's tray
    /// and agent, which cannot see their clocks jump, are ended before; the tray, if it ran, is started again.
    ///
    /// # Errors
    /// A product is still open, or something does not end or come up.
    pub fn time_passes(&self, time: Duration) -> Result<Option<Tray<'d>>> {
        self.at_rest(|| {
            self.provider().clock().advance(time)?;
            self.service().clock().advance(time)?;
            self.machine.time_passes(time)
        })
    }

    /// The machine is off for a time, and switched on again; the clocks of the services move on with it.
    ///
    /// # Errors
    /// A product is still open, or something does not end or come up.
    pub fn reboot(&self, off_for: Duration) -> Result<Option<Tray<'d>>> {
        self.at_rest(|| {
            self.provider().clock().advance(off_for)?;
            self.service().clock().advance(off_for)?;
            self.machine.reboot(off_for)
        })
    }

    fn at_rest(&self, change: impl FnOnce() -> Result<()>) -> Result<Option<Tray<'d>>> {
        let tray = self.tray.take();
        let had_tray = tray.is_some();
        if let Some(mut tray) = tray {
            tray.end()?;
        }
        self.machine.end("latchkey-agent")?;
        change()?;
        if had_tray {
            self.start_tray().map(Some)
        } else {
            Ok(None)
        }
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // The agent belongs to nobody's process; it must not meet the next story.
        let _ = self.machine.end("latchkey-agent");
    }
}
