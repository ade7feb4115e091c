//! What can be seen of a machine's licence from outside: by `latchkey status --json`, and in the keyring.

use stories::keyring;
use stories::prelude::*;
use stories::secrets::files_with;
use stories::services::PRODUCT;
use stories::wait::SOON;

use serde_json::Value;

/// How the licence stands.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The product's status code.
    pub(crate) code: u64,
    /// When its lease ends, where it may run.
    until: Option<String>,
    /// The account's last good check.
    checked_at: Option<String>,
    /// Whether somebody is signed in.
    pub(crate) signed_in: bool,
    /// Whether the identity service asks for a sign-in.
    pub(crate) sign_in_again: bool,
    /// Whether a copy of the state was found torn, and the other one used.
    pub(crate) recovered: bool,
}

impl Seen {
    /// Looks, which starts the agent where none runs. Whatever must never be seen is an error.
    pub(crate) fn now(world: &World<'_>) -> Result<Self> {
        let status = world.status()?;
        let problems: Vec<&str> = listed(&status["problems"]).filter_map(Value::as_str).collect();
        for problem in &problems {
            ensure!(
                ["state_recovered", "sign_in_again"].contains(problem),
                "the agent complains of {problem}: {status}"
            );
        }
        ensure!(status["sign_in"].is_null(), "a sign-in is open: {status}");
        let product = listed(&status["products"])
            .find(|product| product["product"] == PRODUCT)
            .with_context(|| format!("{PRODUCT} is not registered any more: {status}"))?;
        let account = listed(&status["accounts"])
            .next()
            .with_context(|| format!("no service is known any more: {status}"))?;
        let code = product["status"]["code"]
            .as_u64()
            .context("a status has a code")?;
        ensure!(code != 4, "something is pending that nobody asked for: {status}");
        let instant = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            code,
            until: instant(&product["status"]["until"]),
            checked_at: instant(&account["checked_at"]),
            signed_in: !account["user"].is_null(),
            sign_in_again: problems.contains(&"sign_in_again"),
            recovered: problems.contains(&"state_recovered"),
        })
    }

    /// Maya is signed in, the product may run, and nothing that was there before is gone.
    pub(crate) fn ensure_nothing_lost_since(&self, before: &Self) -> Result<()> {
        ensure!(
            self.code == 0
                && self.signed_in
                && self.until >= before.until
                && self.checked_at >= before.checked_at,
            "before: {before:?}; now: {self:?}"
        );
        Ok(())
    }
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What is secret in the keyring now: tokens and the device's key, each of them.
pub(crate) fn secrets(world: &World<'_>) -> Result<Vec<String>> {
    let mut secrets = Vec::new();
    for item in keyring::items(world.desk().bus())? {
        let entry: Value = serde_json::from_slice(&item.secret).context("an entry of the keyring")?;
        let tokens = ["access_token", "refresh_token", "id_token"].map(|name| &entry["tokens"][name]);
        secrets.extend(
            [&entry["device_key"]]
                .into_iter()
                .chain(tokens)
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
    }
    Ok(secrets)
}

/// Waits until the keyring holds nothing, which may be a moment after the licence has gone.
pub(crate) fn wait_for_an_empty_keyring(world: &World<'_>) -> Result<()> {
    until("the keyring to be empty", SOON, || {
        // An entry may go between being found and being read.
        let is_empty = keyring::items(world.desk().bus()).is_ok_and(|items| items.is_empty());
        Ok(is_empty.then_some(()))
    })
}

/// Waits until no release waits for the service any more.
pub(crate) fn wait_until_released(world: &World<'_>) -> Result<()> {
    until("every release to reach the service", SOON, || {
        let status = world.status()?;
        let waits = listed(&status["accounts"]).any(|account| account["release_waiting"] == true);
        Ok((!waits).then_some(()))
    })
}

/// None of these is in the keyring, in the state, or in any log.
pub(crate) fn ensure_no_secret_is_left(world: &World<'_>, secrets: &[String]) -> Result<()> {
    let left = keyring::items(world.desk().bus())?;
    ensure!(left.is_empty(), "the keyring holds {} entries", left.len());
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    for folder in [world.desk().home().join(".local/state"), world.desk().logs()] {
        let found = files_with(&folder, &secrets)?;
        ensure!(found.is_empty(), "secrets are left in {found:?}");
    }
    Ok(())
}
