//! The real window, without its frame, which is the desktop's.

use std::time::Duration;

use anyhow::Result;
use stories::process::Process;
use stories::wait::{SOON, until};

use crate::picture::{Done, Part, point_away, take, windows};
use crate::session::Session;
use crate::views::Views;

/// A page that has not been drawn yet has a tenth of it.
const DONE: Done = Done {
    still: Duration::from_secs(1),
    drawn: 20_000,
};

/// Pictures the window on a licensed machine.
pub(crate) fn shoot(session: &Session<'_>, views: &Views) -> Result<()> {
    let desk = session.desk;
    session.agent.show(views.named("licensed")?)?;
    point_away(desk)?;
    let mut command = session.app()?;
    let mut process = Process::start("window", command.arg("--window"), &desk.logs())?;
    let window = until("the window", SOON, || {
        Ok(windows(desk, "--name", "^Latchkey$")?.into_iter().next())
    })?;
    take(
        desk,
        || Ok(Part::Window(&window)),
        &DONE,
        &session.picture("real-window-licensed"),
    )?;
    process.end()?;
    until("the window to go", SOON, || {
        Ok(windows(desk, "--name", "^Latchkey$")?.is_empty().then_some(()))
    })
}
