//! The identity provider of the stories: a real one (tests/provider), in a process of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::process::Process;
use crate::programs;
use crate::service::free_port;

/// The protected resource that access tokens are made for: the licensing service, by a name that outlives its port.
pub const RESOURCE: &str = "https://licences.northwind.example";

/// Somebody with a password.
#[derive(Clone, Debug)]
pub struct Account {
    /// The e-mail address, which is what is typed.
    pub email: String,
    /// The name that people call them.
    pub name: String,
    /// The password.
    pub password: String,
}

impl Account {
    /// Somebody at Northwind.
    pub fn new(email: &str, name: &str, password: &str) -> Self {
        Self {
            email: email.to_owned(),
            name: name.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// A running provider. It can end and come back: its keys and grants are kept.
#[derive(Debug)]
pub struct Provider {
    folder: PathBuf,
    logs: PathBuf,
    clock: Clock,
    issuer: String,
    port: u16,
    process: Option<Process>,
}

impl Provider {
    /// Starts a provider that knows these accounts. `settings` are further ones of tests/provider/configuration.mjs.
    ///
    /// # Errors
    /// It does not come up: Node or its packages are missing (`cargo xtask setup`).
    pub fn start(folder: PathBuf, logs: PathBuf, accounts: &[Account], settings: &Value) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let accounts: Vec<_> = accounts
            .iter()
            .map(|account| json!({ "email": account.email, "name": account.name, "password": account.password }))
            .collect();
        let mut config =
            json!({ "accounts": accounts, "resources": [RESOURCE], "store": folder.join("store.json") });
        for (name, value) in settings.as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        fs::write(folder.join("config.json"), config.to_string())?;
        let clock = Clock::right(folder.join("clock"))?;
        let mut provider = Self {
            folder,
            logs,
            clock,
            issuer: String::new(),
            port: free_port()?,
            process: None,
        };
        provider.run()?;
        Ok(provider)
    }

    fn run(&mut self) -> Result<()> {
        let mut command = Command::new("node");
        command.arg(programs::root().join("tests/provider/provider.mjs"));
        command
            .args(["--follow-stdin", "--port", &self.port.to_string(), "--config"])
            .arg(self.folder.join("config.json"));
        command.envs(self.clock.environment());
        let mut process = Process::start_with_input("provider", &mut command, &self.logs, Stdio::piped())?;
        self.issuer = process.wait_for_line("that it is ready", Duration::from_secs(30), |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["issuer"]
                .as_str()
                .filter(|_| line["ready"] == true)
                .map(str::to_owned)
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The port that it listens on itself, whatever its issuer says.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it still knows a refresh token, as it has written it down.
    ///
    /// # Errors
    /// It has written down nothing.
    pub fn knows(&self, refresh_token: &str) -> Result<bool> {
        let store = fs::read_to_string(self.folder.join("store.json"))?;
        Ok(store.contains(&format!("RefreshToken:{refresh_token}")))
    }

    /// Its wall clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes it away: nobody answers at its address.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the provider does not run")?;
        process.end()?;
        Ok(())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the provider does not run")?.kill()
    }

    /// Brings it back, at the same address.
    ///
    /// # Errors
    /// It does not come up.
    pub fn resume(&mut self) -> Result<()> {
        self.run()
    }
}
