//! One sign-in by a code that the user types in a browser elsewhere (RFC 8628), with a polling loop of our own: it waits
//! before it asks, keeps to an interval that makes sense, and goes on over whatever a network does until the code ends.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use latchkey_api::discovery::Identity;
use latchkey_core::time::Timestamp;
use latchkey_core::view::UserCode;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use super::device_answer::{Answer, read, user_code};
use super::pace::Pace;
use super::provider::Provider;
use super::refused::Refused;
use super::signed_in::{Asked, SignedIn};
use super::token_answer::TokenAnswer;
use super::{IdentityError, Oidc, exchange};
use crate::http::HttpError;
use crate::secret::SecretText;

/// The grant (section 3.4).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Timers stand still while the machine sleeps: what has passed is looked at again at least this often.
const LOOK: Duration = Duration::from_secs(30);

/// A sign-in whose code is known, and that waits for the user. Dropping it ends it.
#[derive(Debug)]
pub struct DeviceAttempt {
    oidc: Oidc,
    provider: Arc<Provider>,
    identity: Identity,
    scopes: Vec<String>,
    code: UserCode,
    device_code: SecretText,
    verifier: Option<PkceCodeVerifier>,
    pace: Pace,
    expires_in: Duration,
    /// In ticks, which count sleep and which a clock that is set back does not prolong.
    ends_at: Duration,
    /// By the clock, which the provider's is nearer to.
    expires_at: Timestamp,
}

impl Oidc {
    /// Asks the issuer for a code, which is good for at most `within`. With `anew`, a session that the user has at the issuer is not to
    /// be enough; RFC 8628 knows no such wish, and an issuer may pass over it.
    ///
    /// # Errors
    /// [`IdentityError`]; [`IdentityError::NoDeviceCode`] where the issuer offers none.
    pub async fn begin_with_code(
        &self,
        identity: &Identity,
        within: Duration,
        anew: bool,
    ) -> Result<DeviceAttempt, IdentityError> {
        let provider = self.discover(&identity.issuer).await?;
        let endpoint = provider.metadata.device_authorization_endpoint.as_ref();
        let endpoint = endpoint.ok_or(IdentityError::NoDeviceCode)?;
        let scopes = exchange::scopes(identity);
        let (answer, verifier) = self.ask_for_code(endpoint, identity, &scopes, anew).await?;
        let expires_in = answer.expires_in.unwrap_or(within).min(within);
        Ok(DeviceAttempt {
            code: user_code(&answer)?,
            device_code: answer.device_code,
            verifier,
            pace: Pace::new(answer.interval),
            expires_in,
            ends_at: self.clock.ticks() + expires_in,
            expires_at: self.now() + expires_in,
            oidc: self.clone(),
            provider,
            identity: identity.clone(),
            scopes,
        })
    }

    /// Asks as RFC 8628 says, which knows no PKCE, and with PKCE where that is refused: Keycloak wants it of every sign-in of
    /// a client that must use it. Not at once: others refuse a verifier for which they have kept no challenge. An issuer that refuses the
    /// wish for a new sign-in is asked without.
    async fn ask_for_code(
        &self,
        endpoint: &Url,
        identity: &Identity,
        scopes: &[String],
        anew: bool,
    ) -> Result<(Answer, Option<PkceCodeVerifier>), IdentityError> {
        let way = async |anew: bool, pkce: bool| {
            let pkce = pkce.then(PkceCodeChallenge::new_random_sha256);
            let challenge = pkce.as_ref().map(|(challenge, _)| challenge);
            let form = form(identity, scopes, anew, challenge);
            let answered = self.post::<Answer>(endpoint, form.into_iter()).await?;
            Ok::<_, IdentityError>(answered.map(|answer| (answer, pkce.map(|(_, verifier)| verifier))))
        };
        let mut answered = way(anew, false).await?;
        let others = [(anew, true), (false, false), (false, true)];
        for (anew, pkce) in others.into_iter().take(if anew { 3 } else { 1 }) {
            let is_refused = |refused: &Refused| refused.error == "invalid_request";
            if !answered.as_ref().is_err_and(is_refused) {
                break;
            }
            answered = way(anew, pkce).await?;
        }
        answered.map_err(Refused::into_error)
    }

    /// Posts a form, and reads the answer or the error that came.
    async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: impl Iterator<Item = (&'static str, String)>,
    ) -> Result<Result<T, Refused>, IdentityError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let headers = HeaderMap::from_iter([
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let answer = self
            .http
            .exchange(Method::POST, url, headers, body.into_bytes())
            .await?;
        read(url, &answer)
    }
}

/// What one question brought.
enum Polled {
    Tokens(Box<TokenAnswer>),
    NotYet,
    SlowDown,
}

impl DeviceAttempt {
    /// What the user types, and where.
    pub const fn code(&self) -> &UserCode {
        &self.code
    }

