//! One job, on the thread that may hang.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{oneshot, watch};

use super::{Access, Backend, Entry, Purpose, VaultError};
use crate::secret::{SecretBytes, SecretText};

pub(super) type Answer<T> = oneshot::Sender<Result<T, VaultError>>;

/// What to do, and who wants to know what came of it.
pub(super) enum Work {
    Read {
        entry: Entry,
        answer: Answer<Option<SecretBytes>>,
    },
    Write {
        entry: Entry,
        value: SecretBytes,
        answer: Answer<()>,
    },
    Delete {
        entry: Entry,
        answer: Answer<()>,
    },
    /// Open it, so that something can be written.
    Open {
        answer: Answer<()>,
    },
    /// Open it, put something in and take it out again.
    TryOut {
        answer: Answer<()>,
    },
    /// Open it with a passphrase.
    Unlock {
        passphrase: SecretText,
        first: bool,
        answer: Answer<()>,
    },
    /// Only see whether it is open by now.
    Look,
}

impl Work {
    /// It is not done.
    pub(super) fn refuse(self, why: VaultError) {
        let _nobody_waits = match self {
            Self::Read { answer, .. } => answer.send(Err(why)).is_ok(),
            Self::Write { answer, .. }
            | Self::Delete { answer, .. }
            | Self::Open { answer }
            | Self::TryOut { answer }
            | Self::Unlock { answer, .. } => answer.send(Err(why)).is_ok(),
            Self::Look => false,
        };
    }
}

/// What supervisor, workers and callers all see.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) access: watch::Sender<Access>,
    /// Why it could not be opened: the user has closed the prompt, say. It is not tried again unasked.
    pub(super) refused: Arc<Mutex<Option<VaultError>>>,
    /// The entry that could not be reached because of a lock.
    pub(super) locked: Arc<Mutex<Option<Entry>>>,
    /// A prompt is open.
    pub(super) prompting: Arc<AtomicBool>,
}

impl Shared {
    pub(super) fn refuse(&self, why: Option<VaultError>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn refused(&self) -> Option<VaultError> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn found_locked(&self, entry: Option<&Entry>) {
        *self.locked.lock().unwrap_or_else(PoisonError::into_inner) = entry.cloned();
    }

    /// What the user said of another entry stands: they are not asked about it again because this one is open.
    fn found_open(&self, entry: Option<&Entry>) {
        if self.locked().is_none_or(|locked| entry == Some(&locked)) {
            self.refuse(None);
            self.found_locked(None);
        }
    }

    fn locked(&self) -> Option<Entry> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn saw(&self, access: Access) {
        self.access
            .send_if_modified(|before| std::mem::replace(before, access) != access);
    }
}

pub(super) struct Worker {
    pub(super) shared: Shared,
    /// Somebody else has taken over, so that nothing here counts any more.
    pub(super) abandoned: Arc<AtomicBool>,
}

impl Worker {
    pub(super) fn work(&self, backend: &mut dyn Backend, work: Work) {
        match work {
            // Nobody waits for a late read, so it is not done, and opens no prompt.
            Work::Read { answer, .. } if answer.is_closed() => {}
            Work::Read { entry, answer } => {
                let read = self.open(backend, Purpose::Read, Some(&entry));
                self.read(answer, read.and_then(|()| backend.read(&entry)));
            }
            Work::Write { entry, value, answer } => {
                let opened = self.open(backend, Purpose::Write, Some(&entry));
                self.wrote(answer, opened.and_then(|()| put(backend, &entry, &value)));
            }
            Work::Delete { entry, answer } => {
                let opened = self.open(backend, Purpose::Delete, Some(&entry));
                self.wrote(answer, opened.and_then(|()| take_out(backend, &entry)));
            }
            Work::Open { answer } => {
                let opened = self.open(backend, Purpose::Write, None);
                self.read(answer, opened);
            }
            // Nobody waits for it any more.
            Work::TryOut { answer } if answer.is_closed() => {}
            Work::TryOut { answer } => {
                let opened = self.open(backend, Purpose::Write, None);
                self.wrote(answer, opened.and_then(|()| try_out(backend)));
            }
            Work::Unlock {
                passphrase,
                first,
                answer,
            } => {
                let opened = backend.unlock_with(&passphrase, first);
                if opened.is_ok() {
                    self.shared.refuse(None);
                }
                self.read(answer, opened);
            }
            Work::Look => self.look(backend),
        }
    }

