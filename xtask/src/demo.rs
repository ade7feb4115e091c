//! The whole product, seen: builds it, and hands over to the demo, which lives with the stories' harness.

use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, say};
use crate::{command, setup, ui};

/// How the demo runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Use a private desktop without a screen, even if there is a screen
    #[arg(long)]
    headless: bool,
    /// End after the story has been told, instead of waiting for Ctrl-C
    #[arg(long)]
    once: bool,
}

/// `cargo xtask demo`.
pub(crate) fn run(options: &Options) -> Result<()> {
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
    let mut demo = Command::new("target/debug/demo");
    demo.env("STORIES_PROGRAMS", std::env::current_dir()?.join("target/debug"));
    demo.args(options.headless.then_some("--headless"))
        .args(options.once.then_some("--once"));
    give_way(demo)
}

/// The demo takes this process's place, so that Ctrl-C is its own affair.
#[cfg(target_os = "linux")]
fn give_way(mut demo: Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    use anyhow::Context as _;

    Err(demo.exec()).context("cannot start the demo")
}

#[cfg(not(target_os = "linux"))]
fn give_way(_: Command) -> Result<()> {
    anyhow::bail!("the demo needs Linux, so far")
}
