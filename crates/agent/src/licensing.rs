//! The licensing service, asked over the bounded HTTP client: discovery, check and release.

mod answer;
mod identities;
mod proof;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, StatusCode};
use latchkey_api::check::{CheckAnswer, CheckRequest};
use latchkey_api::devices::{OwnDevices, ReleaseDevice};
use latchkey_api::discovery::{Discovery, Identity};
use latchkey_api::events;
use latchkey_api::release::ReleaseRequest;
use latchkey_core::jws::SigningKey;
use latchkey_core::time::Timestamp;
use url::Url;

pub use self::answer::LicensingError;
use self::answer::{read, verdict};
use self::proof::is_proof_refused;
use crate::http::{Http, Opened};
use crate::secret::SecretText;

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
    /// Settings of issuers that users here are signed in at, as it said them since the last failure.
    identities: BTreeMap<String, Identity>,
    /// The same, as it said them last; known also while it is out.
    last: BTreeMap<String, Identity>,
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
}

fn address(text: &str) -> Result<Url, LicensingError> {
    Url::parse(text).map_err(|_| LicensingError::Unexpected(format!("with {text:?}, which is no address")))
}
