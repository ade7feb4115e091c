//! The window as the one who asks.

use stories::prelude::*;

use crate::asked::{attempt, is_in, terminal, wait_for_phase, wait_until_clean};

pub(crate) fn a_window_that_asked_may_be_closed(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;

    // Nobody else wants it.
    let window = world.open_window("")?;
    window.page().click_button("Sign in")?;
    desk.wait_for_opened_address(0)?;
    wait_for_phase(&world, "waiting_for_user")?;
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
    drop(window);
    world.machine().kill("latchkey-tray")?;
    ensure!(
        !attempt(&world)?.is_null(),
        "it is over because the window was closed"
    );
    world.finish_sign_in(1)?;
    is_in(&mut joined)?;
    wait_until_clean(&world)
}
