//! The tray: the icon, its menu and the notices. No window, and nothing that would start a web view.

mod actions;
mod menu;
mod native;
mod open_window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use latchkey_core::view::{Icon, View};
use latchkey_ipc::messages::{Request, Role};
use latchkey_words::{NoticeText, Words};
use tauri::{AppHandle, Manager, RunEvent};

use crate::agent_link::{AgentLink, News};
use crate::autostart::Autostart;
use crate::toast::Toaster;
use crate::{autostart, desktop, notices, screen};
use native::{Face, Native};
use open_window::Program;

/// The tray, as Tauri keeps it.
struct Tray {
    words: Words,
    program: Program,
    /// `None` where the desktop shows no notices.
    toaster: Option<Toaster>,
    shown: Mutex<Shown>,
}

/// What is shown now. Changed on the main thread alone.
#[derive(Default)]
struct Shown {
    view: Option<Box<View>>,
    /// `None` before there is an icon, and where there can be none.
    native: Option<Native>,
    /// The last notice that was handed to the desktop; the agent hears of it when it was shown.
    told: u64,
}

/// Shows the tray until it is told to quit. In the `background`, a desktop without a tray gets no window instead.
///
/// # Errors
/// The desktop has no display.
pub(crate) fn run(background: bool) -> anyhow::Result<()> {
    let app = tauri::Builder::default()
        .setup(move |app| Ok(begin(app.handle(), background)?))
        .build(crate::context())
        .context("the tray could not be made")?;
    #[cfg(target_os = "macos")]
    let app = {
        let mut app = app;
        // No icon in the Dock: the one in the menu bar is enough.
        app.set_activation_policy(tauri::ActivationPolicy::Accessory);
        app
    };
    #[cfg(unix)]
    desktop::on_end({
        let app = app.handle().clone();
        move || app.exit(0)
    })?;
    app.run(|_, event| {
        // It has no window to begin with: the last one closing is nothing to end over.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}

fn begin(app: &AppHandle, background: bool) -> anyhow::Result<()> {
    let clicked = app.clone();
    let toaster = Toaster::new(move || open(&clicked, screen::HOME))
        .map_err(|error| eprintln!("latchkey-tray: {error}"));
    app.manage(Tray {
        words: Words::system(),
        program: Program::this()?,
        toaster: toaster.ok(),
        shown: Mutex::default(),
    });
    if let Err(error) = autostart::begin() {
        eprintln!("latchkey-tray: starting at login was not switched on: {error}");
    }
    let (has_library, has_tray) = (desktop::has_tray_library(), desktop::has_tray());
    if has_library {
        let tray = app.state::<Tray>();
        let icon = Native::new(app, tray.face(None), actions::chosen(app), actions::clicked(app))?;
        tray.shown().native = Some(icon);
    } else {
        eprintln!("latchkey-tray: no tray icon, because libayatana-appindicator3 is not installed");
    }
    if !has_tray {
        eprintln!("latchkey-tray: this desktop shows no tray icons now");
    }
    if !(background || has_library && has_tray) {
        open(app, screen::HOME);
    }
    let main = app.clone();
    let show = if background { screen::NONE } else { screen::HOME };
    let link = AgentLink::start(Role::Tray, show.to_owned(), move |news| {
        let app = main.clone();
        // Fails only when the app has ended.
        let _ = main.run_on_main_thread(move || hear(&app, news));
    })?;
    app.manage(link);
    Ok(())
}

fn hear(app: &AppHandle, news: News) {
    match news {
        News::View(view) => {
            let tray = app.state::<Tray>();
            tray.shown().view = view;
            tray.refresh();
            tray.tell(app);
        }
        News::Show(screen) => open(app, &screen),
        News::Taken => app.exit(0),
    }
}

/// Opens the window. It ends by itself if another one is open, which then comes forward.
fn open(app: &AppHandle, screen: &str) {
    if let Err(error) = app.state::<Tray>().program.open_window(screen) {
        eprintln!("latchkey-tray: the window did not start: {error}");
    }
}

impl Tray {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn face(&self, view: Option<&View>) -> Face {
        let autostart = autostart::state() == Autostart::On;
        Face {
            icon: view.map_or_else(Icon::default, |view| view.headline.icon),
            tooltip: menu::status_line(view, &self.words),
            menu: menu::menu(view, autostart, &self.words),
        }
    }

    /// Shows what is known now.
    fn refresh(&self) {
        let mut shown = self.shown();
        let face = self.face(shown.view.as_deref());
        if let Some(native) = &mut shown.native
            && let Err(error) = native.show(face)
        {
            eprintln!("latchkey-tray: the tray did not change: {error}");
        }
    }

    /// Shows the notices that were not shown yet, and lets the agent know.
    fn tell(&self, app: &AppHandle) {
        let mut shown = self.shown();
        let Some(view) = &shown.view else {
            // Another agent counts from the beginning.
            shown.told = 0;
            return;
        };
        let new: Vec<_> = view
            .notices
            .iter()
            .filter(|notice| notice.id > shown.told)
            .collect();
        let (Some(toaster), Some(text)) = (&self.toaster, notices::toast(new.iter().copied(), &self.words))
        else {
            return;
        };
        let ids: Vec<_> = new.iter().map(|notice| notice.id).collect();
        let before = shown.told;
        shown.told = ids.iter().copied().max().unwrap_or(before);
        drop(shown);
        let app = app.clone();
        toaster.show(&text, move |done| match done {
            Ok(()) => actions::ask(&app, Request::Shown { notices: ids }, |_, answer| {
                if let Err(failure) = answer {
                    eprintln!("latchkey-tray: {failure}");
                }
            }),
            Err(error) => {
                eprintln!("latchkey-tray: {error}");
                // Told again with the next view.
                app.state::<Tray>().shown().told = before;
            }
        });
    }

    /// Shows what came of something that the user asked for here.
    fn say(&self, text: &NoticeText) {
        if let Some(toaster) = &self.toaster {
            toaster.show(text, |done| {
                if let Err(error) = done {
                    eprintln!("latchkey-tray: {error}");
                }
            });
        }
    }
}

/// The link, once there is one.
fn link(app: &AppHandle) -> Arc<AgentLink> {
    Arc::clone(&app.state::<Arc<AgentLink>>())
}
