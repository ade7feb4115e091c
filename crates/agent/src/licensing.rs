//! The licensing service, asked over the bounded HTTP client: discovery, check and release.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_api::check::{CheckAnswer, CheckRequest};
use latchkey_api::devices::{OwnDevices, ReleaseDevice};
use latchkey_api::discovery::{self, Discovery, Identity};
use latchkey_api::identity::IdentityQuery;
use latchkey_api::problem::Problem;
use latchkey_api::release::ReleaseRequest;
use latchkey_api::{dpop, events};
use latchkey_core::jws::SigningKey;
use latchkey_core::time::Timestamp;
use url::Url;

use crate::http::{Http, HttpError, Opened, Response};
use crate::secret::SecretText;
use crate::{identity, random};

/// Why the service did not do what was asked. None of these is a refusal: a refusal is signed (rule 9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LicensingError {
    /// No answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service is busy.
    #[error("the licensing service is busy")]
    Busy {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The access token is not taken.
    #[error("the licensing service does not take the access token")]
    InvalidToken,
    /// The service has nobody to judge the access token: the identity service does not answer it (rule 6).
    #[error("the identity service does not answer the licensing service")]
    IdentityUnavailable,
    /// It wants to know who the user is.
    #[error("the licensing service asks for the ID token")]
    IdTokenRequired,
    /// Something else answered: a captive portal, a proxy.
    #[error("something stands between this machine and the licensing service: {0}")]
    Blocked(String),
    /// The issuer that a user was signed in at is none of its own any more.
    #[error("the licensing service does not know the issuer any more")]
    UnknownIssuer,
    /// No identity service is responsible for the domain of a work address.
    #[error("no identity service is responsible for this address")]
    UnknownDomain,
    /// The user has no such device.
    #[error("the user has no such device")]
    UnknownDevice,
    /// As many devices were released today as a user may release.
    #[error("too many devices were released today")]
    ReleaseLimit,
    /// It is an older service.
    #[error("the licensing service does not offer this")]
    NotOffered,
    /// The service speaks an older API.
    #[error("the licensing service speaks API {0}, and this agent {own} or newer", own = discovery::API)]
    Outdated(u32),
    /// It answered something that is not its protocol.
    #[error("the licensing service answered {0}")]
    Unexpected(String),
}

impl LicensingError {
    /// The stable key of the sentence for it.
    pub fn problem(&self) -> &'static str {
        match self {
            Self::Http(error) => identity::problem::of_network(error).unwrap_or("licensing_unreachable"),
            Self::Unexpected(_) => "licensing_unreachable",
            Self::InvalidToken => "token_refused",
            Self::Busy { .. } => "service_busy",
            Self::IdentityUnavailable => "identity_unreachable",
            Self::IdTokenRequired => "id_token_required",
            Self::UnknownIssuer => "sign_in_again",
            Self::UnknownDomain => "unknown_domain",
            Self::Blocked(_) => "network_blocked",
            Self::UnknownDevice => "unknown_device",
            Self::ReleaseLimit => "release_limit",
            Self::NotOffered => "not_offered",
            Self::Outdated(_) => "service_outdated",
        }
    }
}

/// Who asks: the user by a token, and the device by its key.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The licensing service.
    pub service: &'a str,
    /// The access token.
    pub token: &'a SecretText,
    /// The device key.
    pub key: &'a SigningKey,
}

/// What the stream of pushes says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It stands.
    Stands,
    /// A check is asked for.
    Check,
}

/// The clients of all services. Clones share what was learned.
#[derive(Clone, Debug)]
pub struct Licensing {
    http: Http,
    learned: Arc<Mutex<BTreeMap<String, Learned>>>,
}

#[derive(Clone, Debug, Default)]
struct Learned {
    discovery: Option<Discovery>,
    /// The identity service that it named last; known also while it is out.
    issuer: Option<String>,
    /// Settings of issuers that users here are signed in at, and that are not the vendor's.
    identities: BTreeMap<String, Identity>,
    /// What signed registrations say of issuers: enough to sign in by while the service is out (rule 7).
    registered: Vec<Identity>,
    /// The nonce for the next proof (RFC 9449 section 8.2).
    nonce: Option<String>,
    /// How far the service's `Date` is ahead of our clock, in seconds, once it has mattered. It serves for a proof's
    /// `iat` alone: trusted time comes from what is signed.
    ahead: i64,
}

