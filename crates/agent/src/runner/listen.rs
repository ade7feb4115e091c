//! The stream of pushes, and the user's own devices: requests beside the check that are authorised like one.

use std::time::Duration;

use latchkey_api::devices::ReleaseDevice;
use latchkey_core::code::Code;
use latchkey_core::engine::{Attempt, Outcome, Ticket};
use latchkey_core::jws::SigningKey;
use latchkey_core::time::DAY;
use latchkey_ipc::messages::{Refused, Reply};

use super::{Report, Runner, Tools};
use crate::identity::session::{Credentials, SessionError};
use crate::licensing::{Caller, LicensingError, Pushed};
use crate::vault::VaultError;

/// Credentials are not refreshed for the sake of a stream, unless they have ended.
const REFRESHED_ELSEWHERE: Duration = DAY;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
enum ProvenError {
    #[error(transparent)]
    Licensing(#[from] LicensingError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ProvenError {
    /// When whoever did not answer wants to be asked again, if they said.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Licensing(error) => error.retry_after(),
            Self::Session(SessionError::Identity(error)) => error.retry_after(),
            Self::Session(_) | Self::Vault(_) => None,
        }
    }

    /// What whoever asked is told.
    fn refused(&self) -> Refused {
        let (code, problem) = match self {
            Self::Licensing(error @ (LicensingError::UnknownDevice | LicensingError::ReleaseLimit)) => {
                (Code::InvalidArgument, error.problem())
            }
            Self::Licensing(error) => (Code::LicensingUnavailable, error.problem()),
            Self::Session(error) => (Code::SignInRequired, error.problem()),
            Self::Vault(error) => (Code::AuthPending, crate::identity::problem::of_vault(error)),
        };
        Refused {
            code: code.number(),
            problem: problem.to_owned(),
            detail: self.to_string(),
        }
    }
}

/// An account at a licensing service.
#[derive(Clone, Debug)]
pub(crate) struct AccountAt {
    /// The licensing service.
    pub(crate) service: String,
    /// The identity service that the user is signed in at.
    pub(crate) issuer: String,
}

/// What the user wants of their devices.
#[derive(Clone, Debug)]
pub(crate) enum DevicesWish {
    /// To see them.
    List,
    /// To give one up.
    Release(ReleaseDevice),
}

impl Runner {
    pub(crate) fn listen(&mut self, attempt: Attempt, at: AccountAt) {
        let tools = self.tools.clone();
        let task = tokio::spawn(async move {
            let ended = listen(&tools, attempt, &at).await.inspect_err(|error| {
                tracing::debug!(%error, service = at.service, "no stream of pushes");
            });
            let retry_after = ended.err().and_then(|error| error.retry_after());
            tools.report(attempt, Outcome::ListeningEnded { retry_after });
        });
        self.streams.insert(attempt, task);
        self.streams.retain(|_, task| !task.is_finished());
    }

    pub(crate) fn stop_listening(&mut self, attempt: Attempt) {
        if let Some(task) = self.streams.remove(&attempt) {
            task.abort();
        }
    }

    /// Does what the user wants with their devices, and answers.
    pub(crate) fn devices(&self, ticket: Ticket, at: AccountAt, wish: DevicesWish) {
        let tools = self.tools.clone();
        tokio::spawn(async move {
            let reply = match devices(&tools, &at, &wish).await {
                Ok(reply) => reply,
                Err(error) => {
                    tracing::info!(%error, "the devices stay as they are");
                    Reply::Refused(error.refused())
                }
            };
            let changed = matches!((&wish, &reply), (DevicesWish::Release(_), Reply::Done));
            let changed = changed.then_some(at.service);
            let _loop_ended = tools
                .reports
                .send(Report::Replied(ticket, Box::new(reply), changed));
        });
    }
}

async fn credentials(tools: &Tools, at: &AccountAt) -> Result<(Credentials, SigningKey), ProvenError> {
    tools.http.follow_settings().await;
    let identity = tools.licensing.identity_of(&at.service, &at.issuer).await?;
    let credentials = tools
        .sessions
        .credentials(&at.service, &identity, REFRESHED_ELSEWHERE)
        .await?;
    let key = credentials.device_key.signing_key()?;
    Ok((credentials, key))
}

async fn listen(tools: &Tools, attempt: Attempt, at: &AccountAt) -> Result<(), ProvenError> {
    let (credentials, key) = credentials(tools, at).await?;
    let caller = Caller {
        service: &at.service,
        token: &credentials.tokens.access_token,
        key: &key,
    };
    let happened = |pushed| {
        let outcome = match pushed {
            Pushed::Stands => Outcome::Listening,
            Pushed::Check => Outcome::Pushed,
        };
        tools.report(attempt, outcome);
    };
    Ok(tools
        .licensing
        .listen(&caller, || tools.token_time(), happened)
        .await?)
}

async fn devices(tools: &Tools, at: &AccountAt, wish: &DevicesWish) -> Result<Reply, ProvenError> {
    let (credentials, key) = credentials(tools, at).await?;
    let caller = Caller {
        service: &at.service,
        token: &credentials.tokens.access_token,
        key: &key,
    };
    let now = || tools.token_time();
    match wish {
        DevicesWish::List => Ok(Reply::Devices(tools.licensing.devices(&caller, now).await?)),
        DevicesWish::Release(wanted) => {
            tools.licensing.release_device(&caller, wanted, now).await?;
            Ok(Reply::Done)
        }
    }
}
