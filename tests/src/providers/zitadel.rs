//! The provider library of Zitadel (`github.com/zitadel/oidc`), as tests/providers/zitadel makes a server of it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::foreign::{Foreign, Pages, installed};
use crate::process::Process;
use crate::provider::Account;
use crate::service::free_port;
use crate::webdriver::WebDriver;

/// Starts it. All that it knows is in its memory.
///
/// # Errors
/// It is not installed, or does not come up.
pub fn start(folder: &Path, logs: &Path, maya: &Account) -> Result<Foreign> {
    let port = free_port()?.to_string();
    let users = folder.join("zitadel-users.json");
    let (first, last) = maya.name.split_once(' ').unwrap_or((&maya.name, ""));
    // By a code, the example's storage takes a user's name for its number.
    let mut accounts = json!({});
    accounts[&maya.email] = json!({
        "ID": maya.email, "Username": maya.email, "Password": maya.password, "FirstName": first, "LastName": last,
        "Email": maya.email, "EmailVerified": true, "PreferredLanguage": "en",
    });
    std::fs::write(&users, accounts.to_string())?;
    let mut command = Command::new(installed("zitadel")?.join("provider"));
    command.args([&port, &users.display().to_string(), "jwt"]);
    let process = Process::start("zitadel", &mut command, logs)?;
    let pages = Pages {
        sign_in,
        confirm_code: Some(confirm_code),
    };
    let issuer = format!("http://127.0.0.1:{port}");
    let mut zitadel = Foreign::wait_for(issuer, "latchkey", pages, process)?;
    // Its tokens are for the client that asked, whatever the client names.
    zitadel.settings = vec!["--token-audience".to_owned(), "latchkey".to_owned()];
    // The example's storage forgets which client has them.
    zitadel.keeps_codes = false;
    Ok(zitadel)
}

fn sign_in(page: &WebDriver, account: &Account) -> Result<()> {
    page.wait_for("#username")?.type_text(&account.email)?;
    page.wait_for("#password")?.type_text(&account.password)?;
    page.click_button("Login")
}

fn confirm_code(page: &WebDriver, code: &str, account: &Account) -> Result<()> {
    page.wait_for("#user_code")?.type_text(code)?;
    page.click_button("Login")?;
    sign_in(page, account)?;
    page.click_button("Allow")?;
    page.wait_for_words("Device authorization allowed")
}
