//! The demo: the whole product at work, on the user's screen or, where there is none, on a private one.
//!
//! | room | concern |
//! | --- | --- |
//! | [`own_screen`] | the user's own desktop, with state and settings in a folder of the demo's |
//! | [`headless`] | a private desktop, on which the demo does the user's part itself, and takes pictures |
#![cfg(target_os = "linux")]

mod headless;
mod own_screen;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use stories::programs;
use stories::services::Services;
use stories::story::{Story, enter_namespaces};

/// Shows the whole product at work.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Use a private desktop without a screen, even if there is a screen
    #[arg(long)]
    headless: bool,
    /// End after the story has been told, instead of waiting for Ctrl-C (private desktop only)
    #[arg(long)]
    once: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let shown = if arguments.headless || arguments.once || !has_screen {
        enter_namespaces().and_then(|()| headless::show(&begin()?, arguments.once))
    } else {
        begin().and_then(|story| own_screen::show(&story))
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> Result<Story> {
    Story::begin("demo", programs::root().join("target/demo"))
}

fn say(line: &str) {
    eprintln!("demo: {line}");
}

fn say_services(services: &Services) {
    let maya = services.maya();
    say(&format!("identity provider   {}", services.provider().issuer()));
    say(&format!("licensing service   {}", services.licensing().url()));
    say(&format!(
        "sign in as          {}  with the password  {}",
        maya.email, maya.password
    ));
}

/// Waits until somebody presses Ctrl-C, or asks the demo to end.
fn wait_for_end() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        Ok(())
    })
}
