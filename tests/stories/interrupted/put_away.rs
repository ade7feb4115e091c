//! The step at which the keyring is asked to keep the tokens, and dies. The bus starts another one in its place, which is locked.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use stories::gate::Gate;
use stories::keyring;
use stories::prelude::*;
use stories::wait::SOON;

use crate::asked::{AGENT, Asked, gated, is_told};

/// The thread of the agent's that asks the keyring, for as long as that takes.
const ASKING: &str = "vault-call";
/// How long whoever waits has done nothing.
const STILL_FOR: Duration = Duration::from_millis(500);
/// The window of the keyring's own prompt.
const PROMPT: &str = "Unlock Login Keyring";
const LOCKED: &str = "The keyring of this computer is locked.";
const GONE: &str = "This computer has no keyring, or it cannot be reached";

/// The keyring has been asked: whoever asks it waits, and does nothing else.
fn wait_until_asked(world: &World<'_>) -> Result<()> {
    let mut before = (Vec::new(), Instant::now());
    until("the keyring to be asked", SOON, || {
        let now = waits(world)?;
        if now != before.0 {
            before = (now, Instant::now());
        }
        Ok((!before.0.is_empty() && before.1.elapsed() >= STILL_FOR).then_some(()))
    })
}

/// What the system says of the threads that ask, which is another thing as soon as they have done anything.
fn waits(world: &World<'_>) -> Result<Vec<String>> {
    let agents = world.machine().running(AGENT)?.into_iter();
    let threads = agents.filter_map(|agent| fs::read_dir(format!("/proc/{agent}/task")).ok());
    let states = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
    Ok(states.filter(|state| state.contains(ASKING)).collect())
}

/// She is asked to open the one that came in its place, and that is said; everybody waits.
fn is_prompted(world: &World<'_>, asked: &mut Asked) -> Result<()> {
    world.desk().wait_for_window(PROMPT)?;
    let status = world.status()?;
    ensure!(
        status["problems"] == json!(["vault_prompting"]) && status["sign_in"]["phase"] == "finishing",
        "{status}"
    );
    ensure!(
        asked.first.is_running()? && asked.second.is_running()?,
        "somebody was told before she has answered"
    );
    Ok(())
}

/// Presses keys in the prompt, which has them all to itself.
fn press(desk: &Desktop, keys: &[&str]) -> Result<()> {
    let pressed = desk.command("xdotool").arg("key").args(keys).status()?;
    ensure!(pressed.success(), "xdotool failed ({pressed})");
    Ok(())
}

/// The session's own is back, and nothing of a sign-in that failed is in it.
fn is_back(desk: &Desktop) -> Result<()> {
    desk.restart_keyring()?;
    let kept = keyring::items(desk.bus())?;
    let holds = |item: &keyring::Item| String::from_utf8_lossy(&item.secret).contains("access_token\":\"");
    ensure!(
        !kept.iter().any(holds),
        "tokens of a sign-in that failed are kept"
    );
    Ok(())
}

pub(crate) fn while_the_tokens_are_put_away_the_keyring_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let gate = Gate::open()?;
    let world = gated(&desk, &gate, &json!({}))?;
    let browser = Browser::start(&desk)?;

    // Asked already: its answer never comes. One that is there and does not answer is called something else.
    let mut asked = Asked::fetching(&world, &gate, &browser)?;
    desk.signal_part("keyring", Signal::STOP)?;
    gate.release();
    wait_until_asked(&world)?;
    desk.kill_part("keyring")?;
    is_told(&mut asked.first, GONE)?;
    browser.page().wait_for_words(GONE)?;
    asked.are_told(&world, GONE)?;
    is_back(&desk)?;

    // Not asked yet: the next one is, and she does not open it.
    let mut asked = Asked::fetching(&world, &gate, &browser)?;
    desk.kill_part("keyring")?;
    gate.release();
    is_prompted(&world, &mut asked)?;
    press(&desk, &["Escape"])?;
    is_told(&mut asked.first, LOCKED)?;
    browser.page().wait_for_words(LOCKED)?;
    asked
        .product
        .wait_for("AUTH_PENDING: The keyring of this computer is locked")?;
    is_back(&desk)?;
    asked.are_told(&world, LOCKED).context("she did not open it")?;

    // She does.
    let mut asked = Asked::fetching(&world, &gate, &browser)?;
    desk.kill_part("keyring")?;
    gate.release();
    is_prompted(&world, &mut asked)?;
    press(&desk, &["t", "e", "s", "t", "Return"])?;
    browser.page().wait_for_words("You are signed in")?;
    asked.are_in(&world).context("she opened it")
}
