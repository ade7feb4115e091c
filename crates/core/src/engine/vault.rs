//! What the engine knows of the vault: what stands in the way, whose entry is gone, and what is told of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::PendingRelease;
use crate::jws::Thumbprint;
use crate::status::VAULT_AWAITED_FOR;
use crate::time::{Now, Timestamp};
use crate::vault::{KeyState, VaultKind, VaultTrouble};
use crate::view::Problem;

use super::Engine;

/// The vault, as far as the engine knows it.
#[derive(Debug, Default)]
pub(super) struct Vault {
    kind: VaultKind,
    trouble: Option<VaultTrouble>,
    /// Since when it is not there, or does not answer.
    silent: Option<Timestamp>,
    /// What the agent last said of it, while no check asked.
    seen: Option<VaultTrouble>,
    /// Services whose device key the vault does not give yet, and since when somebody is awaited for it.
    awaited: BTreeMap<String, Timestamp>,
    /// Services whose entry is gone although somebody is signed in there.
    emptied: BTreeSet<String>,
    /// Services whose device key the agent does not have either: nothing can be proven to a product.
    keyless: BTreeSet<String>,
    /// Those of them whose device key is another than what is held is bound to: nothing of that counts any more.
    unbound: BTreeSet<String>,
}

impl Vault {
    /// Where the secrets are.
    pub(super) const fn kind(&self) -> VaultKind {
        self.kind
    }

    /// Whether there is no device key to prove a licence of this service with.
    pub(super) fn is_keyless(&self, service: &str) -> bool {
        self.keyless.contains(service)
    }

    /// Since when the device key of this service is awaited.
    pub(super) fn awaits_key(&self, service: &str) -> Option<Timestamp> {
        self.awaited.get(service).copied()
    }

    /// Since when keys are awaited.
    pub(super) fn awaited(&self) -> impl Iterator<Item = Timestamp> {
        self.awaited.values().copied()
    }

    /// Every instant, for when trusted time has become another.
    pub(super) fn instants_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.awaited.values_mut().chain(&mut self.silent)
    }

    /// Whoever has not come by `until` is awaited anew from `at` on.
    pub(super) fn awaits_anew(&mut self, service: &str, at: Timestamp) {
        if let Some(since) = self
            .awaited
            .get_mut(service)
            .filter(|since| at >= **since + VAULT_AWAITED_FOR)
        {
            *since = at;
        }
    }

    /// Since when it says nothing.
    pub(super) const fn silent_since(&self) -> Option<Timestamp> {
        self.silent
    }

    /// Whether the device key is another one than what is held of this service is bound to.
    pub(super) fn is_unbound(&self, service: &str) -> bool {
        self.unbound.contains(service)
    }

    /// Whether a service's entry is gone.
    pub(super) fn is_emptied(&self, service: &str) -> bool {
        self.emptied.contains(service)
    }

    /// Somebody has signed in at the service, or nobody is signed in there any more.
    pub(super) fn begins_anew(&mut self, service: &str) {
        self.awaited.remove(service);
        self.emptied.remove(service);
        self.keyless.remove(service);
        self.unbound.remove(service);
    }

    /// What the user is told.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        let trouble = self.trouble.map(VaultTrouble::problem);
        let memory = (self.kind == VaultKind::Memory).then_some(Problem::SessionInMemory);
        let emptied = (!self.emptied.is_empty()).then_some(Problem::VaultEntryGone);
        [trouble, memory, emptied].into_iter().flatten()
    }
}

impl Engine {
    /// The same engine, with its secrets kept there.
    #[must_use]
    pub fn with_vault(mut self, kind: VaultKind) -> Self {
        self.vault.kind = kind;
        self
    }

    /// The vault is as a call has just found it. Only the newest obstacle is known to be there.
    pub(super) fn vault_is(&mut self, at: Timestamp, trouble: Option<VaultTrouble>) {
        self.vault.trouble = trouble;
        let is_silent = trouble.is_some_and(VaultTrouble::is_silent);
        self.vault.silent = is_silent.then(|| self.vault.silent.unwrap_or(at));
        let waits = trouble.is_some_and(VaultTrouble::awaits_user);
        self.vault_locked = waits.then(|| self.vault_locked.unwrap_or(at));
    }

