//! A first day with the product: from an icon in the tray to a program that runs, without a word of explanation.

use stories::prelude::*;
use stories::wait::SOON;

tell!(
    from_the_tray_to_a_running_product,
    a_cancelled_sign_in_starts_clean_again,
    the_tray_may_quit_and_products_go_on,
);

fn from_the_tray_to_a_running_product(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    let line = tray.wait_for_words("Signed out")?;
    ensure!(!line.enabled, "the status line is words, and nothing to click");
    let signed_out = tray.icon()?;
    let mut atlas = world.start_atlas_with(&["--keep-trying"])?;
    atlas.wait_for("SIGN_IN_REQUIRED")?;

    world.sign_in_from(&tray)?;
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    atlas.wait_for("started, for Northwind")?;
    tray.wait_for_words("Atlas 2026.1 — ready")?;
    until("another icon", SOON, || {
        Ok((tray.icon()? != signed_out).then_some(()))
    })?;

    tray.click("Open Latchkey")?;
    desk.wait_for_window("Latchkey")?;
    desk.still_screenshot("licensed")?;
    atlas.close()?;
    desk.close_window("Latchkey")?;

    let window = world.open_window("")?;
    window.page().wait_for_words("Everything is licensed")?;
    window.screenshot("licensed-inside")?;
    Ok(())
}

fn a_cancelled_sign_in_starts_clean_again(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    tray.click("Sign in…")?;
    desk.wait_for_opened_address(0)?;
    tray.click("Cancel sign-in")?;
    tray.wait_for_words("Signed out")?;
    world.sign_in_from(&tray)?;
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    Ok(())
}

fn the_tray_may_quit_and_products_go_on(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    world.sign_in_from(&tray)?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    tray.click("Quit")?;
    until("the tray to end", SOON, || {
        Ok(world.machine().running("latchkey-tray")?.is_empty().then_some(()))
    })?;
    ensure!(
        atlas.process().is_running()?,
        "Atlas ended with the tray: {}",
        atlas.text()?
    );
    ensure!(
        !world.machine().running("latchkey-agent")?.is_empty(),
        "the agent ended with the tray"
    );
    atlas.close()
}
