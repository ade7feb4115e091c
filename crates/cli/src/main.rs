//! The `latchkey` command: a viewer of the agent for shells, scripts and support. It keeps no state and decides nothing.
//!
//! | room | concern |
//! | --- | --- |
//! | `arguments` | the command line and its help |
//! | `commands` | what each command does |
//! | `agent` | asking the agent |
//! | `inputs`, `reader` | what a command that goes on waits for |
//! | `text`, `document` | the state in sentences, and as JSON |
//! | `output`, `progress` | what is printed, and what is awaited |
//! | `hidden` | what is typed and not shown |
//! | `browser`, `language` | the system's browser, and the language that is spoken |
//! | `failure`, `exit` | why something was not done, and how that ends |

mod agent;
mod arguments;
mod browser;
mod commands;
mod document;
mod exit;
mod failure;
mod hidden;
mod inputs;
mod language;
mod output;
mod progress;
mod qr;
mod reader;
mod text;

use std::process::ExitCode;

use clap::Parser as _;
use latchkey_ipc::settings::Settings;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = Settings::read();
    let words = language::words(arguments.language.as_deref(), &settings);
    for problem in &settings.problems {
        output::note(&format!("latchkey: {problem}"));
    }
    let ended = commands::run(&arguments, &settings, &words);
    let exit = ended.unwrap_or_else(|failure| {
        failure
            .told(&words)
            .into_iter()
            .flatten()
            .for_each(|line| output::note(&line));
        failure.exit()
    });
    exit.into()
}