    fn look(&self, backend: &mut dyn Backend) {
        if let Some(entry) = self.shared.locked() {
            backend.is_about(&entry);
        }
        match backend.is_locked(Purpose::Read) {
            Ok(true) => {
                // A keyring that was away has come back locked.
                if !self.shared.access.borrow().is_locked() {
                    self.saw(Access::Locked);
                }
            }
            Ok(false) => {
                self.shared.found_open(self.shared.locked().as_ref());
                self.saw(Access::Ready);
            }
            Err(_) => self.saw(Access::Unavailable),
        }
    }

    /// Makes sure that the vault is open, asking the user where it must, and only once.
    fn open(
        &self,
        backend: &mut dyn Backend,
        purpose: Purpose,
        entry: Option<&Entry>,
    ) -> Result<(), VaultError> {
        entry.into_iter().for_each(|entry| backend.is_about(entry));
        if !backend.is_locked(purpose)? {
            self.shared.found_open(entry);
            return Ok(());
        }
        self.shared.found_locked(entry);
        if let Some(why) = self.shared.refused() {
            return Err(why);
        }
        if backend.asks() {
            self.saw(Access::Prompting);
            self.shared.prompting.store(true, Ordering::Relaxed);
        }
        let unlocked = backend.unlock();
        self.shared.prompting.store(false, Ordering::Relaxed);
        if let Err(
            why @ (VaultError::Locked | VaultError::NoPassphrase | VaultError::PassphraseFile { .. }),
        ) = &unlocked
        {
            self.shared.refuse(Some(why.clone()));
        }
        // Somebody else has taken over meanwhile, so this job must touch nothing any more.
        if self.abandoned.load(Ordering::Relaxed) {
            Err(VaultError::TimedOut)
        } else {
            unlocked
        }
    }

    /// That something was read does not say that something can be written.
    fn read<T>(&self, answer: Answer<T>, result: Result<T, VaultError>) {
        let is_read_only = *self.shared.access.borrow() == Access::ReadOnly;
        let open = if is_read_only {
            Access::ReadOnly
        } else {
            Access::Ready
        };
        self.answer(answer, result, open);
    }

    fn wrote(&self, answer: Answer<()>, result: Result<(), VaultError>) {
        self.answer(answer, result, Access::Ready);
    }

    fn answer<T>(&self, answer: Answer<T>, result: Result<T, VaultError>, open: Access) {
        let access = match &result {
            Ok(_) => Some(open),
            Err(error) => Access::after(error),
        };
        access.into_iter().for_each(|access| self.saw(access));
        let _nobody_waits = answer.send(result);
    }

    fn saw(&self, access: Access) {
        if !self.abandoned.load(Ordering::Relaxed) {
            self.shared.saw(access);
        }
    }
}

/// Writes and reads back: a keyring that says "done" and keeps something else would lose a rotated refresh token.
fn put(backend: &mut dyn Backend, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
    let written = backend.write(entry, value);
    written.map_err(|error| refuses_or_is_away(backend, entry, error))?;
    match backend.read(entry)? {
        Some(kept) if kept == *value => Ok(()),
        Some(_) | None => Err(VaultError::Corrupt {
            why: "it kept something else than it was given".into(),
        }),
    }
}

fn take_out(backend: &mut dyn Backend, entry: &Entry) -> Result<(), VaultError> {
    let deleted = backend.delete(entry);
    deleted.map_err(|error| refuses_or_is_away(backend, entry, error))
}

/// Whether something new is taken: no keyring says so unless it is given something.
fn try_out(backend: &mut dyn Backend) -> Result<(), VaultError> {
    let trial = Entry::trial();
    put(backend, &trial, &SecretBytes::new(b"trial".to_vec()))?;
    take_out(backend, &trial)
}

/// Tells a keyring that takes nothing from one that is not there, which fail alike: the first one still answers.
fn refuses_or_is_away(backend: &mut dyn Backend, entry: &Entry, error: VaultError) -> VaultError {
    match error {
        VaultError::Unavailable { why } if backend.read(entry).is_ok() => VaultError::ReadOnly { why },
        error => error,
    }
}
