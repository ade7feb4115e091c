//! `POST /v1/release`: a device gives its place up (rule 15). The release itself is the authorisation: the device signs
//! it before it throws its tokens away, and may send it days later. So its `iat` may be old, and sending it twice is
//! harmless: what is released stays released, and what was granted since stays granted.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_api::release::{ReleaseClaims, ReleaseRequest, TYP};
use latchkey_core::jws::{self, JwsError, VerifyingKey};
use latchkey_core::registration::is_product_key;
use latchkey_core::time::Timestamp;

use super::Service;
use super::problem::Answer;
use crate::store::StoreError;
use crate::store::records::Release;

/// The most products one release names.
const MOST_PRODUCTS: usize = 100;

/// Why a release is not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReleaseError {
    #[error(transparent)]
    Body(#[from] BytesRejection),
    #[error("the body is not a release request: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the release is not signed by the key beside it: {0}")]
    Jws(#[from] JwsError),
    #[error("the release is for the service {0:?}")]
    OtherService(String),
    #[error("the products must be at most {MOST_PRODUCTS} product keys")]
    Products,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for ReleaseError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(rejection) => Answer::from(rejection),
            Self::Store(error) => Answer::from(error),
            Self::Json(_) | Self::Jws(_) | Self::OtherService(_) | Self::Products => {
                Answer::invalid_request(&self)
            }
        }
        .into_response()
    }
}

pub(super) async fn release(
    State(service): State<Arc<Service>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ReleaseError> {
    let request: ReleaseRequest = serde_json::from_slice(&body?)?;
    let unverified = jws::parse(&request.release, TYP)?;
    let jkt = request.jwk.thumbprint();
    let key = request.jwk.verifying_key()?;
    if !matches!(key, VerifyingKey::P256(_)) {
        return Err(JwsError::BadKey.into());
    }
    if unverified.kid() != Some(&jkt.0) {
        return Err(JwsError::UnknownKey(unverified.kid().unwrap_or_default().to_owned()).into());
    }
    let claims: ReleaseClaims = unverified.verify(&key)?;
    if claims.aud != service.url {
        return Err(ReleaseError::OtherService(claims.aud));
    }
    let odd = |products: &Vec<String>| {
        products.len() > MOST_PRODUCTS || products.iter().any(|product| !is_product_key(product))
    };
    if claims.products.as_ref().is_some_and(odd) {
        return Err(ReleaseError::Products);
    }
    let release = Release {
        jkt,
        products: claims.products,
        signed_at: Timestamp::from_secs(claims.iat),
    };
    service.store.release(release, service.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
