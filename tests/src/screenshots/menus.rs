//! The tray's menu, opened by a click on the icon in the panel, with the icon above it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use stories::wait::{SOON, until};

use crate::picture::{Area, Done, Part, area, point, point_away, take, windows};
use crate::session::{Session, ShownTray};
use crate::views::{Views, words};

/// The picture's name, and the View that it is of.
const MENUS: [(&str, &str); 5] = [
    ("signed-out", "signed-out"),
    ("licensed", "licensed"),
    ("offline", "offline"),
    ("final-days", "final-days"),
    ("stopped", "stopped-offline"),
];

/// Where the icon is: the only one, at the beginning of the panel.
const ICON: [&str; 2] = ["25", "16"];
/// Without an icon there it has a fifth of that.
const ICON_DONE: Done = Done {
    still: Duration::from_millis(500),
    drawn: 500,
};
/// What is lower is no menu, but what the panel says of an icon that is pointed at.
const LOWEST: u32 = 150;
const DONE: Done = Done {
    still: Duration::from_secs(1),
    drawn: 5_000,
};

/// Pictures the menu of each state.
pub(crate) fn shoot(session: &Session<'_>, shown: &ShownTray<'_>, views: &Views) -> Result<()> {
    let words = words()?;
    await_icon(session)?;
    for (name, view) in MENUS {
        let view = views.named(view)?;
        session.agent.show(view)?;
        shown
            .tray
            .wait_for_label(&words.line(&view.headline.line, view.at))?;
        shoot_one(session, name).with_context(|| format!("the menu {name:?}"))?;
    }
    Ok(())
}

/// Waits until the panel has drawn the icon: it is registered before it can be clicked.
fn await_icon(session: &Session<'_>) -> Result<()> {
    let place = || {
        Ok(Part::Area(Area {
            x: 9,
            y: 0,
            width: 32,
            height: 32,
        }))
    };
    let scratch = session.desk.folder().join("screenshots/icon.png");
    take(session.desk, place, &ICON_DONE, &scratch).context("the icon in the panel")
}

fn shoot_one(session: &Session<'_>, name: &str) -> Result<()> {
    let desk = session.desk;
    let before = windows(desk, "--class", ".")?;
    point(desk, &["mousemove", ICON[0], ICON[1], "click", "1"])?;
    let menu = until("the menu to open", SOON, || {
        for window in windows(desk, "--class", ".")? {
            // One that closed meanwhile has no area.
            let high = area(desk, &window).is_ok_and(|area| area.height >= LOWEST);
            if high && !before.contains(&window) {
                return Ok(Some(window));
            }
        }
        Ok(None)
    })?;
    point_away(desk)?;
    // The panel is at the upper edge, and the icon above the menu's left one.
    let with_icon = || {
        let menu = area(desk, &menu)?;
        let height = menu.y + menu.height;
        Ok(Part::Area(Area { y: 0, height, ..menu }))
    };
    take(desk, with_icon, &DONE, &session.picture(&format!("menu-{name}")))?;
    let is_open = || Ok::<_, anyhow::Error>(windows(desk, "--class", ".")?.contains(&menu));
    ensure!(is_open()?, "the menu closed by itself");
    point(desk, &["key", "Escape"])?;
    until("the menu to close", SOON, || Ok((!is_open()?).then_some(())))
}
