//! On a private desktop nobody sits at, the demo does what the user would, and takes a picture of each step.

use anyhow::Result;
use stories::browser::Browser;
use stories::desktop::Desktop;
use stories::story::Story;
use stories::tray::Tray;
use stories::world::World;

use crate::{say, say_services, wait_for_end};

pub(crate) fn show(story: &Story, once: bool) -> Result<()> {
    say("no screen here: starting a private desktop");
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    say_services(world.services());
    let tray = world.start_tray()?;
    say("the tray has its icon; Atlas starts, and nobody is signed in");
    let mut atlas = world.start_atlas_with(&["--keep-trying"])?;
    atlas.wait_for("SIGN_IN_REQUIRED")?;
    picture(&desk, "1-signed-out")?;

    sign_in(&world, &tray)?;
    atlas.wait_for("OK")?;
    tray.wait_for_words("licensed")?;
    say("Maya is signed in, and Atlas runs");
    tray.click("Open Latchkey")?;
    desk.wait_for_window("Latchkey")?;
    desk.still_screenshot("4-licensed")?;
    say(&format!("the menu now:\n{}", tray.menu()?.text()));
    say(&format!(
        "pictures are in     {}",
        desk.folder().join("screenshots").display()
    ));
    if !once {
        say("it goes on until Ctrl-C");
        wait_for_end()?;
    }
    say("ending what was started");
    atlas.close()
}

fn sign_in(world: &World<'_>, tray: &Tray<'_>) -> Result<()> {
    let desk = world.desk();
    let seen = desk.opened_addresses()?.len();
    tray.click("Sign in…")?;
    let address = desk.wait_for_opened_address(seen)?;
    let browser = Browser::start(desk)?;
    browser.page().go_to(&address)?;
    browser.page().wait_for("#email")?;
    say("the browser shows the provider's sign-in page");
    picture(desk, "2-signing-in")?;
    browser.sign_in(&address, &world.maya().email, &world.maya().password)?;
    browser.page().wait_for_words("You are signed in")?;
    picture(desk, "3-signed-in")
}

fn picture(desk: &Desktop, name: &str) -> Result<()> {
    desk.screenshot(name).map(drop)
}
