//! `POST /v1/check`: who asks is proven, the store decides, and what it decided is signed.

mod authenticate;
mod error;
mod request;
mod token;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use latchkey_api::check::{CheckAnswer, ProductAnswer, ProductQuery};
use latchkey_api::dpop::NONCE_HEADER;

pub(super) use self::authenticate::{Caller, authenticate, prove};
pub(super) use self::error::CheckError;
use super::keys::published;
use super::{CHECK, Service};
use crate::decide::Decision;
use crate::id_token;
use crate::identity::NotVerified;
use crate::jwt;
use crate::signer::{self, Signed};
use crate::store::records::{AskedProduct, CheckCommand, CheckOutcome, Decided, EmailClaim, Issuer};

/// Every answer brings the nonce for the next proof (RFC 9449 section 8.2).
pub(super) async fn next_nonce(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Ok(nonce) = HeaderValue::try_from(service.nonces.issue(service.clock.passed())) {
        response.headers_mut().insert(NONCE_HEADER, nonce);
    }
    response
}

pub(super) async fn check(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<CheckAnswer>, CheckError> {
    let proven = prove(&service, &Method::POST, CHECK, &headers)?;
    let request = request::read(&body?)?;
    let issuers = service.store.issuers().await?;
    let caller = authenticate(&service, &issuers, proven, request.issuer.as_deref()).await?;
    // Wanted only while the user is unknown: whether it was good is told only where it was needed.
    let (proven, id_token_problem) = match &request.id_token {
        None => (None, None),
        Some(token) => match id_token(&service, &issuers, &caller, token).await {
            Ok(proven) => (Some(proven), None),
            Err(problem) => (None, Some(problem)),
        },
    };
    let (email, signed_in_at) = match proven {
        Some(proven) => (proven.email, proven.signed_in_at),
        None => (EmailClaim::Unknown, None),
    };
    let (keyring, document) = published(&service).await?;
    let key = keyring.lease_keys.first().ok_or(CheckError::NoLeaseKey)?;
    let now = service.clock.now();
    let command = CheckCommand {
        now,
        issuer: caller.token.issuer,
        moved: caller.issuer.moved_to.is_some(),
        subject: caller.token.subject,
        email,
        jkt: caller.jkt.clone(),
        device: request.device,
        agent: request.agent,
        token_life: caller.token.life,
        signed_in_at,
        products: request.products.into_iter().map(asked).collect(),
        usage: request.usage,
        kid: key.kid.clone(),
    };
    let (user, device, waiting, decided) = match service.store.check(command).await? {
        CheckOutcome::IdTokenRequired => {
            return Err(match id_token_problem {
                // No sign-in would help: nobody can judge what it brings.
                Some(NotVerified::NotKnown(error)) => error.into(),
                Some(NotVerified::Token(error)) => CheckError::IdTokenRequired(Some(error)),
                None => CheckError::IdTokenRequired(None),
            });
        }
        CheckOutcome::Held => return Err(CheckError::Held),
        CheckOutcome::IssuerMoved => return Err(CheckError::IssuerMoved),
        CheckOutcome::TokenLivesTooLong(too_long) => return Err(CheckError::TokenLivesTooLong(too_long)),
        CheckOutcome::Decided {
            user,
            device,
            waiting,
            products,
        } => (user, device, waiting, products),
    };
    service.pushes.poke();
    let answer = signer::Answer {
        service: &service.url,
        user: &user,
        jkt: &caller.jkt,
        request: &request.jti,
        now,
    };
    let mut products = Vec::with_capacity(decided.len());
    for decided in &decided {
        log(&user, &device, decided);
        let (lease, refusal) = match signer::sign(key, &answer, decided)? {
            Signed::Lease(lease) => (Some(lease), None),
            Signed::Refusal(refusal) => (None, Some(refusal)),
        };
        products.push(ProductAnswer {
            product: decided.product.clone(),
            lease,
            refusal,
        });
    }
    Ok(Json(CheckAnswer {
        products,
        keys: document,
        waiting,
    }))
}

fn asked(query: ProductQuery) -> AskedProduct {
    AskedProduct {
        product: query.product,
        open: query.open,
        session: query.session,
    }
}

/// What the ID token proves, verified by the keys of the caller's own issuer.
async fn id_token(
    service: &Service,
    issuers: &[Issuer],
    caller: &Caller<'_>,
    token: &str,
) -> Result<id_token::Proven, NotVerified> {
    let header = jwt::header(token)?;
    id_token::check_type(&header)?;
    let kid = header.kid.as_deref();
    let issuer = &caller.issuer.issuer;
    let claims = service.identity.verify(issuer, kid, token).await?;
    let proven = id_token::validate(
        &claims,
        caller.issuer,
        issuers,
        &caller.token.subject,
        service.clock.now(),
    );
    Ok(proven?)
}

fn log(user: &str, device: &str, decided: &Decided) {
    let (product, seq) = (&decided.product, decided.seq);
    match &decided.decision {
        Decision::Lease(grant) => tracing::info!(user, device, product, seq, exp = grant.exp, "lease"),
        Decision::Refuse(refused) => {
            tracing::info!(
                user,
                device,
                product,
                seq,
                code = refused.code.number(),
                "refusal"
            );
        }
    }
}
