//! A private desktop session without a screen: display, session bus, window manager, keyring, panel with a tray, and
//! a notification daemon. Nothing of the machine's own session is seen from it, and nothing of it is left.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::bus::Bus;
use crate::keyring;
use crate::notices::Notices;
use crate::process::Process;
use crate::session_files;
use crate::story::{self, Story};
use crate::wait::{SOON, until};

/// How long a screen that moves no more has not moved.
const STILL_FOR: Duration = Duration::from_secs(3);

/// Which parts a session has; all of them, unless a story is about one that is missing.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// gnome-keyring, unlocked.
    pub keyring: bool,
    /// xfce4-panel, which hosts the tray.
    pub panel: bool,
    /// dunst, which shows notices.
    pub notifications: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            keyring: true,
            panel: true,
            notifications: true,
        }
    }
}

/// A running session.
#[derive(Debug)]
pub struct Desktop {
    folder: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    notices: Notices,
    bus: Bus,
    parts: RefCell<BTreeMap<&'static str, Process>>,
    // Below, in the order in which they end.
    _window_manager: Process,
    _bus_daemon: Process,
    _display: Process,
    _runtime: TempDir,
}

impl Desktop {
    /// Starts a whole session for a story, its files below the story's folder.
    ///
    /// # Errors
    /// A part did not come up; the message says which, and where its log is.
    pub fn start(story: &Story) -> Result<Self> {
        Self::start_with(story, Parts::default())
    }

    /// A desktop of its own, for the second machine of a story.
    ///
    /// # Errors
    /// As [`Desktop::start`].
    pub fn second(story: &Story) -> Result<Self> {
        Self::start(&Story::begin("second", story.folder().join("second"))?)
    }

    /// Starts a session with some parts.
    ///
    /// # Errors
    /// A part did not come up.
    pub fn start_with(story: &Story, parts: Parts) -> Result<Self> {
        let folder = story.folder().to_owned();
        let logs = folder.join("log");
        // Sockets need short paths, which the story's folder has not.
        let runtime = tempfile::Builder::new().prefix("stories-").tempdir()?;
        let home = folder.join("home");
        fs::create_dir_all(folder.join("screenshots"))?;
        session_files::lay(&home, &folder.join("opened-addresses"))?;
        let mut environment = environment(&home, runtime.path());

        let (display, number) = start_display(&logs)?;
        environment.insert("DISPLAY".into(), format!(":{number}").into());
        let (bus_daemon, address) = start_bus(&environment, runtime.path(), &logs)?;
        environment.insert("DBUS_SESSION_BUS_ADDRESS".into(), address.clone().into());
        let bus = Bus::connect(&address)?;
        let notices = Notices::watch(&address)?;
        let window_manager = Process::start(
            "openbox",
            command("openbox", &environment, &home).arg("--sm-disable"),
            &logs,
        )?;

        let desktop = Self {
            folder,
            environment,
            notices,
            bus,
            parts: RefCell::default(),
            _window_manager: window_manager,
            _bus_daemon: bus_daemon,
            _display: display,
            _runtime: runtime,
        };
        if parts.keyring {
            desktop.start_keyring()?;
        }
        if parts.panel {
            desktop.start_panel()?;
        }
        if parts.notifications {
            desktop.start_notifications()?;
        }
        Ok(desktop)
    }

