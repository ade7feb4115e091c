//! `latchkey use-here` and `latchkey hand-over` (rule 11)

use latchkey_core::session::SessionWish;
use latchkey_ipc::messages::{Reply, Request};
use latchkey_words::Words;

use super::Outcome;
use crate::agent::Agent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, text};

pub(super) fn run(product: &str, wish: SessionWish, words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let request = Request::Session {
        product: product.to_owned(),
        wish,
    };
    let Reply::Checked { .. } = agent.ask(request)? else {
        return Err(Failure::unsupported());
    };
    let view = agent.view()?;
    for known in view.products.iter().filter(|known| known.product == product) {
        output::line(&text::title(known, view.at, words))?;
    }
    Ok(Exit::Done)
}
