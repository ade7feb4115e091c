//! `GET /v1/events`: the stream that asks a device to check (rule 2). Authorised like a check; it ends with the access token.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use latchkey_api::events::{CHECK, READY};
use latchkey_core::time::HOUR;
use tokio::sync::mpsc::Receiver;
use tokio::time::Sleep;

use super::check::CheckError;
use super::devices::{caller, unknown_caller};
use super::problem::Answer;
use super::{EVENTS, Service};
use crate::access_token::LEEWAY;
use crate::push::Full;
use crate::store::StoreError;

/// How often a byte goes over a stream that has nothing to say: proxies end what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(50);
/// A stream lives no longer than this, whatever its token says.
const LONGEST: Duration = HOUR;

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventsError {
    #[error(transparent)]
    Caller(#[from] CheckError),
    #[error("this device has never checked here, or was released: check first")]
    UnknownCaller,
    #[error("there are as many streams as this service serves: check now and then")]
    Full(#[from] Full),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for EventsError {
    fn into_response(self) -> Response {
        match self {
            Self::Caller(error) => return error.into_response(),
            Self::UnknownCaller => unknown_caller(&self),
            Self::Full(_) => Answer::overloaded().detail(&self),
            Self::Store(error) => Answer::from(error),
        }
        .into_response()
    }
}

pub(super) async fn events(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, EventsError> {
    let (caller, ends_at) = caller(&service, &Method::GET, EVENTS, &headers).await?;
    let device = service.store.known_device(caller).await?;
    let device = device.ok_or(EventsError::UnknownCaller)?;
    let pushes = service.pushes.open(device.clone())?;
    // Between its last check and now it may have missed one. Asked after the stream is open, so that none falls between.
    let missed = service.store.push_missed(device).await?;
    // As long as the token would be accepted, had it been sent just now.
    let left = (ends_at + LEEWAY).since(service.clock.now());
    let events = Events {
        ready: true,
        missed,
        pushes,
        ends: Box::pin(tokio::time::sleep(left.min(LONGEST))),
    };
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// First that the stream stands, then every push.
struct Events {
    ready: bool,
    missed: bool,
    pushes: Receiver<()>,
    ends: Pin<Box<Sleep>>,
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let says = |name: &str| Poll::Ready(Some(Ok(Event::default().event(name).data(""))));
        if std::mem::take(&mut self.ready) {
            return says(READY);
        }
        if std::mem::take(&mut self.missed) {
            return says(CHECK);
        }
        if self.ends.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        match self.pushes.poll_recv(context) {
            Poll::Ready(Some(())) => says(CHECK),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
