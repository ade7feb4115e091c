//! The issuers' keys: fetched when they are needed, remembered while the issuer is out (rule 6), and never fetched more
//! often than an attacker with made-up key ids could want.

pub(crate) mod fetch;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;

pub use self::fetch::{FetchError, fetchable};
use self::source::Source;
use crate::jwt::{JwtError, KeySet};

/// How long keys are believed, and how often they are fetched.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Keys younger than this are used without a question; older ones are renewed meanwhile.
    pub fresh: Duration,
    /// Keys older than this are used no more: a key that the issuer has withdrawn must end some day.
    pub stale: Duration,
    /// The shortest time between the end of one fetch from an issuer and the next.
    pub cooldown: Duration,
    /// The same after a fetch that failed.
    pub retry: Duration,
    /// How long one answer may take, its body included, and how long one fetch of all that an issuer publishes.
    pub patience: Duration,
}

impl Timing {
    /// What the service uses.
    pub const DEFAULT: Self = Self {
        fresh: Duration::from_secs(600),
        stale: Duration::from_secs(86_400),
        cooldown: Duration::from_secs(30),
        retry: Duration::from_secs(3),
        patience: Duration::from_secs(8),
    };
}

/// Why an issuer does not help. No token of it can be judged meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{issuer} cannot be asked {about}: {why}")]
pub struct IdentityUnavailable {
    /// The issuer.
    pub issuer: String,
    /// What for.
    pub about: &'static str,
    /// What failed.
    pub why: String,
}

/// Why it is not known what an issuer publishes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotKnown {
    /// The issuer does not say.
    #[error(transparent)]
    Unavailable(#[from] IdentityUnavailable),
    /// As many wait for the issuer's answer as may.
    #[error("too many wait for {0}")]
    Overloaded(String),
}

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotVerified {
    /// There is nothing to judge it by.
    #[error(transparent)]
    NotKnown(#[from] NotKnown),
    /// It is not what it should be.
    #[error(transparent)]
    Token(#[from] JwtError),
}

/// What an issuer publishes.
struct Documents {
    keys: KeySet,
    introspection_endpoint: Option<String>,
}

/// The keys of one issuer.
pub struct Keys(Arc<Documents>);

impl std::ops::Deref for Keys {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        &self.0.keys
    }
}

/// What every issuer publishes, as far as it was needed.
pub struct Identity {
    http: reqwest::Client,
    timing: Timing,
    sources: Mutex<BTreeMap<String, Arc<Source>>>,
}

impl Identity {
    /// Knows nothing yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(timing: Timing) -> Result<Self, FetchError> {
        Ok(Self {
            http: fetch::client(timing.patience)?,
            timing,
            sources: Mutex::default(),
        })
    }

    /// The client that asks issuers: bounded, and following no redirect.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// The keys of `issuer`, fetched again where none is called `kid`.
    ///
    /// # Errors
    /// [`NotKnown`] when there are none to judge by.
    pub async fn keys(&self, issuer: &str, kid: Option<&str>) -> Result<Keys, NotKnown> {
        self.documents(issuer, kid).await.map(Keys)
    }

    /// Verifies a token of `issuer`, whose header names the key `kid`. Where no signature fits, the keys are fetched again, no more often
    /// than for a key that is not known: issuers whose tokens or keys have no name, or give a new key the old one, rotate too.
    ///
    /// # Errors
    /// [`NotVerified`].
    pub async fn verify<T: DeserializeOwned>(
        &self,
        issuer: &str,
        kid: Option<&str>,
        token: &str,
    ) -> Result<T, NotVerified> {
        let documents = self.documents(issuer, kid).await?;
        match documents.keys.verify(token) {
            Err(JwtError::BadSignature) => {}
            judged => return Ok(judged?),
        }
        match self.source(issuer).fetch_newer(&self.http, &documents).await {
            Some(newer) => Ok(newer.keys.verify(token)?),
            None => Err(JwtError::BadSignature.into()),
        }
    }

    /// Where `issuer` is asked about its tokens (RFC 7662), by its own discovery document.
    ///
    /// # Errors
    /// [`NotKnown`] when nobody knows, or there is no such place.
    pub async fn introspection_endpoint(&self, issuer: &str) -> Result<String, NotKnown> {
        let documents = self.documents(issuer, None).await?;
        let endpoint = documents.introspection_endpoint.clone();
        Ok(endpoint.ok_or_else(|| IdentityUnavailable {
            issuer: issuer.to_owned(),
            about: "about a token",
            why: "its discovery document names no introspection_endpoint".into(),
        })?)
    }

    async fn documents(&self, issuer: &str, kid: Option<&str>) -> Result<Arc<Documents>, NotKnown> {
        let source = self.source(issuer);
        match source.known() {
            Some(known) if known.has(kid) => {
                if known.fetched.elapsed() >= self.timing.fresh {
                    source.renew_if_idle(&self.http);
                }
                Ok(known.documents)
            }
            _ => source.fetch(&self.http, kid).await,
        }
    }

    fn source(&self, issuer: &str) -> Arc<Source> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let source = sources
            .entry(issuer.to_owned())
            .or_insert_with(|| Arc::new(Source::new(issuer, self.timing)));
        Arc::clone(source)
    }
}
