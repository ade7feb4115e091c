//! One browser sign-in: authorization code with PKCE over a loopback redirect (RFC 6749, 7636, 8252, 9700).

use std::sync::Arc;
use std::time::Duration;

use latchkey_api::discovery::{Identity, Prompt};
use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use openidconnect::Nonce;
use url::Url;

use super::callback::{self, Callback, Listener, Told};
use super::exchange::{self, OAuth, Wire};
use super::provider::{Metadata, Provider};
use super::signed_in::{Asked, SignedIn};
use super::{IdentityError, Oidc, shortened};

/// A sign-in whose address is known, and that waits for the browser. Dropping it closes its listener.
#[derive(Debug)]
pub struct Attempt {
    url: Url,
    listener: Listener,
    state: CsrfToken,
    within: Duration,
    flow: Flow,
}

/// What of an attempt outlives the browser's part of it.
#[derive(Debug)]
struct Flow {
    oidc: Oidc,
    provider: Arc<Provider>,
    identity: Identity,
    client: OAuth,
    redirect_uri: RedirectUrl,
    verifier: PkceCodeVerifier,
    nonce: Nonce,
    scopes: Vec<String>,
}

/// The user is back, with a code.
#[derive(Debug)]
pub struct Returned {
    code: AuthorizationCode,
    browser: Browser,
    flow: Flow,
}

/// The browser, which waits to be told how it ended. Dropped without a word, it shows that the sign-in was ended.
#[derive(Debug)]
pub struct Browser(callback::Browser);

impl Oidc {
    /// Begins a sign-in: asks the issuer where to go, and listens for the browser to come back, for at most `within`.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub async fn begin(
        &self,
        identity: &Identity,
        wish: Wish<'_>,
        within: Duration,
    ) -> Result<Attempt, IdentityError> {
        let provider = self.discover(&identity.issuer).await?;
        let listener = Listener::bind(&identity.redirect).await?;
        let redirect_uri = RedirectUrl::new(listener.redirect_uri().to_owned()).map_err(|error| {
            IdentityError::Misconfigured {
                why: error.to_string(),
            }
        })?;
        let client = exchange::client(identity, &provider.metadata).set_redirect_uri(redirect_uri.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = Nonce::new_random();
        let scopes = exchange::scopes(identity);
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", nonce.secret().clone());
        // Section 3.1.2.1: whoever has typed their address here need not type it again there.
        let hint = wish.email.map(|email| ("login_hint", email.to_owned()));
        let asks_consent = identity.prompt == Prompt::Consent;
        let wishes = wishes(&scopes, &provider.metadata, asks_consent, wish.anew).chain(hint);
        for (name, value) in exchange::target(identity).chain(wishes) {
            request = request.add_extra_param(name, value);
        }
        let (url, state) = request.url();
        let flow = Flow {
            oidc: self.clone(),
            provider,
            identity: identity.clone(),
            client,
            redirect_uri,
            verifier,
            nonce,
            scopes,
        };
        Ok(Attempt {
            url,
            listener,
            state,
            within,
            flow,
        })
    }
}

/// Parameters that follow from what is asked for, and of whom.
fn wishes(
    scopes: &[String],
    metadata: &Metadata,
    asks_consent: bool,
    anew: bool,
) -> impl Iterator<Item = (&'static str, String)> {
    // OpenID Connect Core 1.0 section 11: without the user's consent, a request for offline access is to be ignored, unless the provider
    // has other conditions for it.
    let consent = asks_consent && scopes.iter().any(|scope| scope == "offline_access");
    let prompt = match (anew, consent) {
        (true, true) => Some("login consent"),
        (true, false) => Some("login"),
        (false, true) => Some("consent"),
        (false, false) => None,
    };
    let prompt = prompt.map(|prompt| ("prompt", prompt.to_owned()));
    // Section 3.1.2.1: then the ID token says when that was (`auth_time`).
    let max_age = anew.then(|| ("max_age", "0".to_owned()));
    // Section 5.5: a strict provider names the user only behind its userinfo endpoint, unless it is asked.
    let claims = metadata.claims_parameter_supported.then(|| {
        (
            "claims",
            r#"{"id_token":{"email":null,"email_verified":null,"name":null}}"#.to_owned(),
        )
    });
    prompt.into_iter().chain(max_age).chain(claims)
}

