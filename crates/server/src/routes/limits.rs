//! What keeps one caller from taking everything: at most so many requests at once, each for at most so long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use super::problem::Answer;

/// How many requests are worked on at once. More are told to come back.
const AT_ONCE: usize = 512;
/// How long one request may take, its body included.
const LONGEST: Duration = Duration::from_secs(20);

/// The places of requests that are worked on.
pub(super) struct Limits {
    places: Semaphore,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            places: Semaphore::new(AT_ONCE),
        }
    }
}

/// Sheds load, and ends what takes too long.
pub(super) async fn limited(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let Ok(_place) = limits.places.try_acquire() else {
        return Answer::overloaded().into_response();
    };
    tokio::time::timeout(LONGEST, next.run(request))
        .await
        .unwrap_or_else(|_| {
            Answer::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "The request took too long",
            )
            .into_response()
        })
}

/// One line for each request: no header, no address, no body.
pub(super) async fn logged(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let millis = began.elapsed().as_millis();
    tracing::info!(%method, path, status = response.status().as_u16(), millis, "answered");
    response
}
