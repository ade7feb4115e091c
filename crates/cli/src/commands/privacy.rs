//! `latchkey privacy`: every field that a check sends (rule 12: the user can see it before and after).

use latchkey_ipc::messages::{Reply, Request};
use latchkey_words::Words;

use super::Outcome;
use crate::agent::Agent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(words: &Words) -> Outcome {
    let Reply::Privacy { fields } = Agent::connect()?.ask(Request::Privacy)? else {
        return Err(Failure::unsupported());
    };
    output::line(&words.message("cli-privacy", &[]))?;
    for sent in fields {
        let field = words.field(&sent.field);
        output::line("")?;
        output::line(&format!("{}: {}", field.name, sent.value))?;
        output::line(&format!("  {}", field.why))?;
    }
    Ok(Exit::Done)
}
