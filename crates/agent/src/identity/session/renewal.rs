//! Fresh tokens, by whoever holds the session.

use std::sync::atomic::Ordering;
use std::time::Duration;

use latchkey_api::discovery::Identity;

use super::{Credentials, Ended, MARGIN, SessionError, Shared, is_fresh, of_issuer};
use crate::identity::RefreshError;
use crate::secret::SecretText;
use crate::vault::{Secrets, Tokens};

impl Shared {
    /// The newest credentials, refreshed if they are not fresh. `seen` is the access token that was not fresh enough when
    /// the caller began to wait.
    pub(super) async fn renew(
        &self,
        service: &str,
        identity: &Identity,
        refresh_every: Duration,
        seen: Option<SecretText>,
    ) -> Result<Credentials, SessionError> {
        let slot = self.slot(service);
        let mut replaced = slot.replaced.subscribe();
        let mut held = self.hold(&slot, service).await?;
        if self.ends.load(Ordering::Relaxed) {
            return Err(SessionError::Replaced);
        }
        held.save_what_is_left().await?;
        let mut retried = false;
        loop {
            let Some(secrets) = self.vault.load(&held.entry).await? else {
                return Err(SessionError::SignInAgain(Ended::Removed));
            };
            let Some(credentials) = of_issuer(&secrets, identity)? else {
                return Err(SessionError::SignInAgain(Ended::SignedOut));
            };
            let before = &credentials.tokens;
            // Somebody else has refreshed while we waited for our turn: that is fresh enough for zero, too.
            let is_new = seen.as_ref().is_some_and(|seen| *seen != before.access_token);
            let refresh_every = if is_new {
                refresh_every.max(MARGIN)
            } else {
                refresh_every
            };
            if is_fresh(before, self.oidc.now(), refresh_every) {
                return Ok(credentials);
            }
            let refreshed = tokio::select! {
                refreshed = self.oidc.refresh(identity, before) => refreshed,
                _ = replaced.changed() => return Err(SessionError::Replaced),
            };
            let good_enough = before.access_expires_at > self.oidc.now() + MARGIN;
            let error = match refreshed {
                Ok(refreshed) => {
                    if !refreshed.lost_scopes.is_empty() {
                        tracing::warn!(lost = ?refreshed.lost_scopes, "the identity service grants less than before");
                    }
                    let tokens = refreshed.tokens;
                    held.save(Secrets {
                        tokens: Some(tokens.clone()),
                        ..secrets
                    })
                    .await?;
                    return Ok(Credentials {
                        tokens,
                        device_key: credentials.device_key,
                    });
                }
                Err(RefreshError::InvalidGrant(description)) => {
                    // Only a token that is still the newest one can have been refused for good.
                    let newest = self.vault.load(&held.entry).await?;
                    if newest.as_ref() != Some(&secrets) && !retried {
                        retried = true;
                        continue;
                    }
                    tracing::info!(
                        description,
                        "the identity service does not take the refresh token any more"
                    );
                    return held.end(secrets, Ended::InvalidGrant).await;
                }
                Err(RefreshError::AccountChanged) => return held.end(secrets, Ended::AccountChanged).await,
                // However little is left of it, it is all there is.
                Err(RefreshError::NoRefreshToken) if before.access_expires_at > self.oidc.now() => {
                    return Ok(credentials);
                }
                Err(RefreshError::NoRefreshToken) => return held.end(secrets, Ended::NoRefreshToken).await,
                Err(RefreshError::Disbelieved { error, rotated }) => {
                    if let Some(rotated) = rotated {
                        let tokens = Tokens {
                            refresh_token: Some(rotated),
                            ..before.clone()
                        };
                        held.save(Secrets {
                            tokens: Some(tokens),
                            ..secrets
                        })
                        .await?;
                    }
                    error
                }
                Err(RefreshError::Identity(error)) => error,
            };
            tracing::info!(%error, good_enough, "no fresh tokens");
            return match error {
                _ if good_enough => Ok(credentials),
                error if error.wants_the_user() => Err(SessionError::SignInAgain(Ended::UserWanted)),
                error => Err(error.into()),
            };
        }
    }
}
