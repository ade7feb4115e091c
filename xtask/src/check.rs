//! Everything that a machine can judge without running the product. Every check runs; all failures are told.

mod deny;
mod direction;
mod purity;
mod tracked;

use anyhow::{Result, bail};

use crate::command::{cargo, program, say};
use crate::{command, setup, ui};

/// Which checks.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out what takes minutes to install: cargo-deny, if it is missing
    #[arg(long)]
    fast: bool,
}

/// `cargo xtask check`.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::install()?;
    ui::build()?;
    let checks: [(&str, &dyn Fn() -> Result<()>); 7] = [
        ("formatting", &|| {
            command::run(&mut cargo(["fmt", "--all", "--check"]))
        }),
        ("dependency direction", &direction::check),
        ("no I/O in core", &purity::check),
        ("tracked files", &tracked::check),
        ("lints", &lints),
        ("licences, bans and sources", &|| deny::check(options.fast)),
        ("other systems", &other_systems),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        say(name);
        if let Err(error) = check() {
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
