//! Sleep in the middle of a sign-in. A machine that sleeps runs nothing, while every clock goes on.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stories::prelude::*;
use stories::wait::SOON;

use crate::asked::{AGENT, Asked, is_told, terminal, wait_for_phase, wait_until_clean};

/// How long the code of a story lives that sleeps through its end.
const SHORT: u64 = 8;
/// How long a machine sleeps whose sign-in goes on.
const ASLEEP: Duration = Duration::from_secs(12);
/// What is noticed at once.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Clocks are compared at least every 30 s while something is pending.
const COMPARED: Duration = Duration::from_secs(35);
const NOT_IN_TIME: &str = "not finished in time";

fn signal(world: &World<'_>, signal: Signal) -> Result<()> {
    for agent in world.machine().running(AGENT)? {
        let agent = Pid::from_raw(i32::try_from(agent)?).context("a process has a number")?;
        kill_process(agent, signal)?;
    }
    Ok(())
}

pub(crate) fn a_code_that_ends_while_the_machine_sleeps_is_over_when_it_wakes(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_by(&desk, &json!({}), &json!({ "device_code_for": SHORT }))?;
    let tray = world.start_tray()?;
    let mut asking = terminal(&world, "asking", &["sign-in", "--device"])?;
    wait_for_phase(&world, "waiting_for_user")?;
    tray.wait_for_label("Cancel sign-in")?;
    asking.signal(Signal::STOP)?;
    signal(&world, Signal::STOP)?;
    // Sleep is nothing but time that passes.
    thread::sleep(Duration::from_secs(SHORT + 1));
    signal(&world, Signal::CONT)?;
    asking.signal(Signal::CONT)?;
    let woke = Instant::now();
    is_told(&mut asking, NOT_IN_TIME)?;
    ensure!(woke.elapsed() < AT_ONCE, "it was told after {:?}", woke.elapsed());
    tray.wait_for_label("Sign in…")?;
    wait_until_clean(&world)?;
    world.sign_in()
}

/// The laptop is closed while the page is open, with everything that waits for it, and opened again in time. (That one which slept
/// through its end is over when it wakes, the engine's `rules_waiting` tell: the end of a page is a quarter of an hour away.)
pub(crate) fn a_page_that_is_open_while_the_machine_sleeps_still_signs_in(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut asked = Asked::begin(&world)?;
    let asking = [&asked.first, &asked.second, asked.product.process()];
    signal(&world, Signal::STOP)?;
    asking.iter().try_for_each(|one| one.signal(Signal::STOP))?;
    thread::sleep(ASLEEP);
    asking.iter().try_for_each(|one| one.signal(Signal::CONT))?;
    signal(&world, Signal::CONT)?;
    let browser = Browser::start(&desk)?;
    browser.sign_in(&asked.page, &world.maya().email, &world.maya().password)?;
    browser.page().wait_for_words("You are signed in")?;
    asked.are_in(&world)
}

pub(crate) fn a_clock_that_jumps_past_the_code_ends_it(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut asking = terminal(&world, "asking", &["sign-in", "--device"])?;
    wait_for_phase(&world, "waiting_for_user")?;
    let hour = Duration::from_secs(3_600);
    // The network comes back later than the machine: nobody else says that the code has run out.
    world.provider().stop()?;
    world.provider().clock().advance(hour)?;
    world.service().clock().advance(hour)?;
    world.machine().wall().advance(hour)?;
    let jumped = Instant::now();
    asking.wait(COMPARED)?;
    is_told(&mut asking, NOT_IN_TIME)?;
    eprintln!("told after {:?}", jumped.elapsed());
    wait_until_clean(&world)?;
    world.provider().resume()?;
    let mut next = terminal(&world, "next", &["sign-in", "--device"])?;
    next.wait_for_line("another code", SOON, |line| {
        line.contains("type this code").then_some(())
    })?;
    Ok(())
}
