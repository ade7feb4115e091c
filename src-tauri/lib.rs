//! Latchkey's tray app: one program with two faces, each only a viewer of the agent. It keeps no state and decides
//! nothing: views come in, requests go out.
//!
//! | room | concern |
//! | --- | --- |
//! | `arguments` | the command line |
//! | `agent_link` | the connection to the agent, made again whenever it goes |
//! | `tray` | the icon and its menu: what a view looks like, and what an entry does |
//! | `notices`, `toast` | what is told unasked, and how the desktop shows it |
//! | `window` | the window, in a process of its own |
//! | `commands`, `screen` | what its pages may ask for, and what they are called |
//! | `browser`, `clipboard`, `autostart`, `desktop` | the desktop around it |
//! | `failure` | why something was not done |

mod agent_link;
mod arguments;
mod autostart;
mod browser;
mod clipboard;
mod commands;
mod desktop;
mod failure;
mod icon;
mod notices;
mod qr;
mod screen;
mod toast;
mod tray;
mod window;

use std::process::ExitCode;

pub use arguments::Arguments;

/// Shows the face that was asked for until it ends.
pub fn run(arguments: Arguments) -> ExitCode {
    let ended = desktop::begin().and_then(|()| {
        if arguments.window {
            window::run(arguments.screen)
        } else {
            tray::run(arguments.background)
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-tray: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The configuration, the capabilities and the pages, as they were at build time.
fn context() -> tauri::Context {
    tauri::generate_context!()
}
