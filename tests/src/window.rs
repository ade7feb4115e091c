//! The product's window: the real one, driven through WebKit's own WebDriver.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::desktop::Desktop;
use crate::machine::Machine;
use crate::process::Process;
use crate::service::free_port;
use crate::wait::{SOON, until};
use crate::webdriver::WebDriver;

/// How far two pictures are apart that show that nothing moves.
const PAINTED: Duration = Duration::from_millis(150);

/// The window, open.
#[derive(Debug)]
pub struct Window {
    page: WebDriver,
    screenshots: PathBuf,
    _driver: Process,
}

impl Window {
    /// Opens the window at a screen; an empty name is the screen that fits the status.
    ///
    /// # Errors
    /// The window or its driver does not come up.
    pub fn open(desk: &Desktop, machine: &Machine<'_>, screen: &str) -> Result<Self> {
        let port = free_port()?;
        // The driver starts the window, so what is to hold for the window is set for the driver.
        let mut driver = machine.any_command("WebKitWebDriver");
        driver
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .arg(format!("--port={port}"));
        let driver = Process::start("webkitdriver", &mut driver, &desk.logs())?;
        let mut arguments = vec!["--window"];
        if !screen.is_empty() {
            arguments.extend(["--screen", screen]);
        }
        let options = json!({ "binary": machine.program("latchkey-tray"), "args": arguments });
        let page =
            WebDriver::open(port, &json!({ "webkitgtk:browserOptions": options })).context("the window")?;
        Ok(Self {
            page,
            screenshots: desk.folder().join("screenshots"),
            _driver: driver,
        })
    }

    /// What it shows.
    pub fn page(&self) -> &WebDriver {
        &self.page
    }

    /// Takes a picture of the window's inside, once two in a row are the same: a page has its words before they are painted.
    ///
    /// # Errors
    /// The window is gone, or something in it moves for 20 s.
    pub fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let path = self.screenshots.join(format!("{name}.png"));
        let mut before = Vec::new();
        until("the window to be painted", SOON, || {
            std::thread::sleep(PAINTED);
            let now = self.page.screenshot()?;
            let is_still = now == before;
            before = now;
            Ok(is_still.then_some(()))
        })?;
        fs::write(&path, before)?;
        Ok(path)
    }
}
