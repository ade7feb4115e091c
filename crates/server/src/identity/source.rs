//! One issuer: what it has published, and the one question that is put to it at a time. Whoever needs the answer waits for it
//! together with all the others, and so many may.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio::task::JoinHandle;

use super::{Documents, IdentityUnavailable, NotKnown, Timing, fetch};

/// How many may wait for one issuer at once: a quarter of the requests that are worked on. Anybody can make up tokens, and
/// the users of other issuers shall not suffer from one that hangs.
pub(super) const MOST_WAITING: usize = 128;

pub(super) struct Source {
    issuer: String,
    timing: Timing,
    known: RwLock<Option<Known>>,
    /// Held while the issuer is asked: when that ended last, and how.
    last: Arc<Mutex<Option<Asked>>>,
    waiting: Semaphore,
}

#[derive(Clone)]
pub(super) struct Known {
    pub(super) documents: Arc<Documents>,
    pub(super) fetched: Instant,
}

impl Known {
    pub(super) fn has(&self, kid: Option<&str>) -> bool {
        self.documents.keys.has(kid)
    }
}

struct Asked {
    ended: Instant,
    failed: Option<String>,
}

type Last = OwnedMutexGuard<Option<Asked>>;

fn last_worked(last: Option<&Asked>) -> bool {
    last.is_some_and(|last| last.failed.is_none())
}

impl Source {
    pub(super) fn new(issuer: &str, timing: Timing) -> Self {
        Self {
            issuer: issuer.to_owned(),
            timing,
            known: RwLock::default(),
            last: Arc::default(),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }

    pub(super) fn known(&self) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| known.fetched.elapsed() < self.timing.stale)
    }

    /// Asks, unless somebody else does, or just did. Nobody waits for it.
    pub(super) fn renew_if_idle(self: &Arc<Self>, http: &reqwest::Client) {
        if let Ok(last) = Arc::clone(&self.last).try_lock_owned()
            && !self.cooling(last.as_ref())
        {
            self.ask(http, last);
        }
    }

    /// Asks, or waits for whoever does.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        http: &reqwest::Client,
        kid: Option<&str>,
    ) -> Result<Arc<Documents>, NotKnown> {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(NotKnown::Overloaded(self.issuer.clone()));
        };
        let mut last = Arc::clone(&self.last).lock_owned().await;
        let satisfied = self.known().is_some_and(|known| known.has(kid));
        if !satisfied && !self.cooling(last.as_ref()) {
            last = self
                .ask(http, last)
                .await
                .map_err(|error| self.unavailable(error.to_string()))?;
        }
        let failed = || {
            last.as_ref()
                .and_then(|last| last.failed.clone())
                .unwrap_or_default()
        };
        // Whoever could not be asked may have a new key by now: that a token is bad, nobody can say.
        let is_judged = |known: &Known| last_worked(last.as_ref()) || known.documents.keys.may_verify(kid);
        self.known()
            .filter(is_judged)
            .map(|known| known.documents)
            .ok_or_else(|| self.unavailable(failed()))
    }

    /// What there is now, where that is something else than `than`: a signature did not fit, and an issuer whose tokens or keys have
    /// no name of their own may have another key.
    pub(super) async fn fetch_newer(
        self: &Arc<Self>,
        http: &reqwest::Client,
        than: &Arc<Documents>,
    ) -> Option<Arc<Documents>> {
        let _place = self.waiting.try_acquire().ok()?;
        let last = Arc::clone(&self.last).lock_owned().await;
        let newer = || {
            let documents = self.known()?.documents;
            (!Arc::ptr_eq(&documents, than)).then_some(documents)
        };
        if let Some(newer) = newer() {
            return Some(newer);
        }
        if self.cooling(last.as_ref()) {
            return None;
        }
        let asked = self.ask(http, last).await.ok()?;
        drop(asked);
        newer()
    }

    /// In a task of its own: whoever asks may go away, and the others would have to ask once more.
    fn ask(self: &Arc<Self>, http: &reqwest::Client, mut last: Last) -> JoinHandle<Last> {
        let (source, http) = (Arc::clone(self), http.clone());
        tokio::spawn(async move {
            let failed = source.try_now(&http).await;
            // From the end on: an issuer that hangs has used up any pause that began with the question.
            let ended = Instant::now();
            *last = Some(Asked { ended, failed });
            last
        })
    }

    /// Says why it has failed, if it has.
    async fn try_now(&self, http: &reqwest::Client) -> Option<String> {
        let fetched = Instant::now();
        match fetch::documents(http, &self.issuer, self.timing.patience).await {
            // One that publishes none for a moment has not withdrawn them all.
            Ok(documents)
                if documents.keys.is_empty()
                    && self.known().is_some_and(|known| !known.documents.keys.is_empty()) =>
            {
                tracing::warn!(issuer = self.issuer, "the issuer publishes no key any more");
                Some("it publishes no key that a signature is verified with".to_owned())
            }
            Ok(documents) => {
                let documents = Arc::new(documents);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Known { documents, fetched });
                None
            }
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "the issuer's keys cannot be fetched");
                Some(error.to_string())
            }
        }
    }

    fn cooling(&self, last: Option<&Asked>) -> bool {
        let Timing { cooldown, retry, .. } = self.timing;
        last.is_some_and(|last| last.ended.elapsed() < if last.failed.is_some() { retry } else { cooldown })
    }

    fn unavailable(&self, why: String) -> NotKnown {
        NotKnown::Unavailable(IdentityUnavailable {
            issuer: self.issuer.clone(),
            about: "for its keys",
            why,
        })
    }
}
