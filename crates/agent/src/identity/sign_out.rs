//! Telling the identity service that a user has signed out. Locally it has happened already; none of this can stop it.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use latchkey_api::discovery::Identity;
use url::form_urlencoded;

use super::provider::not_data;
use super::{IdentityError, Oidc};
use crate::secret::SecretText;

/// What became of a revocation. There is nothing left to do in any of these cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token is revoked.
    Done,
    /// The provider offers no revocation.
    NotOffered,
    /// The provider refuses it, as some do to public clients.
    Refused,
}

impl Oidc {
    /// Revokes a refresh token, and with it the grant (RFC 7009).
    ///
    /// # Errors
    /// [`IdentityError`] when no answer came: worth another try.
    pub async fn revoke(
        &self,
        identity: &Identity,
        refresh_token: &SecretText,
    ) -> Result<Revocation, IdentityError> {
        let provider = self.provider(&identity.issuer).await?;
        let Some(url) = &provider.metadata.revocation_endpoint else {
            return Ok(Revocation::NotOffered);
        };
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", refresh_token.expose())
            .append_pair("token_type_hint", "refresh_token")
            .append_pair("client_id", &identity.client_id)
            .finish();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, form)]);
        let answer = self
            .http
            .exchange(Method::POST, url, headers, body.into_bytes())
            .await?;
        match not_data(url, &answer) {
            Some(error) => Err(error),
            None if answer.status == StatusCode::OK => Ok(Revocation::Done),
            None => Ok(Revocation::Refused),
        }
    }
}