    /// Starts the keyring, unlocked.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_keyring(&self) -> Result<()> {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        let mut daemon = Process::start_with_input("keyring", &mut command, &self.logs(), Stdio::piped())?;
        // The password ends where the input does.
        daemon
            .input()
            .context("the keyring has an input")?
            .write_all(keyring::PASSWORD.as_bytes())?;
        self.keep("keyring", daemon, "org.freedesktop.secrets")
    }

    /// Ends the keyring, whoever of two it is, and starts it anew, unlocked.
    ///
    /// # Errors
    /// It does not end, or does not come up.
    pub fn restart_keyring(&self) -> Result<()> {
        if self.parts.borrow().contains_key("keyring") {
            self.end_part("keyring")?;
        }
        keyring::end_any(&self.bus)?;
        self.start_keyring()
    }

    /// Starts the panel, and with it the tray.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_panel(&self) -> Result<()> {
        let panel = Process::start(
            "panel",
            self.command("xfce4-panel").arg("--disable-wm-check"),
            &self.logs(),
        )?;
        self.keep("panel", panel, "org.kde.StatusNotifierWatcher")
    }

    /// Starts the notification daemon.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_notifications(&self) -> Result<()> {
        let daemon = Process::start("dunst", &mut self.command("dunst"), &self.logs())?;
        self.keep("dunst", daemon, "org.freedesktop.Notifications")
    }

    fn keep(&self, part: &'static str, process: Process, name: &str) -> Result<()> {
        self.parts.borrow_mut().insert(part, process);
        self.bus
            .wait_for_owner(name)
            .with_context(|| format!("{part} did not come up; see {}", self.logs().display()))
    }

    /// Ends a part: `keyring`, `panel` or `dunst`.
    ///
    /// # Errors
    /// It does not run, or does not end.
    pub fn end_part(&self, part: &str) -> Result<()> {
        let process = self.parts.borrow_mut().remove(part);
        process.with_context(|| format!("no {part} runs"))?.end()?;
        Ok(())
    }

    /// Ends a part as a crash would.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_part(&self, part: &str) -> Result<()> {
        let process = self.parts.borrow_mut().remove(part);
        process.with_context(|| format!("no {part} runs"))?.kill()
    }

    /// Sends a part a signal: stopped, it is there and does not answer.
    ///
    /// # Errors
    /// It does not run.
    pub fn signal_part(&self, part: &str, signal: rustix::process::Signal) -> Result<()> {
        let parts = self.parts.borrow();
        parts
            .get(part)
            .with_context(|| format!("no {part} runs"))?
            .signal(signal)
    }

    /// A program of this session: its environment, and nothing of the machine's own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command(program, &self.environment, &self.home())
    }

    /// The session bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Every notice that was shown in this session.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The story's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Where logs are.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What a variable of the session says.
    ///
    /// # Errors
    /// The session has none of that name.
    pub fn variable(&self, name: &str) -> Result<&OsStr> {
        self.environment
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .with_context(|| format!("no variable {name}"))
    }

    /// Sets a variable for every program that is started in this session from now on.
    pub fn set_variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    /// Every address that a program of this session opened in the browser so far.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn opened_addresses(&self) -> Result<Vec<String>> {
        let text = fs::read_to_string(self.folder.join("opened-addresses"))?;
        Ok(text.split_terminator('\n').map(str::to_owned).collect())
    }

    /// Waits until a program opens an address in the browser, after the first `seen` ones.
    ///
    /// # Errors
    /// None does within 20 s.
    pub fn wait_for_opened_address(&self, seen: usize) -> Result<String> {
        until("an address to be opened in the browser", SOON, || {
            Ok(self.opened_addresses()?.into_iter().nth(seen))
        })
    }

    /// Waits until a window with this title is open.
    ///
    /// # Errors
    /// None opens within 20 s.
    pub fn wait_for_window(&self, title: &str) -> Result<()> {
        until(&format!("a window with the title {title:?}"), SOON, || {
            Ok(self.has_window(title)?.then_some(()))
        })
    }

    fn has_window(&self, title: &str) -> Result<bool> {
        let listed = self
            .command("wmctrl")
            .arg("-l")
            .output()
            .context("cannot start wmctrl")?;
        // "0x01 DESKTOP HOST TITLE"
        let windows = String::from_utf8_lossy(&listed.stdout).into_owned();
        Ok(windows
            .lines()
            .any(|window| window.split_whitespace().skip(3).collect::<Vec<_>>().join(" ") == title))
    }

    /// Closes the window with this title, as its own button would.
    ///
    /// # Errors
    /// There is none, or it stays.
    pub fn close_window(&self, title: &str) -> Result<()> {
        let status = self.command("wmctrl").args(["-F", "-c", title]).status()?;
        ensure!(status.success(), "no window has the title {title:?}");
        until(&format!("the window {title:?} to close"), SOON, || {
            Ok((!self.has_window(title)?).then_some(()))
        })
    }

    /// Takes a picture of the whole screen once nothing on it has moved for a while: a window is there before its page is.
    ///
    /// # Errors
    /// It cannot be taken, or something moves for 20 s.
    pub fn still_screenshot(&self, name: &str) -> Result<PathBuf> {
        let mut before = (Vec::new(), Instant::now());
        until("the screen to be still", SOON, || {
            let path = self.screenshot(name)?;
            let now = fs::read(&path)?;
            if now != before.0 {
                before = (now, Instant::now());
            }
            Ok((before.1.elapsed() >= STILL_FOR).then_some(path))
        })
    }

    /// Takes a picture of the whole screen, into `screenshots/NAME.png` of the story's folder.
    ///
    /// # Errors
    /// It cannot be taken.
    pub fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join("screenshots").join(format!("{name}.png"));
        let status = self
            .command("maim")
            .arg(&path)
            .status()
            .context("cannot start maim")?;
        ensure!(status.success(), "maim failed ({status})");
        Ok(path)
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // The last thing seen explains most failures; a session that is already broken has none to show.
        let _ = self.screenshot("last");
        let keyring = self.parts.get_mut().get_mut("keyring");
        if let Some(signal) = keyring.and_then(Process::died_of) {
            story::mark_crash(&self.folder, "keyring", signal);
        }
    }
}

