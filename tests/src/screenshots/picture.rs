//! A part of the screen: where a window is, and its picture once nothing in it moves.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use stories::desktop::Desktop;
use stories::wait::{SOON, until};

/// A rectangle of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What a picture is of.
pub(crate) enum Part<'a> {
    /// A window's inside, without the frame that a window manager gives it.
    Window(&'a str),
    /// Whatever is there.
    Area(Area),
}

/// The windows that can be seen whose `property` (`--class`, `--name`) matches `pattern`.
pub(crate) fn windows(desk: &Desktop, property: &str, pattern: &str) -> Result<Vec<String>> {
    let found = desk
        .command("xdotool")
        .args(["search", "--onlyvisible", property, pattern])
        .output()
        .context("cannot start xdotool")?;
    // It fails where it finds none.
    Ok(String::from_utf8(found.stdout)?
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Where a window without a frame is. (Of one with a frame, xdotool counts the frame twice.)
pub(crate) fn area(desk: &Desktop, window: &str) -> Result<Area> {
    let said = desk
        .command("xdotool")
        .args(["getwindowgeometry", "--shell", window])
        .output()?;
    let said = String::from_utf8(said.stdout)?;
    let number = |name: &str| {
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.and_then(|number| number.parse().ok())
            .with_context(|| format!("no {name} in {said:?}"))
    };
    Ok(Area {
        x: number("X")?,
        y: number("Y")?,
        width: number("WIDTH")?,
        height: number("HEIGHT")?,
    })
}

/// Moves the pointer to where nothing is pointed at.
pub(crate) fn point_away(desk: &Desktop) -> Result<()> {
    point(desk, &["mousemove", "1020", "764"])
}

/// Presses a key, moves the pointer or clicks.
pub(crate) fn point(desk: &Desktop, arguments: &[&str]) -> Result<()> {
    let status = desk.command("xdotool").args(arguments).status()?;
    ensure!(
        status.success(),
        "xdotool {} failed ({status})",
        arguments.join(" ")
    );
    Ok(())
}

/// When a picture is good.
pub(crate) struct Done {
    /// Nothing in it has changed for so long.
    pub(crate) still: Duration,
    /// There is so much to be seen, in bytes: a window is there before what is in it.
    pub(crate) drawn: usize,
}

/// Pictures a part of the screen, the pointer left out, wherever it is by then.
pub(crate) fn take<'a>(
    desk: &Desktop,
    part: impl Fn() -> Result<Part<'a>>,
    done: &Done,
    path: &Path,
) -> Result<()> {
    let mut before = (Vec::new(), Instant::now());
    until("a part of the screen to be drawn and still", SOON, || {
        let (option, value) = match part()? {
            Part::Window(window) => ("--window", window.to_owned()),
            Part::Area(Area { x, y, width, height }) => ("--geometry", format!("{width}x{height}+{x}+{y}")),
        };
        let status = desk
            .command("maim")
            .args(["--hidecursor", option, &value])
            .arg(path)
            .status()
            .context("cannot start maim")?;
        ensure!(status.success(), "maim failed ({status})");
        let now = fs::read(path)?;
        if now != before.0 {
            before = (now, Instant::now());
        }
        Ok((before.0.len() >= done.drawn && before.1.elapsed() >= done.still).then_some(()))
    })
}
