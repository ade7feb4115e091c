//! What an answer of the service says, and why it is none.

use std::time::Duration;

use http::StatusCode;
use latchkey_api::discovery;
use latchkey_api::problem::Problem;
use latchkey_core::hindrance::NetworkTrouble;

use crate::http::{HttpError, Response};
use crate::identity;

/// Why the service did not do what was asked. None of these is a refusal: a refusal is signed (rule 9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LicensingError {
    /// No answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service is busy.
    #[error("the licensing service is busy")]
    Busy {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The access token is not taken.
    #[error("the licensing service does not take the access token")]
    InvalidToken,
    /// The service has nobody to judge the access token: the identity service does not answer it (rule 6).
    #[error("the identity service does not answer the licensing service")]
    IdentityUnavailable {
        /// When it wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// It is out, or a gateway in front of it says so, and for how long (5xx with `Retry-After`).
    #[error("the licensing service answered {status}")]
    Out {
        /// The status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Duration,
    },
    /// It wants to know who the user is.
    #[error("the licensing service asks for the ID token")]
    IdTokenRequired,
    /// Something else answered: a captive portal, a proxy.
    #[error("something stands between this machine and the licensing service: {1}")]
    Blocked(NetworkTrouble, String),
    /// The issuer that a user was signed in at is none of its own any more.
    #[error("the licensing service does not know the issuer any more")]
    UnknownIssuer,
    /// No identity service is responsible for the domain of a work address.
    #[error("no identity service is responsible for this address")]
    UnknownDomain,
    /// The user has no such device.
    #[error("the user has no such device")]
    UnknownDevice,
    /// As many devices were released today as a user may release.
    #[error("too many devices were released today")]
    ReleaseLimit,
    /// It is an older service.
    #[error("the licensing service does not offer this")]
    NotOffered,
    /// The service speaks an older API.
    #[error("the licensing service speaks API {0}, and this agent {own} or newer", own = discovery::API)]
    Outdated(u32),
    /// It answered something that is not its protocol.
    #[error("the licensing service answered {0}")]
    Unexpected(String),
}

impl LicensingError {
    /// When the service wants to be asked again, if it said.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } | Self::IdentityUnavailable { retry_after } => *retry_after,
            Self::Out { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The stable key of the sentence for it.
    pub fn problem(&self) -> &'static str {
        match self {
            Self::Http(error) => identity::problem::of_network(error).unwrap_or("licensing_unreachable"),
            Self::Unexpected(_) | Self::Out { .. } => "licensing_unreachable",
            Self::InvalidToken => "token_refused",
            Self::Busy { .. } => "service_busy",
            Self::IdentityUnavailable { .. } => "identity_unreachable",
            Self::IdTokenRequired => "id_token_required",
            Self::UnknownIssuer => "sign_in_again",
            Self::UnknownDomain => "unknown_domain",
            Self::Blocked(by, _) => by.key(),
            Self::UnknownDevice => "unknown_device",
            Self::ReleaseLimit => "release_limit",
            Self::NotOffered => "not_offered",
            Self::Outdated(_) => "service_outdated",
        }
    }
}

pub(super) fn problem(response: &Response) -> Option<Problem> {
    if response.status.is_success() {
        return None;
    }
    serde_json::from_slice(&response.body).ok()
}

pub(super) fn read<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T, LicensingError> {
    if response.status != StatusCode::OK || response.is_html() {
        return Err(verdict(response));
    }
    serde_json::from_slice(&response.body)
        .map_err(|_| LicensingError::Unexpected("with something that is not its protocol".into()))
}

/// 5xx, but for the one by which a portal says that it is one (RFC 6585 section 6).
fn is_outage(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NETWORK_AUTHENTICATION_REQUIRED
}

/// What an answer without a result means.
pub(super) fn verdict(response: &Response) -> LicensingError {
    let retry_after = response.retry_after();
    let problem = problem(response);
    match (
        response.status,
        problem.as_ref().map(|problem| problem.code.as_str()),
    ) {
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => LicensingError::Blocked(
            NetworkTrouble::ProxyPassword,
            "a proxy that wants a password".into(),
        ),
        // Before what a page says: a gateway that counts requests says so in one.
        (StatusCode::TOO_MANY_REQUESTS, _) => LicensingError::Busy { retry_after },
        // A gateway in front of the service says in a page that the service is gone (rule 7); a portal says anything else so.
        (status, _) if response.is_html() && !is_outage(status) => {
            let page = format!("a web page with status {}", response.status.as_u16());
            LicensingError::Blocked(NetworkTrouble::WebPage, page)
        }
        // Before what is busy: it too says when to come back.
        (StatusCode::SERVICE_UNAVAILABLE, Some("identity_unavailable")) => {
            LicensingError::IdentityUnavailable { retry_after }
        }
        // A gateway says when to come back as well: it speaks for nobody who works (rule 7).
        (StatusCode::SERVICE_UNAVAILABLE, Some("overloaded")) => LicensingError::Busy { retry_after },
        (StatusCode::UNAUTHORIZED, Some("invalid_token")) => LicensingError::InvalidToken,
        (_, Some("id_token_required")) => LicensingError::IdTokenRequired,
        (StatusCode::NOT_FOUND, Some("unknown_device")) => LicensingError::UnknownDevice,
        (StatusCode::CONFLICT, Some("release_limit")) => LicensingError::ReleaseLimit,
        (StatusCode::NOT_FOUND, Some("unknown_issuer")) => LicensingError::UnknownIssuer,
        (StatusCode::NOT_FOUND, Some("unknown_domain")) => LicensingError::UnknownDomain,
        (status, code) => match retry_after {
            Some(retry_after) if is_outage(status) => LicensingError::Out {
                status: status.as_u16(),
                retry_after,
            },
            Some(_) | None => unexpected(status, code),
        },
    }
}

fn unexpected(status: StatusCode, code: Option<&str>) -> LicensingError {
    LicensingError::Unexpected(match code {
        Some(code) => format!("{} ({code})", status.as_u16()),
        None => status.as_u16().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};

    use super::*;

    #[test]
    fn a_service_whose_identity_service_is_out_is_not_busy() {
        let answer = |code: &str| Response {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: HeaderMap::from_iter([(header::RETRY_AFTER, header::HeaderValue::from_static("5"))]),
            body: format!(r#"{{"type":"about:blank","title":"Not now","status":503,"code":"{code}"}}"#)
                .into_bytes(),
        };
        let error = verdict(&answer("identity_unavailable"));
        let retry_after = Duration::from_secs(5);
        let said = Some(retry_after);
        assert_eq!(error, LicensingError::IdentityUnavailable { retry_after: said });
        assert_eq!(error.problem(), "identity_unreachable");
        let busy = verdict(&answer("overloaded"));
        assert!(matches!(busy, LicensingError::Busy { .. }), "{busy:?}");
        let gateway = verdict(&answer("maintenance"));
        let out = LicensingError::Out {
            status: 503,
            retry_after,
        };
        assert_eq!(gateway, out, "and says for how long");
    }

    /// A gateway counts requests as well, and says so in a page (nginx does).
    #[test]
    fn a_page_that_says_too_many_requests_is_a_service_that_is_busy() {
        let html = header::HeaderValue::from_static("text/html");
        let later = header::HeaderValue::from_static("30");
        let busy = verdict(&Response {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, html), (header::RETRY_AFTER, later)]),
            body: b"<html><body>429 Too Many Requests</body></html>".to_vec(),
        });
        let retry_after = Some(Duration::from_secs(30));
        assert_eq!(busy, LicensingError::Busy { retry_after });
    }

    /// A gateway says in a page that the service is gone; a portal says in one that it is a portal.
    #[test]
    fn a_page_of_a_gateway_is_an_outage_and_any_other_a_portal() {
        let page = |status: StatusCode| {
            let html = header::HeaderValue::from_static("text/html; charset=utf-8");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, html)]);
            let body = b"<html><body>nginx</body></html>".to_vec();
            verdict(&Response {
                status,
                headers,
                body,
            })
        };
        for status in [500, 502, 503, 504] {
            let error = page(StatusCode::from_u16(status).unwrap());
            assert!(
                matches!(error, LicensingError::Unexpected(_)),
                "{status}: {error:?}"
            );
        }
        for (status, by) in [
            (200, NetworkTrouble::WebPage),
            (403, NetworkTrouble::WebPage),
            (407, NetworkTrouble::ProxyPassword),
            (511, NetworkTrouble::WebPage),
        ] {
            let error = page(StatusCode::from_u16(status).unwrap());
            assert!(
                matches!(error, LicensingError::Blocked(seen, _) if seen == by),
                "{status}: {error:?}"
            );
        }
    }
}
