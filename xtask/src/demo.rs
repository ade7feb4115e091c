//! The whole product, seen: builds it, and hands over to the demo, which lives with the stories' harness.

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
    let mut demo = cargo(["run", "--quiet", "--package=stories", "--bin=demo", "--"]);
    if options.headless {
        demo.arg("--headless");
    }
    if options.once {
        demo.arg("--once");
    }
    command::run(&mut demo)
}
