//! A company's proxy: a real one, tinyproxy or microsocks, and the only way to the names of the company's network.

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
    speaks: Speaks,
    process: Option<Process>,
}

#[derive(Clone, Debug)]
enum Speaks {
    Http,
    /// SOCKS 5, to this name and password.
    Socks(String, String),
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
            speaks: Speaks::Http,
            process: None,
        };
        proxy.resume()?;
        Ok(proxy)
    }

    /// Starts one that speaks SOCKS 5 (RFC 1928), to `user` with `password` alone.
    ///
    /// # Errors
    /// It does not come up.
    pub fn socks(
        company: &Rc<Company>,
        name: &'static str,
        folder: PathBuf,
        (user, password): (&str, &str),
    ) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut proxy = Self {
            company: Rc::clone(company),
            name,
            folder,
            port: free_port()?,
            speaks: Speaks::Socks(user.to_owned(), password.to_owned()),
            process: None,
        };
        proxy.resume()?;
        Ok(proxy)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address())
    }

    /// Its address with a name and a password.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("{}://{user}:{password}@{}", self.scheme(), self.address())
    }

    /// Its address as a browser wants it.
    pub fn of_browser(&self) -> String {
        format!("{}://{}", self.scheme().trim_end_matches('h'), self.address())
    }

    /// The names of the company's network are known to the proxy alone.
    fn scheme(&self) -> &'static str {
        match self.speaks {
            Speaks::Http => "http",
            Speaks::Socks(..) => "socks5h",
        }
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
        let wanted = match self.speaks {
            Speaks::Http => format!("CONNECT {host}:"),
            Speaks::Socks(..) => format!("connected to {host}:"),
        };
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
    /// It does not come up (packages tinyproxy-bin, microsocks).
    pub fn resume(&mut self) -> Result<()> {
        let mut command = match &self.speaks {
            Speaks::Http => {
                let mut command = self.company.command("tinyproxy");
                command.arg("-d").arg("-c");
                command.arg(self.folder.join(format!("{}.conf", self.name)));
                command
            }
            Speaks::Socks(user, password) => {
                let mut command = self.company.command("microsocks");
                command.args(["-i", "127.0.0.1", "-p", &self.port.to_string()]);
                // Who has proved who one is vouches for this machine's browser, which cannot (`-1`).
                command.args(["-1", "-u", user, "-P", password]);
                command
            }
        };
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
