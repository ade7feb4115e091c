//! The tokens in the vault: read, refreshed, replaced and deleted by one at a time, in this process and across processes.
//!
//! A refresh token that the provider rotates is worth the whole sign-in: the new one is in the vault before anybody is
//! given the tokens that came with it, and it is not lost when whoever asked for them goes away.

mod change;
mod lock;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_api::discovery::Identity;
use latchkey_core::time::Timestamp;
use tokio::sync::{Mutex as Turn, MutexGuard, watch};

use super::{IdentityError, Oidc, problem};
use crate::vault::{DeviceKey, Entry, Secrets, Tokens, Vault, VaultError};
use lock::Lock;

/// An access token with less than this left is as good as expired: a request with it takes time too.
const MARGIN: Duration = Duration::from_secs(60);
/// How long to wait for one's turn: longer than a refresh takes that runs into every timeout.
const TURN_DEADLINE: Duration = Duration::from_secs(180);

/// Why there are no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The user must sign in.
    #[error("sign in again: {0}")]
    SignInAgain(Ended),
    /// The vault is out of reach. Nobody is signed out over it.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The identity service is out of reach, or was not believed. Nobody is signed out over it.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Another refresh has not ended in time.
    #[error("another refresh is still going on")]
    Busy,
    /// The lock across processes cannot be had.
    #[error("the lock file cannot be used: {why}")]
    Lock {
        /// What the system says.
        why: String,
    },
    /// The user signed out, or in anew, meanwhile.
    #[error("the session was ended or replaced meanwhile")]
    Replaced,
}

/// Why the user must sign in. Not every one of them has ended the session: what is still good is kept until they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    SignedOut,
    /// The vault has no entry at all. Whoever had signed in did not sign out: somebody removed it.
    #[error("the keyring's entry is gone")]
    Removed,
    /// The provider does not take the refresh token.
    #[error("the identity service does not take the refresh token any more")]
    InvalidGrant,
    /// The provider wants the user, and has not taken back what it gave.
    #[error("the identity service wants the user")]
    UserWanted,
    /// The provider answered for another account.
    #[error("the identity service answered for another account")]
    AccountChanged,
    /// The access token has ended, and there is no refresh token.
    #[error("the access token has ended, and there is no refresh token")]
    NoRefreshToken,
    /// The licensing service names another identity service now.
    #[error("another identity service is responsible now")]
    IssuerChanged,
}

impl SessionError {
    /// The stable key.
    pub fn problem(&self) -> &'static str {
        match self {
            Self::SignInAgain(Ended::Removed) => problem::VAULT_ENTRY_GONE,
            Self::SignInAgain(_) => problem::SIGN_IN_AGAIN,
            Self::Vault(error) => problem::of_vault(error),
            Self::Identity(error) => error.problem(),
            Self::Busy | Self::Replaced => problem::BUSY,
            Self::Lock { .. } => problem::STATE_NOT_SAVED,
        }
    }
}

/// What a request to the licensing service needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The tokens, the access token among them.
    pub tokens: Tokens,
    /// The key that signs the proofs.
    pub device_key: DeviceKey,
}

/// The sessions of every licensing service on this machine. Clones share them.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    oidc: Oidc,
    vault: Vault,
    folder: PathBuf,
    machine: String,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    /// The agent ends: no refresh is begun any more.
    ends: AtomicBool,
}

/// One service's session.
#[derive(Debug, Default)]
struct Slot {
    /// Held by whoever may change the session. It also keeps what could not be stored yet.
    turn: Turn<Option<Secrets>>,
    /// Counts up when the session is ended or replaced, which ends a refresh that is under way.
    replaced: watch::Sender<u64>,
    /// What the vault had before a sign-in that is not written down yet: nothing, or these secrets.
    before: Mutex<Option<Option<Secrets>>>,
}

/// The right to change a session, in this process and across processes.
struct Held<'a> {
    shared: &'a Shared,
    entry: Entry,
    unsaved: MutexGuard<'a, Option<Secrets>>,
    _lock: Lock,
}

impl Sessions {
    /// The sessions of `machine` in `vault`, with their lock files in `folder`, which exists.
    pub fn new(oidc: Oidc, vault: Vault, folder: PathBuf, machine: String) -> Self {
        Self(Arc::new(Shared {
            oidc,
            vault,
            folder,
            machine,
            slots: Mutex::default(),
            ends: AtomicBool::default(),
        }))
    }

    /// The vault's entry for a licensing service.
    pub fn entry(&self, service: &str) -> Entry {
        self.0.entry(service)
    }

