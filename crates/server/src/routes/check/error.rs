//! Why a check is not answered. None of this is a refusal (rule 9): a refusal is signed, and comes with status 200.

use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use latchkey_api::dpop::DpopError;

use super::super::keys::KeysError;
use super::super::problem::{Answer, internal};
use crate::decide::TokenLivesTooLong;
use crate::identity::{IdentityUnavailable, NotKnown, NotVerified};
use crate::introspection::NotJudged;
use crate::jwt::JwtError;
use crate::signer::SignError;
use crate::store::StoreError;

/// Why a check is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error("one Authorization header is needed, Bearer or DPoP")]
    NoToken,
    #[error("one DPoP header is needed")]
    NoProof,
    #[error(transparent)]
    Proof(#[from] DpopError),
    #[error("the proof was used before")]
    Replayed,
    #[error("the proof needs the nonce of the DPoP-Nonce header")]
    UseNonce,
    #[error("the access token: {0}")]
    Token(#[from] JwtError),
    #[error("the access token: this service knows no issuer {0:?}")]
    UnknownIssuer(String),
    #[error("the access token is bound to another key than the proof's")]
    ForeignKey,
    #[error("a token with cnf.jkt goes with the scheme DPoP, and every other with Bearer")]
    WrongScheme,
    #[error("the access token lives longer than {} s, which is what the policy accepts", .0.allowed.as_secs())]
    TokenLivesTooLong(TokenLivesTooLong),
    #[error("the issuer was moved: sign in at the one that took its place")]
    IssuerMoved,
    #[error(
        "so many users of the organisation have lost their seats at once that an administrator has to confirm it"
    )]
    Held,
    #[error(transparent)]
    Identity(#[from] IdentityUnavailable),
    #[error("{}", match .0 { Some(why) => format!("the ID token that was sent: {why}"), None => String::from("none was sent") })]
    IdTokenRequired(Option<JwtError>),
    #[error(transparent)]
    Body(#[from] BytesRejection),
    #[error("the body is not a check request: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Field(&'static str),
    #[error("too many proofs to remember, or tokens to ask about")]
    Overloaded,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("there is no lease key")]
    NoLeaseKey,
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<NotVerified> for CheckError {
    fn from(error: NotVerified) -> Self {
        match error {
            NotVerified::NotKnown(error) => error.into(),
            NotVerified::Token(error) => error.into(),
        }
    }
}

impl From<NotKnown> for CheckError {
    fn from(error: NotKnown) -> Self {
        match error {
            NotKnown::Unavailable(error) => Self::Identity(error),
            NotKnown::Overloaded(_) => Self::Overloaded,
        }
    }
}

impl From<NotJudged> for CheckError {
    fn from(error: NotJudged) -> Self {
        match error {
            NotJudged::Token(error) => Self::Token(error),
            NotJudged::Unavailable(error) => Self::Identity(error),
            NotJudged::Overloaded => Self::Overloaded,
        }
    }
}

impl IntoResponse for CheckError {
    fn into_response(self) -> Response {
        match self {
            Self::NoToken => {
                // RFC 6750 section 3.1: who sent nothing is told no error code.
                Answer::new(
                    StatusCode::UNAUTHORIZED,
                    "invalid_token",
                    "An access token is needed",
                )
                .authenticate("Bearer")
                .authenticate(r#"DPoP algs="ES256""#)
                .detail(&self)
            }
            Self::Token(_)
            | Self::UnknownIssuer(_)
            | Self::ForeignKey
            | Self::WrongScheme
            | Self::TokenLivesTooLong(_) => Answer::new(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "The access token is not accepted",
            )
            .authenticate(r#"Bearer error="invalid_token""#)
            .authenticate(r#"DPoP error="invalid_token", algs="ES256""#)
            .detail(&self),
            Self::NoProof | Self::Proof(_) | Self::Replayed => Answer::new(
                StatusCode::UNAUTHORIZED,
                "invalid_dpop_proof",
                "The DPoP proof is not accepted",
            )
            .authenticate(r#"DPoP error="invalid_dpop_proof", algs="ES256""#)
            .detail(&self),
            Self::UseNonce => Answer::new(
                StatusCode::UNAUTHORIZED,
                "use_dpop_nonce",
                "The proof needs the service's nonce",
            )
            .authenticate(r#"DPoP error="use_dpop_nonce", algs="ES256""#)
            .detail(&self),
            Self::IdTokenRequired(_) => Answer::new(
                StatusCode::FORBIDDEN,
                "id_token_required",
                "A fresh ID token is needed once",
            )
            .detail(&self),
            Self::IssuerMoved => Answer::unknown_issuer(&self),
            // As in an outage, and so without a time to come back: whoever has a lease goes on with it.
            Self::Held => {
                tracing::error!("a check is held back: see `latchkey-server hold list`");
                Answer::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "seats_held",
                    "The seats are not certain now",
                )
                .detail(&self)
            }
            Self::Identity(_) => Answer::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "identity_unavailable",
                "The access token cannot be judged now",
            )
            .retry_later()
            .detail(&self),
            Self::Body(rejection) => Answer::from(rejection),
            Self::Json(_) | Self::Field(_) => Answer::invalid_request(&self),
            Self::Overloaded => Answer::overloaded(),
            Self::Store(error) => Answer::from(error),
            Self::Keys(error) => return error.into_response(),
            Self::NoLeaseKey | Self::Sign(_) => internal(&self),
        }
        .into_response()
    }
}
