//! `latchkey version`: this program and the agent that runs, which an update may have left apart.

use latchkey_ipc::client::{ConnectError, Connection};
use latchkey_ipc::hello::{self, Kind};
use latchkey_words::{Value, Words};

use super::Outcome;
use crate::exit::Exit;
use crate::output;

pub(super) fn run(words: &Words) -> Outcome {
    output::line(&format!("latchkey {}", env!("CARGO_PKG_VERSION")))?;
    // Only looked for: asking for a version starts nothing.
    let agent = match Connection::open(Kind::Cli) {
        Ok(connection) => connection.agent().clone(),
        Err(ConnectError::Incompatible { agent }) => agent,
        Err(ConnectError::NotRunning) => {
            output::line(&words.message("cli-agent-not-running", &[]))?;
            return Ok(Exit::Done);
        }
        Err(error) => {
            output::line(&format!("latchkey-agent: {error}"))?;
            return Ok(Exit::Done);
        }
    };
    let protocol = agent.max.min(hello::MAX).to_string();
    let args = [
        ("version", Value::from(&agent.version)),
        ("protocol", Value::from(&protocol)),
    ];
    output::line(&words.message("cli-agent-version", &args))?;
    Ok(Exit::Done)
}
