//! `latchkey config`: what holds, and from where.

use std::env;
use std::time::Duration;

use latchkey_core::vault::VaultKind;
use latchkey_ipc::address::{Address, FOLDER_VARIABLE};
use latchkey_ipc::client::Connection;
use latchkey_ipc::hello::Kind;
use latchkey_ipc::launch::{self, PROGRAM_VARIABLE};
use latchkey_ipc::messages::{Reply, Request};
use latchkey_ipc::settings::{self, Key, Proxy, Setting, Settings, Source};
use latchkey_words::{Value, Words};
use serde::Serialize;

use super::Outcome;
use crate::arguments::Config;
use crate::document::SCHEMA;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{language, output, text};

/// How long a running agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// `latchkey config list --json`
#[derive(Serialize)]
struct Document {
    schema: u32,
    settings: Vec<Row>,
}

/// One setting.
#[derive(Serialize)]
struct Row {
    key: &'static str,
    /// Absent where there is nothing: no agent is installed.
    value: Option<String>,
    source: &'static str,
    /// The variable's name or the file's path, where the source is one.
    place: Option<String>,
}

pub(super) fn run(
    change: Option<&Config>,
    asked: Option<&str>,
    settings: &Settings,
    words: &Words,
) -> Outcome {
    match change {
        None => list(false, asked, settings, words),
        Some(Config::List { json }) => list(*json, asked, settings, words),
        Some(Config::Set { key, value }) => set(key, Some(value), words),
        Some(Config::Unset { key }) => set(key, None, words),
    }
}

fn list(json: bool, asked: Option<&str>, settings: &Settings, words: &Words) -> Outcome {
    let rows = vec![
        spoken(asked, settings, words),
        set_or_default(Key::Vault, settings.vault.as_ref(), VaultKind::default().name()),
        set_or_default(Key::Proxy, settings.proxy.as_ref(), &Proxy::default().to_string()),
        agent(),
        socket()?,
    ];
    if json {
        output::json(&Document {
            schema: SCHEMA,
            settings: rows,
        })?;
        return Ok(Exit::Done);
    }
    let cells = |row: &Row| {
        let (value, from) = match &row.value {
            Some(value) => (value.as_str(), row.source),
            None => ("–", "nowhere"),
        };
        let place = row.place.as_deref().unwrap_or("none");
        let id = format!("cli-from-{}", from.replace('_', "-"));
        let from = words.message(&id, &[("place", place.into())]);
        [row.key.to_owned(), value.to_owned(), from]
    };
    output::lines(text::table(&rows.iter().map(cells).collect::<Vec<_>>()))?;
    Ok(Exit::Done)
}

fn spoken(asked: Option<&str>, settings: &Settings, words: &Words) -> Row {
    let (value, source, place) = match (asked, &settings.language) {
        (Some(asked), _) => (asked.to_owned(), "command_line", None),
        (None, Some(set)) => return set_by(Key::Language, set),
        (None, None) => (words.language().to_owned(), "default", None),
    };
    Row {
        key: Key::Language.name(),
        value: Some(value),
        source,
        place,
    }
}

fn set_or_default(key: Key, set: Option<&Setting>, default: &str) -> Row {
    match set {
        Some(set) => set_by(key, set),
        None => Row {
            key: key.name(),
            value: Some(default.to_owned()),
            source: "default",
            place: None,
        },
    }
}

fn set_by(key: Key, set: &Setting) -> Row {
    let source = match &set.source {
        Source::Environment(_) => "environment",
        Source::User(_) => "user_file",
        Source::Machine(_) => "machine_file",
    };
    Row {
        key: key.name(),
        value: Some(key.shown(&set.value)),
        source,
        place: Some(set.source.to_string()),
    }
}

fn agent() -> Row {
    let program = launch::find_program().ok();
    let named = program.is_some() && program == env::var_os(PROGRAM_VARIABLE).map(Into::into);
    Row {
        key: "agent",
        value: program.map(|program| program.display().to_string()),
        source: if named { "environment" } else { "default" },
        place: named.then(|| PROGRAM_VARIABLE.to_owned()),
    }
}

fn socket() -> Result<Row, Failure> {
    let address = Address::of_user()
        .map_err(|error| Failure::new(Exit::AGENT_NOT_FOUND, "agent_unreachable", error))?;
    let named = env::var_os(FOLDER_VARIABLE).is_some_and(|folder| !folder.is_empty());
    Ok(Row {
        key: "socket",
        value: Some(endpoint(&address)),
        source: if named { "environment" } else { "default" },
        place: named.then(|| FOLDER_VARIABLE.to_owned()),
    })
}

#[cfg(unix)]
fn endpoint(address: &Address) -> String {
    address.socket().display().to_string()
}

#[cfg(windows)]
fn endpoint(address: &Address) -> String {
    address.pipe().to_owned()
}

fn set(key: &str, value: Option<&String>, words: &Words) -> Outcome {
    let Some(key) = Key::ALL.into_iter().find(|known| known.name() == key) else {
        return Err(Failure::new(Exit::Usage, "unknown_setting", key));
    };
    let problem = match key {
        Key::Language => "unknown_language",
        Key::Vault => "unknown_vault",
        Key::Proxy => "unknown_proxy",
    };
    let is_known = |value: &String| key.takes(value) && (key != Key::Language || language::is_spoken(value));
    if let Some(value) = value.filter(|value| !is_known(value)) {
        return Err(Failure::new(Exit::Usage, problem, key.shown(value)));
    }
    let path =
        settings::set(key, value.cloned()).map_err(|error| Failure::failed("settings_not_saved", error))?;
    let path = path.display().to_string();
    output::line(&words.message("cli-setting-saved", &[("file", Value::from(&path))]))?;
    if key == Key::Vault {
        take_effect(words);
    }
    Ok(Exit::Done)
}

/// An agent that runs keeps to what held when it started. Where nobody is signed in, it makes way for the next one.
fn take_effect(words: &Words) {
    let Ok(agent) = Connection::open(Kind::Cli) else {
        return;
    };
    let Ok(Reply::View { view }) = agent.call(Request::View, PATIENCE) else {
        return;
    };
    if view.vault == Settings::read().vault() {
        return;
    }
    if view.accounts.iter().any(|account| account.user.is_some()) {
        output::note(&words.message("cli-vault-next-start", &[]));
    } else {
        // If it does not arrive, the next start comes by itself.
        let _ = agent.call(Request::Retire, PATIENCE);
    }
}
