//! Signing in: OpenID Connect over `openidconnect` and `oauth2`, behind the agent's one HTTP client. `docs/sign-in.md`
//! says how it goes and what is refused.
//!
//! ```text
//! Oidc::begin ──► Attempt (url) ──► returned ──► Returned ──► exchange ──► SignedIn + Browser
//!                                                                              │
//!                                           Sessions::signed_in (vault) ◄──────┘   then the browser is told
//! Sessions::credentials ──► fresh tokens, one refresh at a time
//! ```
//!
//! | room | concern |
//! | --- | --- |
//! | `provider` | the discovery document and the keys |
//! | `attempt` | one browser sign-in |
//! | [`callback`] | the loopback listener and its page |
//! | `device` | one sign-in by a code on another device |
//! | `exchange` | the token endpoint |
//! | `refused` | the errors of the provider's endpoints |
//! | `signed_in` | who signed in, by what the token endpoint answered |
//! | `id_token` | what makes an ID token believable |
//! | `refresh` | fresh tokens for a refresh token |
//! | [`session`] | the tokens in the vault, refreshed by one at a time |
//! | `sign_out` | revocation |
//! | [`problem`] | the stable keys of what can go wrong |

mod attempt;
pub mod callback;
mod device;
mod device_answer;
mod error;
mod exchange;
mod id_token;
mod pace;
pub mod problem;
mod provider;
mod refresh;
mod refused;
pub mod session;
mod sign_out;
mod signed_in;
mod token_answer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_core::time::{HOUR, Timestamp};

pub use attempt::{Attempt, Browser, Returned, Wish};
pub use device::DeviceAttempt;
pub use error::{IdTokenError, IdentityError};
pub use provider::{Metadata, Provider};
pub use refresh::{RefreshError, Refreshed};
pub use sign_out::Revocation;
pub use signed_in::SignedIn;

use crate::http::Http;

/// What time it is.
pub trait Clock: Send + Sync {
    /// The time to judge tokens by (rule 16 says by which clock).
    fn now(&self) -> Timestamp;

    /// The wall clock, which an issuer may go by as well: where licensing services contradict each other, one of them must not keep out
    /// the tokens of another's issuer.
    fn wall(&self) -> Timestamp;

    /// Time since the machine was switched on, sleep included: what is waited for is measured by it, whatever becomes of the wall
    /// clock meanwhile.
    fn ticks(&self) -> Duration;
}

/// How long what an issuer says about itself is believed without asking again.
const LEARNED_FOR: Duration = HOUR;

/// Asks identity services. Clones share what was learned about them.
#[derive(Clone)]
pub struct Oidc {
    http: Http,
    clock: Arc<dyn Clock>,
    providers: Arc<Mutex<BTreeMap<String, Learned>>>,
}

/// A provider, and when it was asked.
#[derive(Clone, Debug)]
struct Learned {
    provider: Arc<Provider>,
    at: Timestamp,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc")
            .field("providers", &self.providers)
            .finish_non_exhaustive()
    }
}

impl Oidc {
    /// Over this HTTP client, by this clock.
    pub fn new(http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            clock,
            providers: Arc::default(),
        }
    }

    /// Asks the issuer who it is, whatever is known already. Also the way to find out whether it answers.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub async fn discover(&self, issuer: &str) -> Result<Arc<Provider>, IdentityError> {
        self.forget(issuer);
        let provider = Arc::new(Provider::discover(&self.http, issuer).await?);
        let learned = Learned {
            provider: Arc::clone(&provider),
            at: self.now(),
        };
        self.locked(|providers| providers.insert(issuer.to_owned(), learned));
        Ok(provider)
    }

    /// What is known of the issuer, asked for when nothing is, or nothing new enough: a key that the issuer has taken
    /// back must not be believed for as long as an agent runs.
    async fn provider(&self, issuer: &str) -> Result<Arc<Provider>, IdentityError> {
        let now = self.now();
        let is_new = |learned: &&Learned| now >= learned.at && now < learned.at + LEARNED_FOR;
        match self.locked(|providers| providers.get(issuer).filter(is_new).cloned()) {
            Some(learned) => Ok(learned.provider),
            None => self.discover(issuer).await,
        }
    }

    /// Asks anew next time: something that was learned may have changed.
    fn forget(&self, issuer: &str) {
        self.locked(|providers| providers.remove(issuer));
    }

    fn locked<T>(&self, use_: impl FnOnce(&mut BTreeMap<String, Learned>) -> T) -> T {
        use_(&mut self.providers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clocks of which one must fit a token's times.
    fn clocks(&self) -> [Timestamp; 2] {
        [self.clock.now(), self.clock.wall()]
    }
}

/// What somebody else wrote, for a log or a page: one line of a bounded length.
fn shortened(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The scopes of `asked` that were not granted. A provider that says nothing grants what was asked (RFC 6749 section 5.1).
fn not_granted(asked: &[String], granted: Option<&Vec<oauth2::Scope>>) -> Vec<String> {
    let Some(granted) = granted else { return Vec::new() };
    asked
        .iter()
        .filter(|scope| !granted.iter().any(|granted| granted.as_str() == *scope))
        .cloned()
        .collect()
}
