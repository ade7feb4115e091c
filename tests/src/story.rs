//! Running stories, one at a time, and what is kept of each.
//!
//! A test program re-runs itself in namespaces of its own: whatever a story starts, also what detaches itself as the
//! agent does, ends with it, and what it mounts over the boot's identity nobody else sees.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::programs;

/// Set where the namespaces are already this program's own.
const INSIDE: &str = "STORIES_INSIDE";
/// The file of a desktop that says what of it has crashed.
const CRASH: &str = "crashed";

/// One story while it is told.
#[derive(Debug)]
pub struct Story {
    name: &'static str,
    folder: PathBuf,
}

impl Story {
    /// A story whose traces stay in `folder`, which is emptied.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn begin(name: &'static str, folder: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { name, folder })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where logs, screenshots and the user's home are kept: `target/stories/PROGRAM/NAME`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A story's function, by its name.
pub type Named = (&'static str, fn(&Story) -> Result<()>);

/// The main function of a test program: `tell!(a_first_day, a_second_day)`.
#[macro_export]
macro_rules! tell {
    ($($story:ident),+ $(,)?) => {
        fn main() -> std::process::ExitCode {
            $crate::story::run(env!("CARGO_CRATE_NAME"), &[$((stringify!($story), $story)),+])
        }
    };
}
pub use tell;

/// Runs stories one after the other, as `cargo test` would.
pub fn run(program: &'static str, stories: &'static [Named]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    if !arguments.list
        && let Err(error) = enter_namespaces()
    {
        eprintln!("stories: {error:#}");
        return ExitCode::FAILURE;
    }
    // One desktop at a time: two of them on two cores would only tell how slow both are.
    arguments.test_threads = Some(1);
    let trials = stories
        .iter()
        .map(|&(name, told)| Trial::test(name, move || tell_one(program, name, told)));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn tell_one(program: &str, name: &'static str, told: fn(&Story) -> Result<()>) -> Result<(), Failed> {
    let folder = programs::root().join("target/stories").join(program).join(name);
    let begin = || Story::begin(name, folder.clone()).map_err(|error| format!("{error:#}"));
    let mut story = begin()?;
    let mut ended = told(&story);
    if ended.is_err()
        && let Some(crash) = crash_in(&folder)
    {
        eprintln!("stories: {name} is told once more, because {crash}; the first time: {ended:?}");
        story = begin()?;
        ended = told(&story);
    }
    ended.map_err(|error| {
        let because: Vec<_> = error.chain().map(ToString::to_string).collect();
        format!(
            "{}\n\nits traces: {}",
            because.join("\nbecause: "),
            story.folder().display()
        )
        .into()
    })
}

/// Writes down that a part of a desktop has crashed by itself: gnome-keyring does now and then, and what a story says after
/// that it says of the locked one in its place.
pub(crate) fn mark_crash(folder: &Path, part: &str, signal: i32) {
    // Nobody can be told from a drop; without the mark the story counts as it is.
    let _ = fs::write(folder.join(CRASH), format!("{part} died of signal {signal}"));
}

/// What has crashed on the desktop of this story, or on one of those below it.
fn crash_in(folder: &Path) -> Option<String> {
    let below = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    std::iter::once(folder.to_owned())
        .chain(below)
        .find_map(|desktop| fs::read_to_string(desktop.join(CRASH)).ok())
}

/// Runs this program again in namespaces of its own, unless it already is in them.
///
/// # Errors
/// The system does not allow it.
pub fn enter_namespaces() -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    // A shell is the first process there: it takes in whatever is orphaned, and ends when the program has.
    let error = unshare
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--mount-proc",
            "bash",
            "-c",
            "\"$@\"; exit $?",
            "stories",
        ])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    bail!("cannot run unshare (package util-linux): {error}")
}
