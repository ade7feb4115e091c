//! A sign-in, until its tokens are in the vault. Only then does the browser say that the user is signed in.

use std::time::Duration;

use latchkey_api::discovery::Identity;
use latchkey_core::engine::{Attempt, Invitation, Outcome, SignedIn};
use latchkey_core::view::{SignInMethod, SignInResult};

use super::{Runner, Tools};
use crate::devices::{Device, Slot};
use crate::identity::session::SessionError;
use crate::identity::{self, IdentityError};
use crate::licensing::LicensingError;
use crate::vault::Access;

/// How long a keyring takes to show its prompt, or to find out that it cannot.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
enum SignInError {
    #[error(transparent)]
    Licensing(#[from] LicensingError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// How a sign-in is to be done.
pub(crate) struct Begin {
    /// The licensing service.
    pub(crate) service: String,
    /// The user's work address, if they gave one.
    pub(crate) email: Option<String>,
    /// In the browser here, or by a code elsewhere.
    pub(crate) method: SignInMethod,
    /// How long it may take.
    pub(crate) within: Duration,
}

impl Runner {
    pub(crate) fn begin_sign_in(&mut self, attempt: Attempt, begin: Begin) {
        let tools = self.tools.clone();
        // The user is here, so the keyring may ask them.
        tools.vault.ask_again();
        let task = tokio::spawn(async move {
            let result = sign_in(&tools, attempt, &begin).await;
            let ended = result.map_err(|error| {
                tracing::info!(%error, service = begin.service, "the sign-in ended");
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

async fn sign_in(tools: &Tools, attempt: Attempt, begin: &Begin) -> Result<SignedIn, SignInError> {
    can_be_kept(tools).await?;
    tools.licensing.rediscover(&begin.service);
    let email = begin.email.as_deref();
    let identity = tools.licensing.identity_for(&begin.service, email).await?;
    match begin.method {
        SignInMethod::Browser => in_the_browser(tools, attempt, begin, &identity).await,
        SignInMethod::DeviceCode => by_code(tools, attempt, begin, &identity).await,
    }
}

/// Whether tokens could be stored, found out before the user is sent anywhere. A prompt that is open is not waited for:
/// the user answers it meanwhile. One that could not be shown is as good as closed.
async fn can_be_kept(tools: &Tools) -> Result<(), SessionError> {
    let mut access = tools.vault.access();
    let prompting = async {
        // The guard that comes back is let go of here.
        let prompting = access
            .wait_for(|access| *access == Access::Prompting)
            .await
            .is_ok();
        if prompting {
            tokio::time::sleep(SHOWN_WITHIN).await;
        }
    };
    tokio::select! {
        biased;
        ready = tools.vault.make_ready() => Ok(ready?),
        () = prompting => Ok(()),
    }
}

async fn in_the_browser(
    tools: &Tools,
    attempt: Attempt,
    begin: &Begin,
    identity: &Identity,
) -> Result<SignedIn, SignInError> {
    let begun = tools
        .oidc
        .begin(identity, begin.email.as_deref(), begin.within)
        .await?;
    let invitation = Invitation {
        issuer: identity.issuer.clone(),
        url: begun.url().to_string(),
        code: None,
        expires_in: None,
    };
    tools.report(attempt, Outcome::SignInReady(invitation));
    let returned = begun.returned().await?;
    tools.report(attempt, Outcome::SignInReturned);
    let (user, browser) = returned.exchange().await?;
    match keep(tools, &begin.service, user).await {
        Ok(signed_in) => {
            browser.signed_in().await;
            Ok(signed_in)
        }
        Err(error) => {
            browser.failed(error.problem(), &error.to_string()).await;
            Err(error.into())
        }
    }
}

async fn by_code(
    tools: &Tools,
    attempt: Attempt,
    begin: &Begin,
    identity: &Identity,
) -> Result<SignedIn, SignInError> {
    let begun = tools.oidc.begin_with_code(identity, begin.within).await?;
    let invitation = Invitation {
        issuer: identity.issuer.clone(),
        url: begun.url().to_owned(),
        code: Some(begun.code().clone()),
        expires_in: Some(begun.expires_in()),
    };
    tools.report(attempt, Outcome::SignInReady(invitation));
    let user = begun.signed_in().await?;
    tools.report(attempt, Outcome::SignInReturned);
    Ok(keep(tools, &begin.service, user).await?)
}

/// Puts the tokens into the vault, and hands the device key to the loop.
async fn keep(tools: &Tools, service: &str, user: identity::SignedIn) -> Result<SignedIn, SessionError> {
    let secrets = tools.sessions.signed_in(service, &user).await?;
    let device = Device::new(secrets.device_key.signing_key()?);
    let thumbprint = device.thumbprint.clone();
    tools.hand_over(service, Slot::Held(device));
    let subject = user.tokens.subject.clone();
    let name = user
        .name
        .or_else(|| user.email.clone())
        .unwrap_or_else(|| subject.clone());
    Ok(SignedIn {
        issuer: user.tokens.issuer,
        subject,
        name,
        email: user.email,
        device: thumbprint,
    })
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
        SignInError::Licensing(error) => failed(error.problem()),
    }
}
