//! A WebDriver client (W3C WebDriver): as much of it as a person does with a page.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use serde_json::{Value, json};
use ureq::Agent;

use crate::wait::{SOON, until};

/// How the protocol names an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One driven browser or window. It is closed when this is dropped.
#[derive(Debug)]
pub struct WebDriver {
    agent: Agent,
    session: String,
}

/// An element of a page.
#[derive(Debug)]
pub struct Element<'a> {
    driver: &'a WebDriver,
    id: String,
}

impl WebDriver {
    /// Opens a session at a driver that listens on `port`, waiting until it does.
    ///
    /// # Errors
    /// The driver does not come up, or cannot start what it drives.
    pub fn open(port: u16, capabilities: &Value) -> Result<Self> {
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build()
            .into();
        let root = format!("http://127.0.0.1:{port}");
        until("the WebDriver server", SOON, || {
            Ok(agent.get(format!("{root}/status")).call().ok().map(drop))
        })?;
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let value = answer(agent.post(format!("{root}/session")).send_json(&body))?;
        let id = value["sessionId"].as_str().context("a session has an id")?;
        Ok(Self {
            agent,
            session: format!("{root}/session/{id}"),
        })
    }

    fn get(&self, path: &str) -> Result<Value> {
        answer(self.agent.get(format!("{}/{path}", self.session)).call())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        answer(
            self.agent
                .post(format!("{}/{path}", self.session))
                .send_json(body),
        )
    }

    fn text_of(&self, path: &str) -> Result<String> {
        Ok(self
            .get(path)?
            .as_str()
            .with_context(|| format!("{path} is a text"))?
            .to_owned())
    }

    /// Goes to an address, and waits until the page is there.
    ///
    /// # Errors
    /// Nothing answers there.
    pub fn go_to(&self, address: &str) -> Result<()> {
        self.post("url", &json!({ "url": address }))
            .with_context(|| format!("the page {address}"))?;
        Ok(())
    }

    /// The address that is shown.
    ///
    /// # Errors
    /// The browser is gone.
    pub fn address(&self) -> Result<String> {
        self.text_of("url")
    }

    /// The page's title.
    ///
    /// # Errors
    /// The browser is gone.
    pub fn title(&self) -> Result<String> {
        self.text_of("title")
    }

    /// The text that a person can read on the page.
    ///
    /// # Errors
    /// The browser is gone.
    pub fn text(&self) -> Result<String> {
        let value = self.run("return document.body ? document.body.innerText : ''")?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    /// The script throws, or the browser is gone.
    pub fn run(&self, script: &str) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The first element that a CSS selector finds and that can be seen now, if there is one.
    ///
    /// # Errors
    /// The browser is gone.
    pub fn find(&self, selector: &str) -> Result<Option<Element<'_>>> {
        let found = self.post("elements", &json!({ "using": "css selector", "value": selector }))?;
        for element in found.as_array().into_iter().flatten() {
            let id = element[ELEMENT]
                .as_str()
                .context("an element has an id")?
                .to_owned();
            // It may be gone from the page by now; then it cannot be seen.
            if self
                .get(&format!("element/{id}/displayed"))
                .is_ok_and(|displayed| displayed == true)
            {
                return Ok(Some(Element { driver: self, id }));
            }
        }
        Ok(None)
    }

    /// Waits for an element.
    ///
    /// # Errors
    /// It does not come within 20 s; shows what is on the page instead.
    pub fn wait_for(&self, selector: &str) -> Result<Element<'_>> {
        until(&format!("{selector} on the page"), SOON, || self.find(selector)).with_context(|| self.shown())
    }

    /// Clicks the button that says this, once it is there.
    ///
    /// # Errors
    /// There is none within 20 s; shows what is on the page instead.
    pub fn click_button(&self, words: &str) -> Result<()> {
        let xpath = format!("//button[normalize-space()='{words}']");
        let id = until(&format!("a button {words:?}"), SOON, || {
            let found = self.post("elements", &json!({ "using": "xpath", "value": xpath }))?;
            Ok(found[0][ELEMENT].as_str().map(str::to_owned))
        })
        .with_context(|| self.shown())?;
        Element { driver: self, id }.click()
    }

    /// Waits until the page says something.
    ///
    /// # Errors
    /// It does not within 20 s; shows what is on the page instead.
    pub fn wait_for_words(&self, words: &str) -> Result<()> {
        until(&format!("{words:?} on the page"), SOON, || {
            Ok(self.text()?.contains(words).then_some(()))
        })
        .with_context(|| self.shown())
    }

    fn shown(&self) -> String {
        format!(
            "the page {} says: {}",
            self.address().unwrap_or_default(),
            self.text().unwrap_or_default()
        )
    }

    /// A picture of the page, as PNG.
    ///
    /// # Errors
    /// The browser is gone.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let encoded = self.text_of("screenshot")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(encoded)?)
    }
}

impl Element<'_> {
    /// Clicks it.
    ///
    /// # Errors
    /// It is covered, or gone.
    pub fn click(&self) -> Result<()> {
        self.driver
            .post(&format!("element/{}/click", self.id), &json!({}))?;
        Ok(())
    }

    /// Types into it, after what is there.
    ///
    /// # Errors
    /// It takes no text, or is gone.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.driver
            .post(&format!("element/{}/value", self.id), &json!({ "text": text }))?;
        Ok(())
    }

    /// What a person reads on it.
    ///
    /// # Errors
    /// It is gone.
    pub fn text(&self) -> Result<String> {
        self.driver.text_of(&format!("element/{}/text", self.id))
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        // A browser that is gone already has nothing to close.
        let _ = self.agent.delete(&self.session).call();
    }
}

fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
    let mut response = result.context("the WebDriver server does not answer")?;
    let mut body: Value = response.body_mut().read_json()?;
    let value = body["value"].take();
    if !response.status().is_success() {
        bail!(
            "{}: {}",
            value["error"].as_str().unwrap_or("error"),
            value["message"].as_str().unwrap_or_default()
        );
    }
    Ok(value)
}