    /// The address to open: with the code in it, where the provider offers that.
    pub fn url(&self) -> &str {
        let complete = self.code.verification_uri_complete.as_deref();
        complete.unwrap_or(&self.code.verification_uri)
    }

    /// How long the code is good, from the moment it was given.
    pub const fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// Asks until the user has signed in elsewhere. What a network or a busy provider does in between ends nothing. `returned`
    /// is called when they have: whatever is still to be done then, the code's end does not end it.
    ///
    /// # Errors
    /// [`IdentityError::Denied`], [`IdentityError::Expired`], or what the provider says for good. Where it could not be asked when
    /// the code ended, that is why.
    pub async fn signed_in(mut self, returned: impl FnOnce()) -> Result<SignedIn, IdentityError> {
        let mut in_vain = None;
        loop {
            let pause = self.pace.next(self.left());
            if !self.waits(pause).await {
                return Err(in_vain.unwrap_or(IdentityError::Expired));
            }
            // Where nobody answered, the way may be another by now.
            self.oidc.http.follow_settings().await;
            match self.poll().await {
                Ok(Polled::Tokens(answer)) => {
                    returned();
                    return self.believe(&answer).await;
                }
                Ok(Polled::NotYet) => {
                    in_vain = None;
                    self.pace.answered();
                }
                Ok(Polled::SlowDown) => {
                    in_vain = None;
                    self.pace.slow_down();
                }
                Err(error) if is_passing(&error) => {
                    tracing::debug!(%error, "asked in vain whether the user has signed in");
                    match &error {
                        IdentityError::Http(error) if error.is_timeout() => self.pace.timed_out(),
                        IdentityError::Busy { retry_after }
                        | IdentityError::Unavailable { retry_after, .. } => self.pace.busy(*retry_after),
                        _ => self.pace.answered(),
                    }
                    in_vain = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// How long the code is still good.
    fn left(&self) -> Duration {
        let by_ticks = self.ends_at.saturating_sub(self.oidc.clock.ticks());
        by_ticks.min(self.expires_at.since(self.oidc.now()))
    }

    /// Waits, and not past the code's end: says whether that was not reached.
    async fn waits(&self, time: Duration) -> bool {
        let until = self.oidc.clock.ticks() + time;
        loop {
            let now = self.oidc.clock.ticks();
            if now >= self.ends_at || self.oidc.now() >= self.expires_at {
                return false;
            }
            let left = until.min(self.ends_at).saturating_sub(now);
            if left.is_zero() {
                return true;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }

    async fn poll(&self) -> Result<Polled, IdentityError> {
        let form = [
            ("grant_type", GRANT.to_owned()),
            ("device_code", self.device_code.expose().to_owned()),
            ("client_id", self.identity.client_id.clone()),
        ];
        let verifier = self.verifier.as_ref();
        let verifier = verifier.map(|verifier| ("code_verifier", verifier.secret().clone()));
        let form = form
            .into_iter()
            .chain(exchange::target(&self.identity))
            .chain(verifier);
        let endpoint = &self.provider.metadata.token_endpoint;
        match self.oidc.post(endpoint, form).await? {
            Ok(answer) => Ok(Polled::Tokens(Box::new(answer))),
            Err(refused) => match refused.error.as_str() {
                "authorization_pending" => Ok(Polled::NotYet),
                "slow_down" => Ok(Polled::SlowDown),
                _ => Err(refused.into_error()),
            },
        }
    }

    async fn believe(&self, answer: &TokenAnswer) -> Result<SignedIn, IdentityError> {
        let asked = Asked {
            oidc: &self.oidc,
            provider: &self.provider,
            identity: &self.identity,
            scopes: &self.scopes,
            nonce: None,
        };
        SignedIn::read(answer, &asked).await
    }
}

/// Whether asking again may help: the provider or the way to it is out, and has said nothing about the code. A provider
/// that redirects or answers without an end is not out, it is not to be trusted with the code (cases 4 and 5).
const fn is_passing(error: &IdentityError) -> bool {
    matches!(
        error,
        IdentityError::Http(HttpError::Unreachable { .. }) | IdentityError::CaptivePortal { .. }
    ) || error.is_passing()
}

/// What is sent to ask for a code.
fn form(
    identity: &Identity,
    scopes: &[String],
    anew: bool,
    challenge: Option<&PkceCodeChallenge>,
) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("client_id", identity.client_id.clone()),
        ("scope", scopes.join(" ")),
    ];
    form.extend(exchange::target(identity));
    if anew {
        form.extend([("prompt", "login".to_owned()), ("max_age", "0".to_owned())]);
    }
    if let Some(challenge) = challenge {
        form.extend([
            ("code_challenge", challenge.as_str().to_owned()),
            ("code_challenge_method", challenge.method().as_str().to_owned()),
        ]);
    }
    form
}
