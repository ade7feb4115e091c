//! Problem answers (RFC 9457), and what they share.

use std::ops::RangeInclusive;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use latchkey_api::problem::{MEDIA_TYPE, Problem};

use crate::random;
use crate::store::StoreError;

/// When an overloaded service wants to be asked again, in seconds. Each caller is told another one: those who were turned away
/// together must not come back together.
const RETRY_AFTER_SECONDS: RangeInclusive<u16> = 5..=30;

/// A problem, and the headers that go with it.
#[derive(Debug)]
pub(super) struct Answer {
    problem: Problem,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub(super) fn new(status: StatusCode, code: &str, title: &str) -> Self {
        let problem = Problem {
            type_: "about:blank".into(),
            title: title.into(),
            status: status.as_u16(),
            code: code.into(),
            detail: None,
        };
        Self {
            problem,
            headers: Vec::new(),
        }
    }

    /// The request is not what it should be.
    pub(super) fn invalid_request(detail: impl ToString) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The request is not valid",
        )
        .detail(detail)
    }

    /// Users of the issuer that is named may not come here, or not any more.
    pub(super) fn unknown_issuer(detail: impl ToString) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown_issuer",
            "The issuer is not accepted here",
        )
        .detail(detail)
    }

    /// More is asked than can be done now.
    pub(super) fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "The service is busy",
        )
        .retry_later()
    }

    pub(super) fn detail(mut self, detail: impl ToString) -> Self {
        self.problem.detail = Some(detail.to_string());
        self
    }

    pub(super) fn retry_later(mut self) -> Self {
        let (first, last) = (*RETRY_AFTER_SECONDS.start(), *RETRY_AFTER_SECONDS.end());
        let after = random::below(last - first + 1).map_or(last, |some| first + some);
        self.headers.push((RETRY_AFTER, HeaderValue::from(after)));
        self
    }

    /// How to authenticate (RFC 9110 section 11.6.1). More than one way may be named.
    pub(super) fn authenticate(mut self, challenge: &'static str) -> Self {
        self.headers
            .push((WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

impl From<BytesRejection> for Answer {
    fn from(rejection: BytesRejection) -> Self {
        let mut answer = Self::invalid_request(rejection.body_text());
        answer.problem.status = rejection.status().as_u16();
        answer
    }
}

/// A failure inside: logged with what is known, answered with nothing of it.
pub(super) fn internal(error: &dyn std::error::Error) -> Answer {
    tracing::error!(%error, "a request failed inside");
    Answer::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The service has failed",
    )
}

impl From<StoreError> for Answer {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::overloaded(),
            StoreError::NotFound { .. }
            | StoreError::Exists { .. }
            | StoreError::Conflict(_)
            | StoreError::Database(_) => internal(&error),
        }
    }
}
