//! Everything twice: two trays, two windows, two agents, a sign-in that is begun again; and then a thousand.

#[path = "doubles/crowd.rs"]
mod crowd;

use std::fs;

use stories::bus::Target;
use stories::prelude::*;
use stories::process::Process;
use stories::wait::SOON;
use zbus::Variant;

use crowd::{a_thousand_idle_products_cost_the_agent_next_to_nothing, open_products};

tell!(
    a_second_tray_leaves_and_the_first_shows_its_window,
    a_second_window_leaves_and_the_first_comes_forward,
    a_sign_in_whose_page_was_closed_is_tried_again,
    a_sign_in_ends_with_the_command_line_that_wanted_it,
    a_second_agent_leaves,
    twenty_products_at_once_start_one_agent,
    a_thousand_idle_products_cost_the_agent_next_to_nothing,
);

const AGENT: &str = "latchkey-agent";
const TRAY: &str = "latchkey-tray";

/// Starts a program of the product's that is expected to leave by itself.
fn leaves(world: &World<'_>, program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = world.machine().command(program);
    command.args(arguments);
    let mut second = Process::start("second", &mut command, &world.desk().logs())?;
    let status = second.wait(SOON)?;
    ensure!(
        status.success(),
        "the second one ended with {status}: {}",
        second.log().text()?
    );
    Ok(())
}

/// How many icons are in the tray.
fn icons(desk: &Desktop) -> Result<usize> {
    let watcher = Target {
        name: "org.kde.StatusNotifierWatcher",
        path: "/StatusNotifierWatcher",
        interface: "org.kde.StatusNotifierWatcher",
    };
    match &*desk.bus().property(watcher, "RegisteredStatusNotifierItems")? {
        Variant::Array(items) => Ok(items.inner().len()),
        other => bail!("the tray's items are {other:?}"),
    }
}

/// The product's windows that can be seen, by their numbers.
fn visible_windows(desk: &Desktop) -> Result<Vec<String>> {
    let found = desk
        .command("xdotool")
        .args(["search", "--onlyvisible", "--name", "^Latchkey$"])
        .output()
        .context("cannot start xdotool")?;
    let numbers = String::from_utf8(found.stdout)?;
    Ok(numbers.lines().map(str::to_owned).collect())
}

/// How many windows of the product there are, minimised ones among them.
fn windows(desk: &Desktop) -> Result<usize> {
    let listed = desk.command("wmctrl").arg("-l").output()?;
    let listed = String::from_utf8(listed.stdout)?;
    Ok(listed.lines().filter(|line| line.ends_with(" Latchkey")).count())
}

fn a_second_tray_leaves_and_the_first_shows_its_window(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    let first = world.tray_process()?.id();
    tray.wait_for_words("Signed out")?;
    ensure!(icons(&desk)? == 1, "{} icons are in the tray", icons(&desk)?);

    // At login nobody asks for a window.
    leaves(&world, TRAY, &["--background"])?;
    tray.menu()?;
    ensure!(world.machine().running(TRAY)? == [first], "a window was opened");

    leaves(&world, TRAY, &[])?;
    desk.wait_for_window("Latchkey")?;
    desk.screenshot("the-first-shows-its-window")?;
    until("one icon", SOON, || Ok((icons(&desk)? == 1).then_some(())))?;
    tray.wait_for_words("Signed out")?;
    ensure!(
        world.machine().running(TRAY)?.contains(&first),
        "the first tray has gone"
    );
    ensure!(windows(&desk)? == 1, "{} windows are open", windows(&desk)?);
    Ok(())
}

fn a_second_window_leaves_and_the_first_comes_forward(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut command = world.machine().command(TRAY);
    command.arg("--window");
    let mut first = Process::start("window", &mut command, &desk.logs())?;
    desk.wait_for_window("Latchkey")?;
    let window = until(
        "the window to be seen",
        SOON,
        || Ok(visible_windows(&desk)?.pop()),
    )?;
    let minimised = desk
        .command("xdotool")
        .args(["windowminimize", &window])
        .status()?;
    ensure!(minimised.success(), "xdotool failed ({minimised})");
    until("the window to be minimised", SOON, || {
        Ok(visible_windows(&desk)?.is_empty().then_some(()))
    })?;

    leaves(&world, TRAY, &["--window"])?;
    until("the first window to come forward", SOON, || {
        Ok((visible_windows(&desk)? == [window.as_str()]).then_some(()))
    })?;
    desk.screenshot("the-first-came-forward")?;
    ensure!(windows(&desk)? == 1, "{} windows are open", windows(&desk)?);
    ensure!(first.is_running()?, "the first window has gone");

    let closed = desk.command("wmctrl").args(["-c", "Latchkey"]).status()?;
    ensure!(closed.success(), "wmctrl failed ({closed})");
    ensure!(first.wait(SOON)?.success(), "a closed window is the end of it");
    let _again = Process::start("window", &mut command, &desk.logs())?;
    desk.wait_for_window("Latchkey")
}

