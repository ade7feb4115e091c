//! `GET /.well-known/latchkey`: what the service says about itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_api::discovery::{API, Discovery};

use super::problem::Answer;
use super::{CHECK, DEVICES, EVENTS, IDENTITY, KEYS, RELEASE, RELEASE_DEVICE, Service};
use crate::address::vendor;
use crate::store::StoreError;

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no issuer is configured: add one with `latchkey-server issuer add`")]
    NoIssuer,
}

impl IntoResponse for DiscoveryError {
    fn into_response(self) -> Response {
        match self {
            Self::Store(error) => Answer::from(error),
            Self::NoIssuer => not_configured(&self),
        }
        .into_response()
    }
}

/// Nobody can say who users are.
pub(super) fn not_configured(detail: impl ToString) -> Answer {
    Answer::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_configured",
        "The service is not set up yet",
    )
    .detail(detail)
}

pub(super) async fn discovery(
    State(service): State<Arc<Service>>,
) -> Result<Json<Discovery>, DiscoveryError> {
    let issuers = service.store.issuers().await?;
    // Where every issuer is a company's, the first one: whoever gives no address has to go somewhere.
    let somebody = || issuers.iter().find(|issuer| issuer.moved_to.is_none());
    let vendor = vendor(&issuers)
        .or_else(somebody)
        .ok_or(DiscoveryError::NoIssuer)?;
    Ok(Json(Discovery {
        service: service.url.clone(),
        api_min: API,
        api_max: API,
        keys: service.address(KEYS),
        check: service.address(CHECK),
        release: service.address(RELEASE),
        devices: Some(service.address(DEVICES)),
        release_device: Some(service.address(RELEASE_DEVICE)),
        events: Some(service.address(EVENTS)),
        identities: Some(service.address(IDENTITY)),
        identity: vendor.identity(),
    }))
}
