//! The user's machine, as far as time goes: its wall clock, the time since it was switched on, and which boot it is in.
//!
//! Programs run from a folder of their own, in which the agent is a few lines of shell: whoever starts the agent, it
//! begins on this machine's clocks. A running program keeps the boot clock that it began with, so what is to see days
//! pass is ended before and started after.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::cable::Cable;
use crate::clock::Clock;
use crate::desktop::Desktop;
use crate::programs;
use crate::wait::{SOON, until};

/// Where Linux says which boot it is in.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Time since power on, after a reboot.
const JUST_BOOTED: i64 = 10;

/// What is installed, and by which name it is built.
const INSTALLED: [(&str, &str); 3] = [
    (TRAY, TRAY),
    ("latchkey", "latchkey"),
    ("atlas", "examples/atlas"),
];
const AGENT: &str = "latchkey-agent";
const TRAY: &str = "latchkey-tray";

/// A machine with the product on it.
#[derive(Debug)]
pub struct Machine<'d> {
    desk: &'d Desktop,
    folder: PathBuf,
    wall: Clock,
    /// Seconds that the boot clock is ahead of the real one.
    ticks_ahead: Cell<i64>,
    /// The words before the agent that put it behind a cable.
    behind: RefCell<Vec<OsString>>,
}

impl<'d> Machine<'d> {
    /// A machine with right clocks, on which the product is installed.
    ///
    /// # Errors
    /// A program is not built, or libfaketime is missing.
    pub fn install(desk: &'d Desktop) -> Result<Self> {
        let wall = Clock::right(desk.folder().join("clocks/machine"))?;
        let machine = Self {
            desk,
            folder: desk.folder().join("installed"),
            wall,
            ticks_ahead: Cell::new(0),
            behind: RefCell::default(),
        };
        let own = machine.folder.join("agent");
        fs::create_dir_all(&own)?;
        for (name, built) in INSTALLED {
            install(&programs::program(built)?, &machine.folder.join(name))?;
        }
        install(&programs::program(AGENT)?, &own.join(AGENT))?;
        // The agent starts the tray where none shows its notices, and looks beside itself. That one too finds the agent's script.
        let tray = machine.folder.join(TRAY);
        write_script(&own.join(TRAY), &format!("'{}'", tray.display()))?;
        machine.new_boot()?;
        machine.write_agent_script()?;
        Ok(machine)
    }

    /// The wall clock, which running programs see move.
    pub fn wall(&self) -> &Clock {
        &self.wall
    }

    /// The path of an installed program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An installed program, on this machine's clocks.
    pub fn command(&self, name: &str) -> Command {
        self.any_command(self.program(name))
    }

