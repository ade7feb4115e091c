//! An error of a token or device authorization endpoint (RFC 6749 section 5.2), as tolerantly as providers write it.

use http::{HeaderValue, StatusCode, header};
use oauth2::HttpResponse;
use serde_json::{Map, Value, json};

use super::{IdentityError, shortened};
use crate::http::Response;

/// The errors that a standard names (RFC 6749 section 5.2, RFC 8628 section 3.5, OpenID Connect Core 1.0 section 3.1.2.6, RFC 8707
/// section 2), and the one that Entra ID has for `access_denied`.
const NAMED: [&str; 16] = [
    "access_denied",
    "account_selection_required",
    "authorization_declined",
    "authorization_pending",
    "consent_required",
    "expired_token",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "slow_down",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// What is longer may be a token: no word is.
const SHORTEST_TOKEN: usize = 20;

/// An error.
pub(super) struct Refused {
    pub(super) error: String,
    description: String,
}

impl Refused {
    /// The error that an answer names, whatever its status and type say, and whatever else stands in it. That of an outage counts for
    /// nothing: it says nothing of the code or the token. With 429 an error that no standard knows says no more than the status does.
    pub(super) fn of(answer: &Response) -> Option<Self> {
        let body: Map<String, Value> = serde_json::from_slice(&answer.body).ok()?;
        let has_tokens = answer.status == StatusCode::OK && body.contains_key("access_token");
        if has_tokens || answer.status.is_server_error() {
            return None;
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let error = text("error")?;
        let is_too_often = answer.status == StatusCode::TOO_MANY_REQUESTS;
        (!is_too_often || NAMED.contains(&error.as_str())).then(|| Self {
            error,
            description: without_tokens(&text("error_description").unwrap_or_default()),
        })
    }

    /// The same as an answer of the form that the standard knows.
    pub(super) fn into_answer(self) -> HttpResponse {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut answer = HttpResponse::new(body.to_string().into_bytes());
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(header::CONTENT_TYPE, json);
        answer
    }

    /// What it means for a sign-in by code.
    pub(super) fn into_error(self) -> IdentityError {
        let description = shortened(&self.description);
        match self.error.as_str() {
            // The second is what Entra ID says.
            "access_denied" | "authorization_declined" => IdentityError::Denied { description },
            "expired_token" => IdentityError::Expired,
            error => IdentityError::Provider {
                error: shortened(error),
                description,
            },
        }
    }

    /// A status that names no error.
    pub(super) fn by_status(status: StatusCode) -> Self {
        Self {
            error: format!("status {}", status.as_u16()),
            description: String::new(),
        }
    }
}

/// Some say which token they did not take. Whatever may be one is left out: the text is logged, and shown.
fn without_tokens(text: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=%".contains(c);
    let mut told = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = rest
            .find(|c| is_of_token(c) != is_of_token(first))
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(len);
        let is_token = is_of_token(first) && len >= SHORTEST_TOKEN;
        told.push_str(if is_token { "…" } else { run });
        rest = after;
    }
    told
}

#[cfg(test)]
mod tests {
    use super::without_tokens;

    #[test]
    fn a_description_tells_no_token() {
        for (said, told) in [
            (
                "Invalid refresh token: 7fK2m-qZ.9xYw_LrT4bNc8vA",
                "Invalid refresh token: …",
            ),
            (
                "\"eyJhbGciOiJSUzI1NiJ9.e30.c2ln\" was revoked",
                "\"…\" was revoked",
            ),
            (
                "AADSTS50173: The grant has expired.",
                "AADSTS50173: The grant has expired.",
            ),
            ("Sitzung „läuft“ nicht mehr", "Sitzung „läuft“ nicht mehr"),
            ("", ""),
        ] {
            assert_eq!(without_tokens(said), told);
        }
    }
}
