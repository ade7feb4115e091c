//! The window: a process of its own, because what a web view starts does not end before its process does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use latchkey_core::view::View;
use latchkey_ipc::messages::Role;
use latchkey_words::Words;
use tauri::ipc::Channel;
use tauri::webview::PageLoadEvent;
use tauri::{AppHandle, Emitter, Manager, WebviewUrl, WebviewWindowBuilder};

use crate::agent_link::{AgentLink, News};
use crate::commands;
#[cfg(unix)]
use crate::desktop;
use crate::failure::Failure;

const LABEL: &str = "main";

/// What the pages are told.
pub(crate) struct Window {
    screen: String,
    state: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// What the link told last: a view, or that the agent cannot be reached. Nothing at all before the first news.
    news: Option<Option<Box<View>>>,
    /// The page that watches; the last one, if it was loaded again.
    page: Option<Channel<Option<View>>>,
    /// Whether the page is there to be seen.
    loaded: bool,
}

impl Window {
    /// The screen to begin with.
    pub(crate) fn initial_screen(&self) -> &str {
        &self.screen
    }

    /// Tells a page the state, now and whenever it changes.
    pub(crate) fn watch(&self, page: Channel<Option<View>>) {
        let mut told = self.told();
        told.page = Some(page);
        told.tell();
    }

    /// The address of the sign-in that is open.
    ///
    /// # Errors
    /// None is, or its address is not known yet.
    pub(crate) fn sign_in_url(&self) -> Result<String, Failure> {
        let told = self.told();
        let view = told.news.as_ref().and_then(Option::as_ref);
        let sign_in = view.and_then(|view| view.sign_in.as_ref());
        sign_in
            .and_then(|sign_in| sign_in.url.clone())
            .ok_or_else(|| Failure::of("no_sign_in"))
    }

    /// The address with the code in it, of a sign-in by code that is open.
    pub(crate) fn sign_in_link(&self) -> Option<String> {
        let told = self.told();
        let view = told.news.as_ref().and_then(Option::as_ref)?;
        let code = view.sign_in.as_ref()?.code.as_ref()?;
        code.verification_uri_complete.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn tell(&self) {
        if let (Some(page), Some(view)) = (&self.page, &self.news) {
            // A page that has gone is told nothing.
            let _ = page.send(view.as_deref().cloned());
        }
    }

    /// Not before it is known that no other window is open, nor before there is something to see: a dark desktop
    /// should see no white flash.
    fn is_ready(&self) -> bool {
        self.loaded && self.news.is_some()
    }
}

/// Shows the window at `screen` until it is closed.
///
/// # Errors
/// The desktop has no display, or no web view.
pub(crate) fn run(screen: String) -> anyhow::Result<()> {
    let window = Window {
        screen: screen.clone(),
        state: Mutex::default(),
    };
    let app = tauri::Builder::default()
        .manage(window)
        .manage(Words::system())
        .invoke_handler(commands::handler())
        .setup(move |app| {
            open(app.handle())?;
            let handle = app.handle().clone();
            app.manage(AgentLink::start(Role::Window, screen, move |news| {
                hear(&handle, news)
            })?);
            Ok(())
        })
        .build(crate::context())
        .context("the window could not be made")?;
    #[cfg(unix)]
    desktop::on_end({
        let app = app.handle().clone();
        move || app.exit(0)
    })?;
    app.run(|_, _| {});
    Ok(())
}

fn hear(app: &AppHandle, news: News) {
    match news {
        News::View(view) => {
            change(app, |told| {
                told.news = Some(view);
                told.tell();
            });
        }
        News::Show(screen) => come_forward(app, &screen),
        News::Taken => app.exit(0),
    }
}

/// Changes what is known, and shows the window if that was all it waited for.
fn change(app: &AppHandle, change: impl FnOnce(&mut Told)) {
    let state = app.state::<Window>();
    let mut told = state.told();
    let was_ready = told.is_ready();
    change(&mut told);
    let show = told.is_ready() && !was_ready;
    drop(told);
    if show {
        complain(
            app.get_webview_window(LABEL)
                .map_or(Ok(()), |window| window.show()),
        );
    }
}

fn come_forward(app: &AppHandle, screen: &str) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    complain(
        window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus()),
    );
    if !screen.is_empty() {
        complain(app.emit_to(LABEL, "show", screen));
    }
}

fn complain(outcome: tauri::Result<()>) {
    if let Err(error) = outcome {
        eprintln!("latchkey-tray: the window did not come forward: {error}");
    }
}

fn open(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Latchkey")
        .inner_size(420.0, 640.0)
        .min_inner_size(320.0, 400.0)
        .incognito(!is_driven())
        .on_navigation(is_own)
        .visible(false)
        .on_page_load(|window, page| {
            if page.event() == PageLoadEvent::Finished {
                change(window.app_handle(), |told| told.loaded = true);
            }
        })
        .build()
        .map(drop)
}

/// Whether a WebDriver drives the window, by Tauri's own word for it.
///
/// Nothing of what is shown is kept on disk; but what is private no WebDriver can reach (WebKitGTK automates its default
/// context alone).
fn is_driven() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true")
}

/// Whether an address is one of the app's own pages: `tauri://localhost`, which on Windows is `http://tauri.localhost`.
fn is_own(url: &tauri::Url) -> bool {
    matches!(
        (url.scheme(), url.host_str()),
        ("tauri", Some("localhost")) | ("http", Some("tauri.localhost"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_nowhere_else() {
        let own = |url: &str| is_own(&url.parse().unwrap());
        assert!(own("tauri://localhost/index.html"));
        assert!(own("http://tauri.localhost/"));
        for foreign in [
            "https://tauri.localhost.example/",
            "http://localhost/",
            "file:///etc/passwd",
            "about:blank",
        ] {
            assert!(!own(foreign), "{foreign}");
        }
    }
}