    /// Any program, by name or path, on this machine's clocks.
    pub fn any_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut words = self.on_clocks().into_iter();
        let first = words.next().unwrap_or_default();
        let mut command = self.desk.command(first);
        command.args(words).arg(program);
        command
    }

    /// The words before a program that put it on this machine's clocks.
    fn on_clocks(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let ahead = self.ticks_ahead.get();
        if ahead != 0 {
            words.extend(["unshare", "--time"].map(OsString::from));
            words.extend([format!("--boottime={ahead}"), format!("--monotonic={ahead}")].map(OsString::from));
        }
        words.push("env".into());
        for (name, value) in self.wall.environment() {
            words.push(format!("{name}={}", value.display()).into());
        }
        words
    }

    fn write_agent_script(&self) -> Result<()> {
        let behind = self.behind.borrow();
        let words: Vec<_> = behind
            .iter()
            .chain(&self.on_clocks())
            .map(|word| format!("'{}'", word.display()))
            .collect();
        let agent = self.folder.join("agent").join(AGENT);
        let command = format!("{} '{}'", words.join(" "), agent.display());
        write_script(&self.folder.join(AGENT), &command)
    }

    /// The agents that are started from now on reach the services by this cable; without one, as everybody does.
    ///
    /// # Errors
    /// What starts the agent cannot be written.
    pub fn is_behind(&self, cable: Option<&Cable>) -> Result<()> {
        self.behind.replace(cable.map(Cable::words).unwrap_or_default());
        self.write_agent_script()
    }

    /// Time passes, awake or asleep: all clocks move on.
    ///
    /// # Errors
    /// One of the product's programs runs: it would keep its old clocks.
    pub fn time_passes(&self, time: Duration) -> Result<()> {
        self.ensure_idle()?;
        self.ticks_ahead
            .set(self.ticks_ahead.get() + i64::try_from(time.as_secs())?);
        self.wall.advance(time)?;
        self.write_agent_script()
    }

    /// The machine is switched off for a time, and on again.
    ///
    /// # Errors
    /// One of the product's programs runs.
    pub fn reboot(&self, off_for: Duration) -> Result<()> {
        self.ensure_idle()?;
        let uptime: f64 = fs::read_to_string("/proc/uptime")?
            .split(' ')
            .next()
            .and_then(|seconds| seconds.parse().ok())
            .context("the system says how long it is up")?;
        #[expect(clippy::cast_possible_truncation, reason = "seconds since power on")]
        self.ticks_ahead.set(JUST_BOOTED - uptime as i64);
        self.wall.advance(off_for)?;
        self.new_boot()?;
        self.write_agent_script()
    }

    /// Lays another boot id over the system's, where only this story's namespaces see it.
    fn new_boot(&self) -> Result<()> {
        let file = self.folder.join("boot_id");
        let is_laid = file.exists();
        // The kernel makes random identifiers of the same form.
        fs::write(&file, fs::read_to_string("/proc/sys/kernel/random/uuid")?)?;
        if !is_laid {
            let status = Command::new("mount")
                .arg("--bind")
                .arg(&file)
                .arg(BOOT_ID)
                .status()?;
            ensure!(status.success(), "cannot lay a boot id over {BOOT_ID} ({status})");
        }
        Ok(())
    }

    fn ensure_idle(&self) -> Result<()> {
        for (name, _) in INSTALLED.iter().chain([&(AGENT, "")]) {
            ensure!(
                self.running(name)?.is_empty(),
                "{name} runs: end it before the clocks move"
            );
        }
        Ok(())
    }

    /// The numbers of the processes that run an installed program.
    ///
    /// # Errors
    /// The system does not list its processes.
    pub fn running(&self, name: &str) -> Result<Vec<u32>> {
        let programs = [self.folder.join(name), self.folder.join("agent").join(name)];
        let ids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let runs =
            |id: &u32| fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| programs.contains(&exe));
        Ok(ids.filter(runs).collect())
    }

    /// Ends every process that runs an installed program, and waits until these have ended.
    ///
    /// # Errors
    /// One does not end within 20 s.
    pub fn end(&self, name: &str) -> Result<()> {
        self.signal(name, Signal::TERM)
    }

    /// Ends every process that runs an installed program as a power cut would.
    ///
    /// # Errors
    /// The system does not let it.
    pub fn kill(&self, name: &str) -> Result<()> {
        self.signal(name, Signal::KILL)
    }

    /// Whoever needs the agent starts another at once: only those that ran are waited for.
    fn signal(&self, name: &str, signal: Signal) -> Result<()> {
        let ran = self.running(name)?;
        for id in &ran {
            // One that has ended meanwhile needs no signal.
            let _ = Pid::from_raw(i32::try_from(*id)?).map(|pid| kill_process(pid, signal));
        }
        until(&format!("{name} to end"), SOON, || {
            let running = self.running(name)?;
            Ok((!ran.iter().any(|id| running.contains(id))).then_some(()))
        })
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // Told once more, a story empties its folder: over what is not there any more, nothing can be laid.
        let _ = Command::new("umount").arg("--lazy").arg(BOOT_ID).status();
    }
}

/// A few lines of shell that become a program.
fn write_script(path: &Path, command: &str) -> Result<()> {
    fs::write(path, format!("#!/bin/sh\nexec {command} \"$@\"\n"))?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    Ok(())
}

/// Hard-linked, so that a program finds beside itself what is installed here, and nothing is copied.
fn install(built: &Path, installed: &Path) -> Result<()> {
    fs::hard_link(built, installed)
        .or_else(|_| fs::copy(built, installed).map(drop))
        .with_context(|| format!("cannot install {}", installed.display()))
}
