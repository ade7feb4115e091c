//! Keycloak, with the realm of tests/providers/keycloak.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::foreign::{Foreign, Pages, first_of, installed};
use crate::process::Process;
use crate::provider::{Account, RESOURCE};
use crate::service::free_port;
use crate::webdriver::WebDriver;

/// Starts it, with nothing on disk but what is installed.
///
/// # Errors
/// It is not installed, or does not come up.
pub fn start(_folder: &Path, logs: &Path, _maya: &Account) -> Result<Foreign> {
    let port = free_port()?.to_string();
    let home = installed("keycloak")?;
    let mut command = Command::new(home.join("bin/kc.sh"));
    command
        .args([
            "start-dev",
            "--import-realm",
            "--db",
            "dev-mem",
            "--http-host",
            "127.0.0.1",
        ])
        .args([
            "--http-port",
            &port,
            "--hostname",
            &format!("http://127.0.0.1:{port}"),
        ]);
    let process = Process::start("keycloak", &mut command, logs)?;
    let issuer = format!("http://127.0.0.1:{port}/realms/northwind");
    let pages = Pages {
        sign_in,
        confirm_code: Some(confirm_code),
    };
    let mut keycloak = Foreign::wait_for(issuer, "latchkey", pages, process)?;
    keycloak.settings = vec!["--token-audience".to_owned(), RESOURCE.to_owned()];
    Ok(keycloak)
}

const USERNAME: &str = "#username";
const AGREE: &str = "[name=accept]";
const CODE: &str = "#device-user-code";

fn sign_in(page: &WebDriver, account: &Account) -> Result<()> {
    page.wait_for(USERNAME)?.type_text(&account.email)?;
    page.wait_for("#password")?.type_text(&account.password)?;
    page.wait_for("#kc-login")?.click()
}

fn confirm_code(page: &WebDriver, code: &str, account: &Account) -> Result<()> {
    page.wait_for(CODE)?.type_text(code)?;
    page.wait_for("[type=submit]")?.click()?;
    // Who is still known there is asked for consent alone.
    if first_of(page, &[USERNAME, AGREE])? == USERNAME {
        sign_in(page, account)?;
    }
    page.wait_for(AGREE)?.click()?;
    page.wait_for_words("Device Login Successful")
}
