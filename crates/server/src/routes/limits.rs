//! What keeps one caller from taking everything: at most so many requests at once, each for at most so long. A body is read
//! before: whoever sends it slowly has shown nothing yet, and holds a connection and no place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use super::problem::Answer;

/// How many requests are worked on at once. More are told to come back.
pub(super) const AT_ONCE: usize = 512;
/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(8);
/// How long one request may be worked on.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

/// The places of requests that are worked on.
pub(super) struct Limits {
    places: Semaphore,
}

impl Limits {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            places: Semaphore::new(at_once),
        }
    }
}

/// Sheds load, and ends what takes too long.
pub(super) async fn limited(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let request = match whole(request).await {
        Ok(request) => request,
        Err(answer) => return answer.into_response(),
    };
    let Ok(_place) = limits.places.try_acquire() else {
        return Answer::overloaded().into_response();
    };
    in_time(LONGEST, next.run(request)).await
}

/// What takes too long is this service's own fault: whoever asked is to come back, and must not take it for an outage.
async fn in_time(longest: Duration, work: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(longest, work)
        .await
        .unwrap_or_else(|_| Answer::overloaded().into_response())
}

/// The request with its whole body, which is small: the router bounds it.
async fn whole(request: Request) -> Result<Request, Answer> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &());
    let body = tokio::time::timeout(BODY, body).await.map_err(|_| too_slow())??;
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn too_slow() -> Answer {
    Answer::new(
        StatusCode::REQUEST_TIMEOUT,
        "timeout",
        "The request took too long to arrive",
    )
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

#[cfg(test)]
mod tests {
    use axum::http::header::RETRY_AFTER;

    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_is_told_to_come_back() {
        let answer = in_time(Duration::ZERO, std::future::pending()).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key(RETRY_AFTER));
    }
}
