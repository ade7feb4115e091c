//! A desktop of one look: the panel with its GTK theme, the notification daemon with its colours, and the product's
//! programs, which are told what to show.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use latchkey_core::view::View;
use latchkey_ipc::address::{Address, FOLDER_VARIABLE};
use stories::desktop::Desktop;
use stories::process::Process;
use stories::programs;
use stories::tray::Tray;
use stories::wait::{SOON, until};

use crate::agent::Agent;
use crate::views::ZONE;

/// How a desktop looks.
pub(crate) struct Look {
    /// The end of a picture's name.
    pub(crate) name: &'static str,
    theme: &'static str,
    notices: &'static str,
}

pub(crate) const LOOKS: [Look; 2] = [
    Look {
        name: "light",
        theme: "Adwaita",
        notices: include_str!("light.dunstrc"),
    },
    Look {
        name: "dark",
        theme: "Adwaita:dark",
        notices: include_str!("dark.dunstrc"),
    },
];

/// What the programs of both looks' notification daemons have in common.
const NOTICES: &str = include_str!("dunstrc");

/// The session.
pub(crate) struct Session<'d> {
    pub(crate) desk: &'d Desktop,
    pub(crate) agent: Agent,
    look: &'d Look,
    folder: PathBuf,
    sockets: PathBuf,
    _panel: Process,
}

/// The tray app on the session's panel.
pub(crate) struct ShownTray<'d> {
    pub(crate) tray: Tray<'d>,
    pub(crate) process: Process,
}

impl<'d> Session<'d> {
    /// Starts what the desktop has not yet; pictures go to `folder`.
    pub(crate) fn start(desk: &'d Desktop, look: &'d Look, folder: &Path) -> Result<Self> {
        let sockets = Path::new(desk.variable("XDG_RUNTIME_DIR")?).join("latchkey");
        let agent = Agent::start(&Address::in_folder(sockets.clone())?, View::default())?;
        install_icon(desk)?;
        let icons = icons(desk);
        let config = format!("{}icon_path = {}\n{}", NOTICES, icons.display(), look.notices);
        fs::write(desk.home().join(".config/dunst/dunstrc"), config)?;
        desk.start_notifications()?;
        give_icon_room(desk)?;
        let mut panel = desk.command("xfce4-panel");
        panel.arg("--disable-wm-check").env("GTK_THEME", look.theme);
        let panel = Process::start("panel", &mut panel, &desk.logs())?;
        desk.bus().wait_for_owner("org.kde.StatusNotifierWatcher")?;
        Ok(Self {
            desk,
            agent,
            look,
            folder: folder.to_owned(),
            sockets,
            _panel: panel,
        })
    }

    /// Where a picture of this look goes.
    pub(crate) fn picture(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}-{}.png", self.look.name))
    }

    /// The tray app, which is the window too.
    pub(crate) fn app(&self) -> Result<Command> {
        let mut command = self.desk.command(programs::program("latchkey-tray")?);
        command
            .env(FOLDER_VARIABLE, &self.sockets)
            .env("GTK_THEME", self.look.theme)
            .env("TZ", ZONE);
        Ok(command)
    }

    /// Starts the tray app as an installed one looks: it starts at login, which one that was just built does not.
    pub(crate) fn start_tray(&self) -> Result<ShownTray<'d>> {
        let process = Process::start("tray", &mut self.app()?, &self.desk.logs())?;
        let tray = Tray::wait_for(self.desk.bus(), process.id())?;
        tray.click("Start at login")?;
        let entries = self.desk.home().join(".config/autostart");
        until("the tray to start at login", SOON, || {
            Ok(fs::read_dir(&entries)
                .ok()
                .and_then(|mut entries| entries.next())
                .map(drop))
        })?;
        Ok(ShownTray { tray, process })
    }
}

/// Makes the icon's place as wide as it is high. Else the icon begins where its menu does, and at a picture's very edge.
fn give_icon_room(desk: &Desktop) -> Result<()> {
    let layout = desk
        .home()
        .join(".config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml");
    let text = fs::read_to_string(&layout)?;
    let tray = "value=\"systray\">";
    ensure!(
        text.contains(tray),
        "the panel of {} has no tray",
        layout.display()
    );
    let square = format!("{tray}<property name=\"square-icons\" type=\"bool\" value=\"true\"/>");
    Ok(fs::write(&layout, text.replace(tray, &square))?)
}

fn icons(desk: &Desktop) -> PathBuf {
    desk.home().join(".local/share/icons/hicolor/128x128/apps")
}

/// Puts the app's icon where its package puts it.
fn install_icon(desk: &Desktop) -> Result<()> {
    let icons = icons(desk);
    fs::create_dir_all(&icons)?;
    let icon = programs::root().join("icons/128x128.png");
    fs::copy(&icon, icons.join("latchkey-tray.png")).with_context(|| format!("no {}", icon.display()))?;
    Ok(())
}
