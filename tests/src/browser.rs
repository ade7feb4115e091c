//! The user's browser: a real Chromium on the session's display, driven, with a profile of its own.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::desktop::Desktop;
use crate::process::Process;
use crate::provider::Account;
use crate::webdriver::WebDriver;

/// Quiet: it calls nobody, asks nothing, and leaves the keyring to the product. It cannot put itself into a sandbox
/// within these namespaces.
const ARGUMENTS: [&str; 12] = [
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-features=MediaRouter,OptimizationHints,Translate",
    "--disable-gpu",
    "--disable-sync",
    "--password-store=basic",
    "--window-position=0,0",
    "--window-size=560,640",
];

/// A driven Chromium.
#[derive(Debug)]
pub struct Browser {
    page: WebDriver,
    _driver: Process,
}

impl Browser {
    /// Starts it.
    ///
    /// # Errors
    /// Chromium or its driver does not come up.
    pub fn start(desk: &Desktop) -> Result<Self> {
        Self::start_with(desk, &[])
    }

    /// The same, with further arguments: which proxy it uses, and whom it believes, it does not learn from this machine.
    ///
    /// # Errors
    /// Chromium or its driver does not come up.
    pub fn start_with(desk: &Desktop, further: &[&str]) -> Result<Self> {
        let mut driver = Process::start(
            "chromedriver",
            desk.command("chromedriver").arg("--port=0"),
            &desk.logs(),
        )?;
        let port = driver.wait_for_line("its port", Duration::from_secs(30), |line| {
            line.split_once("started successfully on port ")?
                .1
                .trim_end_matches('.')
                .parse()
                .ok()
        })?;
        let profile = format!("--user-data-dir={}", desk.home().join(".browser").display());
        let own = ARGUMENTS.into_iter().chain([profile.as_str()]);
        let arguments: Vec<&str> = own.chain(further.iter().copied()).collect();
        // Passwords are typed here on purpose; an offer to keep them would cover the page.
        let preferences = json!({ "credentials_enable_service": false });
        let options =
            json!({ "args": arguments, "prefs": preferences, "excludeSwitches": ["enable-automation"] });
        let page = WebDriver::open(port, &json!({ "goog:chromeOptions": options })).context("Chromium")?;
        Ok(Self {
            page,
            _driver: driver,
        })
    }

    /// The page that is shown.
    pub fn page(&self) -> &WebDriver {
        &self.page
    }

    /// Says that the code shown is the device's, signs in, and agrees: what follows after a code was typed or scanned.
    ///
    /// # Errors
    /// The pages are not what they should be.
    pub fn confirm_code(&self, code: &str, account: &Account) -> Result<()> {
        self.is_the_code(code)?;
        self.page.wait_for("#email")?.type_text(&account.email)?;
        self.page.wait_for("#password")?.type_text(&account.password)?;
        self.page.wait_for("#sign-in")?.click()?;
        self.page.wait_for("#allow")?.click()?;
        self.page.wait_for("#done")?;
        Ok(())
    }

    /// The same, where the provider still knows who sits there.
    ///
    /// # Errors
    /// The pages are not what they should be.
    pub fn confirm_another_code(&self, code: &str) -> Result<()> {
        self.is_the_code(code)?;
        self.page.wait_for("#allow")?.click()?;
        self.page.wait_for("#done")?;
        Ok(())
    }

    fn is_the_code(&self, code: &str) -> Result<()> {
        let shown = self.page.wait_for("#code")?.text()?;
        ensure!(
            shown == code,
            "the provider shows {shown}, and the product {code}"
        );
        self.page.wait_for("#continue")?.click()
    }

    /// Signs in on the provider's pages, which `address` leads to, and agrees. Afterwards the browser shows whatever
    /// the provider sent it to.
    ///
    /// # Errors
    /// The pages are not what they should be.
    pub fn sign_in(&self, address: &str, email: &str, password: &str) -> Result<()> {
        self.page.go_to(address)?;
        self.page.wait_for("#email")?.type_text(email)?;
        self.page.wait_for("#password")?.type_text(password)?;
        self.page.wait_for("#sign-in")?.click()?;
        self.page.wait_for("#allow")?.click()
    }

    /// The same, where the provider still knows who sits there: it asks for consent alone.
    ///
    /// # Errors
    /// The pages are not what they should be.
    pub fn agree(&self, address: &str) -> Result<()> {
        self.page.go_to(address)?;
        self.page.wait_for("#allow")?.click()
    }
}
