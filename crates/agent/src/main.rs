//! The agent: one process for each user of a machine, started when it is needed, gone when it is not.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use latchkey_core::vault::VaultKind;

/// Latchkey's agent: signs in, checks and keeps the licences of this user on this machine. Products, the tray and the
/// `latchkey` command start it when they need it.
#[derive(Debug, Parser)]
#[command(name = "latchkey-agent", version)]
struct Arguments {
    /// Where the tokens and the device key are kept: keyring, file or memory. Above LATCHKEY_VAULT and the settings files
    #[arg(long, value_name = "PLACE", global = true, value_parser = vault)]
    vault: Option<VaultKind>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// End every licence of this user on this machine, without a running agent: deletes tokens, device keys and leases.
    /// Registrations and the clock's memory stay.
    Reset {
        /// Confirms that everything is meant.
        #[arg(long, required = true)]
        all: bool,
    },
}

fn vault(text: &str) -> Result<VaultKind, String> {
    VaultKind::from_name(text).ok_or_else(|| "secrets are kept in: keyring, file, memory".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None => latchkey_agent::run(arguments.vault).context("the agent could not run"),
        Some(Command::Reset { .. }) => {
            latchkey_agent::reset_all(arguments.vault).context("not everything could be reset")
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            use std::io::Write as _;
            let _nobody_reads = writeln!(std::io::stderr(), "latchkey-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
