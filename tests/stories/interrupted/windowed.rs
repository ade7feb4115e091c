//! The window as the one who asks.

use stories::prelude::*;

use crate::asked::{attempt, is_in, terminal, wait_for_phase, wait_until_clean};

/// No tray runs here: this program's one process is the window.
const WINDOW: &str = "latchkey-tray";

pub(crate) fn a_window_that_asked_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;

    // Nobody else wants it.
    let window = world.open_window("")?;
    window.page().click_button("Sign in")?;
    desk.wait_for_opened_address(0)?;
    wait_for_phase(&world, "waiting_for_user")?;
    world.machine().kill(WINDOW)?;
    drop(window);
    wait_until_clean(&world)?;

    // Somebody else does.
    let window = world.open_window("")?;
    window.page().click_button("Sign in")?;
    let page = desk.wait_for_opened_address(1)?;
    let mut joined = terminal(&world, "joined", &["sign-in"])?;
    joined.wait_for_line("the same page", stories::wait::SOON, |line| {
        line.contains(&page).then_some(())
    })?;
    world.machine().kill(WINDOW)?;
    drop(window);
    ensure!(!attempt(&world)?.is_null(), "it is over because the window died");
    world.finish_sign_in(1)?;
    is_in(&mut joined)?;
    wait_until_clean(&world)
}
