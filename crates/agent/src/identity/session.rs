//! The tokens in the vault: read, refreshed, replaced and deleted by one at a time, in this process and across processes.
//!
//! A refresh token that the provider rotates is worth the whole sign-in: the new one is in the vault before anybody is
//! given the tokens that came with it, and it is not lost when whoever asked for them goes away.

mod lock;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_api::discovery::Identity;
use latchkey_core::time::Timestamp;
use tokio::sync::{Mutex as Turn, MutexGuard, watch};

use super::{IdentityError, Oidc, RefreshError, SignedIn, problem};
use crate::secret::SecretText;
use crate::vault::{Access, Account, DeviceKey, Entry, Secrets, Tokens, Vault, VaultError};
use lock::Lock;

/// An access token with less than this left is as good as expired: a request with it takes time too.
const MARGIN: Duration = Duration::from_secs(60);
/// How long to wait for one's turn: longer than a refresh takes that runs into every timeout.
const TURN_DEADLINE: Duration = Duration::from_secs(180);
/// How long a sign-in waits for the user to unlock the keyring.
const UNLOCK_DEADLINE: Duration = Duration::from_secs(300);

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

/// Why the user must sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    SignedOut,
    /// The provider does not take the refresh token.
    #[error("the identity service does not take the refresh token any more")]
    InvalidGrant,
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
}

/// One service's session.
#[derive(Debug, Default)]
struct Slot {
    /// Held by whoever may change the session. It also keeps what could not be stored yet.
    turn: Turn<Option<Secrets>>,
    /// Counts up when the session is ended or replaced, which ends a refresh that is under way.
    replaced: watch::Sender<u64>,
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

    /// Stores the tokens of a sign-in. The device keeps its key for as long as it is the same account's. Waits for the
    /// user where the keyring asks them to unlock it.
    ///
    /// # Errors
    /// [`SessionError::Vault`] and the like; then nothing is kept.
    pub async fn signed_in(&self, service: &str, signed_in: &SignedIn) -> Result<Secrets, SessionError> {
        let slot = self.0.slot(service);
        slot.replace();
        let held = self.0.hold(&slot, service).await?;
        let before = match held.patiently(|| self.0.vault.load(&held.entry)).await {
            Err(VaultError::Corrupt { why }) => {
                tracing::warn!(why, "the keyring's entry is replaced");
                None
            }
            before => before?,
        };
        let account = Account {
            issuer: signed_in.tokens.issuer.clone(),
            subject: signed_in.tokens.subject.clone(),
        };
        let known = before
            .as_ref()
            .filter(|before| before.account.as_ref().is_none_or(|known| *known == account));
        let device_key = match known {
            Some(known) => known.device_key.clone(),
            None => DeviceKey::generate()?,
        };
        let secrets = Secrets {
            device_key,
            account: Some(account),
            tokens: Some(signed_in.tokens.clone()),
        };
        if let Err(error) = held.patiently(|| self.0.vault.store(&held.entry, &secrets)).await {
            // The write may still come through, and nobody would know that somebody is signed in: it is taken back.
            let _late = match &before {
                Some(before) => self.0.vault.store(&held.entry, before).await,
                None => self.0.vault.delete(&held.entry).await,
            };
            return Err(error.into());
        }
        Ok(secrets)
    }

    /// Deletes the tokens; the device keeps its key. Returns what was deleted, so that it can be revoked.
    ///
    /// # Errors
    /// [`SessionError::Vault`] and the like; then it is worth another try.
    pub async fn sign_out(&self, service: &str) -> Result<Option<Tokens>, SessionError> {
        let slot = self.0.slot(service);
        slot.replace();
        let mut held = self.0.hold(&slot, service).await?;
        let unsaved = held.unsaved.take();
        let secrets = match self.0.vault.load(&held.entry).await {
            Err(VaultError::Corrupt { .. }) => {
                self.0.vault.delete(&held.entry).await?;
                None
            }
            secrets => secrets?,
        };
        let Some(mut secrets) = secrets else {
            return Ok(None);
        };
        let Some(tokens) = secrets.tokens.take() else {
            return Ok(None);
        };
        self.0.vault.store(&held.entry, &secrets).await?;
        Ok(Some(unsaved.and_then(|unsaved| unsaved.tokens).unwrap_or(tokens)))
    }

    /// Deletes tokens and device key (rule 15). Returns the tokens, so that they can be revoked.
    ///
    /// # Errors
    /// [`SessionError::Vault`] and the like; then it is worth another try.
    pub async fn forget(&self, service: &str) -> Result<Option<Tokens>, SessionError> {
        let slot = self.0.slot(service);
        slot.replace();
        let mut held = self.0.hold(&slot, service).await?;
        let newest = match held.unsaved.take() {
            Some(unsaved) => Some(unsaved),
            // What cannot be read is deleted unread.
            None => self.0.vault.load(&held.entry).await.unwrap_or_default(),
        };
        self.0.vault.delete(&held.entry).await?;
        Ok(newest.and_then(|secrets| secrets.tokens))
    }
}

