//! The licensing service of the stories: the real `latchkey-server`, on a free port, filled by its own command line.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::clock::Clock;
use crate::company::{Certificate, Company};
use crate::gate::Gate;
use crate::process::Process;
use crate::programs::program;

/// A licensing service. It can end and come back: its data is kept.
#[derive(Debug)]
pub struct Service {
    data: PathBuf,
    logs: PathBuf,
    clock: Clock,
    port: u16,
    company: Option<At>,
    /// The address of the gate before it.
    gate: Option<String>,
    process: Option<Process>,
}

/// Where a service stands that is a company's: in its network, by a name.
#[derive(Debug)]
struct At {
    company: Rc<Company>,
    name: &'static str,
    certificate: Certificate,
}

impl Service {
    /// Makes an empty service in `folder`, which does not run yet.
    ///
    /// # Errors
    /// `latchkey-server` is not built, or refuses.
    pub fn init(folder: &std::path::Path, logs: PathBuf) -> Result<Self> {
        Self::make(folder, logs, None, None)
    }

    /// The same, behind a gate: whoever wants it goes through that.
    ///
    /// # Errors
    /// As [`Service::init`].
    pub fn init_behind(gate: &Gate, folder: &std::path::Path, logs: PathBuf) -> Result<Self> {
        let service = Self::make(folder, logs, None, Some(gate.url()))?;
        gate.lead_to(service.port);
        Ok(service)
    }

    /// The same, in a company's network: https by that name, with a certificate of its authority.
    ///
    /// # Errors
    /// As [`Service::init`].
    pub fn init_at(
        company: Rc<Company>,
        name: &'static str,
        folder: &std::path::Path,
        logs: PathBuf,
    ) -> Result<Self> {
        let certificate = company.certificate(name)?;
        let at = At {
            company,
            name,
            certificate,
        };
        Self::make(folder, logs, Some(at), None)
    }

    fn make(
        folder: &std::path::Path,
        logs: PathBuf,
        company: Option<At>,
        gate: Option<String>,
    ) -> Result<Self> {
        let clock = Clock::right(folder.join("clock"))?;
        let service = Self {
            data: folder.join("data"),
            logs,
            clock,
            port: free_port()?,
            company,
            gate,
            process: None,
        };
        service.tell(["init", "--url", &service.url()])?;
        Ok(service)
    }

    /// Its address.
    pub fn url(&self) -> String {
        match (&self.company, &self.gate) {
            (Some(at), _) => format!("https://{}:{}", at.name, self.port),
            (None, Some(gate)) => gate.clone(),
            (None, None) => format!("http://127.0.0.1:{}", self.port),
        }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its wall clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its data folder.
    pub fn data(&self) -> &std::path::Path {
        &self.data
    }

    fn command(&self) -> Result<Command> {
        let program = program("latchkey-server")?;
        let mut command = match &self.company {
            Some(at) => at.company.command(program),
            None => Command::new(program),
        };
        command
            .envs(self.clock.environment())
            .arg("--data")
            .arg(&self.data)
            .arg("--json");
        Ok(command)
    }

    /// Runs one administrative command, and returns what it answered: JSON, or null where it had nothing to say.
    ///
    /// # Errors
    /// It refused; says why.
    pub fn tell<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Result<Value> {
        let mut command = self.command()?;
        command.args(arguments);
        let output = command.output().context("cannot start latchkey-server")?;
        if !output.status.success() {
            let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
            bail!(
                "latchkey-server {}: {}",
                words.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let text = String::from_utf8(output.stdout)?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("latchkey-server --json printed no JSON: {text}"))
    }

    /// Serves, and waits until it answers.
    ///
    /// # Errors
    /// It does not come up.
    pub fn serve(&mut self) -> Result<()> {
        let mut command = self.command()?;
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port)]);
        if let Some(At { certificate, .. }) = &self.company {
            command.arg("--tls-cert").arg(&certificate.chain);
            command.arg("--tls-key").arg(&certificate.key);
        }
        let mut process = Process::start("server", &mut command, &self.logs)?;
        process.wait_for_line("that it is ready", Duration::from_secs(20), |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["ready"] == true).then_some(())
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Takes it away: nobody answers at its address. `serve` brings it back.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the service does not run")?;
        process.end()?;
        Ok(())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the service does not run")?.kill()
    }
}

/// Tries to find a port.
const TRIES: usize = 100;

/// A port that nobody listens on now. It is none of those that the system gives out by itself, so that it is still free
/// when a service comes back to it, and none that browsers refuse.
///
/// # Errors
/// The system has none.
pub fn free_port() -> Result<u16> {
    for _ in 0..TRIES {
        let any = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let port = 12_000 + any % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from 12000 to 31999 is free")
}
