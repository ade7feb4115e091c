//! The question itself (RFC 7662 section 2.1), by a client that proves who it is with `client_secret_basic`.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::Question;
use crate::identity::fetch::{allowed, send};
use crate::store::records::Introspection;

/// The claims of an answer; or why there are none, which says nothing about the token.
pub(super) async fn ask(
    http: &reqwest::Client,
    endpoint: &str,
    question: &Question<'_>,
) -> Result<Map<String, Value>, String> {
    let url = allowed(endpoint).map_err(|error| error.to_string())?;
    let form = Serializer::new(String::new())
        .append_pair("token", question.token)
        .append_pair("token_type_hint", "access_token")
        .finish();
    let Introspection {
        client_id, secret, ..
    } = question.introspection;
    // Each is form-encoded before they are joined (RFC 6749 section 2.3.1).
    let encoded = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
    let request = http
        .post(url)
        .basic_auth(&*encoded(client_id), Some(&*encoded(&secret.0)))
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form);
    let (status, body) = send(request, endpoint).await.map_err(|error| error.to_string())?;
    match status {
        StatusCode::OK => match serde_json::from_slice(&body) {
            Ok(Value::Object(claims)) if claims.get("active").is_some_and(Value::is_boolean) => Ok(claims),
            Ok(_) | Err(_) => Err(format!("{endpoint} answers what is no introspection")),
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(format!(
            "{endpoint} answers {}: it does not accept the client {client_id:?} or its secret",
            status.as_u16()
        )),
        status => Err(format!("{endpoint} answers {}", status.as_u16())),
    }
}
