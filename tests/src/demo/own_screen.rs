//! On the user's own desktop. The product's state, settings and socket are in folders of the demo's, what it keeps in
//! the keyring is taken out again, and of the user's files none is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use stories::process::Process;
use stories::programs::{self, program};
use stories::services::{Services, VERSION};
use stories::story::Story;
use stories::wait::{SOON, until};

use crate::{say, say_services, wait_for_end};

pub(crate) fn show(story: &Story) -> Result<()> {
    // The agent detaches itself from whoever starts it; it is this process that it comes back to.
    set_child_subreaper(Some(getpid()))?;
    let sockets = tempfile::Builder::new().prefix("latchkey-demo-").tempdir()?;
    let place = Place {
        folder: story.folder().to_owned(),
        sockets: sockets.path().join("socket"),
    };
    place.prepare()?;
    let services = Services::seeded(&place.folder, &place.logs(), &serde_json::json!({}))?;
    say_services(&services);
    let shown = run_product(&place, &services);
    say("ending what was started");
    place.clean_up();
    shown
}

fn run_product(place: &Place, services: &Services) -> Result<()> {
    let file = place.folder.join("atlas-registration.json");
    fs::write(&file, services.registration(VERSION)?)?;
    let registered = place.command("latchkey")?.arg("register").arg(&file).output()?;
    anyhow::ensure!(
        registered.status.success(),
        "registering Atlas: {}",
        String::from_utf8_lossy(&registered.stderr)
    );
    let _tray = Process::start("tray", &mut place.command("latchkey-tray")?, &place.logs())?;
    let mut atlas = place.command("examples/atlas")?;
    atlas.arg("--keep-trying").arg("--registration").arg(&file);
    let atlas = Process::start("atlas", &mut atlas, &place.logs())?;
    say(
        "the tray icon is on your panel: choose \"Sign in…\" in its menu. What Atlas says follows; Ctrl-C ends it all",
    );
    let log = atlas.log().clone();
    thread::spawn(move || {
        let mut shown = 0;
        while let Ok(text) = log.text() {
            eprint!("{}", text.get(shown..).unwrap_or_default());
            shown = text.len();
            thread::sleep(Duration::from_millis(200));
        }
    });
    wait_for_end()
}

/// Where the demo keeps what would else be the user's.
struct Place {
    folder: PathBuf,
    sockets: PathBuf,
}

impl Place {
    fn logs(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn prepare(&self) -> Result<()> {
        let config = self.folder.join("config");
        fs::create_dir_all(&config)?;
        // Which browser opens an address is the user's choice, also here.
        let choice = config_home()
            .map(|folder| folder.join("mimeapps.list"))
            .filter(|path| path.exists());
        if let Some(choice) = choice {
            fs::copy(choice, config.join("mimeapps.list")).context("copying your choice of browser")?;
        }
        Ok(())
    }

    fn command(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(program(name)?);
        command
            .env("LATCHKEY_SOCKET_DIR", &self.sockets)
            .env("LATCHKEY_AGENT", program("latchkey-agent")?)
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .env("XDG_DATA_HOME", self.folder.join("data"))
            .env("XDG_STATE_HOME", self.folder.join("state"));
        // The user's own launchers, the browser's among them, are looked for below the data folder, which is another now.
        let own = std::env::home_dir().map(|home| home.join(".local/share"));
        let all = std::env::var("XDG_DATA_DIRS").unwrap_or_else(|_| "/usr/local/share:/usr/share".to_owned());
        if let Some(own) = own {
            command.env("XDG_DATA_DIRS", format!("{}:{all}", own.display()));
        }
        Ok(command)
    }

    /// Takes the demo's secrets out of the user's keyring, and ends the product's programs.
    fn clean_up(&self) {
        let reset = self
            .command("latchkey")
            .and_then(|mut command| Ok(command.args(["reset", "--all", "--yes"]).output()?));
        if !reset.is_ok_and(|output| output.status.success()) {
            say(
                "the demo's entries could not be taken out of your keyring; their labels begin with \"Latchkey\"",
            );
        }
        if let Err(error) = end_orphans() {
            say(&format!("{error:#}"));
        }
    }
}

fn config_home() -> Option<PathBuf> {
    let told = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    told.or_else(|| Some(std::env::home_dir()?.join(".config")))
}

/// Ends those of this process's children that run a program of the product, and no others: a browser that was opened
/// is the user's.
fn end_orphans() -> Result<()> {
    until("the product's programs to end", SOON, || {
        let left = children(&programs::folder())?;
        for child in &left {
            let _ = kill_process(*child, Signal::TERM);
            let _ = waitpid(Some(*child), WaitOptions::NOHANG);
        }
        Ok(left.is_empty().then_some(()))
    })
}

fn children(programs: &Path) -> Result<Vec<Pid>> {
    let own = getpid().as_raw_nonzero().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(pid) = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // "PID (NAME) STATE PARENT …", where the name may hold anything.
        let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        let is_product = fs::read_link(path.join("exe")).is_ok_and(|exe| exe.starts_with(programs));
        if parent == Some(own.as_str()) && is_product {
            found.push(pid);
        }
    }
    Ok(found)
}
