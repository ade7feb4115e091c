//! `latchkey reset` (rule 15)

use latchkey_core::code::Code;
use latchkey_ipc::messages::{Request, ResetScope};
use latchkey_words::{Value, Words};

use super::{Outcome, confirm, rescue};
use crate::agent::Agent;
use crate::arguments::Reset;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// What is asked and told, by what is reset.
struct Texts {
    question: String,
    deleted: String,
    kept: String,
    done: String,
}

pub(super) fn run(options: &Reset, words: &Words) -> Outcome {
    match &options.product {
        Some(product) => reset_product(product, options.yes, words),
        None => reset_all(options.yes, words),
    }
}

fn reset_product(product: &str, yes: bool, words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let view = agent.view()?;
    let Some(known) = view.products.iter().find(|known| known.product == product) else {
        let exit = Exit::Status(Code::InvalidArgument.number());
        return Err(Failure::new(exit, "unknown_product", product));
    };
    let texts = Texts::new("cli-reset-product", &known.name, words);
    if !texts.confirmed(yes, words)? {
        return Ok(Exit::Declined);
    }
    agent.order(Request::Reset {
        scope: ResetScope::Product(product.to_owned()),
    })?;
    output::line(&texts.done)?;
    Ok(Exit::Done)
}

fn reset_all(yes: bool, words: &Words) -> Outcome {
    let texts = Texts::new("cli-reset-all", "", words);
    if !texts.confirmed(yes, words)? {
        return Ok(Exit::Declined);
    }
    let request = Request::Reset {
        scope: ResetScope::All,
    };
    match Agent::connect().and_then(|agent| agent.order(request)) {
        Err(failure) if failure.is_missing_agent() => rescue::reset_all(failure, words)?,
        answered => answered?,
    }
    output::line(&texts.done)?;
    Ok(Exit::Done)
}

impl Texts {
    fn new(id: &str, product: &str, words: &Words) -> Self {
        let text =
            |attribute| words.message(&format!("{id}.{attribute}"), &[("product", Value::from(product))]);
        Self {
            question: words.message(id, &[("product", Value::from(product))]),
            deleted: text("deleted"),
            kept: text("kept"),
            done: text("done"),
        }
    }

    fn confirmed(&self, yes: bool, words: &Words) -> Result<bool, Failure> {
        confirm::confirmed(yes, &[&self.question, &self.deleted, &self.kept], words)
    }
}
