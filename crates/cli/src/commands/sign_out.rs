//! `latchkey sign-out`

use latchkey_ipc::messages::Request;
use latchkey_words::Words;

use super::Outcome;
use crate::agent::Agent;
use crate::exit::Exit;
use crate::output;

pub(super) fn run(service: Option<String>, words: &Words) -> Outcome {
    Agent::connect()?.order(Request::SignOut { service })?;
    output::line(&words.message("cli-signed-out", &[]))?;
    Ok(Exit::Done)
}