/// How somebody wants to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The user's address, so that it need not be typed again.
    pub email: Option<&'a str>,
    /// A session that the browser has at the issuer is not enough.
    pub anew: bool,
}

impl Attempt {
    /// The address to open in the user's browser.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Waits for the user to come back. The listener is closed when this ends, however it ends.
    ///
    /// # Errors
    /// [`IdentityError::Expired`], [`IdentityError::Denied`], [`IdentityError::Provider`] or
    /// [`IdentityError::CallbackIssuer`]. The browser has been told.
    pub async fn returned(self) -> Result<Returned, IdentityError> {
        let arrival = tokio::time::timeout(self.within, self.listener.wait(self.state.secret()));
        let (callback, browser) = arrival.await.map_err(|_elapsed| IdentityError::Expired)?;
        let browser = Browser(browser);
        match code(callback, &self.flow.provider.metadata) {
            Ok(code) => Ok(Returned {
                code: AuthorizationCode::new(code),
                browser,
                flow: self.flow,
            }),
            Err(error) => {
                browser.failed(error.problem(), &error.to_string()).await;
                Err(error)
            }
        }
    }
}

fn code(callback: Callback, metadata: &Metadata) -> Result<String, IdentityError> {
    let required = metadata.authorization_response_iss_parameter_supported;
    match &callback.issuer {
        Some(issuer) if *issuer == metadata.issuer => {}
        None if !required => {}
        other => {
            let found = other.as_deref().map(shortened);
            return Err(IdentityError::CallbackIssuer {
                expected: metadata.issuer.clone(),
                found,
            });
        }
    }
    callback.result.map_err(|refused| {
        let description = shortened(&refused.description);
        match refused.error.as_str() {
            "access_denied" => IdentityError::Denied { description },
            error => IdentityError::Provider {
                error: shortened(error),
                description,
            },
        }
    })
}

impl Returned {
    /// Exchanges the code, and believes what comes back only after all of it has been verified.
    ///
    /// # Errors
    /// [`IdentityError`]. The browser has been told.
    pub async fn exchange(self) -> Result<(SignedIn, Browser), IdentityError> {
        match self.flow.exchange(self.code).await {
            Ok(signed_in) => Ok((signed_in, self.browser)),
            Err(error) => {
                self.browser.failed(error.problem(), &error.to_string()).await;
                Err(error)
            }
        }
    }
}

impl Flow {
    async fn exchange(self, code: AuthorizationCode) -> Result<SignedIn, IdentityError> {
        let mut request = self
            .client
            .exchange_code(code)
            .set_pkce_verifier(self.verifier)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect_uri));
        for (name, value) in exchange::target(&self.identity) {
            request = request.add_extra_param(name, value);
        }
        let answer = request.request_async(&Wire(self.oidc.http.clone())).await;
        let answer = exchange::read(answer).map_err(IdentityError::from)?;
        SignedIn::read(
            &answer,
            &Asked {
                oidc: &self.oidc,
                provider: &self.provider,
                identity: &self.identity,
                scopes: &self.scopes,
                nonce: Some(&self.nonce),
            },
        )
        .await
    }
}

impl Browser {
    /// Shows that the user is signed in. Call it when the tokens are stored, and not before.
    pub async fn signed_in(self) {
        self.0.tell(Told::SignedIn).await;
    }

    /// Shows what went wrong: a stable key, and detail for support.
    pub async fn failed(self, problem: &str, detail: &str) {
        self.0
            .tell(Told::Failed {
                problem: problem.into(),
                detail: detail.into(),
            })
            .await;
    }
}