/// The sign-in that is open, if there is one: since when.
fn open_sign_in(world: &World<'_>) -> Result<Option<String>> {
    let status = world.status()?;
    Ok(status["sign_in"]["since"].as_str().map(str::to_owned))
}

fn a_sign_in_whose_page_was_closed_is_tried_again(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    tray.click("Sign in…")?;
    let address = desk.wait_for_opened_address(0)?;
    let since = open_sign_in(&world)?.context("a sign-in is open")?;
    let browser = Browser::start(&desk)?;
    browser.page().go_to(&address)?;
    browser.page().wait_for("#email")?;
    drop(browser);

    // Nobody can tell that the page is gone: the attempt waits, and whoever asks again is led to it.
    tray.click("Open the sign-in page again")?;
    let again = desk.wait_for_opened_address(1)?;
    ensure!(again == address, "another attempt: {again} instead of {address}");
    let mut joined = Process::start("joined", &mut world.cli_command(["sign-in"]), &desk.logs())?;
    joined.wait_for_line("the same address", SOON, |line| {
        line.contains(&address).then_some(())
    })?;
    ensure!(
        open_sign_in(&world)?.as_ref() == Some(&since),
        "another attempt is open than before"
    );

    tray.click("Cancel sign-in")?;
    let status = joined.wait(SOON)?;
    let words = joined.log().text()?;
    ensure!(
        status.code() == Some(3) && words.contains("cancelled"),
        "whoever had joined is told: {status}, {words}"
    );
    tray.wait_for_label("Sign in…")?;
    ensure!(
        open_sign_in(&world)?.is_none(),
        "a cancelled sign-in is still open"
    );
    ensure!(
        desk.opened_addresses()?.len() == 2,
        "a page was opened that nobody asked for"
    );

    tray.click("Sign in…")?;
    let anew = desk.wait_for_opened_address(2)?;
    ensure!(anew != address, "the cancelled attempt was taken up again");
    world.finish_sign_in(2)?;
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    Ok(())
}

fn a_sign_in_ends_with_the_command_line_that_wanted_it(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let begin = |seen: usize| -> Result<(Process, String)> {
        let sign_in = Process::start("sign-in", &mut world.cli_command(["sign-in"]), &desk.logs())?;
        Ok((sign_in, desk.wait_for_opened_address(seen)?))
    };
    let (mut killed, address) = begin(0)?;
    ensure!(open_sign_in(&world)?.is_some(), "no sign-in is open");
    killed.kill()?;
    until("the slot to be free", SOON, || {
        Ok(open_sign_in(&world)?.is_none().then_some(()))
    })?;

    // Where there is a tray, that one waits on.
    let tray = world.start_tray()?;
    let (mut killed, anew) = begin(1)?;
    ensure!(anew != address, "the abandoned attempt was taken up again");
    tray.wait_for_label("Cancel sign-in")?;
    killed.kill()?;
    let since = open_sign_in(&world)?;
    world.finish_sign_in(1)?;
    ensure!(since.is_some(), "the tray did not take the sign-in over");
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    Ok(())
}

/// How many agents have come up so far, by their log.
fn agents_started(desk: &Desktop) -> Result<usize> {
    let mut started = 0;
    for machine in fs::read_dir(desk.home().join(".local/state/latchkey"))? {
        let log = fs::read_to_string(machine?.path().join("agent.log")).unwrap_or_default();
        started += log.lines().filter(|line| line.contains(": started ")).count();
    }
    Ok(started)
}

fn a_second_agent_leaves(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.status()?;
    let first = world.machine().running(AGENT)?;
    ensure!(first.len() == 1, "the agents {first:?} run");
    let started = agents_started(&desk)?;
    leaves(&world, AGENT, &[])?;
    ensure!(
        world.machine().running(AGENT)? == first && agents_started(&desk)? == started,
        "the second agent has taken over"
    );
    world.status().map(drop)
}

fn twenty_products_at_once_start_one_agent(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    world.machine().end(AGENT)?;
    let started = agents_started(&desk)?;
    let mut products = (0..20).map(|_| world.start_atlas()).collect::<Result<Vec<_>>>()?;
    for product in &mut products {
        product.wait_for("OK")?;
    }
    let running = world.machine().running(AGENT)?;
    ensure!(running.len() == 1, "the agents {running:?} run");
    ensure!(
        agents_started(&desk)? == started + 1,
        "{} agents have come up",
        agents_started(&desk)? - started
    );
    ensure!(
        open_products(&world)? == 20,
        "{} are open",
        open_products(&world)?
    );
    products.into_iter().try_for_each(Atlas::close)
}
