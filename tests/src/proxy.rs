//! A company's proxy: a real one, tinyproxy, and the only way to the names of the company's network.

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, Result};

use crate::company::Company;
use crate::process::Process;
use crate::service::free_port;
use crate::wait::{SOON, until};

/// A proxy. It can end and come back, at the same address.
#[derive(Debug)]
pub struct Proxy {
    company: Rc<Company>,
    name: &'static str,
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Proxy {
    /// Starts one whose files are in `folder`. `who` are the name and the password that it wants.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(
        company: &Rc<Company>,
        name: &'static str,
        folder: PathBuf,
        who: Option<(&str, &str)>,
    ) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let mut text = format!(
            "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 600\nMaxClients 100\nLogLevel Connect\n"
        );
        if let Some((user, password)) = who {
            text.push_str(&format!("BasicAuth {user} {password}\n"));
        }
        fs::write(folder.join(format!("{name}.conf")), text)?;
        let mut proxy = Self {
            company: Rc::clone(company),
            name,
            folder,
            port,
            process: None,
        };
        proxy.resume()?;
        Ok(proxy)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its address with a name and a password.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address())
    }

    /// Its host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How often somebody wanted to be connected to a host, since it was last started.
    ///
    /// # Errors
    /// It does not run, or its log cannot be read.
    pub fn asked_for(&self, host: &str) -> Result<usize> {
        let process = self.process.as_ref().context("the proxy does not run")?;
        let text = process.log().text()?;
        let wanted = format!("CONNECT {host}:");
        Ok(text.lines().filter(|line| line.contains(&wanted)).count())
    }

    /// Takes it away: nobody answers at its address.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("the proxy does not run")?.end()?;
        Ok(())
    }

    /// Brings it back.
    ///
    /// # Errors
    /// It does not come up (package tinyproxy-bin).
    pub fn resume(&mut self) -> Result<()> {
        let mut command = self.company.command("tinyproxy");
        command.arg("-d").arg("-c");
        command.arg(self.folder.join(format!("{}.conf", self.name)));
        let mut process = Process::start(self.name, &mut command, &self.folder)?;
        let address = self.address();
        until("the proxy to listen", SOON, || {
            anyhow::ensure!(process.is_running()?, "it ended: {}", process.log().text()?);
            Ok(std::net::TcpStream::connect(&address).ok().map(drop))
        })?;
        self.process = Some(process);
        Ok(())
    }
}
