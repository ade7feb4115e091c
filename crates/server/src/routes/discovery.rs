//! `GET /.well-known/latchkey`: what the service says about itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_api::discovery::{API, Discovery, Identity};

use super::problem::Answer;
use super::{CHECK, KEYS, RELEASE, Service};
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
            Self::NoIssuer => Answer::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_configured",
                "The service is not set up yet",
            )
            .detail(&self),
        }
        .into_response()
    }
}

pub(super) async fn discovery(
    State(service): State<Arc<Service>>,
) -> Result<Json<Discovery>, DiscoveryError> {
    let vendor = service
        .store
        .issuers()
        .await?
        .into_iter()
        .next()
        .ok_or(DiscoveryError::NoIssuer)?;
    Ok(Json(Discovery {
        service: service.url.clone(),
        api_min: API,
        api_max: API,
        keys: service.address(KEYS),
        check: service.address(CHECK),
        release: service.address(RELEASE),
        identity: Identity {
            issuer: vendor.issuer,
            client_id: vendor.client_id,
            scopes: vendor.scopes,
            resource: vendor.resource,
            audience: vendor.audience,
            redirect: vendor.redirect,
        },
    }))
}