    /// A call to the vault went well; that says nothing about whether it takes anything new.
    pub(super) fn vault_was_read(&mut self) {
        self.vault_locked = None;
        self.vault.silent = None;
        self.vault
            .trouble
            .take_if(|trouble| *trouble != VaultTrouble::ReadOnly);
    }

    /// A check failed over something else.
    pub(super) fn vault_as_seen(&mut self, at: Timestamp) {
        self.vault_is(at, self.vault.seen);
    }

    /// A sign-in is in the vault.
    pub(super) fn vault_was_written(&mut self, service: &str) {
        self.vault_locked = None;
        self.vault.silent = None;
        self.vault.trouble = None;
        self.vault.begins_anew(service);
    }

    /// The vault was seen to be otherwise than before. Once nothing stands in the way, what failed over it is tried at
    /// once: the user has done what they were asked for.
    pub(super) fn vault_seen(&mut self, now: &Now, trouble: Option<VaultTrouble>) {
        let is_open = |trouble: Option<VaultTrouble>| matches!(trouble, None | Some(VaultTrouble::ReadOnly));
        let opened = !is_open(self.vault.trouble) && is_open(trouble);
        self.vault.seen = trouble;
        self.vault_is(self.trusted(now), trouble);
        if opened {
            let waiting = self.links.values_mut().filter(|link| !link.is_flying());
            waiting.for_each(super::link::Link::want);
            self.temporaries.try_again();
        }
    }

    /// What the vault said of a service's device key.
    pub(super) fn key_is(&mut self, now: &Now, service: String, key: KeyState) {
        if key != KeyState::Awaited {
            self.vault.awaited.remove(&service);
        }
        match key {
            KeyState::Awaited => {
                let at = self.trusted(now);
                self.vault.awaited.entry(service).or_insert(at);
            }
            KeyState::Held(key) if !self.is_strange(&service, &key) => {
                self.vault.keyless.remove(&service);
                self.vault.unbound.remove(&service);
            }
            // A sign-in that is open brings its key before itself: whose that is will be told.
            KeyState::Held(_) if self.signs_in_at(&service) => {}
            KeyState::Held(_) | KeyState::Gone => {
                if matches!(key, KeyState::Held(_)) {
                    self.vault.unbound.insert(service.clone());
                }
                let known = self.facts.services.get(&service);
                if known.is_some_and(|known| known.account.is_some()) {
                    self.vault.emptied.insert(service.clone());
                }
                self.vault.keyless.insert(service);
            }
            KeyState::Unreadable(trouble) => {
                self.vault_is(self.trusted(now), Some(trouble));
                self.vault.keyless.insert(service);
            }
        }
    }

    fn signs_in_at(&self, service: &str) -> bool {
        self.sign_in.as_ref().is_some_and(|open| open.service == service)
    }

    /// Whether a key is not the one that what is held is bound to: of a sign-in that died, or could not be written down. Whose it is, nobody
    /// knows; the next sign-in does.
    fn is_strange(&self, service: &str, key: &Thumbprint) -> bool {
        let known = self
            .facts
            .services
            .get(service)
            .and_then(|known| known.device.as_ref());
        known.is_some_and(|known| known != key)
    }

    /// The device key of a service ends with this agent. Without it what is held is worth nothing, and the device would keep
    /// a place for ever: so it is given up, like by a reset. `release` is signed with the key.
    pub fn key_ends(&mut self, service: &str, release: PendingRelease) {
        self.end_account(service);
        if let Some(service) = self.facts.services.get_mut(service) {
            service.releases.push(release);
            service.ended += 1;
            service.device = None;
        }
    }

    /// A check found nothing in the vault although somebody is signed in: their tokens are gone.
    pub(super) fn vault_emptied(&mut self, service: &str) {
        self.vault_was_read();
        self.vault.emptied.insert(service.to_owned());
    }
}
