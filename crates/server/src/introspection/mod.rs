//! Opaque access tokens: the issuer is asked what they are (RFC 7662). One question for each token at a time, so many to
//! one issuer at once, and what was answered is remembered for a moment.
//!
//! An issuer that is out makes no token bad: nothing is judged then, and nothing of it is remembered.

mod answer;
mod ask;
mod cache;
mod flight;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use self::cache::Cache;
use self::flight::Flights;
use crate::access_token::AccessToken;
use crate::clock::Clock;
use crate::identity::{Identity, IdentityUnavailable, NotKnown};
use crate::jwt::JwtError;
use crate::store::records::{Introspection, Issuer};

/// How many questions one issuer is asked at once. Anybody can make up tokens: neither the issuer nor the checks that wait
/// for another one shall suffer from it.
const AT_ONCE: usize = 16;
/// How long a question waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// A token, and whom to ask about it.
pub struct Question<'a> {
    /// Its issuer.
    pub issuer: &'a Issuer,
    /// How the issuer is asked.
    pub introspection: &'a Introspection,
    /// The `aud` that it must have.
    pub audience: &'a str,
    /// The token.
    pub token: &'a str,
}

impl Question<'_> {
    /// Names the question and everything that the judgement depends on, so that a change of the settings counts at once.
    fn key(&self) -> Key {
        let Introspection {
            client_id,
            secret,
            audience_optional,
        } = self.introspection;
        let parts = [
            self.token,
            &self.issuer.issuer,
            &self.issuer.client_id,
            client_id,
            &secret.0,
            self.audience,
        ];
        let hash = parts.into_iter().fold(
            Sha256::new_with_prefix([u8::from(*audience_optional)]),
            |hash, part| hash.chain_update(part.len().to_be_bytes()).chain_update(part),
        );
        Key(hash.finalize().into())
    }
}

/// SHA-256 of a question: the token itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 32]);

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotJudged {
    /// It was judged, and is not good.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// The issuer does not say.
    #[error(transparent)]
    Unavailable(#[from] IdentityUnavailable),
    /// Too many questions wait.
    #[error("too many tokens to ask about")]
    Overloaded,
}

impl From<NotKnown> for NotJudged {
    fn from(error: NotKnown) -> Self {
        match error {
            NotKnown::Unavailable(error) => Self::Unavailable(error),
            NotKnown::Overloaded(_) => Self::Overloaded,
        }
    }
}

/// The opaque tokens of every issuer.
pub struct Introspections {
    http: reqwest::Client,
    cache: Cache,
    flights: Flights<Result<AccessToken, NotJudged>>,
    turns: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Introspections {
    /// Asks with this client, which must be bounded.
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            cache: Cache::new(cache::LIMITS),
            flights: Flights::default(),
            turns: Mutex::default(),
        }
    }

    /// What the token is, by its issuer's word.
    ///
    /// # Errors
    /// [`NotJudged`].
    pub async fn judge(
        &self,
        question: &Question<'_>,
        identity: &Identity,
        clock: &dyn Clock,
    ) -> Result<AccessToken, NotJudged> {
        let key = question.key();
        if let Some(judged) = self.cache.get(key, clock.now()) {
            return judged.map_err(NotJudged::Token);
        }
        let flight = self.flights.board(key);
        let landed = flight.landed().await;
        if let Some(outcome) = &*landed {
            return outcome.clone();
        }
        let outcome = self.ask(key, question, identity, clock).await;
        if let Err(NotJudged::Unavailable(error)) = &outcome {
            tracing::warn!(%error, "a token is not judged");
        }
        flight.land(landed, outcome.clone());
        outcome
    }

    async fn ask(
        &self,
        key: Key,
        question: &Question<'_>,
        identity: &Identity,
        clock: &dyn Clock,
    ) -> Result<AccessToken, NotJudged> {
        let turns = self.turns(&question.issuer.issuer);
        let turn = tokio::time::timeout(TURN, turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(NotJudged::Overloaded);
        };
        let endpoint = identity.introspection_endpoint(&question.issuer.issuer).await?;
        let answer = ask::ask(&self.http, &endpoint, question)
            .await
            .map_err(|why| unavailable(question, &why))?;
        let now = clock.now();
        match answer::judge(&answer, question, now) {
            Ok(token) => {
                self.cache.put_good(key, token.clone(), now);
                Ok(token)
            }
            Err(error) => {
                self.cache.put_bad(key, error.clone(), now);
                Err(error.into())
            }
        }
    }

    fn turns(&self, issuer: &str) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = turns
            .entry(issuer.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        Arc::clone(turns)
    }
}

fn unavailable(question: &Question<'_>, why: &str) -> IdentityUnavailable {
    IdentityUnavailable {
        issuer: question.issuer.issuer.clone(),
        about: "about a token",
        why: why.to_owned(),
    }
}
