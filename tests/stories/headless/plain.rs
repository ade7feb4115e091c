//! Tokens in plain text, wherever they lie: each that the provider ever made is looked for.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use stories::prelude::*;
use stories::secrets::files_with;

/// How every signed token of the provider's begins: `{"`, encoded.
const BEGINS: &str = "eyJ";

/// Refresh tokens that the provider has made.
fn refresh_tokens(world: &World<'_>) -> Result<Vec<String>> {
    let store = world.desk().folder().join("provider/store.json");
    let store: Value = serde_json::from_slice(&fs::read(store)?)?;
    let entries = store["entries"].as_array().into_iter().flatten();
    let names = entries.filter_map(|entry| entry[0].as_str()?.strip_prefix("RefreshToken:"));
    Ok(names.map(str::to_owned).collect())
}

/// Whether a text has a token that this issuer has signed.
fn has_token_of(issuer: &str, text: &str) -> bool {
    let tokens = text.match_indices(BEGINS).map(|(at, _)| &text[at..]);
    tokens.filter_map(payload).any(|payload| payload["iss"] == issuer)
}

fn payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.').skip(1);
    let payload = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn look(folder: &Path, issuer: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            look(&entry.path(), issuer)?;
        } else if kind.is_file() {
            // What a running program has just taken away holds nothing any more.
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            ensure!(!has_token_of(issuer, &text), "a token lies in {:?}", entry.path());
        }
    }
    Ok(())
}

/// No token of the provider's lies in a file of the user's, or in any log.
pub(crate) fn ensure_nothing_is_plain(world: &World<'_>) -> Result<()> {
    let issuer = world.provider().issuer().to_owned();
    let refresh_tokens = refresh_tokens(world)?;
    ensure!(
        !refresh_tokens.is_empty(),
        "the provider has made no refresh token"
    );
    let refresh_tokens: Vec<&str> = refresh_tokens.iter().map(String::as_str).collect();
    let desk = world.desk();
    for folder in [
        desk.home().join(".local"),
        desk.home().join(".config"),
        desk.logs(),
    ] {
        if folder.exists() {
            look(&folder, &issuer)?;
            let found = files_with(&folder, &refresh_tokens)?;
            ensure!(found.is_empty(), "refresh tokens lie in {found:?}");
        }
    }
    ensure!(
        has_token_of(
            "http://a",
            &format!(
                "x{BEGINS}hbGciOiJ9.{}.x",
                URL_SAFE_NO_PAD.encode(r#"{"iss":"http://a"}"#)
            )
        ),
        "a token would not be recognised"
    );
    Ok(())
}
