//! Releases, and what is deleted from the vault (rule 15).

use std::time::Duration;

use latchkey_api::release::{ReleaseClaims, ReleaseRequest, TYP};
use latchkey_core::engine::{Attempt, Outcome};
use latchkey_core::facts::{Forget, PendingRelease};
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::time::Timestamp;

use super::{Runner, Tools};
use crate::devices::Device;
use crate::random;
use crate::secret::SecretText;
use crate::vault::Tokens;

/// A token that could not be revoked is tried again after these waits; then it is left to end by itself.
const REVOKE_AGAIN: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(120),
];

/// Signs that this device gives up a product, or its place. `None` when it cannot be signed.
pub(crate) fn sign_release(
    key: &SigningKey,
    service: &str,
    product: Option<String>,
    at: Timestamp,
) -> Option<PendingRelease> {
    let claims = ReleaseClaims {
        aud: service.to_owned(),
        jti: random::id(),
        iat: at.as_secs(),
        products: product.map(|product| vec![product]),
    };
    let jwk = key.jwk();
    let token = jws::sign(key, TYP, &jwk.thumbprint().0, &claims).ok()?;
    Some(PendingRelease { jwk, token })
}

impl Runner {
    pub(crate) fn sign_release(
        &mut self,
        attempt: Attempt,
        service: String,
        product: Option<String>,
        at: Timestamp,
        device: Option<Device>,
    ) {
        let tools = self.tools.clone();
        let name = service.clone();
        self.spawn(&name, async move {
            let release = match device {
                Some(device) => sign_release(&device.key, &service, product, at),
                // The keyring was locked until now; perhaps it is open by the time the reset asks.
                None => match tools.vault.load(&tools.sessions.entry(&service)).await {
                    Ok(Some(secrets)) => secrets
                        .device_key
                        .signing_key()
                        .ok()
                        .and_then(|key| sign_release(&key, &service, product, at)),
                    Ok(None) | Err(_) => None,
                },
            };
            tools.report(attempt, Outcome::ReleaseSigned(release));
        });
    }

    pub(crate) fn send_release(&mut self, attempt: Attempt, service: String, release: PendingRelease) {
        let tools = self.tools.clone();
        // Not among the service's tasks: the reset that it belongs to must not stop it.
        tokio::spawn(async move {
            let request = ReleaseRequest {
                jwk: release.jwk,
                release: release.token,
            };
            tools.http.follow_settings().await;
            let sent = tools.licensing.release(&service, &request).await;
            if let Err(error) = &sent {
                tracing::info!(%error, "a release waits for the service");
                tools.licensing.rediscover(&service);
            }
            let outcome = match sent {
                Ok(()) => Outcome::ReleaseSent,
                Err(error) => Outcome::ReleaseNotSent {
                    retry_after: error.retry_after(),
                },
            };
            tools.report(attempt, outcome);
        });
    }

    /// Stops what is under way, then deletes. Revoking comes after, from what was deleted.
    pub(crate) fn forget(&mut self, attempt: Attempt, service: String, what: Forget) {
        self.stop(&service);
        let tools = self.tools.clone();
        tokio::spawn(async move {
            let forgotten = match what {
                Forget::Tokens => tools.sessions.sign_out(&service).await,
                Forget::Everything => tools.sessions.forget(&service).await,
            };
            if let Err(error) = &forgotten {
                tracing::warn!(%error, "the vault does not delete yet");
            }
            tools.report(attempt, Outcome::Forgotten(forgotten.is_ok()));
            if let Ok(Some(Tokens {
                refresh_token: Some(token),
                issuer,
                ..
            })) = forgotten
            {
                revoke(&tools, &service, &issuer, &token).await;
            }
        });
    }
}

/// Best effort: the tokens are gone from this machine already.
async fn revoke(tools: &Tools, service: &str, issuer: &str, token: &SecretText) {
    for wait in [Duration::ZERO].into_iter().chain(REVOKE_AGAIN) {
        tokio::time::sleep(wait).await;
        let Ok(identity) = tools.licensing.identity_of(service, issuer).await else {
            continue;
        };
        match tools.oidc.revoke(&identity, token).await {
            Ok(revocation) => return tracing::info!(?revocation, "the refresh token is given back"),
            Err(error) => tracing::info!(%error, "the refresh token could not be revoked"),
        }
    }
}
