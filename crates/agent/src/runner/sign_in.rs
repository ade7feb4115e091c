//! A browser sign-in, until its tokens are in the vault. Only then does the browser say that the user is signed in.

use std::time::Duration;

use latchkey_core::engine::{Attempt, Outcome, SignedIn};
use latchkey_core::view::SignInResult;

use super::{Runner, Tools};
use crate::devices::{Device, Slot};
use crate::identity::session::SessionError;
use crate::identity::{IdentityError, problem};
use crate::licensing::LicensingError;
use crate::vault::VaultError;

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
enum SignInError {
    #[error(transparent)]
    Licensing(#[from] LicensingError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Runner {
    pub(crate) fn begin_sign_in(&mut self, attempt: Attempt, service: String, within: Duration) {
        let tools = self.tools.clone();
        // The user is here, so the keyring may ask them.
        tools.vault.ask_again();
        let task = tokio::spawn(async move {
            let result = sign_in(&tools, attempt, &service, within).await;
            let ended = result.map_err(|error| {
                tracing::info!(%error, service, "the sign-in ended");
                in_words(&error)
            });
            tools.report(attempt, Outcome::SignInEnded(ended));
        });
        if let Some((_, earlier)) = self.sign_in.replace((attempt, task)) {
            earlier.abort();
        }
    }

    /// Ends a sign-in: with its task goes its listener.
    pub(crate) fn cancel_sign_in(&mut self, attempt: Attempt) {
        if let Some((_, task)) = self.sign_in.take_if(|(present, _)| *present == attempt) {
            task.abort();
        }
    }
}

async fn sign_in(
    tools: &Tools,
    attempt: Attempt,
    service: &str,
    within: Duration,
) -> Result<SignedIn, SignInError> {
    tools.licensing.rediscover(service);
    let discovery = tools.licensing.discover(service).await?;
    let begun = tools.oidc.begin(&discovery.identity, within).await?;
    tools.report(attempt, Outcome::SignInReady(begun.url().to_string()));
    let returned = begun.returned().await?;
    tools.report(attempt, Outcome::SignInReturned);
    let (user, browser) = returned.exchange().await?;
    let (issuer, subject) = (user.tokens.issuer.clone(), user.tokens.subject.clone());
    match tools.sessions.signed_in(service, &user).await {
        Ok(secrets) => {
            let device = Device::new(secrets.device_key.signing_key()?);
            let thumbprint = device.thumbprint.clone();
            tools.hand_over(service, Slot::Held(device));
            browser.signed_in().await;
            let name = user
                .name
                .or_else(|| user.email.clone())
                .unwrap_or_else(|| subject.clone());
            Ok(SignedIn {
                issuer,
                subject,
                name,
                email: user.email,
                device: thumbprint,
            })
        }
        Err(error) => {
            browser.failed(error.problem(), &error.to_string()).await;
            Err(error.into())
        }
    }
}

fn in_words(error: &SignInError) -> SignInResult {
    let failed = |problem: &str| SignInResult::Failed {
        problem: problem.to_owned(),
        detail: error.to_string(),
    };
    match error {
        SignInError::Identity(IdentityError::Denied { .. }) => SignInResult::Denied,
        SignInError::Identity(IdentityError::Expired) => SignInResult::Expired,
        SignInError::Identity(error) => failed(error.problem()),
        SignInError::Session(error) => failed(error.problem()),
        SignInError::Vault(error) => failed(problem::of_vault(error)),
        SignInError::Licensing(error) => failed(error.problem()),
    }
}