    /// Tokens that are good now, and the device key. The cached ones, if the access token lives for a minute more and
    /// was obtained less than `refresh_every` ago; else refreshed ones. Zero asks for a refresh whatever is cached.
    /// Where a refresh brings nothing, an access token that is still good is good enough.
    ///
    /// A caller that goes away ends nothing: what a refresh brings is stored all the same.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn credentials(
        &self,
        service: &str,
        identity: &Identity,
        refresh_every: Duration,
    ) -> Result<Credentials, SessionError> {
        let now = self.0.oidc.now();
        let mut seen = None;
        if let Some(secrets) = self.0.vault.load(&self.0.entry(service)).await?
            && let Some(credentials) = of_issuer(&secrets, identity)?
        {
            if is_fresh(&credentials.tokens, now, refresh_every) {
                return Ok(credentials);
            }
            seen = Some(credentials.tokens.access_token);
        }
        let (shared, service, identity) = (Arc::clone(&self.0), service.to_owned(), identity.clone());
        let renewal =
            tokio::spawn(async move { shared.renew(&service, &identity, refresh_every, seen).await });
        renewal.await.unwrap_or(Err(SessionError::Replaced))
    }
}

impl Sessions {
    /// The agent ends. A refresh that is under way is waited for, `within` at most, because it may have used its token up; and what could
    /// not be stored is tried once more.
    pub async fn settle(&self, within: Duration) {
        self.0.ends.store(true, Ordering::Relaxed);
        let settled = async {
            for (service, slot) in self.0.slots() {
                match self.0.hold(&slot, &service).await {
                    Ok(mut held) => {
                        if let Err(error) = held.save_what_is_left().await {
                            tracing::warn!(%error, service, "tokens could not be stored");
                        }
                    }
                    Err(error) => tracing::warn!(%error, service, "the session did not settle"),
                }
            }
        };
        if tokio::time::timeout(within, settled).await.is_err() {
            tracing::warn!("a refresh did not end in time");
        }
    }
}

impl Slot {
    fn before(&self) -> std::sync::MutexGuard<'_, Option<Option<Secrets>>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self) {
        self.replaced.send_modify(|count| *count += 1);
    }
}

impl Shared {
    fn entry(&self, service: &str) -> Entry {
        Entry::new(service, &self.machine)
    }

    fn slots(&self) -> BTreeMap<String, Arc<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn slot(&self, service: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(service.to_owned()).or_default())
    }

    async fn hold<'a>(&'a self, slot: &'a Slot, service: &str) -> Result<Held<'a>, SessionError> {
        let unsaved = tokio::time::timeout(TURN_DEADLINE, slot.turn.lock())
            .await
            .map_err(|_| SessionError::Busy)?;
        let entry = self.entry(service);
        let lock = Lock::take(lock::path(&self.folder, &entry)).await;
        let lock = lock.map_err(|error: io::Error| SessionError::Lock {
            why: error.to_string(),
        })?;
        Ok(Held {
            shared: self,
            entry,
            unsaved,
            _lock: lock.ok_or(SessionError::Busy)?,
        })
    }
}

impl Held<'_> {
    /// Stores, and keeps in memory what could not be stored, for the next try.
    async fn save(&mut self, secrets: Secrets) -> Result<(), VaultError> {
        *self.unsaved = Some(secrets);
        self.save_what_is_left().await
    }

    async fn save_what_is_left(&mut self) -> Result<(), VaultError> {
        if let Some(secrets) = self.unsaved.as_ref() {
            self.shared.vault.store(&self.entry, secrets).await?;
            *self.unsaved = None;
        }
        Ok(())
    }

    /// Ends the session: the tokens are worth nothing any more.
    async fn end<T>(&mut self, secrets: Secrets, why: Ended) -> Result<T, SessionError> {
        self.save(Secrets {
            tokens: None,
            ..secrets
        })
        .await?;
        Err(SessionError::SignInAgain(why))
    }
}

/// The credentials, if somebody is signed in.
fn of_issuer(secrets: &Secrets, identity: &Identity) -> Result<Option<Credentials>, SessionError> {
    match &secrets.tokens {
        Some(tokens) if tokens.issuer != identity.issuer => {
            Err(SessionError::SignInAgain(Ended::IssuerChanged))
        }
        Some(tokens) => Ok(Some(Credentials {
            tokens: tokens.clone(),
            device_key: secrets.device_key.clone(),
        })),
        None => Ok(None),
    }
}

fn is_fresh(tokens: &Tokens, now: Timestamp, refresh_every: Duration) -> bool {
    // A check sets trusted time by the service's, which comes in whole seconds: what was obtained just before may then
    // lie ahead. Only a clock that was really set back makes the tokens' age unknown.
    tokens.access_expires_at > now + MARGIN
        && now + MARGIN >= tokens.obtained_at
        && now < tokens.obtained_at + refresh_every
}
