//! What GNOME has to do with proxies: its settings, and the portal that tells programs what they mean.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::desktop::Desktop;
use crate::process::Process;

/// Where distributions have it.
const PORTALS: [&str; 2] = ["/usr/libexec/xdg-desktop-portal", "/usr/lib/xdg-desktop-portal"];
const NAME: &str = "org.freedesktop.portal.Desktop";

/// A session's portal. It ends when it is dropped.
#[derive(Debug)]
pub struct Portal {
    _process: Process,
}

impl Portal {
    /// Starts it, and waits until it can be asked.
    ///
    /// # Errors
    /// It is not installed, or does not come up.
    pub fn start(desk: &Desktop) -> Result<Self> {
        let program = PORTALS.into_iter().find(|program| Path::new(program).exists());
        let program = program.context("xdg-desktop-portal is not installed")?;
        let process = Process::start("portal", &mut in_gnome(desk, program), &desk.logs())?;
        desk.bus().wait_for_owner(NAME)?;
        Ok(Self { _process: process })
    }
}

/// Sets `key` of the schema `org.gnome.system.proxy` and below, as the control centre does.
///
/// # Errors
/// There is no such key, or the value does not fit it.
pub fn set_proxy(desk: &Desktop, below: &str, key: &str, value: &str) -> Result<()> {
    let schema = format!("org.gnome.system.proxy{below}");
    let output = in_gnome(desk, "gsettings")
        .args(["set", &schema, key, value])
        .output()?;
    ensure!(
        output.status.success(),
        "gsettings set {schema} {key} {value}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn in_gnome(desk: &Desktop, program: &str) -> Command {
    let mut command = desk.command(program);
    command.env("XDG_CURRENT_DESKTOP", "GNOME");
    command
}
