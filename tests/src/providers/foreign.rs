//! One provider that somebody else made.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::process::Process;
use crate::programs;
use crate::provider::Account;
use crate::wait::{SOON, until};
use crate::webdriver::WebDriver;

/// How long a provider may take to come up: some are built at their first start.
const COMES_UP: Duration = Duration::from_secs(120);

/// Types a code, signs in and agrees.
pub(super) type Confirm = fn(&WebDriver, &str, &Account) -> Result<()>;

/// What a user does on its pages.
#[derive(Clone, Copy)]
pub struct Pages {
    /// Signs in and agrees, from the page that the browser was sent to.
    pub sign_in: fn(&WebDriver, &Account) -> Result<()>,
    /// Types a code on the page for codes, signs in and agrees. Nothing where it gives no codes.
    pub confirm_code: Option<Confirm>,
}

/// A provider that runs, and the settings that it needs (`latchkey-server issuer add`).
pub struct Foreign {
    /// Its issuer.
    pub issuer: String,
    /// The agents' client there.
    pub client: &'static str,
    /// Further settings of `latchkey-server issuer add`.
    pub settings: Vec<String>,
    /// What a user does there.
    pub pages: Pages,
    /// Whether a refresh brings another refresh token.
    pub rotates: bool,
    /// Whether it says of an address that it is verified.
    pub verifies: bool,
    /// Whether a client without a secret may revoke its tokens.
    pub revokes: bool,
    /// Whether it knows afterwards whose the tokens are that came by a code, so that they can be refreshed and revoked.
    pub keeps_codes: bool,
    _process: Process,
}

impl Foreign {
    /// Waits until a provider answers.
    ///
    /// # Errors
    /// It does not come up.
    pub fn wait_for(
        issuer: String,
        client: &'static str,
        pages: Pages,
        mut process: Process,
    ) -> Result<Self> {
        until(&format!("{issuer} to answer"), COMES_UP, || {
            ensure!(process.is_running()?, "it ended: {}", process.log().text()?);
            Ok(document(&issuer).ok().map(drop))
        })
        .with_context(|| format!("in {}", process.log().path().display()))?;
        Ok(Self {
            issuer,
            client,
            settings: Vec::new(),
            pages,
            rotates: true,
            verifies: true,
            revokes: true,
            keeps_codes: true,
            _process: process,
        })
    }

    /// One of the addresses in its discovery document.
    ///
    /// # Errors
    /// It names none.
    pub fn endpoint(&self, name: &str) -> Result<String> {
        let document = document(&self.issuer)?;
        let address = document[name].as_str();
        Ok(address
            .with_context(|| format!("{} names no {name}", self.issuer))?
            .to_owned())
    }

    /// Whether it takes an access token, and says whose it is.
    ///
    /// # Errors
    /// It does not answer.
    pub fn knows(&self, access_token: &str) -> Result<bool> {
        let quiet = ureq::Agent::config_builder().http_status_as_error(false).build();
        let answer = ureq::Agent::new_with_config(quiet)
            .get(self.endpoint("userinfo_endpoint")?)
            .header("authorization", &format!("Bearer {access_token}"))
            .call()?;
        Ok(answer.status().is_success())
    }

    /// What it answers to a refresh token: the name of its error, or nothing where it takes it.
    ///
    /// # Errors
    /// It does not answer.
    pub fn refuses(&self, refresh_token: &str) -> Result<Option<String>> {
        let quiet = ureq::Agent::config_builder().http_status_as_error(false).build();
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client),
            ("refresh_token", refresh_token),
        ];
        let mut answer = ureq::Agent::new_with_config(quiet)
            .post(self.endpoint("token_endpoint")?)
            .send_form(form)?;
        let answer: Value = answer.body_mut().read_json()?;
        Ok(answer["error"].as_str().map(str::to_owned))
    }
}

fn document(issuer: &str) -> Result<Value> {
    let address = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    Ok(ureq::get(&address).call()?.body_mut().read_json()?)
}

/// Where a provider is installed.
///
/// # Errors
/// It is not. It was asked for, so that is no success.
pub(super) fn installed(name: &str) -> Result<PathBuf> {
    let folder = programs::root().join("target/providers").join(name);
    ensure!(
        folder.exists(),
        "{name} is not installed: tests/providers/install {name}"
    );
    Ok(folder)
}

/// Which of these is on the page first.
///
/// # Errors
/// None comes within 20 s.
pub(super) fn first_of<'s>(page: &WebDriver, selectors: &[&'s str]) -> Result<&'s str> {
    until(&format!("one of {selectors:?} on the page"), SOON, || {
        for selector in selectors {
            if page.find(selector)?.is_some() {
                return Ok(Some(*selector));
            }
        }
        Ok(None)
    })
    .with_context(|| format!("the page says: {}", page.text().unwrap_or_default()))
}
