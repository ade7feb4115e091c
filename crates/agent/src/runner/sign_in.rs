//! A sign-in, until its tokens are in the vault and the engine has written it down. Only then does the browser say that
//! the user is signed in.

use std::time::Duration;

use latchkey_api::discovery::Identity;
use latchkey_core::engine::{Attempt, Invitation, Outcome, SignedIn};
use latchkey_core::view::{SignInMethod, SignInResult};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Runner, Tools, sign_release};
use crate::devices::{Device, Slot};
use crate::identity::problem::{CERTIFICATE, CLOCK_WRONG, PROVIDER_UNTRUSTED};
use crate::identity::session::SessionError;
use crate::identity::{self, Browser, IdentityError, Wish};
use crate::licensing::LicensingError;
use crate::vault::Access;

/// How long a keyring takes to show its prompt, or to find out that it cannot.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// How long the browser waits for the state to be written.
const KEPT_WITHIN: Duration = Duration::from_secs(10);

/// The sign-in that is under way.
#[derive(Debug)]
pub(super) struct Open {
    attempt: Attempt,
    service: String,
    task: JoinHandle<()>,
    /// Says that it is on disk.
    kept: oneshot::Sender<()>,
}

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
    /// A session that the browser has at the identity service is not enough.
    pub(crate) anew: bool,
    /// How long it may take.
    pub(crate) within: Duration,
}

impl Runner {
    pub(crate) fn begin_sign_in(&mut self, attempt: Attempt, begin: Begin) {
        let tools = self.tools.clone();
        // The user is here, so the keyring may ask them.
        tools.vault.ask_again();
        let (kept, is_kept) = oneshot::channel();
        let service = begin.service.clone();
        let task = tokio::spawn(async move {
            let (ended, browser) = match sign_in(&tools, attempt, &begin).await {
                Ok((signed_in, browser)) => (Ok(signed_in), browser),
                Err(error) => {
                    tracing::info!(%error, service = begin.service, "the sign-in ended");
                    (Err(in_words(&error, tools.times.is_wall_right())), None)
                }
            };
            tools.report(attempt, Outcome::SignInEnded(ended));
            // Dropped without a word, the page says that the sign-in was ended.
            if let Some(browser) = browser
                && let Ok(Ok(())) = tokio::time::timeout(KEPT_WITHIN, is_kept).await
            {
                browser.signed_in().await;
            }
        });
        let open = Open {
            attempt,
            service,
            task,
            kept,
        };
        if let Some(earlier) = self.sign_in.replace(open) {
            earlier.task.abort();
        }
    }

    /// The sign-in is on disk: whoever waits in the browser is told.
    pub(crate) fn sign_in_kept(&mut self, attempt: Attempt) {
        if let Some(open) = self.sign_in.take_if(|open| open.attempt == attempt) {
            self.tools.sessions.kept(&open.service);
            let _by_code = open.kept.send(());
        }
    }

    /// Ends a sign-in: with its task goes its listener. Where its tokens are in the vault by now, they are taken out again, and whoever
    /// was signed in before still is.
    pub(crate) fn cancel_sign_in(&mut self, attempt: Attempt) {
        if let Some(open) = self.sign_in.take_if(|open| open.attempt == attempt) {
            open.task.abort();
            let tools = self.tools.clone();
            tokio::spawn(async move {
                let before = tools.sessions.take_back(&open.service).await;
                if let Some(Ok(key)) = before.map(|key| key.signing_key()) {
                    tools.hand_over(&open.service, Slot::Held(Device::new(key)));
                }
            });
        }
    }
}

/// Who signed in, and the browser that waits to hear of it, if one does.
async fn sign_in(
    tools: &Tools,
    attempt: Attempt,
    begin: &Begin,
) -> Result<(SignedIn, Option<Browser>), SignInError> {
    tools.http.follow_settings().await;
    can_be_kept(tools).await?;
    tools.licensing.rediscover(&begin.service);
    let email = begin.email.as_deref();
    let identity = tools.licensing.identity_for(&begin.service, email).await?;
    match begin.method {
        SignInMethod::Browser => {
            let (signed_in, browser) = in_the_browser(tools, attempt, begin, &identity).await?;
            Ok((signed_in, Some(browser)))
        }
        SignInMethod::DeviceCode => Ok((by_code(tools, attempt, begin, &identity).await?, None)),
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
        ready = tools.vault.try_out() => Ok(ready?),
        () = prompting => Ok(()),
    }
}

async fn in_the_browser(
    tools: &Tools,
    attempt: Attempt,
    begin: &Begin,
    identity: &Identity,
) -> Result<(SignedIn, Browser), SignInError> {
    let begun = tools
        .oidc
        .begin(
            identity,
            Wish {
                email: begin.email.as_deref(),
                anew: begin.anew,
            },
            begin.within,
        )
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
    // The page may have been open for long: by now the way may be another.
    tools.http.follow_settings().await;
    let (user, browser) = returned.exchange().await?;
    match keep(tools, &begin.service, user).await {
        Ok(signed_in) => Ok((signed_in, browser)),
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
    let begun = tools
        .oidc
        .begin_with_code(identity, begin.within, begin.anew)
        .await?;
    let invitation = Invitation {
        issuer: identity.issuer.clone(),
        url: begun.url().to_owned(),
        code: Some(begun.code().clone()),
        expires_in: Some(begun.expires_in()),
    };
    tools.report(attempt, Outcome::SignInReady(invitation));
    let returned = || tools.report(attempt, Outcome::SignInReturned);
    let user = begun.signed_in(returned).await?;
    Ok(keep(tools, &begin.service, user).await?)
}

/// Puts the tokens into the vault, and hands the device key to the loop.
async fn keep(tools: &Tools, service: &str, user: identity::SignedIn) -> Result<SignedIn, SessionError> {
    let stored = tools.sessions.signed_in(service, &user).await?;
    let device = Device::new(stored.secrets.device_key.signing_key()?);
    let replaced = stored.replaced.and_then(|key| {
        let key = key.signing_key().ok()?;
        sign_release(&key, service, None, tools.token_time()).map(Box::new)
    });
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
        replaced,
    })
}

/// A certificate or a token that does not fit a clock which is known to be right is the fault of whoever has it.
fn in_words(error: &SignInError, is_wall_right: bool) -> SignInResult {
    let failed = |problem: &str| SignInResult::Failed {
        problem: match error {
            _ if problem != CLOCK_WRONG || !is_wall_right => problem,
            SignInError::Identity(IdentityError::Clock { .. }) => PROVIDER_UNTRUSTED,
            _ => CERTIFICATE,
        }
        .to_owned(),
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
