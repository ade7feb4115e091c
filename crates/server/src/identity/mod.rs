//! The issuers' keys: fetched when they are needed, remembered while the issuer is out (rule 6), and never fetched more
//! often than an attacker with made-up key ids could want.

pub(crate) mod fetch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub use self::fetch::{FetchError, fetchable};
use crate::jwt::KeySet;

/// How long keys are believed, and how often they are fetched.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Keys younger than this are used without a question; older ones are renewed meanwhile.
    pub fresh: Duration,
    /// Keys older than this are used no more: a key that the issuer has withdrawn must end some day.
    pub stale: Duration,
    /// The shortest time between two fetches from one issuer.
    pub cooldown: Duration,
    /// The same after a fetch that failed.
    pub retry: Duration,
    /// How long one answer may take, its body included.
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

struct Source {
    issuer: String,
    timing: Timing,
    known: RwLock<Option<Known>>,
    /// One fetch at a time; and when the last one was tried.
    gate: tokio::sync::Mutex<Option<Tried>>,
}

#[derive(Clone)]
struct Known {
    documents: Arc<Documents>,
    fetched: Instant,
}

impl Known {
    fn has(&self, kid: Option<&str>) -> bool {
        self.documents.keys.has(kid)
    }
}

struct Tried {
    at: Instant,
    failed: Option<String>,
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
    /// [`IdentityUnavailable`] when there are none to judge by.
    pub async fn keys(&self, issuer: &str, kid: Option<&str>) -> Result<Keys, IdentityUnavailable> {
        self.documents(issuer, kid).await.map(Keys)
    }

    /// Where `issuer` is asked about its tokens (RFC 7662), by its own discovery document.
    ///
    /// # Errors
    /// [`IdentityUnavailable`] when nobody knows, or there is no such place.
    pub async fn introspection_endpoint(&self, issuer: &str) -> Result<String, IdentityUnavailable> {
        let documents = self.documents(issuer, None).await?;
        let endpoint = documents.introspection_endpoint.clone();
        endpoint.ok_or_else(|| IdentityUnavailable {
            issuer: issuer.to_owned(),
            about: "about a token",
            why: "its discovery document names no introspection_endpoint".into(),
        })
    }

    async fn documents(
        &self,
        issuer: &str,
        kid: Option<&str>,
    ) -> Result<Arc<Documents>, IdentityUnavailable> {
        let source = self.source(issuer);
        match source.known() {
            Some(known) if known.has(kid) => {
                if known.fetched.elapsed() >= self.timing.fresh {
                    let http = self.http.clone();
                    tokio::spawn(async move { source.renew_if_idle(&http).await });
                }
                Ok(known.documents)
            }
            _ => source.fetch(&self.http, kid).await,
        }
    }

    fn source(&self, issuer: &str) -> Arc<Source> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let source = sources.entry(issuer.to_owned()).or_insert_with(|| {
            Arc::new(Source {
                issuer: issuer.to_owned(),
                timing: self.timing,
                known: RwLock::default(),
                gate: tokio::sync::Mutex::default(),
            })
        });
        Arc::clone(source)
    }
}

impl Source {
    fn known(&self) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| known.fetched.elapsed() < self.timing.stale)
    }

    /// Fetches, unless somebody else does, or just did.
    async fn renew_if_idle(&self, http: &reqwest::Client) {
        if let Ok(mut tried) = self.gate.try_lock()
            && !self.cooling(tried.as_ref())
        {
            self.try_now(http, &mut tried).await;
        }
    }

    /// Fetches, or waits for whoever does.
    async fn fetch(
        &self,
        http: &reqwest::Client,
        kid: Option<&str>,
    ) -> Result<Arc<Documents>, IdentityUnavailable> {
        let mut tried = self.gate.lock().await;
        let satisfied = self.known().is_some_and(|known| known.has(kid));
        if !satisfied && !self.cooling(tried.as_ref()) {
            self.try_now(http, &mut tried).await;
        }
        self.known()
            .map(|known| known.documents)
            .ok_or_else(|| IdentityUnavailable {
                issuer: self.issuer.clone(),
                about: "for its keys",
                why: tried
                    .as_ref()
                    .and_then(|tried| tried.failed.clone())
                    .unwrap_or_default(),
            })
    }

    async fn try_now(&self, http: &reqwest::Client, tried: &mut Option<Tried>) {
        let at = Instant::now();
        let failed = match fetch::documents(http, &self.issuer).await {
            Ok(documents) => {
                let known = Known {
                    documents: Arc::new(documents),
                    fetched: at,
                };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
                None
            }
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "the issuer's keys cannot be fetched");
                Some(error.to_string())
            }
        };
        *tried = Some(Tried { at, failed });
    }

    fn cooling(&self, tried: Option<&Tried>) -> bool {
        let Timing { cooldown, retry, .. } = self.timing;
        tried.is_some_and(|tried| tried.at.elapsed() < if tried.failed.is_some() { retry } else { cooldown })
    }
}
