//! What the product costs: builds the programs as they are shipped, and hands over to the bench, which lives with the
//! stories' harness.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{cargo, say};
use crate::{command, programs, setup, ui};

/// How the figures are printed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// `cargo xtask bench`.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the bench needs Linux, so far");
    }
    setup::install()?;
    ui::build()?;
    programs::build()?;
    say("building the bench");
    command::run(&mut cargo(["build", "--release", "-pstories", "--bin=bench"]))?;
    let mut bench = Command::new("target/release/bench");
    bench.env(
        "STORIES_PROGRAMS",
        std::env::current_dir()?.join("target/release"),
    );
    command::run(bench.args(options.json.then_some("--json")))
}