fn environment(home: &Path, runtime: &Path) -> BTreeMap<OsString, OsString> {
    let mut environment = BTreeMap::new();
    let mut set = |name: &str, value: &OsStr| environment.insert(name.into(), value.into());
    let mut path = home.join(".local/bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()));
    set("PATH", &path);
    set("HOME", home.as_os_str());
    set("XDG_RUNTIME_DIR", runtime.as_os_str());
    for (name, folder) in [
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
    ] {
        set(name, home.join(folder).as_os_str());
    }
    for (name, value) in [
        ("XDG_SESSION_TYPE", "x11"),
        // None that `xdg-open` knows: it then goes by mimeapps.list, and not by a desktop's own helper.
        ("XDG_CURRENT_DESKTOP", "openbox"),
        ("GDK_BACKEND", "x11"),
        ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("RUST_BACKTRACE", "1"),
    ] {
        set(name, OsStr::new(value));
    }
    environment
}

fn command(program: impl AsRef<OsStr>, environment: &BTreeMap<OsString, OsString>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment).current_dir(home);
    command
}

fn start_display(logs: &Path) -> Result<(Process, u32)> {
    let mut command = Command::new("Xvfb");
    // The server finds a free number by itself, and says on its output which.
    command.args([
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1024x768x24",
        "-nolisten",
        "tcp",
        "-ac",
    ]);
    let mut display = Process::start("xvfb", &mut command, logs)?;
    let number = display.wait_for_line("the number of the display", SOON, |line| line.trim().parse().ok())?;
    Ok((display, number))
}

fn start_bus(
    environment: &BTreeMap<OsString, OsString>,
    runtime: &Path,
    logs: &Path,
) -> Result<(Process, String)> {
    let address = format!("unix:path={}", runtime.join("bus").display());
    let mut command = command("dbus-daemon", environment, runtime);
    // Services that the bus starts belong to this session, and must know where it is.
    command.env("DBUS_SESSION_BUS_ADDRESS", &address);
    command
        .args([
            "--session",
            "--nofork",
            "--nopidfile",
            "--print-address=1",
            "--address",
        ])
        .arg(&address);
    let mut daemon = Process::start("bus", &mut command, logs)?;
    daemon.wait_for_line("its address", Duration::from_secs(10), |line| {
        line.starts_with("unix:").then_some(())
    })?;
    Ok((daemon, address))
}
