//! `POST /v1/identity`: which issuer is responsible for an address, or what has to be known of an issuer. The answer comes
//! from the issuers alone: no user is looked for, so that nobody learns from it, or from how long it takes, who is one.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_api::discovery::Identity;
use latchkey_api::identity::IdentityQuery;

use super::Service;
use super::discovery::not_configured;
use super::problem::Answer;
use crate::address;
use crate::store::StoreError;

/// The largest body that is read: room for the longest address and the longest issuer.
pub(super) const LARGEST_BODY: usize = 4 * 1024;

/// Why nobody is named.
#[derive(Debug, thiserror::Error)]
pub(super) enum IdentityError {
    #[error(transparent)]
    Body(#[from] BytesRejection),
    #[error("the body is not an identity query: {0}")]
    Json(#[from] serde_json::Error),
    #[error("that is no e-mail address")]
    NoAddress,
    #[error("no company has brought an issuer for this domain, and there is none for all the others")]
    UnknownDomain,
    #[error("this service knows no such issuer")]
    UnknownIssuer,
    #[error("no issuer is configured: add one with `latchkey-server issuer add`")]
    NoIssuer,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for IdentityError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(rejection) => Answer::from(rejection),
            Self::Json(_) | Self::NoAddress => Answer::invalid_request(&self),
            Self::UnknownDomain => Answer::new(
                StatusCode::NOT_FOUND,
                "unknown_domain",
                "No issuer is responsible for this address",
            )
            .detail(&self),
            Self::UnknownIssuer => Answer::unknown_issuer(&self),
            Self::NoIssuer => not_configured(&self),
            Self::Store(error) => Answer::from(error),
        }
        .into_response()
    }
}

pub(super) async fn identity(
    State(service): State<Arc<Service>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Identity>, IdentityError> {
    let query: IdentityQuery = serde_json::from_slice(&body?)?;
    let issuers = service.store.issuers().await?;
    if issuers.is_empty() {
        return Err(IdentityError::NoIssuer);
    }
    let found = match query {
        IdentityQuery::Email(email) => {
            let email = address::email(&email).ok_or(IdentityError::NoAddress)?;
            address::owner(&issuers, &email).ok_or(IdentityError::UnknownDomain)?
        }
        IdentityQuery::Issuer(name) => issuers
            .iter()
            .find(|issuer| issuer.issuer == name)
            .ok_or(IdentityError::UnknownIssuer)?,
    };
    Ok(Json(found.identity()))
}
