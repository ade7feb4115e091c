//! Every screen, menu and notice, light and dark, in `docs/screenshots`: the window's screens by its gallery, the rest
//! by a program that lives with the stories' harness. What was there is replaced as a whole, and only by a whole.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{cargo, program, say};
use crate::{command, setup, ui};

const PICTURES: &str = "docs/screenshots";
const MADE: &str = "target/screenshots";
/// A picture larger than this has more on it than a reader wants, or was not made small.
const LARGEST: u64 = 40 * 1024;
/// All of them, which every clone brings along.
const LARGEST_SUM: u64 = 3 * 1024 * 1024;

/// `cargo xtask screenshots`.
pub(crate) fn run() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the screenshots need Linux, so far");
    }
    setup::install()?;
    ui::build()?;
    say("building the programs (some minutes, the first time)");
    command::run(&mut cargo([
        "build",
        "--quiet",
        "--workspace",
        "--exclude=xtask",
        "--bins",
        "--examples",
    ]))?;
    let made = std::env::current_dir()?.join(MADE);
    if made.exists() {
        fs::remove_dir_all(&made).with_context(|| format!("cannot empty {MADE}"))?;
    }
    fs::create_dir_all(&made)?;

    say("the window's screens");
    let mut gallery = program("npm", ["run", "--silent", "screenshots", "--"]);
    command::run(gallery.arg(&made).current_dir("ui"))?;
    say("the window, the menu and the notices on a private desktop");
    let mut desktop = Command::new("target/debug/screenshots");
    desktop.env("STORIES_PROGRAMS", std::env::current_dir()?.join("target/debug"));
    command::run(desktop.arg(&made))?;
    let pictures = pictures_in(&made)?;
    make_small(&pictures)?;
    replace(&pictures)?;
    say(&format!(
        "{} pictures are in {PICTURES}: look at them",
        pictures.len()
    ));
    Ok(())
}

fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("png")) {
            pictures.push(path);
        }
    }
    pictures.sort();
    Ok(pictures)
}

/// Gives each picture a palette: text on a few surfaces needs no more than 256 colours.
fn make_small(pictures: &[PathBuf]) -> Result<()> {
    let mut sum = 0;
    for picture in pictures {
        let options = [
            "--force",
            "--strip",
            "--speed=1",
            "--quality=80-100",
            "--ext=.png",
        ];
        command::run(program("pngquant", options).arg(picture))?;
        let size = fs::metadata(picture)?.len();
        ensure!(
            size <= LARGEST,
            "{} has {size} bytes, more than {LARGEST}",
            picture.display()
        );
        sum += size;
    }
    ensure!(
        sum <= LARGEST_SUM,
        "the pictures have {sum} bytes, more than {LARGEST_SUM}"
    );
    Ok(())
}

fn replace(pictures: &[PathBuf]) -> Result<()> {
    let folder = Path::new(PICTURES);
    for old in pictures_in(folder)? {
        fs::remove_file(old)?;
    }
    for picture in pictures {
        let name = picture.file_name().context("a picture has a name")?;
        fs::copy(picture, folder.join(name))?;
    }
    Ok(())
}
