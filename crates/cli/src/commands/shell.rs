//! What packages and shells want: completions, manual pages, the exit codes.

use std::io;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use latchkey_ipc::address::FOLDER_VARIABLE;
use latchkey_ipc::launch::PROGRAM_VARIABLE;
use latchkey_ipc::settings::{LANGUAGE_VARIABLE, VAULT_VARIABLE};

use super::Outcome;
use crate::arguments::Arguments;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::output;

pub(super) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "latchkey", &mut script);
    output::raw(&script)?;
    Ok(Exit::Done)
}

pub(super) fn exit_codes() -> Outcome {
    output::raw(exit::table().as_bytes())?;
    Ok(Exit::Done)
}

/// The page of `latchkey`, or of one of its commands: `latchkey man config set`.
pub(super) fn man(path: &[String]) -> Outcome {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    for name in path {
        let found = command.find_subcommand(name).cloned();
        command = found.ok_or_else(|| Failure::new(Exit::Usage, "unknown_command", name))?;
    }
    let mut page = Vec::new();
    let rendered = if path.is_empty() {
        render_whole(command, &mut page)
    } else {
        Man::new(command).render(&mut page)
    };
    rendered.map_err(|error| Failure::failed("internal", error))?;
    output::raw(&page)?;
    Ok(Exit::Done)
}

/// `latchkey` itself, with what concerns every command.
fn render_whole(command: Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command);
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    man.render_subcommands_section(page)?;
    section("EXIT STATUS", exit::rows(), page)?;
    section("ENVIRONMENT", ENVIRONMENT.map(owned), page)?;
    section("FILES", FILES.map(owned), page)?;
    man.render_version_section(page)
}

const ENVIRONMENT: [(&str, &str); 5] = [
    (
        LANGUAGE_VARIABLE,
        "The language that is spoken: en or de. It stands above the settings files.",
    ),
    (
        VAULT_VARIABLE,
        "Where the agent keeps what it has of your sign-in: keyring, file or memory. It stands above the settings files.",
    ),
    (
        "LATCHKEY_VAULT_PASSPHRASE_FILE",
        "The absolute path of a file that only you may read, with the passphrase of the vault file, for machines that \
         nobody sits at.",
    ),
    (
        PROGRAM_VARIABLE,
        "The absolute path of the agent's program, where it is neither beside latchkey nor installed.",
    ),
    (
        FOLDER_VARIABLE,
        "The absolute path of the folder that the agent's socket is in.",
    ),
];

const FILES: [(&str, &str); 3] = {
    let [own, machine, state] = if cfg!(target_os = "macos") {
        [
            "~/Library/Application Support/Latchkey/config.json",
            "/Library/Application Support/Latchkey/config.json",
            "~/Library/Application Support/Latchkey/State/",
        ]
    } else {
        [
            "~/.config/latchkey/config.json",
            "/etc/latchkey/config.json",
            "~/.local/state/latchkey/",
        ]
    };
    [
        (own, "Your settings; latchkey config set writes them."),
        (machine, "The settings of every user of this machine."),
        (
            state,
            "What the agent keeps. Tokens and keys are in the system's keyring, unless vault is set.",
        ),
    ]
};

fn owned((term, text): (&str, &str)) -> (String, String) {
    (term.to_owned(), text.to_owned())
}

fn section(
    name: &str,
    entries: impl IntoIterator<Item = (String, String)>,
    page: &mut Vec<u8>,
) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [name]);
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(text)]);
    }
    roff.to_writer(page)
}
