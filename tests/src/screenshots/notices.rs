//! Each notice, as the notification daemon shows it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use latchkey_core::view::View;
use stories::bus::Target;
use stories::notices::Shown;
use stories::wait::{SOON, until};

use crate::picture::{Done, Part, take, windows};
use crate::session::{Session, ShownTray};
use crate::views::{NOTICES, Views, notice, words};

const DAEMON: Target<'static> = Target {
    name: "org.freedesktop.Notifications",
    path: "/org/freedesktop/Notifications",
    interface: "org.freedesktop.Notifications",
};
const DONE: Done = Done {
    still: Duration::from_secs(1),
    drawn: 3_000,
};

/// Pictures each notice, the last one being that of a tray that is quit.
pub(crate) fn shoot(session: &Session<'_>, shown: &mut ShownTray<'_>, views: &Views) -> Result<()> {
    let words = words()?;
    for (id, (name, view, kind)) in (1..).zip(NOTICES) {
        let view = views.named(view)?;
        let notice = notice(id, view.at, kind(view.at));
        let said = words.notice(&notice).body;
        let notices = vec![notice];
        session.agent.show(&View {
            notices,
            ..view.clone()
        })?;
        shoot_one(session, name, &said).with_context(|| format!("the notice {name:?}"))?;
    }
    shown.tray.click("Quit")?;
    shoot_one(session, "quit", &words.quit_notice().body)?;
    shown.process.wait(SOON)?;
    Ok(())
}

fn shoot_one(session: &Session<'_>, name: &str, said: &str) -> Result<()> {
    let desk = session.desk;
    desk.notices().wait_for(said, 0)?;
    let window = until("the notice on the screen", SOON, || toast(session))?;
    take(
        desk,
        || Ok(Part::Window(&window)),
        &DONE,
        &session.picture(&format!("notice-{name}")),
    )?;
    let id = until("the daemon to have numbered the notice", SOON, || {
        Ok(desk
            .notices()
            .all()
            .iter()
            .rev()
            .find(|shown| shown.body.contains(said))
            .and_then(|shown: &Shown| shown.id))
    })?;
    desk.bus().call(DAEMON, "CloseNotification", &id)?;
    until("the notice to close", SOON, || {
        Ok(toast(session)?.is_none().then_some(()))
    })
}

fn toast(session: &Session<'_>) -> Result<Option<String>> {
    Ok(windows(session.desk, "--class", "^Dunst$")?.into_iter().next())
}
