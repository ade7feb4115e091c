//! Each state that a keyring can be in.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use stories::keyring;
use stories::prelude::*;
use stories::services::PRODUCT;
use stories::wait::SOON;

use crate::licensed::Licensed;
use crate::troubles::{Away, ReadOnly, change_entry};

/// The window of the keyring's own prompt.
const PROMPT: &str = "Unlock Login Keyring";
/// Longer than an access token lives.
const TOKEN_ENDS: Duration = Duration::from_secs(2 * 3_600);
/// What Latchkey's entries are called.
const LABEL: &str = "Latchkey";

/// Presses keys in the prompt, which has them all to itself.
fn press(desk: &Desktop, keys: &[&str]) -> Result<()> {
    let pressed = desk.command("xdotool").arg("key").args(keys).status()?;
    ensure!(pressed.success(), "xdotool failed ({pressed})");
    Ok(())
}

/// Closes the prompt, and those of earlier agents that stand behind it.
fn close_prompts(desk: &Desktop, maya: &mut Licensed<'_, '_>) -> Result<()> {
    until("the prompts to be closed", SOON, || {
        if prompts(desk)? {
            press(desk, &["Escape"])?;
        }
        Ok((maya.status()?["problems"] == json!(["vault_locked"])).then_some(()))
    })?;
    maya.says(&["vault_locked"], "Unlock the keyring")
}

fn prompts(desk: &Desktop) -> Result<bool> {
    let listed = desk.command("wmctrl").arg("-l").output()?;
    Ok(String::from_utf8_lossy(&listed.stdout).contains(PROMPT))
}

pub(crate) fn a_prompt_that_is_open_or_was_closed_holds_nobody(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut maya = Licensed::new(&world)?;
    keyring::lock(desk.bus())?;
    // The check that follows a start needs it; the start does not wait for that.
    maya.starts()?;
    desk.wait_for_window(PROMPT)?;
    maya.refuses(&["check"], "Type it in the keyring's own window")?;
    maya.says(&["vault_prompting"], "Type it in the keyring's own window")?;
    maya.starts()?;
    desk.screenshot("prompt")?;

    close_prompts(&desk, &mut maya)?;
    maya.refuses(&["check"], "Unlock the keyring")?;
    ensure!(!prompts(&desk)?, "what was closed is shown again unasked");
    maya.starts()?;

    // The next agent has no key until it is opened, and ends like any other.
    maya.another_agent()?;
    desk.wait_for_window(PROMPT)?;
    maya.says(&["vault_prompting"], "Type it in the keyring's own window")?;
    maya.waits_for_the_key()?;
    maya.another_agent()?;
    until("the prompt to be the new agent's", SOON, || {
        Ok(prompts(&desk)?.then_some(()))
    })?;
    close_prompts(&desk, &mut maya)?;

    // Asked once more, it is opened.
    let _unlocking =
        stories::process::Process::start("unlock", &mut world.cli_command(["unlock"]), &desk.logs())?;
    desk.wait_for_window(PROMPT)?;
    press(&desk, &["t", "e", "s", "t", "Return"])?;
    maya.is_whole()?;

    // One that is opened elsewhere is noticed too.
    keyring::lock(desk.bus())?;
    maya.refuses(&["check"], "keyring")?;
    desk.wait_for_window(PROMPT)?;
    close_prompts(&desk, &mut maya)?;
    keyring::unlock(desk.bus())?;
    maya.is_whole()
}

pub(crate) fn a_keyring_that_is_away_or_hangs_is_found_again(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut maya = Licensed::new(&world)?;

    let away = Away::take(&desk)?;
    maya.starts()?;
    maya.refuses(&["check"], "Start the keyring service")?;
    maya.says(&["vault_unavailable"], "Start the keyring service")?;
    maya.another_agent()?;
    maya.says(&["vault_unavailable"], "Start the keyring service")?;
    maya.waits_for_the_key()?;
    drop(away);
    desk.start_keyring()?;
    maya.is_whole()?;

    desk.restart_keyring()?;
    world.cli(["check"])?;
    maya.says(&[], "Atlas")?;

    desk.signal_part("keyring", Signal::STOP)?;
    maya.starts()?;
    maya.refuses(&["check"], "does not answer")?;
    maya.says(&["vault_hung"], "Wait: Latchkey tries again by itself")?;
    maya.starts()?;
    maya.another_agent()?;
    maya.says(&["vault_hung"], "Wait: Latchkey tries again by itself")?;
    maya.waits_for_the_key()?;
    maya.another_agent()?;
    desk.signal_part("keyring", Signal::CONT)?;
    maya.is_whole()
}

pub(crate) fn a_keyring_that_takes_nothing_new_is_found_out_before_the_browser(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut maya = Licensed::new(&world)?;
    maya.close()?;

    // A refresh token that is replaced now is kept in memory, not used twice, and stored as soon as that can be done.
    let read_only = ReadOnly::make(&desk)?;
    world.time_passes(TOKEN_ENDS)?;
    maya.refuses(&["check"], "takes nothing new")?;
    maya.says(&["vault_read_only"], "Make it writable, or make room")?;
    maya.starts()?;
    maya.refuses(&["check"], "takes nothing new")?;
    drop(read_only);
    world.cli(["check"])?;
    maya.is_whole()?;
    world.time_passes(TOKEN_ENDS)?;
    maya.is_whole()?;

    // Nobody is sent to a browser for what could not be kept.
    world.cli(["sign-out"])?;
    let opened = desk.opened_addresses()?.len();
    let read_only = ReadOnly::make(&desk)?;
    maya.refuses(&["sign-in"], "takes nothing new")?;
    ensure!(
        desk.opened_addresses()?.len() == opened,
        "a browser was opened for a sign-in that cannot be kept"
    );
    let status = world.status()?;
    ensure!(status["sign_in"].is_null(), "it is still open: {status}");
    drop(read_only);
    world.sign_in_again()?;
    maya.is_whole()
}

pub(crate) fn an_entry_that_is_damaged_too_new_or_gone_ends_no_licence(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut maya = Licensed::new(&world)?;
    let damaged = |_: &str| "{".to_owned();
    let newer = |kept: &str| kept.replacen("\"v\":1", "\"v\":9", 1);
    let changes: [&dyn Fn(&str) -> String; 2] = [&damaged, &newer];
    let told = [
        ("vault_damaged", "Sign in again"),
        ("vault_too_new", "Update Latchkey"),
    ];
    for (change, (problem, what_to_do)) in changes.into_iter().zip(told) {
        let kept = change_entry(desk.bus(), change)?;
        ensure!(change(&kept) != kept, "nothing was changed");
        maya.starts()?;
        maya.refuses(&["check"], what_to_do)?;
        maya.says(&[problem], what_to_do)?;
        maya.starts()?;
        maya.close()?;
        maya.another_agent()?;
        maya.says(&[problem], what_to_do)?;
        // It is as it was: neither tokens nor leases were given up over it.
        change_entry(desk.bus(), |_| kept.clone())?;
        maya.another_agent()?;
        maya.is_whole()?;
    }

    ensure!(
        keyring::delete(desk.bus(), LABEL)? == 1,
        "another number of entries"
    );
    maya.starts()?;
    maya.refuses(&["check"], "Sign in")?;
    maya.says(&["vault_entry_gone"], "Sign in again")?;
    maya.starts()?;
    maya.another_agent()?;
    maya.says(&["vault_entry_gone"], "Sign in again")?;
    world.sign_in_again()?;
    // It is another device now. The one before cannot end its session any more; this one may take it over.
    world.cli(["use-here", PRODUCT])?;
    maya.is_whole()
}
