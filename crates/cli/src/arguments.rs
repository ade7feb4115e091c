//! The command line. What stands here in doc comments is the help that people read.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit;

/// Licences of this computer: sign in, see where products stand, prepare for offline
#[derive(Clone, Debug, Parser)]
#[command(
    name = "latchkey",
    bin_name = "latchkey",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "`latchkey help COMMAND` tells more; `latchkey help exit-codes` lists the exit codes."
)]
pub(crate) struct Arguments {
    /// Speak this language instead of the system's: en or de
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = language, display_order = 900)]
    pub(crate) language: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is asked for.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in with the browser
    SignIn(SignIn),

    /// Sign out; the next start of a product then needs the Internet
    SignOut {
        /// The licensing service, where the registered products use more than one
        #[arg(long, value_name = "URL")]
        service: Option<String>,
    },

    /// Show where the products stand
    Status(Status),

    /// List the products that are registered on this computer
    Products {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Register a product, as its installer does
    Register {
        /// The registration, a JSON file; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },

    /// Take a product's registration away; its licence stays until it ends or is reset
    Deregister {
        /// Product key, e.g. ATLAS
        #[arg(value_parser = product_key)]
        product: String,

        /// Only this version
        #[arg(long)]
        version: Option<String>,
    },

    /// Check now with the licensing service, and get fresh licences
    Check,

    /// Check now, and say until when this computer is good offline
    PrepareOffline,

    /// List your devices: which hold a place, and which are in use
    Devices {
        /// The licensing service, where you are signed in at more than one
        #[arg(long, value_name = "URL")]
        service: Option<String>,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Release one of your devices: its place is free at once, and its licences end when it is next online
    ReleaseDevice(ReleaseDevice),

    /// Use a product here, and end its use on the device that has it
    UseHere {
        /// Product key, e.g. ATLAS
        #[arg(value_parser = product_key)]
        product: String,
    },

    /// Give a product to your other device that waits for it
    HandOver {
        /// Product key, e.g. ATLAS
        #[arg(value_parser = product_key)]
        product: String,
    },

    /// Delete the licence of one product, or everything that Latchkey keeps about you on this computer
    Reset(Reset),

    /// Show and change settings: what holds, and from where
    Config {
        #[command(subcommand)]
        change: Option<Config>,
    },

    /// Unlock what Latchkey keeps of your sign-in: asks for the passphrase of its file, or lets the keyring ask again
    Unlock,

    /// Show every field that a check sends, with its present value
    Privacy,

    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },

    /// Print a manual page (roff): `latchkey man | man -l -`
    Man {
        /// The command that the page is about; without it, `latchkey` itself
        command: Vec<String>,
    },

    /// Print the version of this program and of the agent that runs
    Version,

    /// List the exit codes
    #[command(hide = true, after_help = exit::table())]
    ExitCodes,
}

/// `latchkey sign-in`
#[derive(Args, Clone, Debug)]
pub(crate) struct SignIn {
    /// The licensing service, where the registered products use more than one
    #[arg(long, value_name = "URL")]
    pub(crate) service: Option<String>,

    /// Your work address, to sign in at your company
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,

    /// Show a code to be typed in a browser elsewhere: for a remote shell, or a computer without a browser
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) device: bool,

    /// Print the address, and open no browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

/// `latchkey status`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "With PRODUCT the exit code is 0 when it may run, and 100 + its status code when not."
)]
pub(crate) struct Status {
    /// Product key, e.g. ATLAS; without it, every product
    #[arg(value_parser = product_key)]
    pub(crate) product: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Go on, and print a line for each change until Ctrl-C; with --json, the whole status on one line
    #[arg(long)]
    pub(crate) watch: bool,
}

/// `latchkey release-device`
#[derive(Args, Clone, Debug)]
#[command(after_help = "You may release 5 devices in 24 hours; an administrator can release more.")]
pub(crate) struct ReleaseDevice {
    /// The device, by the id that `latchkey devices` shows, or by its name where only one has it
    pub(crate) device: String,

    /// It is this computer, installed anew: its place goes over to this one
    #[arg(long)]
    pub(crate) same_machine: bool,

    /// The licensing service, where you are signed in at more than one
    #[arg(long, value_name = "URL")]
    pub(crate) service: Option<String>,

    /// Do not ask; needed where there is no terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `latchkey reset`
#[derive(Args, Clone, Debug)]
pub(crate) struct Reset {
    /// Product key, e.g. ATLAS: deletes its licence; you stay signed in
    #[arg(value_parser = product_key, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) product: Option<String>,

    /// All licences, your sign-in and the key of this device. Works also when the agent does not start
    #[arg(long)]
    pub(crate) all: bool,

    /// Do not ask; needed where there is no terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `latchkey config`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Config {
    /// Show what holds, and from where
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Write a setting into your settings file
    Set {
        /// Which setting: language, vault, proxy
        key: String,
        /// Its value
        value: String,
    },

    /// Take a setting out of your settings file
    Unset {
        /// Which setting: language, vault, proxy
        key: String,
    },
}

/// Product keys are written in capitals; nobody should have to.
fn product_key(text: &str) -> Result<String, String> {
    let key = text.to_ascii_uppercase();
    if latchkey_core::registration::is_product_key(&key) {
        Ok(key)
    } else {
        Err("a product key is 1 to 64 of A-Z, 0-9, - and _".to_owned())
    }
}

fn language(text: &str) -> Result<String, String> {
    if crate::language::is_spoken(text) {
        Ok(text.to_owned())
    } else {
        Err("there are words in en (English) and de (German)".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(words: &[&str]) -> Result<Command, ErrorKind> {
        Arguments::try_parse_from(std::iter::once(&"latchkey").chain(words))
            .map(|arguments| arguments.command)
            .map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_reset_names_a_product_or_all_and_never_both() {
        assert!(parse(&["reset", "ATLAS"]).is_ok());
        assert!(parse(&["reset", "--all", "-y"]).is_ok());
        assert_eq!(parse(&["reset"]).unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(
            parse(&["reset", "ATLAS", "--all"]).unwrap_err(),
            ErrorKind::ArgumentConflict
        );
    }

    #[test]
    fn a_product_may_be_written_small() {
        let Ok(Command::Status(status)) = parse(&["status", "atlas-2"]) else {
            panic!("status takes a product");
        };
        assert_eq!(status.product.as_deref(), Some("ATLAS-2"));
        assert_eq!(
            parse(&["status", "at las"]).unwrap_err(),
            ErrorKind::ValueValidation
        );
    }

    #[test]
    fn only_languages_that_there_are_words_in() {
        assert!(parse(&["status", "--language", "de-AT"]).is_ok());
        assert_eq!(
            parse(&["--language", "fr", "status"]).unwrap_err(),
            ErrorKind::ValueValidation
        );
    }
}
