//! The step at which the licensing service is asked whose a work address is.

use std::time::{Duration, Instant};

use stories::gate::Gate;
use stories::prelude::*;
use stories::process::Process;
use stories::wait::SOON;

use crate::asked::{AGENT, is_in, is_told, terminal, wait_for_phase, wait_until_clean};

/// Where the service says which company an address belongs to.
const IDENTITY: &str = "/v1/identity";
/// An answer that cannot come is not waited for: one that may come is for 30 s.
const AT_ONCE: Duration = Duration::from_secs(15);

pub(crate) fn while_the_work_address_is_looked_up_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let gate = Gate::open()?;
    let world = World::behind(&desk, &gate)?;
    let asks = |name: &str| terminal(&world, name, &["sign-in", "--email", &world.maya().email]);
    let begin = || -> Result<(Process, Process)> {
        gate.hold(IDENTITY);
        let first = asks("first")?;
        gate.wait_until_held()?;
        let second = asks("second")?;
        until("both to ask", SOON, || {
            Ok(second.log().text()?.contains("…").then_some(()))
        })?;
        wait_for_phase(&world, "starting")?;
        Ok((first, second))
    };

    let (mut first, mut second) = begin()?;
    world.service().kill()?;
    let died = Instant::now();
    gate.release();
    is_told(&mut first, "The licensing service is not answering.")?;
    is_told(&mut second, "The licensing service is not answering.")?;
    let took = died.elapsed();
    ensure!(took < AT_ONCE, "they were told after {took:?}");
    wait_until_clean(&world)?;
    // Nobody guesses whose the address is: the next one is told the same, and at once.
    is_told(&mut asks("next")?, "The licensing service is not answering.")?;
    wait_until_clean(&world)?;
    world.service().serve()?;

    let (mut first, mut second) = begin()?;
    world.machine().kill(AGENT)?;
    is_told(&mut first, "agent does not answer")?;
    is_told(&mut second, "agent does not answer")?;
    gate.release();
    wait_until_clean(&world)?;

    let (mut first, mut second) = begin()?;
    first.kill()?;
    second.kill()?;
    wait_until_clean(&world)?;
    gate.release();

    ensure!(
        desk.opened_addresses()?.is_empty(),
        "pages were opened that nobody asked for"
    );
    let mut last = asks("last")?;
    let browser = Browser::start(&desk)?;
    let page = browser.page();
    page.go_to(&desk.wait_for_opened_address(0)?)?;
    // Her address goes along.
    page.wait_for("#password")?.type_text(&world.maya().password)?;
    page.wait_for("#sign-in")?.click()?;
    page.wait_for("#allow")?.click()?;
    page.wait_for_words("You are signed in")?;
    is_in(&mut last)
}
