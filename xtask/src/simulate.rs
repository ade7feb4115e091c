//! The simulation of many machines and the service (`crates/server/tests/simulation`), for as many histories as wanted.

use anyhow::Result;

use crate::command::{self, cargo, say};

/// How many histories the tests live through.
pub(crate) const TESTED: u64 = 2000;

/// Which histories.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// So many of them, from the first on
    #[arg(long, default_value_t = TESTED)]
    seeds: u64,
    /// This one alone, told aloud
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
}

/// `cargo xtask simulate`.
pub(crate) fn run(options: &Options) -> Result<()> {
    say("building the simulation (some minutes, the first time)");
    let mut simulation = histories(match options.seed {
        Some(seed) => (seed, seed.saturating_add(1)),
        None => (0, options.seeds),
    });
    if options.seed.is_some() {
        simulation.env("SIMULATE_ALOUD", "1");
    }
    command::run(simulation.arg("--nocapture"))
}

/// Optimised: a history takes a fraction of the time.
pub(crate) fn histories((from, to): (u64, u64)) -> std::process::Command {
    let mut simulation = cargo([
        "test",
        "--release",
        "-platchkey-server",
        "--test=simulation",
        "--",
    ]);
    let seeds = format!("{from}..{to}");
    simulation.env("SIMULATE_SEEDS", seeds).env("RUST_BACKTRACE", "0");
    simulation
}
