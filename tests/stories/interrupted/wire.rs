//! The steps at which an answer of the provider's is awaited.

use serde_json::json;
use stories::gate::Gate;
use stories::keyring;
use stories::prelude::*;
use stories::wait::SOON;

use crate::asked::{
    AGENT, Asked, TOKEN, gated, is_in, is_told, kill_browser, terminal, wait_for_phase, wait_until_clean,
};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const AGENT_GONE: &str = "agent does not answer";
const CANCELLED: &str = "cancelled";

pub(crate) fn while_the_address_is_found_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let gate = Gate::open()?;
    let world = gated(&desk, &gate, &json!({}))?;
    // A new agent knows nothing of the provider yet.
    let begin = || -> Result<_> {
        world.machine().end(AGENT)?;
        gate.hold(DISCOVERY);
        let first = terminal(&world, "first", &["sign-in"])?;
        gate.wait_until_held()?;
        let second = terminal(&world, "second", &["sign-in"])?;
        wait_for_phase(&world, "starting")?;
        until("both to ask", SOON, || {
            Ok(second.log().text()?.contains("…").then_some(()))
        })?;
        Ok((first, second))
    };

    // Whoever asked first: the next one opens the page.
    let (mut first, mut second) = begin()?;
    first.kill()?;
    gate.release();
    desk.wait_for_opened_address(0)?;
    second.kill()?;
    wait_until_clean(&world)?;

    let (mut first, mut second) = begin()?;
    world.machine().kill(AGENT)?;
    is_told(&mut first, AGENT_GONE)?;
    is_told(&mut second, AGENT_GONE)?;
    gate.release();
    wait_until_clean(&world)?;

    let (mut first, mut second) = begin()?;
    world.provider().kill()?;
    gate.release();
    is_told(&mut first, "sign-in service")?;
    is_told(&mut second, "sign-in service")?;
    wait_until_clean(&world)?;
    world.provider().resume()?;

    // All are gone: nobody wants it any more.
    let (mut first, mut second) = begin()?;
    first.kill()?;
    second.kill()?;
    wait_until_clean(&world)?;
    gate.release();

    ensure!(
        desk.opened_addresses()?.len() == 1,
        "pages were opened that nobody asked for"
    );
    world.sign_in()
}

pub(crate) fn while_the_tokens_are_fetched_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let gate = Gate::open()?;
    let world = gated(&desk, &gate, &json!({}))?;
    let tray = world.start_tray()?;
    let begin = |browser: &Browser| Asked::fetching(&world, &gate, browser);

    let browser = Browser::start(&desk)?;
    let asked = begin(&browser)?;
    kill_browser(&desk)?;
    gate.release();
    asked.are_in(&world).context("the browser died")?;
    drop(browser);

    let browser = Browser::start(&desk)?;
    let mut asked = begin(&browser)?;
    asked.first.kill()?;
    gate.release();
    asked.are_in(&world).context("whoever opened the page died")?;
    browser.page().wait_for_words("You are signed in")?;

    let mut asked = begin(&browser)?;
    asked.product.process().kill()?;
    world.machine().kill("latchkey-tray")?;
    drop(tray);
    gate.release();
    asked.are_in(&world).context("the tray and a product died")?;
    let tray = world.start_tray()?;

    let asked = begin(&browser)?;
    world.machine().kill(AGENT)?;
    asked.are_told(&world, AGENT_GONE).context("the agent died")?;
    tray.wait_for_label("Sign in…")?;

    let asked = begin(&browser)?;
    world.provider().kill()?;
    gate.release();
    asked
        .are_told(&world, "sign-in service")
        .context("the provider died")?;
    world.provider().resume()?;

    let mut asked = begin(&browser)?;
    world.service().stop()?;
    gate.release();
    is_in(&mut asked.first)?;
    is_in(&mut asked.second)?;
    world.service().serve()?;
    world.cli(["check"])?;
    asked.are_in(&world).context("the licensing service died")?;

    let asked = begin(&browser)?;
    tray.click("Cancel sign-in")?;
    asked.are_told(&world, CANCELLED).context("it was cancelled")?;
    browser.page().wait_for_words(CANCELLED)?;
    gate.release();
    // The answer that comes now is nobody's.
    world.cli(["status"])?;
    let kept = keyring::items(desk.bus())?;
    ensure!(
        kept.iter()
            .all(|item| !String::from_utf8_lossy(&item.secret).contains("refresh_token")),
        "tokens of a cancelled sign-in are kept"
    );

    let asked = begin(&browser)?;
    gate.release();
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    asked.are_in(&world)
}

pub(crate) fn while_the_code_is_asked_about_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let gate = Gate::open()?;
    let world = gated(&desk, &gate, &json!({}))?;
    let begin = || -> Result<_> {
        gate.hold(TOKEN);
        let mut first = terminal(&world, "first", &["sign-in", "--device"])?;
        let code = first.wait_for_line("the code", SOON, |line| {
            let code = line.trim();
            let is_code = code.len() == 9 && code.chars().nth(4) == Some('-');
            is_code.then(|| code.to_owned())
        })?;
        let mut second = terminal(&world, "second", &["sign-in", "--device"])?;
        second.wait_for_line("the same code", SOON, |line| line.contains(&code).then_some(()))?;
        gate.wait_until_held()?;
        Ok((first, second, code))
    };

    let (mut first, mut second, _) = begin()?;
    world.machine().kill(AGENT)?;
    is_told(&mut first, AGENT_GONE)?;
    is_told(&mut second, AGENT_GONE)?;
    gate.release();
    wait_until_clean(&world)?;

    // Whoever asked first, and then the provider: the code is still good for who is left.
    let (mut first, mut second, code) = begin()?;
    first.kill()?;
    world.provider().kill()?;
    gate.release();
    wait_for_phase(&world, "waiting_for_user")?;
    world.provider().resume()?;
    let browser = Browser::start(&desk)?;
    browser.page().go_to(&format!("{}/device", gate.url()))?;
    browser.page().wait_for("#user-code")?.type_text(&code)?;
    browser.page().wait_for("#continue")?.click()?;
    browser.confirm_code(&code, world.maya())?;
    is_in(&mut second)?;
    wait_until_clean(&world)
}
