//! Canaille, an identity server on Authlib, with a database of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::foreign::{Foreign, Pages, installed};
use crate::process::Process;
use crate::provider::Account;
use crate::service::free_port;
use crate::webdriver::WebDriver;

const CLIENT: &str = "latchkey";

/// Starts it.
///
/// # Errors
/// It is not installed, or does not come up.
pub fn start(folder: &Path, logs: &Path, maya: &Account) -> Result<Foreign> {
    let folder = folder.join("canaille");
    fs::create_dir_all(&folder)?;
    let port = free_port()?;
    let program = installed("canaille")?.join("bin/canaille");
    let tell = |arguments: &[&str]| -> Result<String> {
        let mut command = Command::new(&program);
        let output = command
            .current_dir(&folder)
            .env("CANAILLE_CONFIG", folder.join("canaille.toml"))
            .args(arguments)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "canaille {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    };
    let key: Value = serde_json::from_str(tell(&["jwk", "create", "rsa"])?.trim())?;
    fs::write(folder.join("canaille.toml"), settings(&folder, port, &key)?)?;
    tell(&["install"])?;
    let (first, last) = maya.name.split_once(' ').unwrap_or((&maya.name, ""));
    let user = ["create", "user", "--user-name", "maya", "--emails", &maya.email];
    let named = [
        "--given-name",
        first,
        "--family-name",
        last,
        "--formatted-name",
        &maya.name,
    ];
    tell(&[&user[..], &named[..], &["--password", &maya.password]].concat())?;
    let client = [
        "create",
        "client",
        "--client-id",
        CLIENT,
        "--client-name",
        "Latchkey",
    ];
    let kind = ["--token-endpoint-auth-method", "none", "--response-types", "code"];
    let grants = [
        "--grant-types",
        "authorization_code",
        "--grant-types",
        "refresh_token",
    ];
    // It wants exactly this address, port and all.
    let back_port = free_port()?.to_string();
    let back = format!("http://127.0.0.1:{back_port}/callback");
    let back = ["--redirect-uris", &back];
    let scopes = ["openid", "profile", "email", "offline_access"].map(|scope| ["--scope", scope]);
    tell(&[&client[..], &kind[..], &grants[..], &back[..], &scopes.concat()].concat())?;
    // As it does by itself where a client registers itself; else its tokens are for nobody.
    tell(&["set", "client", CLIENT, "--audience", CLIENT])?;

    let mut run = Command::new(&program);
    run.current_dir(&folder)
        .env("CANAILLE_CONFIG", folder.join("canaille.toml"))
        .args(["run", "--bind", &format!("127.0.0.1:{port}")]);
    let process = Process::start("canaille", &mut run, logs)?;
    let pages = Pages {
        sign_in,
        confirm_code: None,
    };
    let mut canaille = Foreign::wait_for(format!("http://127.0.0.1:{port}"), CLIENT, pages, process)?;
    // Its tokens are for the client that asked, whatever the client names.
    let settings = ["--token-audience", CLIENT, "--redirect-port", &back_port];
    // It says that it gives `email_verified`, and does not: nobody gets a seat by its word.
    canaille.verifies = false;
    // It revokes for clients with a secret alone.
    canaille.revokes = false;
    canaille.settings = settings.map(str::to_owned).to_vec();
    Ok(canaille)
}

/// Its settings.
fn settings(folder: &Path, port: u16, key: &Value) -> Result<String> {
    let fields = key.as_object().context("a key is an object")?;
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    Ok(format!(
        "SECRET_KEY = \"for a story alone\"\nSERVER_NAME = \"127.0.0.1:{port}\"\nPREFERRED_URL_SCHEME = \"http\"\n\
         [CANAILLE]\nDATABASE = \"sql\"\nJAVASCRIPT = false\n\
         [CANAILLE_SQL]\nDATABASE_URI = \"sqlite:///{}/canaille.sqlite\"\n\
         [CANAILLE_OIDC]\nACTIVE_JWKS = [{{{}}}]\n",
        folder.display(),
        fields.join(", ")
    ))
}

fn sign_in(page: &WebDriver, account: &Account) -> Result<()> {
    page.wait_for("[name=login]")?.type_text("maya")?;
    page.wait_for("[type=submit]")?.click()?;
    page.wait_for("[name=password]")?.type_text(&account.password)?;
    page.wait_for("[type=submit]")?.click()?;
    page.wait_for("[name=answer][value=accept]")?.click()
}