impl Licensing {
    /// Over this HTTP client.
    pub fn new(http: Http) -> Self {
        Self {
            http,
            learned: Arc::default(),
        }
    }

    fn learned<T>(&self, service: &str, change: impl FnOnce(&mut Learned) -> T) -> T {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        change(learned.entry(service.to_owned()).or_default())
    }

    /// What the service says about itself; from memory when it has said so since the last failure.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn discover(&self, service: &str) -> Result<Discovery, LicensingError> {
        if let Some(known) = self.learned(service, |learned| learned.discovery.clone()) {
            return Ok(known);
        }
        let url = address(&format!("{service}{}", discovery::PATH))?;
        let response = self.http.get(&url, HeaderMap::new()).await?;
        let found: Discovery = read(&response)?;
        if found.service != service {
            return Err(LicensingError::Unexpected(format!(
                "that it is {}, and was asked as {service}",
                found.service
            )));
        }
        if found.api_max < discovery::API {
            return Err(LicensingError::Outdated(found.api_max));
        }
        let origin = url.origin();
        let endpoints = [&found.keys, &found.check, &found.release].into_iter();
        let more = [
            &found.identities,
            &found.devices,
            &found.release_device,
            &found.events,
        ];
        for endpoint in endpoints.chain(more.into_iter().flatten()) {
            if address(endpoint)?.origin() != origin {
                return Err(LicensingError::Unexpected(format!(
                    "with the address {endpoint}, which is not its own"
                )));
            }
        }
        self.learned(service, |learned| {
            learned.issuer = Some(found.identity.issuer.clone());
            learned.discovery = Some(found.clone());
        });
        Ok(found)
    }

    /// Who says who the user with this work address is: their company's identity service, or the vendor's.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn identity_for(&self, service: &str, email: Option<&str>) -> Result<Identity, LicensingError> {
        let found = match self.discover(service).await {
            Ok(found) => found,
            // Which company a work address belongs to, only the service knows.
            Err(error @ (LicensingError::Http(_) | LicensingError::Unexpected(_))) if email.is_none() => {
                let registered = self.learned(service, |learned| learned.registered.first().cloned());
                return registered.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        match (email, &found.identities) {
            (Some(email), Some(_)) => {
                let query = IdentityQuery::Email(email.to_owned());
                self.ask_identity(service, &found, &query).await
            }
            (None, _) | (_, None) => Ok(found.identity),
        }
    }

    /// The settings of an issuer that a user is signed in at; from memory since the last failure.
    ///
    /// # Errors
    /// [`LicensingError`]; [`LicensingError::UnknownIssuer`] where the service has none such.
    pub async fn identity_of(&self, service: &str, issuer: &str) -> Result<Identity, LicensingError> {
        let found = self.discover(service).await?;
        if found.identity.issuer == issuer {
            return Ok(found.identity);
        }
        if let Some(known) = self.learned(service, |learned| learned.identities.get(issuer).cloned()) {
            return Ok(known);
        }
        if found.identities.is_none() {
            return Err(LicensingError::UnknownIssuer);
        }
        let query = IdentityQuery::Issuer(issuer.to_owned());
        let identity = self.ask_identity(service, &found, &query).await?;
        if identity.issuer != issuer {
            return Err(LicensingError::UnknownIssuer);
        }
        self.learned(service, |learned| {
            learned.identities.insert(issuer.to_owned(), identity.clone());
        });
        Ok(identity)
    }

    async fn ask_identity(
        &self,
        service: &str,
        found: &Discovery,
        query: &IdentityQuery,
    ) -> Result<Identity, LicensingError> {
        let url = address(found.identities.as_deref().unwrap_or_default())?;
        let response = self.http.post_json(&url, HeaderMap::new(), query).await?;
        let identity: Identity = read(&response)?;
        tracing::debug!(service, issuer = identity.issuer, "the identity service is named");
        Ok(identity)
    }

    /// Remembers what signed registrations say of issuers, by service, the vendor's own first; and nothing else of that.
    pub fn registered(&self, mut identities: BTreeMap<String, Vec<Identity>>) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        for (service, learned) in learned.iter_mut() {
            learned.registered = identities.remove(service).unwrap_or_default();
        }
        for (service, registered) in identities {
            learned.entry(service).or_default().registered = registered;
        }
    }

    /// What was signed of an issuer: nobody is asked.
    pub fn registered_identity(&self, service: &str, issuer: &str) -> Option<Identity> {
        self.learned(service, |learned| {
            let mut registered = learned.registered.iter();
            registered.find(|identity| identity.issuer == issuer).cloned()
        })
    }

    /// The identity service that this service named last or that was remembered; else the first that was signed.
    pub fn issuer(&self, service: &str) -> Option<String> {
        self.learned(service, |learned| {
            let registered = learned.registered.first();
            let known = learned.issuer.clone();
            known.or_else(|| Some(registered?.issuer.clone()))
        })
    }

    /// Remembers the identity service that an account here was signed in at.
    pub fn remember_issuer(&self, service: &str, issuer: &str) {
        self.learned(service, |learned| {
            learned.issuer.get_or_insert_with(|| issuer.to_owned());
        });
    }

    /// Forgets what the service said about itself, so that the next use asks anew.
    pub fn rediscover(&self, service: &str) {
        self.learned(service, |learned| {
            learned.discovery = None;
            learned.identities.clear();
        });
    }

    /// One check. A proof that was refused for its nonce or its time is made again, once each.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn check(
        &self,
        service: &str,
        request: &CheckRequest,
        token: &SecretText,
        key: &SigningKey,
        now: impl Fn() -> Timestamp,
    ) -> Result<CheckAnswer, LicensingError> {
        let url = address(&self.discover(service).await?.check)?;
        let caller = Caller { service, token, key };
        let response = self.proven(&url, &caller, request, now).await?;
        read(&response)
    }

    /// A request with a device proof. A proof that was refused for its nonce or its time is made again, once each.
    async fn proven<T: serde::Serialize + Sync>(
        &self,
        url: &Url,
        caller: &Caller<'_>,
        body: &T,
        now: impl Fn() -> Timestamp,
    ) -> Result<Response, LicensingError> {
        for last_try in [false, false, true] {
            let headers = self.headers("POST", url, caller, now().as_secs())?;
            let response = self.http.post_json(url, headers, body).await?;
            self.learn(caller.service, &response, now().as_secs());
            if !is_proof_refused(&response) || last_try {
                return Ok(response);
            }
        }
        Err(LicensingError::Unexpected("that no proof is good enough".into()))
    }

    /// The user's own devices.
    ///
    /// # Errors
    /// [`LicensingError`]; [`LicensingError::NotOffered`] by an older service.
    pub async fn devices(
        &self,
        caller: &Caller<'_>,
        now: impl Fn() -> Timestamp,
    ) -> Result<OwnDevices, LicensingError> {
        let found = self.discover(caller.service).await?;
        let url = address(found.devices.as_deref().ok_or(LicensingError::NotOffered)?)?;
        read(&self.proven(&url, caller, &(), now).await?)
    }

    /// Gives one of the user's devices up.
    ///
    /// # Errors
    /// [`LicensingError`]; [`LicensingError::UnknownDevice`] and [`LicensingError::ReleaseLimit`].
    pub async fn release_device(
        &self,
        caller: &Caller<'_>,
        wanted: &ReleaseDevice,
        now: impl Fn() -> Timestamp,
    ) -> Result<(), LicensingError> {
        let found = self.discover(caller.service).await?;
        let url = address(
            found
                .release_device
                .as_deref()
                .ok_or(LicensingError::NotOffered)?,
        )?;
        let response = self.proven(&url, caller, wanted, now).await?;
        match response.status {
            StatusCode::NO_CONTENT => Ok(()),
            _ => Err(verdict(&response)),
        }
    }

    /// The stream of pushes: `happened` is called for each, and when the stream stands. Returns when it has ended.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn listen(
        &self,
        caller: &Caller<'_>,
        now: impl Fn() -> Timestamp,
        mut happened: impl FnMut(Pushed),
    ) -> Result<(), LicensingError> {
        let found = self.discover(caller.service).await?;
        let url = address(found.events.as_deref().ok_or(LicensingError::NotOffered)?)?;
        for last_try in [false, false, true] {
            let headers = self.headers("GET", &url, caller, now().as_secs())?;
            match self.http.open(&url, headers).await? {
                Opened::Stream(mut stream) => {
                    while let Some(lines) = stream.lines().await? {
                        for line in lines {
                            match line.strip_prefix("event:").map(str::trim) {
                                Some(events::READY) => happened(Pushed::Stands),
                                Some(events::CHECK) => happened(Pushed::Check),
                                Some(_) | None => {}
                            }
                        }
                    }
                    return Ok(());
                }
                Opened::Answer(response) => {
                    self.learn(caller.service, &response, now().as_secs());
                    if !is_proof_refused(&response) || last_try {
                        return Err(verdict(&response));
                    }
                }
            }
        }
        Err(LicensingError::Unexpected("that no proof is good enough".into()))
    }

    /// Brings a release to the service.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn release(&self, service: &str, release: &ReleaseRequest) -> Result<(), LicensingError> {
        let url = address(&self.discover(service).await?.release)?;
        let response = self.http.post_json(&url, HeaderMap::new(), release).await?;
        match response.status {
            StatusCode::NO_CONTENT => Ok(()),
            _ => Err(verdict(&response)),
        }
    }

    fn headers(
        &self,
        method: &str,
        url: &Url,
        caller: &Caller<'_>,
        now: i64,
    ) -> Result<HeaderMap, LicensingError> {
        let Caller { service, token, key } = *caller;
        let (nonce, ahead) = self.learned(service, |learned| (learned.nonce.clone(), learned.ahead));
        let iat = now.saturating_add(ahead);
        let unusable =
            |why: &str| LicensingError::Unexpected(format!("to a request that cannot be made: {why}"));
        let proof = dpop::make(
            key,
            method,
            url.as_str(),
            nonce.as_deref(),
            Some(token.expose()),
            iat,
            &random::id(),
        )
        .map_err(|error| unusable(&error.to_string()))?;
        let sensitive = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| unusable("a token has characters no header may have"))?;
            value.set_sensitive(true);
            Ok::<_, LicensingError>(value)
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            sensitive(&format!("Bearer {}", token.expose()))?,
        );
        headers.insert(dpop::HEADER, sensitive(&proof)?);
        Ok(headers)
    }

    fn learn(&self, service: &str, response: &Response, now: i64) {
        let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
        let refused = problem(response).is_some_and(|problem| problem.code == "invalid_dpop_proof");
        let date = response.date().filter(|_| refused);
        self.learned(service, |learned| {
            if let Some(nonce) =
                header(dpop::NONCE_HEADER).filter(|nonce| !nonce.is_empty() && nonce.len() <= 512)
            {
                learned.nonce = Some(nonce.to_owned());
            }
            if let Some(date) = date {
                learned.ahead = date.as_second().saturating_sub(now);
            }
        });
    }
}

