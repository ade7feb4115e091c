//! What the entries of the menu do.

use std::thread;

use latchkey_core::notice::{Notice, NoticeKind};
use latchkey_ipc::messages::{Reply, Request};
use latchkey_words::{NoticeText, Urgency};
use tauri::{AppHandle, Manager};

use super::menu::Action;
use super::{Tray, link, open};
use crate::autostart::Autostart;
use crate::failure::Failure;
use crate::{autostart, browser, clipboard, screen};

/// A thread that asks the agent and waits.
const STACK: usize = 256 * 1024;

/// Does what was chosen from the menu.
pub(super) fn chosen(app: &AppHandle) -> impl Fn(Action) + Send + Sync + 'static {
    let app = app.clone();
    move |action| match action {
        Action::Open { screen } => open(&app, &screen),
        Action::SignIn { service } => {
            let service = Some(service);
            let request = Request::SignIn {
                service,
                email: None,
                method: None,
            };
            ask(&app, request, |app, answer| report(app, answer.and_then(browse)));
        }
        Action::OpenSignIn { url } => report(&app, browser::open(&url).map_err(Failure::from)),
        Action::CopySignInLink { url } => report(&app, clipboard::copy(url)),
        Action::CancelSignIn => ask(&app, Request::CancelSignIn, |app, answer| {
            report(app, answer.map(drop))
        }),
        Action::PrepareOffline => ask(&app, Request::PrepareOffline, prepared),
        Action::ToggleAutostart => {
            let on = autostart::state() != Autostart::On;
            report(
                &app,
                autostart::set(on).map_err(|error| Failure::new("autostart", error)),
            );
            app.state::<Tray>().refresh();
        }
        Action::Quit => quit(&app),
    }
}

/// Opens the window for a click on the icon.
pub(super) fn clicked(app: &AppHandle) -> impl Fn() + Send + Sync + 'static {
    let app = app.clone();
    move || open(&app, screen::HOME)
}

/// Asks the agent on a thread of its own, and hands the answer to `done` on the main thread.
pub(super) fn ask(
    app: &AppHandle,
    request: Request,
    done: impl FnOnce(&AppHandle, Result<Reply, Failure>) + Send + 'static,
) {
    let (link, main) = (link(app), app.clone());
    let wait = move || {
        let answer = link.ask(request);
        let app = main.clone();
        // Fails only when the app has ended.
        let _ = main.run_on_main_thread(move || done(&app, answer));
    };
    if let Err(error) = thread::Builder::new()
        .name("request".into())
        .stack_size(STACK)
        .spawn(wait)
    {
        report(app, Err(Failure::new("internal", error)));
    }
}

/// Opens the sign-in page, if it is ours to open.
fn browse(reply: Reply) -> Result<(), Failure> {
    match reply {
        Reply::SignIn {
            url,
            open: true,
            code: None,
            ..
        } => Ok(browser::open(&url)?),
        _ => Ok(()),
    }
}

/// Tells the user that something they asked for was not done.
fn report(app: &AppHandle, outcome: Result<(), Failure>) {
    let Err(failure) = outcome else { return };
    eprintln!("latchkey-tray: {failure}");
    let tray = app.state::<Tray>();
    let problem = tray.words.problem(&failure.problem);
    let body = format!("{} {}", problem.text, problem.next_step);
    tray.say(&NoticeText {
        title: "Latchkey".into(),
        body,
        urgency: Urgency::Normal,
        stays: false,
    });
}

/// Says until when this device is good offline; where it is not, the window says why.
fn prepared(app: &AppHandle, answer: Result<Reply, Failure>) {
    let until = match answer {
        Ok(Reply::Checked { until: Some(until) }) => until,
        Ok(_) => return open(app, screen::HOME),
        Err(failure) => return report(app, Err(failure)),
    };
    let tray = app.state::<Tray>();
    let text = {
        let shown = tray.shown();
        let Some(view) = &shown.view else { return };
        let first = view
            .products
            .iter()
            .filter(|product| product.status.may_run())
            .min_by_key(|product| product.status.until);
        let product = first.map(|product| product.name.clone()).unwrap_or_default();
        tray.words.notice(&Notice {
            id: 0,
            product,
            at: view.at,
            kind: NoticeKind::Connected { until },
        })
    };
    tray.say(&text);
}

/// Ends the tray. That products go on is said the first time.
fn quit(app: &AppHandle) {
    let first = app
        .path()
        .app_local_data_dir()
        .ok()
        .map(|folder| folder.join("quit-notice-shown"));
    let tray = app.state::<Tray>();
    let (Some(mark), Some(toaster)) = (first.filter(|mark| !mark.exists()), &tray.toaster) else {
        return app.exit(0);
    };
    let app = app.clone();
    toaster.show(&tray.words.quit_notice(), move |shown| {
        if shown.is_ok() {
            // Where it cannot be written down, it is said again.
            let _ = mark
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&mark, ""));
        }
        app.exit(0);
    });
}
