//! `POST /v1/devices` and `POST /v1/devices/release`: the user's own devices (rule 10). Authorised like a check.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use latchkey_api::devices::{MOST_RELEASES, OwnDevices, ReleaseDevice};
use latchkey_core::time::Timestamp;

use super::check::{CheckError, authenticate, prove};
use super::problem::Answer;
use super::{DEVICES, RELEASE_DEVICE, Service};
use crate::store::StoreError;
use crate::store::records::{Caller, ReleaseOutcome};

/// Why the devices are not shown, or one is not released.
#[derive(Debug, thiserror::Error)]
pub(super) enum DevicesError {
    #[error(transparent)]
    Caller(#[from] CheckError),
    #[error(transparent)]
    Body(#[from] BytesRejection),
    #[error("the body is no request for a release: {0}")]
    Json(#[from] serde_json::Error),
    #[error("this device has never checked here, or was released: check first")]
    UnknownCaller,
    #[error("the user has no such device")]
    UnknownDevice,
    #[error(
        "{MOST_RELEASES} devices were released in the last 24 h: that is as many as a user may release; an administrator can release more"
    )]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for DevicesError {
    fn into_response(self) -> Response {
        match self {
            Self::Caller(error) => return error.into_response(),
            Self::Body(rejection) => Answer::from(rejection),
            Self::Json(_) => Answer::invalid_request(&self),
            Self::UnknownCaller => unknown_caller(&self),
            Self::UnknownDevice => {
                Answer::new(StatusCode::NOT_FOUND, "unknown_device", "There is no such device").detail(&self)
            }
            // No Retry-After: it is no busy service, and trying again does not help.
            Self::TooMany => Answer::new(
                StatusCode::CONFLICT,
                "release_limit",
                "Too many devices were released today",
            )
            .detail(&self),
            Self::Store(error) => Answer::from(error),
        }
        .into_response()
    }
}

/// Whoever asks has to check first.
pub(super) fn unknown_caller(detail: impl ToString) -> Answer {
    Answer::new(StatusCode::FORBIDDEN, "check_first", "This device is not known").detail(detail)
}

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Json<OwnDevices>, DevicesError> {
    let (caller, _ends_at) = caller(&service, &Method::POST, DEVICES, &headers).await?;
    let devices = service.store.devices_of(caller, service.clock.now()).await?;
    devices.map(Json).ok_or(DevicesError::UnknownCaller)
}

pub(super) async fn release(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, DevicesError> {
    let (caller, _ends_at) = caller(&service, &Method::POST, RELEASE_DEVICE, &headers).await?;
    let wanted: ReleaseDevice = serde_json::from_slice(&body?)?;
    let outcome = service
        .store
        .release_own(caller, wanted, service.clock.now())
        .await?;
    service.pushes.poke();
    match outcome {
        ReleaseOutcome::Released => Ok(StatusCode::NO_CONTENT),
        ReleaseOutcome::UnknownDevice => Err(DevicesError::UnknownDevice),
        ReleaseOutcome::TooMany => Err(DevicesError::TooMany),
        ReleaseOutcome::UnknownCaller => Err(DevicesError::UnknownCaller),
    }
}

/// Who asks, and when the access token ends.
pub(super) async fn caller(
    service: &Service,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<(Caller, Timestamp), CheckError> {
    let proven = prove(service, method, path, headers)?;
    let issuers = service.store.issuers().await?;
    // An opaque token names nobody, and these requests name no issuer: it is that of the device's last check.
    let opaque = issuers.iter().any(|issuer| issuer.introspection.is_some());
    let hint = match opaque {
        true => service.store.issuer_of(proven.jkt().clone()).await?,
        false => None,
    };
    let caller = authenticate(service, &issuers, proven, hint.as_deref()).await?;
    let who = Caller {
        issuer: caller.token.issuer,
        subject: caller.token.subject,
        jkt: caller.jkt,
    };
    Ok((who, caller.token.ends_at))
}
