//! Everything that a machine can judge without running the product. Every check runs; all failures are told.

mod deny;
mod direction;
mod purity;
mod rules;
mod tracked;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::command::{cargo, program, say};
use crate::{command, setup, ui};

/// Which checks; all of them when none is named.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these
    #[arg(value_enum)]
    only: Vec<Check>,
    /// Leave out what takes minutes to install: cargo-deny, if it is missing
    #[arg(long)]
    fast: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Everything is as rustfmt would write it
    Format,
    /// Dependencies point one way
    Direction,
    /// No I/O, clock or randomness in the core
    Purity,
    /// No path of a machine and no registry's address in a committed file
    Tracked,
    /// Every rule names the tests that hold it
    Rules,
    /// Clippy, and every warning counts
    Lints,
    /// Licences, banned crates, sources, known vulnerabilities
    Deny,
    /// Windows and macOS, where a toolset for them is at hand
    Cross,
}

impl Check {
    fn run(self, options: &Options) -> Result<()> {
        match self {
            Self::Format => command::run(&mut cargo(["fmt", "--all", "--check"])),
            Self::Direction => direction::check(),
            Self::Purity => purity::check(),
            Self::Tracked => tracked::check(),
            Self::Rules => rules::check(),
            Self::Lints => ui::build().and_then(|()| lints()),
            Self::Deny => deny::check(options.fast),
            Self::Cross => ui::build().and_then(|()| other_systems()),
        }
    }
}

/// `cargo xtask check`.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::install()?;
    let chosen = if options.only.is_empty() {
        Check::value_variants()
    } else {
        &options.only
    };
    let mut failed = Vec::new();
    for check in chosen {
        let name = format!("{check:?}").to_lowercase();
        say(&name);
        if let Err(error) = check.run(options) {
            say(&format!("{name}: {error:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    say("all checks passed");
    Ok(())
}

/// The stories are told on Linux alone.
const STORIES: &str = "--exclude=stories";

fn lints() -> Result<()> {
    let mut clippy = cargo(["clippy", "--workspace", "--all-targets"]);
    clippy.args((!cfg!(target_os = "linux")).then_some(STORIES));
    command::run(clippy.args(["--", "-D", "warnings"]))
}

/// Type-checks for Windows and macOS by the program that `LATCHKEY_CROSS` names, if there is one.
fn other_systems() -> Result<()> {
    match std::env::var("LATCHKEY_CROSS") {
        Ok(cross) => command::run(&mut program(&cross, ["check", STORIES])),
        Err(_) => {
            say("skipped: LATCHKEY_CROSS names no toolset for Windows and macOS (CONTRIBUTING.md)");
            Ok(())
        }
    }
}
