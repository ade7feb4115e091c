//! Maya, licensed, whatever becomes of her keyring.

use std::time::{Duration, Instant};

use serde_json::Value;
use stories::atlas::atlas_of;
use stories::pending::ensure_product_is_told;
use stories::prelude::*;
use stories::process::Process;
use stories::wait::SOON;

const AGENT: &str = "latchkey-agent";
/// What is answered from memory, by programs that have to start first, on a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(5);
/// One that was away is looked for every 30 s.
const FOUND: Duration = Duration::from_secs(45);

/// Somebody who is signed in and licensed, with a product open.
pub(crate) struct Licensed<'w, 'd> {
    world: &'w World<'d>,
    open: Option<Atlas>,
}

impl<'w, 'd> Licensed<'w, 'd> {
    /// Signs her in, checks, and opens a product.
    pub(crate) fn new(world: &'w World<'d>) -> Result<Self> {
        world.sign_in()?;
        world.cli(["check"])?;
        let mut open = world.start_atlas_with(&["--json"])?;
        open.wait_for("started")?;
        Ok(Self {
            world,
            open: Some(open),
        })
    }

    /// Closes the product.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.open.take().map_or(Ok(()), Atlas::close)
    }

    /// The status, which is there at once, whatever the keyring does. Nobody is signed out in it.
    pub(crate) fn status(&self) -> Result<Value> {
        let began = Instant::now();
        let status = self.world.status()?;
        let took = began.elapsed();
        ensure!(took < AT_ONCE, "the status took {took:?}");
        ensure!(
            status["accounts"][0]["user"]["email"] == self.world.maya().email,
            "she is signed out: {status}"
        );
        Ok(status)
    }

    /// Waits until these are the problems, and looks whether people are told what to do. What is open stays so.
    pub(crate) fn says(&mut self, problems: &[&str], what_to_do: &str) -> Result<()> {
        let mut last = Value::Null;
        until(&format!("the problems {problems:?}"), FOUND, || {
            last = self.status()?["problems"].clone();
            Ok((last == Value::from(problems)).then_some(()))
        })
        .with_context(|| format!("the problems are {last}"))?;
        let words = self.world.cli(["status"])?;
        ensure!(words.contains(what_to_do), "what to do is not said: {words}");
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let told = open.text()?;
        ensure!(
            open.process().is_running()? && !told.contains("must_stop"),
            "what is open was stopped: {told}"
        );
        ensure_product_is_told(&told)
    }

    /// A product starts, and does not wait for the keyring.
    pub(crate) fn starts(&self) -> Result<()> {
        let began = Instant::now();
        let mut atlas = self.world.start_atlas()?;
        atlas.wait_for("OK")?;
        let took = began.elapsed();
        ensure!(took < AT_ONCE, "a product took {took:?} to start");
        atlas.close()
    }

    /// The agent has no key yet: whoever asks and whoever starts is told the same, and what is open runs on.
    pub(crate) fn waits_for_the_key(&self) -> Result<()> {
        let mut last = Value::Null;
        until("the status to say that the keyring is awaited", FOUND, || {
            last = atlas_of(&self.status()?)?.clone();
            Ok((last["reason"] == "vault_locked").then_some(()))
        })
        .with_context(|| format!("the status is {last}"))?;
        let mut atlas = self.world.start_atlas_with(&["--json"])?;
        atlas.wait_for("vault_locked")?;
        let told = atlas.text()?;
        ensure!(!told.contains("started"), "it started without a proof: {told}");
        ensure_product_is_told(&told)?;
        atlas.process().kill()
    }

    /// Something that needs the keyring is refused with these words, within the time that a call to it may take.
    pub(crate) fn refuses(&self, command: &[&str], words: &str) -> Result<()> {
        let mut asking = self.world.cli_command(command.iter().copied());
        let mut asking = Process::start("refused", &mut asking, &self.world.desk().logs())?;
        let status = asking.wait(SOON)?;
        let said = asking.log().text()?;
        ensure!(
            !status.success() && said.contains(words),
            "{command:?} ended with {status}: {said}"
        );
        Ok(())
    }

    /// The agent ends when it is told to, also now; whoever needs it starts the next.
    pub(crate) fn another_agent(&self) -> Result<()> {
        let began = Instant::now();
        self.world.machine().end(AGENT)?;
        let took = began.elapsed();
        ensure!(took < AT_ONCE, "the agent took {took:?} to end");
        self.status().map(drop)
    }

    /// All is as it was: nothing to complain of, and what needs the keyring is done.
    pub(crate) fn is_whole(&mut self) -> Result<()> {
        self.says(&[], "Atlas")?;
        self.world.cli(["check"])?;
        self.starts()
    }
}