impl Slot {
    fn replace(&self) {
        self.replaced.send_modify(|count| *count += 1);
    }
}

impl Shared {
    fn entry(&self, service: &str) -> Entry {
        Entry::new(service, &self.machine)
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

    async fn renew(
        &self,
        service: &str,
        identity: &Identity,
        refresh_every: Duration,
        seen: Option<SecretText>,
    ) -> Result<Credentials, SessionError> {
        let slot = self.slot(service);
        let mut replaced = slot.replaced.subscribe();
        let mut held = self.hold(&slot, service).await?;
        held.save_what_is_left().await?;
        let mut retried = false;
        loop {
            let Some(secrets) = self.vault.load(&held.entry).await? else {
                return Err(SessionError::SignInAgain(Ended::SignedOut));
            };
            let Some(credentials) = of_issuer(&secrets, identity)? else {
                return Err(SessionError::SignInAgain(Ended::SignedOut));
            };
            let before = &credentials.tokens;
            // Somebody else has refreshed while we waited for our turn: that is fresh enough for zero, too.
            let is_new = seen.as_ref().is_some_and(|seen| *seen != before.access_token);
            let refresh_every = if is_new {
                refresh_every.max(MARGIN)
            } else {
                refresh_every
            };
            if is_fresh(before, self.oidc.now(), refresh_every) {
                return Ok(credentials);
            }
            let refreshed = tokio::select! {
                refreshed = self.oidc.refresh(identity, before) => refreshed,
                _ = replaced.changed() => return Err(SessionError::Replaced),
            };
            let good_enough = before.access_expires_at > self.oidc.now() + MARGIN;
            let error = match refreshed {
                Ok(refreshed) => {
                    if !refreshed.lost_scopes.is_empty() {
                        tracing::warn!(lost = ?refreshed.lost_scopes, "the identity service grants less than before");
                    }
                    let tokens = refreshed.tokens;
                    held.save(Secrets {
                        tokens: Some(tokens.clone()),
                        ..secrets
                    })
                    .await?;
                    return Ok(Credentials {
                        tokens,
                        device_key: credentials.device_key,
                    });
                }
                Err(RefreshError::InvalidGrant(description)) => {
                    // Only a token that is still the newest one can have been refused for good.
                    let newest = self.vault.load(&held.entry).await?;
                    if newest.as_ref() != Some(&secrets) && !retried {
                        retried = true;
                        continue;
                    }
                    tracing::info!(
                        description,
                        "the identity service does not take the refresh token any more"
                    );
                    return held.end(secrets, Ended::InvalidGrant).await;
                }
                Err(RefreshError::AccountChanged) => return held.end(secrets, Ended::AccountChanged).await,
                Err(RefreshError::NoRefreshToken) if good_enough => return Ok(credentials),
                Err(RefreshError::NoRefreshToken) => return held.end(secrets, Ended::NoRefreshToken).await,
                Err(RefreshError::Disbelieved { error, rotated }) => {
                    if let Some(rotated) = rotated {
                        let tokens = Tokens {
                            refresh_token: Some(rotated),
                            ..before.clone()
                        };
                        held.save(Secrets {
                            tokens: Some(tokens),
                            ..secrets
                        })
                        .await?;
                    }
                    error
                }
                Err(RefreshError::Identity(error)) => error,
            };
            tracing::info!(%error, good_enough, "no fresh tokens");
            return if good_enough {
                Ok(credentials)
            } else {
                Err(error.into())
            };
        }
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

    /// Calls the vault, and once more when the user has answered its prompt.
    async fn patiently<T, F>(&self, call: impl Fn() -> F) -> Result<T, VaultError>
    where
        F: Future<Output = Result<T, VaultError>>,
    {
        self.shared.vault.ask_again();
        let result = call().await;
        let mut access = self.shared.vault.access();
        if !matches!(result, Err(VaultError::Locked)) || *access.borrow() != Access::Prompting {
            return result;
        }
        let answered = async {
            // The guard that comes back is let go of here: it must not be held across the next call.
            let _answer = access.wait_for(|access| *access != Access::Prompting).await;
        };
        match tokio::time::timeout(UNLOCK_DEADLINE, answered).await {
            Ok(()) => call().await,
            Err(_elapsed) => result,
        }
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
    tokens.access_expires_at > now + MARGIN
        && now >= tokens.obtained_at
        && now < tokens.obtained_at + refresh_every
}
