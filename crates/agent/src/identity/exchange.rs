//! Talking to a token endpoint: `oauth2` over the agent's one HTTP client.

use std::pin::Pin;

use http::{HeaderValue, header};
use latchkey_api::discovery::Identity;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthUrl, Client, ClientId, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    RequestTokenError, StandardRevocableToken, TokenResponse as _, TokenUrl,
};
use url::Url;

use super::provider::{Metadata, not_data};
use super::refused::Refused;
use super::token_answer::TokenAnswer;
use super::{IdentityError, shortened};
use crate::http::Http;

/// An `oauth2` client whose browser and token endpoints are known.
pub(super) type OAuth = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The public client that `identity` names, at the endpoints of `metadata`.
pub(super) fn client(identity: &Identity, metadata: &Metadata) -> OAuth {
    Client::new(ClientId::new(identity.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
}

/// The scopes to ask for: the configured ones, once each, `openid` always.
pub(super) fn scopes(identity: &Identity) -> Vec<String> {
    let mut scopes = vec!["openid".to_owned()];
    for scope in &identity.scopes {
        if !scope.is_empty() && !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
}

/// Whom the access token is for, in the terms that the provider wants (RFC 8707, or `audience`).
pub(super) fn target(identity: &Identity) -> impl Iterator<Item = (&'static str, String)> {
    let resource = identity.resource.clone().map(|resource| ("resource", resource));
    let audience = identity.audience.clone().map(|audience| ("audience", audience));
    resource.into_iter().chain(audience)
}

/// Lends the HTTP client to `oauth2`, and keeps from it what is no answer of a token endpoint.
pub(super) struct Wire(pub(super) Http);

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = IdentityError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, IdentityError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).map_err(|_| IdentityError::Misconfigured {
                why: "its token endpoint is no address".into(),
            })?;
            let answer = self.0.exchange(parts.method, &url, parts.headers, body).await?;
            // Before anything else: some send an error with status 200, with 429 or as a page. It is no less an error.
            if let Some(refused) = Refused::of(&answer) {
                return Ok(refused.into_answer());
            }
            if let Some(error) = not_data(&url, &answer) {
                return Err(error);
            }
            let mut response = HttpResponse::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            // Whatever it is called, it was just seen to be data: tokens that came may have ended those of before.
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            Ok(response)
        })
    }
}

/// Why a token endpoint gave no tokens.
#[derive(Debug)]
pub(super) enum Refusal {
    /// `invalid_grant`: the code or refresh token is not good, or no longer.
    InvalidGrant(String),
    /// Anything else.
    Other(IdentityError),
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        Self::Other(error)
    }
}

impl From<Refusal> for IdentityError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidGrant(description) => Self::Provider {
                error: "invalid_grant".into(),
                description,
            },
            Refusal::Other(error) => error,
        }
    }
}

/// Reads what `oauth2` made of the answer.
pub(super) fn read(
    answer: Result<TokenAnswer, RequestTokenError<IdentityError, BasicErrorResponse>>,
) -> Result<TokenAnswer, Refusal> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(RequestTokenError::Request(error)) => Err(Refusal::Other(error)),
        Err(RequestTokenError::ServerResponse(response)) => {
            let description = shortened(response.error_description().map_or("", String::as_str));
            let error = response.error();
            Err(if *error == BasicErrorResponseType::InvalidGrant {
                Refusal::InvalidGrant(description)
            } else {
                Refusal::Other(IdentityError::Provider {
                    error: shortened(error.as_ref()),
                    description,
                })
            })
        }
        // The message of the parser would quote the answer: only where it broke may be told.
        Err(RequestTokenError::Parse(error, _)) => {
            let why = format!("at {}", shortened(&error.path().to_string()));
            Err(Refusal::Other(IdentityError::TokenAnswer { why }))
        }
        Err(RequestTokenError::Other(why)) => Err(Refusal::Other(IdentityError::TokenAnswer {
            why: shortened(&why),
        })),
    }
}

/// Makes sure that the access token is of the type that was asked for.
pub(super) fn bearer(answer: &TokenAnswer) -> Result<(), IdentityError> {
    let token_type = answer.token_type();
    if *token_type == BasicTokenType::Bearer {
        Ok(())
    } else {
        Err(IdentityError::TokenType(shortened(token_type.as_ref())))
    }
}
