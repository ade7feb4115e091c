//! Fresh tokens for a refresh token (RFC 6749 section 6, OpenID Connect Core 1.0 section 12).

use latchkey_api::discovery::Identity;
use oauth2::{RefreshToken, TokenResponse as _};

use super::exchange::{self, Refusal, Wire};
use super::id_token::{self, Expected};
use super::provider::Provider;
use super::token_answer::TokenAnswer;
use super::{IdTokenError, IdentityError, Oidc, not_granted, signed_in};
use crate::secret::SecretText;
use crate::vault::Tokens;

/// Why there are no fresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// There is no refresh token.
    #[error("there is no refresh token")]
    NoRefreshToken,
    /// A healthy provider does not take the refresh token (`invalid_grant`).
    #[error("the identity service does not take the refresh token: {0}")]
    InvalidGrant(String),
    /// The provider answered for another account: the session ends.
    #[error("the identity service answered for another account than before")]
    AccountChanged,
    /// No answer came, or one that brought nothing. The session goes on.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Tokens came and are not believed. The session goes on, with the refresh token that came along: the provider may
    /// have ended the old one.
    #[error("{error}")]
    Disbelieved {
        /// What is not believed.
        error: IdentityError,
        /// The new refresh token, where one came.
        rotated: Option<SecretText>,
    },
}

/// Fresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The tokens; the refresh token is the old one where no new one came.
    pub tokens: Tokens,
    /// Scopes that the tokens had before and have no longer.
    pub lost_scopes: Vec<String>,
}

impl Oidc {
    /// Exchanges the refresh token of `before`. Whoever calls this holds the lock of [`super::session`]: a second
    /// exchange of a rotated token would end the whole grant.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub(super) async fn refresh(
        &self,
        identity: &Identity,
        before: &Tokens,
    ) -> Result<Refreshed, RefreshError> {
        let result = self.try_refresh(identity, before).await;
        if matches!(&result, Err(RefreshError::Identity(error)) if !error.is_passing()) {
            self.forget(&identity.issuer);
        }
        result
    }

    async fn try_refresh(&self, identity: &Identity, before: &Tokens) -> Result<Refreshed, RefreshError> {
        let old = before
            .refresh_token
            .as_ref()
            .ok_or(RefreshError::NoRefreshToken)?;
        let provider = self.provider(&identity.issuer).await?;
        // First, because without them the answer could not be believed, and the old token would be used up.
        provider.keys(&self.http).await?;
        let client = exchange::client(identity, &provider.metadata);
        let token = RefreshToken::new(old.expose().to_owned());
        let mut request = client.exchange_refresh_token(&token);
        for (name, value) in exchange::target(identity) {
            request = request.add_extra_param(name, value);
        }
        let answer = request.request_async(&Wire(self.http.clone())).await;
        let answer = match exchange::read(answer) {
            Ok(answer) => answer,
            Err(Refusal::InvalidGrant(description)) => return Err(RefreshError::InvalidGrant(description)),
            Err(Refusal::Other(error)) => return Err(error.into()),
        };
        let id_token = match self.believe(identity, &provider, &answer, before).await {
            Ok(id_token) => id_token,
            Err(IdentityError::IdToken(IdTokenError::AccountChanged)) => {
                return Err(RefreshError::AccountChanged);
            }
            Err(error) => {
                return Err(RefreshError::Disbelieved {
                    error,
                    rotated: answer.renewed(),
                });
            }
        };
        let had = before
            .scope
            .iter()
            .flat_map(|scope| scope.split_ascii_whitespace());
        let had: Vec<String> = had.map(str::to_owned).collect();
        let mut tokens = signed_in::tokens(&answer, id_token, &before.issuer, &before.subject, self.now());
        tokens.refresh_token = tokens.refresh_token.or_else(|| before.refresh_token.clone());
        tokens.scope = tokens.scope.or_else(|| before.scope.clone());
        Ok(Refreshed {
            tokens,
            lost_scopes: not_granted(&had, answer.scopes()),
        })
    }

    /// The newest ID token: the one that came, if it is believed and of the same account, or the old one if none came.
    async fn believe(
        &self,
        identity: &Identity,
        provider: &Provider,
        answer: &TokenAnswer,
        before: &Tokens,
    ) -> Result<SecretText, IdentityError> {
        exchange::bearer(answer)?;
        let Some(token) = &answer.id_token else {
            return Ok(before.id_token.clone());
        };
        let expected = Expected {
            identity,
            nonce: None,
            access_token: answer.access_token(),
        };
        let claims =
            match id_token::verify(provider, &self.http, self.clocks(), token.expose(), &expected).await {
                Err(IdentityError::IdToken(IdTokenError::Issuer | IdTokenError::Subject)) => {
                    return Err(IdTokenError::AccountChanged.into());
                }
                claims => claims?,
            };
        if claims.sub != before.subject || provider.metadata.issuer != before.issuer {
            return Err(IdTokenError::AccountChanged.into());
        }
        Ok(token.clone())
    }
}
