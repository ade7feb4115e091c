//! `latchkey check` and `latchkey prepare-offline`

use latchkey_core::time::Timestamp;
use latchkey_ipc::messages::{Reply, Request};
use latchkey_words::{Value, Words};

use super::Outcome;
use crate::agent::Agent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, text};

pub(super) fn check(words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let until = checked(&agent, Request::Check)?;
    let view = agent.view()?;
    output::line(&good_until("cli-checked", until, view.at, words))?;
    for product in &view.products {
        output::line(&text::title(product, view.at, words))?;
    }
    Ok(Exit::Done)
}

pub(super) fn prepare_offline(words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let until = checked(&agent, Request::PrepareOffline)?;
    if until.is_none() {
        return Err(Failure::failed("no_licence", ""));
    }
    output::line(&good_until("cli-prepared", until, agent.view()?.at, words))?;
    Ok(Exit::Done)
}

fn checked(agent: &Agent, request: Request) -> Result<Option<Timestamp>, Failure> {
    match agent.ask(request)? {
        Reply::Checked { until } => Ok(until),
        _ => Err(Failure::unsupported()),
    }
}

fn good_until(id: &str, until: Option<Timestamp>, now: Timestamp, words: &Words) -> String {
    let until = until.map(|until| words.date_time(until, now));
    let until = until.as_deref().unwrap_or("none");
    words.message(id, &[("until", Value::from(until))])
}
