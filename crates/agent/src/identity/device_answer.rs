//! What the two endpoints of a sign-in by code answer (RFC 8628 sections 3.2 and 3.5), as tolerantly as providers write it.

use std::time::Duration;

use http::StatusCode;
use latchkey_core::view::UserCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::provider::{lenient, not_data};
use super::refused::Refused;
use super::token_answer::seconds;
use super::{IdentityError, shortened};
use crate::http::{self as client, Response};
use crate::secret::SecretText;

/// The longest code that a person types.
const LONGEST_CODE: usize = 64;
/// The longest address that is shown, in bytes: what is longer fits into no QR code.
const LONGEST_ADDRESS: usize = 2_048;

/// What the device authorization endpoint answers (section 3.2), as tolerantly as providers write it.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) device_code: SecretText,
    user_code: String,
    #[serde(default, deserialize_with = "lenient")]
    verification_uri: Option<String>,
    /// The name that Google gave it before the RFC did. Some send both.
    #[serde(default, deserialize_with = "lenient")]
    verification_url: Option<String>,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) interval: Option<Duration>,
}

/// Reads an answer, or the error that came in its place.
///
/// # Errors
/// [`IdentityError`], where it says nothing of the code: an outage, a web page, or something that is not readable.
pub(super) fn read<T: DeserializeOwned>(
    url: &Url,
    answer: &Response,
) -> Result<Result<T, Refused>, IdentityError> {
    // Some say with 429 that they are asked too often, and some with a page's type: what counts is what it says.
    if let Some(refused) = Refused::of(answer) {
        return Ok(Err(refused));
    }
    if let Some(error) = not_data(url, answer) {
        return Err(error);
    }
    match answer.status {
        // The parser's own message would quote the answer: only where it broke may be told.
        StatusCode::OK => {
            serde_json::from_slice(&answer.body)
                .map(Ok)
                .map_err(|error| IdentityError::TokenAnswer {
                    why: format!("in column {} of line {}", error.column(), error.line()),
                })
        }
        StatusCode::REQUEST_TIMEOUT => Err(IdentityError::Unavailable {
            status: answer.status.as_u16(),
            retry_after: answer.retry_after(),
        }),
        status => Ok(Err(Refused::by_status(status))),
    }
}

/// What is shown to the user. Only addresses that may be opened are shown; a link that may not be is left out.
pub(super) fn user_code(answer: &Answer) -> Result<UserCode, IdentityError> {
    let may_be_shown = |text: &str| {
        text.len() <= LONGEST_ADDRESS && Url::parse(text).is_ok_and(|url| client::is_allowed(&url))
    };
    let user_code = answer.user_code.trim().to_owned();
    if user_code.is_empty()
        || user_code.chars().count() > LONGEST_CODE
        || user_code.chars().any(char::is_control)
    {
        return Err(IdentityError::TokenAnswer {
            why: "its user_code is none that a person could type".into(),
        });
    }
    let address = answer
        .verification_uri
        .as_ref()
        .or(answer.verification_url.as_ref());
    let address = address.ok_or_else(|| IdentityError::TokenAnswer {
        why: "it has no verification_uri".into(),
    })?;
    if !may_be_shown(address) {
        let scheme = address.split(':').next().unwrap_or_default();
        return Err(IdentityError::UnsafeEndpoint {
            endpoint: "verification_uri",
            origin: shortened(scheme),
        });
    }
    let complete = answer.verification_uri_complete.as_ref();
    Ok(UserCode {
        user_code,
        verification_uri: address.clone(),
        verification_uri_complete: complete.filter(|text| may_be_shown(text)).cloned(),
    })
}
