//! `latchkey status` and `latchkey products`

use latchkey_core::view::{ProductView, View};
use latchkey_ipc::messages::{Reply, Request};
use latchkey_words::Words;

use super::Outcome;
use crate::agent::Agent;
use crate::arguments::Status;
use crate::document::{ProductsDocument, StatusDocument};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, text};

pub(super) fn run(options: &Status, words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let mut view = agent.view()?;
    let product = options.product.as_deref();
    if let Some(product) = product {
        narrow(&mut view, product, &agent)?;
    }
    match product {
        _ if options.json => output::json(&StatusDocument::new(&view, words))?,
        Some(_) => {
            for product in &view.products {
                output::lines(text::product(product, view.at, words))?;
            }
        }
        None => output::lines(text::status(&view, words))?,
    }
    Ok(product.map_or(Exit::Done, |_| standing(&view)))
}

pub(super) fn products(json: bool, words: &Words) -> Outcome {
    let view = Agent::connect()?.view()?;
    if json {
        output::json(&ProductsDocument::new(&view, words))?;
        return Ok(Exit::Done);
    }
    if view.products.is_empty() {
        output::note(&words.problem("no_products").text);
    }
    let row = |product: &ProductView| {
        let state = words.state(&product.status, view.at);
        let fixed = [
            &product.product,
            &product.version,
            &product.name,
            &product.publisher,
        ];
        let [key, version, name, publisher] = fixed.map(Clone::clone);
        [key, version, name, publisher, state]
    };
    output::lines(text::table(&view.products.iter().map(row).collect::<Vec<_>>()))?;
    Ok(Exit::Done)
}

/// Leaves of the view what is about one product. One that is not registered gets the status that the agent gives it.
pub(super) fn narrow(view: &mut View, product: &str, agent: &Agent) -> Result<(), Failure> {
    view.products.retain(|known| known.product == product);
    if !view.products.is_empty() {
        return Ok(());
    }
    let request = Request::Status {
        product: product.to_owned(),
    };
    let Reply::Status { status } = agent.ask(request)? else {
        return Err(Failure::unsupported());
    };
    view.products.push(ProductView {
        product: product.to_owned(),
        version: String::new(),
        name: product.to_owned(),
        publisher: String::new(),
        service: String::new(),
        status,
        open: 0,
        checked_at: None,
        offline_for: None,
        org: None,
    });
    Ok(())
}

/// Every version of a product stands where the product does.
fn standing(view: &View) -> Exit {
    let worst = view.products.iter().map(|product| product.status.code).max();
    Exit::Status(worst.unwrap_or_default())
}
