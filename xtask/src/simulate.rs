//! Random histories, optimised: the simulation of many machines and the service (`crates/server/tests/simulation`), for as many
//! as wanted, and the model of the rules (`crates/core/tests/engine/model`).

use anyhow::Result;

use crate::command::{self, cargo, say};

/// How many histories the tests live through.
pub(crate) const TESTED: u64 = 2000;
/// And how many of one machine against the model.
const MODELLED: u32 = 20_000;

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
        "--profile=histories",
        "-platchkey-server",
        "--test=simulation",
        "--",
    ]);
    let seeds = format!("{from}..{to}");
    simulation.env("SIMULATE_SEEDS", seeds).env("RUST_BACKTRACE", "0");
    simulation
}

/// The engine of one machine against the model of the rules.
pub(crate) fn model() -> std::process::Command {
    let mut model = cargo([
        "test",
        "--profile=histories",
        "-platchkey-core",
        "--test=engine",
        "--",
        "whatever_happens_the_rules_are_kept",
    ]);
    let cases = MODELLED.to_string();
    model.env("PROPTEST_CASES", cases).env("RUST_BACKTRACE", "0");
    model
}
