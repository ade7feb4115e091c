//! Signing in and out: what replaces or ends a session, whatever else is under way for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Held, SessionError, Sessions, Shared};
use crate::identity::SignedIn;
use crate::vault::{Access, Account, DeviceKey, Secrets, Tokens, VaultError};

/// How long a sign-in waits for a refresh that is under way.
const REFRESH_ENDS_WITHIN: Duration = Duration::from_secs(10);
/// How long a sign-in waits for the user to unlock the keyring.
const UNLOCK_DEADLINE: Duration = Duration::from_secs(300);

/// What a sign-in put into the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What is there now.
    pub secrets: Secrets,
    /// Another account's device key that was there before, and is nowhere now.
    pub replaced: Option<DeviceKey>,
}

impl Sessions {
    /// Stores the tokens of a sign-in. The device keeps its key for as long as it is the same account's. Waits for the
    /// user where the keyring asks them to unlock it. When the caller goes away before it is done, nothing is kept:
    /// nobody would know that somebody is signed in.
    ///
    /// # Errors
    /// [`SessionError::Vault`] and the like; then nothing is kept.
    pub async fn signed_in(&self, service: &str, signed_in: &SignedIn) -> Result<Stored, SessionError> {
        let (mut answer, answered) = oneshot::channel();
        let (shared, service, signed_in) = (Arc::clone(&self.0), service.to_owned(), signed_in.clone());
        tokio::spawn(async move {
            let stored = shared.sign_in(&service, &signed_in, answer.closed()).await;
            if answer.send(stored).is_err() {
                shared.take_back(&service).await;
            }
        });
        answered.await.unwrap_or(Err(SessionError::Replaced))
    }

    /// The sign-in is written down: it stays.
    pub fn kept(&self, service: &str) {
        *self.0.slot(service).before() = None;
    }

    /// A sign-in was cancelled. Where it was stored already and is not written down, the vault has again what it had before. Says which
    /// device key that is, if any.
    pub async fn take_back(&self, service: &str) -> Option<DeviceKey> {
        self.0.take_back(service).await
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

impl Shared {
    async fn sign_in(
        &self,
        service: &str,
        signed_in: &SignedIn,
        caller_gone: impl Future<Output = ()>,
    ) -> Result<Stored, SessionError> {
        let slot = self.slot(service);
        // A refresh that is under way may have used its token up, and this sign-in may still fail.
        let held = tokio::time::timeout(REFRESH_ENDS_WITHIN, self.hold(&slot, service)).await;
        let mut held = match held {
            Ok(held) => held?,
            Err(_elapsed) => {
                slot.replace();
                self.hold(&slot, service).await?
            }
        };
        // What could not be stored of an earlier session is what there was; it must not replace this one.
        let before = match held.unsaved.clone() {
            Some(unsaved) => Some(unsaved),
            None => held.before_sign_in().await?,
        };
        let stored = tokio::select! {
            stored = held.store_sign_in(before.as_ref(), signed_in) => stored,
            () = caller_gone => Err(SessionError::Replaced),
        };
        if stored.is_err() {
            held.take_back(before.as_ref()).await;
        }
        let secrets = stored?;
        *held.unsaved = None;
        *slot.before() = Some(before.clone());
        let replaced = before
            .map(|before| before.device_key)
            .filter(|key| *key != secrets.device_key);
        Ok(Stored { secrets, replaced })
    }

    async fn take_back(&self, service: &str) -> Option<DeviceKey> {
        let slot = self.slot(service);
        let Ok(mut held) = self.hold(&slot, service).await else {
            tracing::warn!(service, "a sign-in that was cancelled could not be taken back");
            return None;
        };
        let before = slot.before().take()?;
        let key = before.as_ref().map(|before| before.device_key.clone());
        match before {
            // What cannot be stored now is stored before anything else is.
            Some(before) => drop(held.save(before).await),
            None => held.take_back(None).await,
        }
        key
    }
}

impl Held<'_> {
    async fn before_sign_in(&self) -> Result<Option<Secrets>, VaultError> {
        match self.patiently(|| self.shared.vault.load(&self.entry)).await {
            Err(VaultError::Corrupt { why }) => {
                tracing::warn!(why, "the keyring's entry is replaced");
                Ok(None)
            }
            before => before,
        }
    }

    async fn store_sign_in(
        &self,
        before: Option<&Secrets>,
        signed_in: &SignedIn,
    ) -> Result<Secrets, SessionError> {
        let secrets = secrets_of(before, signed_in)?;
        self.patiently(|| self.shared.vault.store(&self.entry, &secrets))
            .await?;
        Ok(secrets)
    }

    /// A write that failed or is not waited for any more may still come through. The vault does everything in order, so
    /// this comes after it.
    async fn take_back(&self, before: Option<&Secrets>) {
        let taken = match before {
            Some(before) => self.shared.vault.store(&self.entry, before).await,
            None => self.shared.vault.delete(&self.entry).await,
        };
        if let Err(error) = taken {
            tracing::debug!(%error, "taking back comes late too");
        }
    }

    /// Calls the vault, and once more when the user has answered its prompt.
    async fn patiently<T, F>(&self, call: impl Fn() -> F) -> Result<T, VaultError>
    where
        F: Future<Output = Result<T, VaultError>>,
    {
        self.shared.vault.ask_again();
        let result = call().await;
        let mut access = self.shared.vault.access();
        if !matches!(result, Err(VaultError::Prompting)) {
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

/// What a sign-in puts into the vault. Another account is another device.
fn secrets_of(before: Option<&Secrets>, signed_in: &SignedIn) -> Result<Secrets, VaultError> {
    let account = Account {
        issuer: signed_in.tokens.issuer.clone(),
        subject: signed_in.tokens.subject.clone(),
    };
    let known = before.filter(|before| before.account.as_ref().is_none_or(|known| *known == account));
    let device_key = match known {
        Some(known) => known.device_key.clone(),
        None => DeviceKey::generate()?,
    };
    Ok(Secrets {
        device_key,
        account: Some(account),
        tokens: Some(signed_in.tokens.clone()),
    })
}
