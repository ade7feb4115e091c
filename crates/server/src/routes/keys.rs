//! `GET /v1/keys`: the keys document, as the root key has signed it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Service;
use super::problem::{Answer, internal};
use crate::store::StoreError;
use crate::store::records::Keyring;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no keys document is published")]
    Unpublished,
}

impl IntoResponse for KeysError {
    fn into_response(self) -> Response {
        match self {
            Self::Store(error) => Answer::from(error),
            Self::Unpublished => internal(&self),
        }
        .into_response()
    }
}

pub(super) async fn keys(State(service): State<Arc<Service>>) -> Result<Response, KeysError> {
    let document = published(&service).await?.1;
    Ok(([(CONTENT_TYPE, "application/jwt")], document).into_response())
}

/// The keys, and the document that was signed over them.
pub(super) async fn published(service: &Service) -> Result<(Keyring, String), KeysError> {
    let mut keyring = service.store.keyring().await?.ok_or(KeysError::Unpublished)?;
    let document = keyring.document.take().ok_or(KeysError::Unpublished)?;
    Ok((keyring, document))
}
