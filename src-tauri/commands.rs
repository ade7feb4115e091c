//! What the window's pages may ask for. Everything else is denied to them (`capabilities/`).

use std::sync::Arc;

use latchkey_core::devices::OwnDevices;
use latchkey_core::session::SessionWish;
use latchkey_core::time::Timestamp;
use latchkey_core::view::{SignInMethod, View};
use latchkey_ipc::messages::{Reply, Request, ResetScope, SentField};
use latchkey_words::Words;
use serde::Serialize;
use tauri::ipc::Channel;
use tauri::{State, Wry};

use crate::agent_link::AgentLink;
use crate::failure::Failure;
use crate::qr::Qr;
use crate::window::Window;
use crate::{browser, clipboard};

/// The commands, for Tauri.
pub(crate) fn handler() -> impl Fn(tauri::ipc::Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        watch,
        initial_screen,
        locale,
        sign_in,
        sign_in_qr,
        open_sign_in,
        copy_sign_in_link,
        cancel_sign_in,
        sign_out,
        check,
        prepare_offline,
        devices,
        release_device,
        session,
        reset,
        privacy,
        copy_text,
    ]
}

/// The user's language and time zone, as the pages write words and dates.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Locale {
    language: &'static str,
    time_zone: Option<String>,
}

/// Until when this device is good offline.
#[derive(Serialize)]
struct Prepared {
    until: Option<Timestamp>,
}

/// The whole state, now and whenever it changes; `null` while the agent cannot be reached.
#[tauri::command]
fn watch(window: State<'_, Window>, channel: Channel<Option<View>>) {
    window.watch(channel);
}

/// The screen to begin with; empty: the one that fits the status.
#[tauri::command]
fn initial_screen(window: State<'_, Window>) -> String {
    window.initial_screen().to_owned()
}

#[tauri::command]
fn locale(words: State<'_, Words>) -> Locale {
    Locale {
        language: words.language(),
        time_zone: words.time_zone().map(str::to_owned),
    }
}

#[tauri::command]
async fn sign_in(
    link: State<'_, Arc<AgentLink>>,
    service: Option<String>,
    email: Option<String>,
    method: Option<SignInMethod>,
) -> Result<(), Failure> {
    let request = Request::SignIn {
        service,
        email,
        method,
    };
    match ask(&link, request).await? {
        // Whoever wants a code has another browser in mind.
        Reply::SignIn {
            url,
            open: true,
            code: None,
            ..
        } => Ok(browser::open(&url)?),
        _ => Ok(()),
    }
}

#[tauri::command]
fn sign_in_qr(window: State<'_, Window>) -> Option<Qr> {
    window.sign_in_link().as_deref().and_then(Qr::of)
}

#[tauri::command]
fn open_sign_in(window: State<'_, Window>) -> Result<(), Failure> {
    Ok(browser::open(&window.sign_in_url()?)?)
}

#[tauri::command]
fn copy_sign_in_link(window: State<'_, Window>) -> Result<(), Failure> {
    clipboard::copy(window.sign_in_url()?)
}

#[tauri::command]
async fn cancel_sign_in(link: State<'_, Arc<AgentLink>>) -> Result<(), Failure> {
    ask(&link, Request::CancelSignIn).await.map(drop)
}

#[tauri::command]
async fn sign_out(link: State<'_, Arc<AgentLink>>, service: Option<String>) -> Result<(), Failure> {
    ask(&link, Request::SignOut { service }).await.map(drop)
}

#[tauri::command]
async fn check(link: State<'_, Arc<AgentLink>>) -> Result<(), Failure> {
    ask(&link, Request::Check).await.map(drop)
}

#[tauri::command]
async fn prepare_offline(link: State<'_, Arc<AgentLink>>) -> Result<Prepared, Failure> {
    match ask(&link, Request::PrepareOffline).await? {
        Reply::Checked { until } => Ok(Prepared { until }),
        _ => Err(Failure::of("unsupported")),
    }
}

#[tauri::command]
async fn devices(link: State<'_, Arc<AgentLink>>, service: Option<String>) -> Result<OwnDevices, Failure> {
    match ask(&link, Request::Devices { service }).await? {
        Reply::Devices(own) => Ok(own),
        _ => Err(Failure::of("unsupported")),
    }
}

#[tauri::command]
async fn release_device(
    link: State<'_, Arc<AgentLink>>,
    service: Option<String>,
    device: String,
    same_machine: bool,
) -> Result<(), Failure> {
    let request = Request::ReleaseDevice {
        service,
        device,
        same_machine,
    };
    ask(&link, request).await.map(drop)
}

#[tauri::command]
async fn session(link: State<'_, Arc<AgentLink>>, product: String, wish: SessionWish) -> Result<(), Failure> {
    ask(&link, Request::Session { product, wish }).await.map(drop)
}

#[tauri::command]
async fn reset(link: State<'_, Arc<AgentLink>>, product: Option<String>) -> Result<(), Failure> {
    let scope = product.map_or(ResetScope::All, ResetScope::Product);
    ask(&link, Request::Reset { scope }).await.map(drop)
}

#[tauri::command]
async fn privacy(link: State<'_, Arc<AgentLink>>) -> Result<Vec<SentField>, Failure> {
    match ask(&link, Request::Privacy).await? {
        Reply::Privacy { fields } => Ok(fields),
        _ => Err(Failure::of("unsupported")),
    }
}

#[tauri::command]
fn copy_text(text: String) -> Result<(), Failure> {
    clipboard::copy(text)
}

/// Asks the agent on a thread that may wait.
async fn ask(link: &Arc<AgentLink>, request: Request) -> Result<Reply, Failure> {
    let link = Arc::clone(link);
    tauri::async_runtime::spawn_blocking(move || link.ask(request))
        .await
        .unwrap_or_else(|error| Err(Failure::new("internal", error)))
}
