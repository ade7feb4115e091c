//! A keyring in memory, for tests: it can be locked, hang, fail, and be looked into.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Backend, Entry, Purpose, VaultError};
use crate::secret::SecretBytes;

#[derive(Default)]
struct State {
    entries: BTreeMap<String, Vec<u8>>,
    locked: bool,
    hanging: bool,
    prompts: usize,
    answer: Option<bool>,
    failure: Option<VaultError>,
    forgets: bool,
    refuses: bool,
    /// Calls that are hanging now.
    inside: usize,
}

/// The keyring. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Keyring {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Keyring {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.state.1.notify_all();
    }

    /// Locks it, so that it asks the user.
    pub(crate) fn lock(&self) {
        self.change(|state| (state.locked, state.answer) = (true, None));
    }

    /// The user unlocks it without having been asked.
    pub(crate) fn open(&self) {
        self.change(|state| state.locked = false);
    }

    /// The user answers the prompt that is open, or the next one.
    pub(crate) fn answer(&self, yes: bool) {
        self.change(|state| state.answer = Some(yes));
    }

    /// How often the user was asked.
    pub(crate) fn prompts(&self) -> usize {
        self.state().prompts
    }

    /// Hangs every call from now on, or no longer.
    pub(crate) fn hang(&self, hanging: bool) {
        self.change(|state| state.hanging = hanging);
    }

    /// Fails every call from now on, or no longer.
    pub(crate) fn fail(&self, failure: Option<VaultError>) {
        self.change(|state| state.failure = failure);
    }

    /// Says "done" to a write and keeps nothing.
    pub(crate) fn forget(&self) {
        self.change(|state| state.forgets = true);
    }

    /// Takes nothing new from now on, or does again.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.change(|state| state.refuses = refuses);
    }

    /// How many calls hang now.
    pub(crate) fn hanging(&self) -> usize {
        self.state().inside
    }

    /// Somebody removes what is kept.
    pub(crate) fn remove(&self, entry: &Entry) {
        self.change(|state| drop(state.entries.remove(entry.name())));
    }

    /// What is kept.
    pub(crate) fn kept(&self, entry: &Entry) -> Option<Vec<u8>> {
        self.state().entries.get(entry.name()).cloned()
    }

    fn enter(&self) -> Result<MutexGuard<'_, State>, VaultError> {
        let mut state = self.state();
        state.inside += 1;
        let mut state = self.state.1.wait_while(state, |state| state.hanging).unwrap();
        state.inside -= 1;
        match &state.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(state),
        }
    }
}

impl Keyring {
    fn enter_to_change(&self) -> Result<MutexGuard<'_, State>, VaultError> {
        let state = self.enter()?;
        if state.refuses {
            let why = "read-only file system".to_owned();
            return Err(VaultError::Unavailable { why });
        }
        Ok(state)
    }
}

impl Backend for Keyring {
    fn is_locked(&mut self, _purpose: Purpose) -> Result<bool, VaultError> {
        self.enter().map(|state| state.locked)
    }

    fn unlock(&mut self) -> Result<(), VaultError> {
        self.change(|state| state.prompts += 1);
        let mut state = self
            .state
            .1
            .wait_while(self.state(), |state| state.answer.is_none() && state.locked)
            .unwrap();
        match state.answer.take() {
            Some(false) => Err(VaultError::Locked),
            Some(true) | None => {
                state.locked = false;
                Ok(())
            }
        }
    }

    fn read(&mut self, entry: &Entry) -> Result<Option<SecretBytes>, VaultError> {
        Ok(self
            .enter()?
            .entries
            .get(entry.name())
            .cloned()
            .map(SecretBytes::new))
    }

    fn write(&mut self, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
        let mut state = self.enter_to_change()?;
        if !state.forgets {
            state.entries.insert(entry.name().into(), value.expose().to_vec());
        }
        Ok(())
    }

    fn delete(&mut self, entry: &Entry) -> Result<(), VaultError> {
        self.enter_to_change()?.entries.remove(entry.name());
        Ok(())
    }
}