fn is_proof_refused(response: &Response) -> bool {
    let problem = problem(response);
    problem.is_some_and(|problem| matches!(problem.code.as_str(), "use_dpop_nonce" | "invalid_dpop_proof"))
}

fn address(text: &str) -> Result<Url, LicensingError> {
    Url::parse(text).map_err(|_| LicensingError::Unexpected(format!("with {text:?}, which is no address")))
}

fn problem(response: &Response) -> Option<Problem> {
    if response.status.is_success() {
        return None;
    }
    serde_json::from_slice(&response.body).ok()
}

fn read<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T, LicensingError> {
    if response.status != StatusCode::OK || response.is_html() {
        return Err(verdict(response));
    }
    serde_json::from_slice(&response.body)
        .map_err(|_| LicensingError::Unexpected("with something that is not its protocol".into()))
}

/// 5xx, but for the one by which a portal says that it is one (RFC 6585 section 6).
fn is_outage(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NETWORK_AUTHENTICATION_REQUIRED
}

/// What an answer without a result means.
fn verdict(response: &Response) -> LicensingError {
    let retry_after = response.retry_after();
    let problem = problem(response);
    match (
        response.status,
        problem.as_ref().map(|problem| problem.code.as_str()),
    ) {
        // A gateway in front of the service says in a page that the service is gone (rule 7); a portal says anything else so.
        (status, _) if response.is_html() && !is_outage(status) => {
            LicensingError::Blocked(format!("a web page with status {}", response.status.as_u16()))
        }
        (StatusCode::TOO_MANY_REQUESTS, _) => LicensingError::Busy { retry_after },
        // Before what is busy: it too says when to come back.
        (StatusCode::SERVICE_UNAVAILABLE, Some("identity_unavailable")) => {
            LicensingError::IdentityUnavailable
        }
        // A gateway says when to come back as well: it speaks for nobody who works (rule 7).
        (StatusCode::SERVICE_UNAVAILABLE, Some("overloaded")) => LicensingError::Busy { retry_after },
        (StatusCode::UNAUTHORIZED, Some("invalid_token")) => LicensingError::InvalidToken,
        (_, Some("id_token_required")) => LicensingError::IdTokenRequired,
        (StatusCode::NOT_FOUND, Some("unknown_device")) => LicensingError::UnknownDevice,
        (StatusCode::CONFLICT, Some("release_limit")) => LicensingError::ReleaseLimit,
        (StatusCode::NOT_FOUND, Some("unknown_issuer")) => LicensingError::UnknownIssuer,
        (StatusCode::NOT_FOUND, Some("unknown_domain")) => LicensingError::UnknownDomain,
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => {
            LicensingError::Blocked("a proxy that wants a password".into())
        }
        (status, code) => LicensingError::Unexpected(match code {
            Some(code) => format!("{} ({code})", status.as_u16()),
            None => status.as_u16().to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn a_service_whose_identity_service_is_out_is_not_busy() {
        let answer = |code: &str| Response {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: HeaderMap::from_iter([(header::RETRY_AFTER, header::HeaderValue::from_static("5"))]),
            body: format!(r#"{{"type":"about:blank","title":"Not now","status":503,"code":"{code}"}}"#)
                .into_bytes(),
        };
        let error = verdict(&answer("identity_unavailable"));
        assert_eq!(error, LicensingError::IdentityUnavailable);
        assert_eq!(error.problem(), "identity_unreachable");
        let busy = verdict(&answer("overloaded"));
        assert!(matches!(busy, LicensingError::Busy { .. }), "{busy:?}");
        let gateway = verdict(&answer("maintenance"));
        assert!(matches!(gateway, LicensingError::Unexpected(_)), "{gateway:?}");
    }

    /// A gateway says in a page that the service is gone; a portal says in one that it is a portal.
    #[test]
    fn a_page_of_a_gateway_is_an_outage_and_any_other_a_portal() {
        let page = |status: StatusCode| {
            let html = header::HeaderValue::from_static("text/html; charset=utf-8");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, html)]);
            let body = b"<html><body>nginx</body></html>".to_vec();
            verdict(&Response {
                status,
                headers,
                body,
            })
        };
        for status in [500, 502, 503, 504] {
            let error = page(StatusCode::from_u16(status).unwrap());
            assert!(
                matches!(error, LicensingError::Unexpected(_)),
                "{status}: {error:?}"
            );
        }
        for status in [200, 403, 407, 511] {
            let error = page(StatusCode::from_u16(status).unwrap());
            assert!(matches!(error, LicensingError::Blocked(_)), "{status}: {error:?}");
        }
    }
}
