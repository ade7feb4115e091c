//! The bench: what the product costs, beside what cannot be spared, in one run and by turns.
//!
//! | room | concern |
//! | --- | --- |
//! | [`authorize`] | a product asks the agent; [`echo`] and [`signatures`] are its baseline |
//! | [`tray`] | from start to tray item; seen by [`watcher`]; [`indicator`] is its baseline |
//! | [`idle`] | memory, processor time, wake-ups; counted by [`processes`] |
//! | [`checks`] | checks at the licensing service, and the same statements by hand |
//! | [`installed`] | the product on a private desktop, with a user who signs in |
//! | [`figures`] | numbers, ratios, the table |
#![cfg(target_os = "linux")]

mod authorize;
mod checks;
mod echo;
mod figures;
mod idle;
mod indicator;
mod installed;
mod processes;
mod signatures;
mod tray;
mod watcher;

use std::io::Write as _;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use stories::desktop::Desktop;
use stories::programs;
use stories::story::{Story, enter_namespaces};
use stories::tray::Tray;

use crate::figures::{Figure, table};
use crate::indicator::Indicator;
use crate::installed::Installed;

/// How long the whole of it may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Measures what the product costs, beside what cannot be spared.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// Be the other side of a baseline
    #[command(hide = true)]
    Echo(echo::Served),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.part {
        Some(Part::Echo(served)) => echo::serve(served),
        None => enter_namespaces().and_then(|()| {
            end_in_time();
            print(&measure()?, arguments.json)
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    eprintln!("bench: {line}");
}

/// Whatever is started ends with these namespaces, and they end with this process.
fn end_in_time() {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        say(&format!("not done within {} s", LIMIT.as_secs()));
        std::process::exit(1);
    });
}

fn measure() -> Result<Vec<Figure>> {
    let story = Story::begin("bench", programs::root().join("target/bench"))?;
    let mut figures = on_a_desktop(&story)?;
    say("checks");
    figures.extend(checks::measure(story.folder())?);
    Ok(figures)
}

fn on_a_desktop(story: &Story) -> Result<Vec<Figure>> {
    say("a private desktop; a user signs in");
    let desk = Desktop::start(story)?;
    let indicator = Indicator::compile(&desk)?;
    let installed = Installed::new(&desk)?;
    let mut tray = installed.start_tray()?;
    installed.sign_in_from(&Tray::wait_for(desk.bus(), tray.id())?)?;
    let mut atlas = installed.start_atlas()?;
    let mut icon = indicator.start(&desk)?;
    Tray::wait_for(desk.bus(), icon.id()).context("the baseline")?;

    say("idle, for a minute");
    let idle = idle::measure(&installed, &icon)?;
    ensure!(atlas.is_running()?, "Atlas ended: {}", atlas.log().text()?);
    atlas.end()?;
    icon.end()?;
    say("authorise");
    let mut figures = authorize::measure(&installed)?;
    tray.end()?;
    say("start to tray item");
    figures.extend(tray::measure(&installed, &indicator)?);
    figures.extend(idle);
    Ok(figures)
}

fn print(figures: &[Figure], json: bool) -> Result<()> {
    let text = if json {
        serde_json::to_string_pretty(figures)?
    } else {
        table(figures)
    };
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
