//! The temporary licence of a first start in an outage (rule 7): an ID token that the identity service has just given, and the
//! device key's signature over it.

use std::time::Duration;

use latchkey_core::engine::{Attempt, NotSigned, Outcome};
use latchkey_core::id_token::{BELIEVED_FOR, IdToken};
use latchkey_core::jws::JwsError;
use latchkey_core::temporary::{self, SelfSigned, TemporaryClaims};
use latchkey_core::time::{MINUTE, Timestamp};

use super::{Runner, Tools};
use crate::identity::session::{Credentials, SessionError};
use crate::vault::VaultError;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
enum NotProven {
    #[error("no signed registration names the issuer that the user is signed in at")]
    OtherIssuer,
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("the identity service gives no new ID token when tokens are refreshed")]
    NoIdToken,
    #[error(transparent)]
    Key(#[from] VaultError),
    #[error(transparent)]
    Jws(#[from] JwsError),
}

impl NotProven {
    const fn in_words(&self) -> NotSigned {
        match self {
            Self::Session(SessionError::SignInAgain(_)) => NotSigned::SignInAgain,
            Self::OtherIssuer | Self::Session(_) | Self::NoIdToken | Self::Key(_) | Self::Jws(_) => {
                NotSigned::OutOfReach
            }
        }
    }
}

impl Runner {
    /// Completes the claims with an ID token of the account's issuer, and signs them.
    pub(crate) fn sign_first_start(
        &mut self,
        attempt: Attempt,
        service: String,
        issuer: String,
        claims: TemporaryClaims,
    ) {
        let tools = self.tools.clone();
        let name = service.clone();
        self.spawn(&name, async move {
            tools.http.follow_settings().await;
            let signed = sign(&tools, &service, &issuer, claims).await;
            let signed = signed.map_err(|error| {
                tracing::info!(%error, service, "no temporary licence for a first start");
                error.in_words()
            });
            tools.report(attempt, Outcome::TemporarySigned(signed));
        });
    }
}

/// The service is known to be out: nobody asks it for the settings of the issuer.
async fn sign(
    tools: &Tools,
    service: &str,
    issuer: &str,
    mut claims: TemporaryClaims,
) -> Result<SelfSigned, NotProven> {
    let identity = tools
        .licensing
        .registered_identity(service, issuer)
        .ok_or(NotProven::OtherIssuer)?;
    let at = Timestamp::from_secs(claims.iat);
    let credentials = |refresh_every| tools.sessions.credentials(service, &identity, refresh_every);
    let mut session = credentials(BELIEVED_FOR).await?;
    // What was had a moment ago would be no other the next moment.
    let is_new = session.tokens.obtained_at + MINUTE > tools.token_time();
    if !proves(&session, at) && !is_new {
        session = credentials(Duration::ZERO).await?;
    }
    if !proves(&session, at) {
        return Err(NotProven::NoIdToken);
    }
    claims.id_token = Some(session.tokens.id_token.expose().to_owned());
    Ok(temporary::sign(&session.device_key.signing_key()?, &claims)?)
}

fn proves(session: &Credentials, at: Timestamp) -> bool {
    let kept = IdToken::kept(session.tokens.id_token.expose());
    kept.is_some_and(|token| token.objection(at).is_none())
}
