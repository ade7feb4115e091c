//! Who signed in: what a token endpoint's answer proves, whichever way the user came.

use latchkey_api::discovery::Identity;
use latchkey_core::time::Timestamp;
use oauth2::TokenResponse as _;
use openidconnect::Nonce;

use super::id_token::{self, Expected};
use super::provider::Provider;
use super::token_answer::TokenAnswer;
use super::{IdentityError, Oidc, exchange, not_granted, shortened};
use crate::secret::SecretText;
use crate::vault::Tokens;

/// Who signed in, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The tokens.
    pub tokens: Tokens,
    /// Display name, where the ID token has one.
    pub name: Option<String>,
    /// E-mail address, where the ID token has one.
    pub email: Option<String>,
    /// Scopes that were asked for and not granted.
    pub missing_scopes: Vec<String>,
}

/// What was asked for, and of whom.
pub(super) struct Asked<'a> {
    pub(super) oidc: &'a Oidc,
    pub(super) provider: &'a Provider,
    pub(super) identity: &'a Identity,
    pub(super) scopes: &'a [String],
    /// None for a sign-in by code: there is no authentication request that could carry one.
    pub(super) nonce: Option<&'a Nonce>,
}

impl SignedIn {
    /// Believes an answer only after all of it has been verified.
    ///
    /// # Errors
    /// [`IdentityError`] with what is not believed.
    pub(super) async fn read(answer: &TokenAnswer, asked: &Asked<'_>) -> Result<Self, IdentityError> {
        exchange::bearer(answer)?;
        let token = answer.id_token.as_ref().ok_or(IdentityError::MissingIdToken)?;
        let expected = Expected {
            identity: asked.identity,
            nonce: asked.nonce,
            access_token: answer.access_token(),
        };
        let now = asked.oidc.now();
        let http = &asked.oidc.http;
        let clocks = asked.oidc.clocks();
        let claims = id_token::verify(asked.provider, http, clocks, token.expose(), &expected).await?;
        let name = claims.name.as_deref().map(shortened);
        let issuer = &asked.provider.metadata.issuer;
        Ok(Self {
            name: name.filter(|name| !name.trim().is_empty()),
            email: claims.address().map(shortened),
            missing_scopes: not_granted(asked.scopes, answer.scopes()),
            tokens: tokens(answer, token.clone(), issuer, &claims.sub, now),
        })
    }
}

/// The tokens of an answer that has been believed.
pub(super) fn tokens(
    answer: &TokenAnswer,
    id_token: SecretText,
    issuer: &str,
    subject: &str,
    now: Timestamp,
) -> Tokens {
    let scope = answer.scopes().map(|scopes| {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        names.join(" ")
    });
    Tokens {
        access_token: SecretText::new(answer.access_token().secret().clone()),
        access_expires_at: now + answer.life(),
        refresh_token: answer.renewed(),
        id_token,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        obtained_at: now,
        scope,
    }
}
