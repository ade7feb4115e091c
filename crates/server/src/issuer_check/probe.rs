//! What an issuer thinks of a client. It shows in how it refuses a code and a token that were made up: a client that it does
//! not know, or wants a secret of, is refused before they are looked at.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::document::Document;
use crate::identity::fetch::{allowed, send};

/// How the issuer answers the client. `None`: there was nothing to ask.
pub(super) struct Client {
    /// Its token endpoint, asked to exchange a code.
    pub(super) code: Option<Reply>,
    /// Its device authorization endpoint, asked for a code to sign in by.
    pub(super) device: Option<Reply>,
    /// Its revocation endpoint, asked to revoke a token.
    pub(super) revocation: Option<Reply>,
}

/// How an endpoint answers.
pub(super) enum Reply {
    /// It gave what was asked for.
    Given,
    /// An error of OAuth (RFC 6749 section 5.2).
    Refused(String),
    /// Anything else, in words.
    Unclear(String),
}

pub(super) async fn client(http: &reqwest::Client, document: &Document, client_id: &str) -> Client {
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "latchkey-issuer-check"),
        ("redirect_uri", "http://127.0.0.1/callback"),
        ("client_id", client_id),
        ("code_verifier", "latchkey-issuer-check-latchkey-issuer-check"),
    ];
    let revocation = [
        ("token", "latchkey-issuer-check"),
        ("token_type_hint", "refresh_token"),
        ("client_id", client_id),
    ];
    Client {
        code: ask(http, document.text("token_endpoint"), &code).await,
        device: device(http, document, client_id).await,
        revocation: ask(http, document.text("revocation_endpoint"), &revocation).await,
    }
}

/// Asks for a code as the agent does: with PKCE where that is refused without it.
async fn device(http: &reqwest::Client, document: &Document, client_id: &str) -> Option<Reply> {
    let endpoint = document.text("device_authorization_endpoint");
    let form = [
        ("client_id", client_id),
        ("scope", "openid"),
        ("code_challenge", "latchkey-issuer-check-latchkey-issuer-check"),
        ("code_challenge_method", "S256"),
    ];
    match ask(http, endpoint, &form[..2]).await {
        Some(Reply::Refused(error)) if error == "invalid_request" => ask(http, endpoint, &form).await,
        reply => reply,
    }
}

async fn ask(http: &reqwest::Client, endpoint: Option<&str>, form: &[(&str, &str)]) -> Option<Reply> {
    let endpoint = endpoint?;
    let url = allowed(endpoint).ok()?;
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let request = http
        .post(url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body);
    Some(match send(request, endpoint).await {
        Err(error) => Reply::Unclear(error.to_string()),
        Ok((status, body)) => {
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            match answer.get("error").and_then(Value::as_str) {
                Some(error) => Reply::Refused(error.chars().take(50).collect()),
                None if status.is_success() => Reply::Given,
                None => Reply::Unclear(format!("{endpoint} answers {}", status.as_u16())),
            }
        }
    })
}
