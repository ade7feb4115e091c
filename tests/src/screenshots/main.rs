//! Pictures of what the window's gallery cannot show: the real window, the tray's menu as a panel opens it, and the
//! notices as a notification daemon shows them, each on a light and on a dark desktop.
//!
//! What is shown are the gallery's own Views, handed out by an agent that does nothing else: `cargo xtask screenshots`
//! writes them beside the window's pictures, and starts this program.
//!
//! | room | concern |
//! | --- | --- |
//! | [`agent`] | the agent that hands out Views |
//! | [`views`] | the gallery's Views, and the notices |
//! | [`session`] | a desktop of one look, with the tray on it |
//! | [`picture`] | a part of the screen, once it is still |
//! | [`menus`], [`notices`], [`window`] | what is pictured |
#![cfg(target_os = "linux")]

mod agent;
mod menus;
mod notices;
mod picture;
mod session;
mod views;
mod window;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use stories::desktop::{Desktop, Parts};
use stories::programs;
use stories::story::{Story, enter_namespaces};

use crate::session::{LOOKS, Look, Session};
use crate::views::Views;

/// Pictures the real window, the tray's menu and the notices.
#[derive(Parser)]
#[command(name = "screenshots")]
struct Arguments {
    /// Where the gallery left views.json, and where the pictures go
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match enter_namespaces().and_then(|()| shoot_all(&arguments.folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("screenshots: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn shoot_all(folder: &Path) -> Result<()> {
    // The session's programs run in another folder.
    let folder = folder
        .canonicalize()
        .with_context(|| format!("no folder {}", folder.display()))?;
    let views = Views::read(&folder.join("views.json"))?;
    LOOKS.iter().try_for_each(|look| {
        shoot(look, &views, &folder).with_context(|| format!("on the {} desktop", look.name))
    })
}

fn shoot(look: &Look, views: &Views, folder: &Path) -> Result<()> {
    let traces = programs::root()
        .join("target/stories/screenshots")
        .join(look.name);
    let story = Story::begin(look.name, traces)?;
    let parts = Parts {
        keyring: false,
        panel: false,
        notifications: false,
    };
    let desk = Desktop::start_with(&story, parts)?;
    let session = Session::start(&desk, look, folder)?;
    window::shoot(&session, views)?;
    let mut tray = session.start_tray()?;
    menus::shoot(&session, &tray, views)?;
    notices::shoot(&session, &mut tray, views)
}
