//! The window's pages. `ui/dist` must be there before cargo builds the tray app, which embeds it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use crate::command::{program, run, say};
use crate::setup;

const FOLDER: &str = "ui";
const BUILT: &str = "ui/dist/index.html";
/// The words are a source too: Rust and the pages share them.
const SOURCES: [&str; 2] = [FOLDER, "crates/words"];

/// Builds the pages when any of their sources is newer than they are.
pub(crate) fn build() -> Result<()> {
    let built = fs::metadata(BUILT).and_then(|metadata| metadata.modified()).ok();
    let mut newest = SystemTime::UNIX_EPOCH;
    for folder in SOURCES {
        newest = newest.max(newest_below(Path::new(folder))?);
    }
    if built.is_some_and(|built| built > newest) {
        return Ok(());
    }
    setup::npm_packages(Path::new(FOLDER))?;
    say("building the window's pages");
    run(program("npm", ["run", "--silent", "build"]).current_dir(FOLDER))
}

fn newest_below(folder: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" {
            continue;
        }
        let metadata = entry.metadata()?;
        let modified = if metadata.is_dir() {
            newest_below(&entry.path())?
        } else {
            metadata.modified()?
        };
        newest = newest.max(modified);
    }
    Ok(newest)
}
