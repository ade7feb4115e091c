//! The project's own tasks. `cargo xtask --help` lists them.
//!
//! | room | concern |
//! | --- | --- |
//! | [`setup`] | what must be on the machine: system packages, npm packages, Node |
//! | [`ui`] | the window's pages, built when they changed |
//! | [`demo`] | the whole product, seen |
//! | [`test`] | every test, or some |
//! | [`simulate`] | months of many machines and the service, in seconds |
//! | [`bench`] | what the product costs |
//! | [`programs`] | the programs as they are shipped, which both of them run |
//! | [`screenshots`] | pictures of all that people see, for the documentation |
//! | [`check`] | everything that a machine can judge without running the product |
//! | [`command`] | running other programs |

mod bench;
mod check;
mod command;
mod demo;
mod packages;
mod programs;
mod screenshots;
mod setup;
mod simulate;
mod test;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Latchkey's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing: system packages (Debian, Ubuntu), npm packages
    Setup,
    /// Build the window's pages when their sources changed
    Ui,
    /// Show the whole product at work: provider, service, tray, agent and a licensed program
    Demo(demo::Options),
    /// Run the tests: unit tests, UI tests and stories, or some of them
    Test(test::Options),
    /// Live through histories in which everything fails that can
    Simulate(simulate::Options),
    /// Measure what the product costs, beside what cannot be spared
    Bench(bench::Options),
    /// Picture every screen, the menu and each notice, light and dark, in docs/screenshots
    Screenshots,
    /// Check formatting, lints, dependencies and house rules
    Check(check::Options),
}

fn main() -> ExitCode {
    let outcome = command::at_root().and_then(|()| match Arguments::parse().task {
        Task::Setup => setup::install().map(|()| command::say("everything is there")),
        Task::Ui => ui::build(),
        Task::Demo(options) => demo::run(&options),
        Task::Simulate(options) => simulate::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Screenshots => screenshots::run(),
        Task::Check(options) => check::run(&options),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
