//! `latchkey status --watch`: a line for each change, until Ctrl-C or until nobody reads any more.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::view::View;
use latchkey_ipc::messages::Event;
use latchkey_words::Words;

use super::{Outcome, status};
use crate::agent::Agent;
use crate::arguments::Status;
use crate::document::StatusDocument;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::inputs::{Input, Inputs};
use crate::{output, text};

/// Before the agent is started again that has just ended: one that cannot live must not be started all the time.
const AGAIN: Duration = Duration::from_secs(1);
/// Nothing is due here by itself.
const IDLE: Duration = Duration::from_secs(3600);

pub(super) fn run(options: &Status, words: &Words) -> Outcome {
    let inputs = Inputs::new()?;
    inputs.notice_end_of_reader()?;
    let mut printed = Printed {
        options,
        words,
        json: None,
        lines: BTreeMap::new(),
    };
    loop {
        let agent = Agent::connect()?;
        let mut view = agent.watch()?;
        inputs.follow(agent.connection())?;
        loop {
            printed.print(&mut view, &agent)?;
            match inputs.next(IDLE) {
                Some(Input::Event(Event::View { view: newer })) => view = newer,
                Some(Input::AgentGone) => break,
                Some(Input::Interrupted) => return Ok(Exit::Done),
                Some(Input::ReaderGone) => return Err(Failure::ReaderGone),
                Some(Input::Event(_) | Input::Answer(_)) | None => {}
            }
        }
        // It was updated, or it died: the next one says where things stand.
        match inputs.next(AGAIN) {
            Some(Input::Interrupted) => return Ok(Exit::Done),
            Some(Input::ReaderGone) => return Err(Failure::ReaderGone),
            _ => {}
        }
    }
}

/// What stands on the screen already.
struct Printed<'a> {
    options: &'a Status,
    words: &'a Words,
    /// The last document, without its time.
    json: Option<serde_json::Value>,
    /// The last line about each thing: products by key and version, the status line by none.
    lines: BTreeMap<Option<(String, String)>, String>,
}

impl Printed<'_> {
    /// Prints what has changed.
    fn print(&mut self, view: &mut View, agent: &Agent) -> Result<(), Failure> {
        if let Some(product) = &self.options.product {
            status::narrow(view, product, agent)?;
        }
        if self.options.json {
            self.print_json(view)
        } else {
            self.print_lines(view)
        }
    }

    fn print_json(&mut self, view: &View) -> Result<(), Failure> {
        let document = StatusDocument::new(view, self.words);
        let content = document.content();
        if self.json.as_ref() == Some(&content) {
            return Ok(());
        }
        self.json = Some(content);
        output::json_line(&document)
    }

    fn print_lines(&mut self, view: &View) -> Result<(), Failure> {
        let headline = self.words.line(&view.headline.line, view.at);
        let headline = self.options.product.is_none().then_some((None, headline));
        let products = view.products.iter().map(|product| {
            let key = (product.product.clone(), product.version.clone());
            (Some(key), text::title(product, view.at, self.words))
        });
        let lines: BTreeMap<_, _> = headline.into_iter().chain(products).collect();
        let time = self.words.date_time(view.at, view.at);
        for (about, line) in &lines {
            if self.lines.get(about) != Some(line) {
                output::line(&format!("{time}  {line}"))?;
            }
        }
        self.lines = lines;
        Ok(())
    }
}
