//! The stories' harness: a private desktop, a real identity provider, a licensing service, a browser, and a machine
//! whose clocks can be moved. A story reads like what a person does:
//!
//! ```ignore
//! fn a_first_day(story: &Story) -> Result<()> {
//!     let desk = Desktop::start(story)?;
//!     let world = World::seeded(&desk)?;
//!     world.sign_in()?;
//!     let atlas = world.start_atlas()?;
//!     atlas.wait_for("OK")
//! }
//! ```
//!
//! | room | concern |
//! | --- | --- |
//! | [`story`] | running stories, and what is kept of each |
//! | [`wait`] | waiting for what must come, never longer than said |
//! | [`process`], [`log`] | programs, their output, their end |
//! | [`desktop`], [`session_files`] | display, session bus, keyring, panel, notification daemon |
//! | [`bus`], [`tray`], [`notices`], [`keyring`] | what the product shows and keeps on that bus |
//! | [`qr`] | what a camera sees |
//! | [`webdriver`], [`browser`], [`window`] | the user's browser and the product's window, driven |
//! | [`provider`], [`service`], [`services`] | the identity provider and the licensing service, filled |
//! | [`providers`] | identity providers that other people made, and what they say of tokens |
//! | [`gate`] | a door before a service, which holds what a story wants to interrupt |
//! | [`company`], [`proxy`] | a company's network: names, an authority, a proxy that is its only way in |
//! | [`cable`] | a network cable, to be pulled out |
//! | [`laid`] | files laid over the system's own, for a story alone |
//! | [`clock`], [`machine`] | wall clocks that a story sets; days that pass, reboots |
//! | [`world`], [`atlas`] | all of it together, with a user and a product |
//! | [`pending`] | what every status owes to whoever waits |
//! | [`listeners`] | which ports a process listens on |
//! | [`secrets`] | looking for what must not be lying about |
#![cfg(target_os = "linux")]

pub mod atlas;
pub mod browser;
pub mod bus;
pub mod cable;
pub mod clock;
pub mod company;
pub mod desktop;
pub mod gate;
pub mod gnome;
pub mod keyring;
pub mod laid;
pub mod listeners;
pub mod log;
pub mod machine;
pub mod notices;
pub mod pending;
pub mod process;
pub mod programs;
pub mod provider;
pub mod providers;
pub mod proxy;
pub mod qr;
pub mod secrets;
pub mod service;
pub mod services;
mod session_files;
pub mod story;
pub mod tray;
pub mod wait;
pub mod webdriver;
pub mod window;
pub mod world;

/// What a story needs.
pub mod prelude {
    pub use anyhow::{Context as _, Result, bail, ensure};

    pub use crate::atlas::Atlas;
    pub use crate::browser::Browser;
    pub use crate::desktop::Desktop;
    pub use crate::story::{Story, tell};
    pub use crate::tray::Tray;
    pub use crate::wait::until;
    pub use crate::world::World;
}
