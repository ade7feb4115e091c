//! The thread that talks to the keyring.
//!
//! A supervisor takes jobs from a queue, one after the other, and runs each on a thread of its own, which it stops
//! waiting for when it hangs. Relative waits only, so no clock is needed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::{Access, Backend, Entry, Purpose, VaultError};
use crate::secret::SecretBytes;

/// Jobs that may wait. More than this means that nobody has looked at the answers for a long time.
const LONGEST_QUEUE: usize = 64;
/// How often a locked keyring is looked at. Seeing whether it is locked asks nobody anything.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// When a keyring that hangs is given up.
const HUNG_AFTER: Duration = Duration::from_secs(60);
/// When a prompt that nobody answers is given up (rule 17: at most 15 min).
const UNANSWERED_AFTER: Duration = Duration::from_secs(14 * 60);

pub(super) type Make = Box<dyn FnMut() -> Box<dyn Backend> + Send>;
type Answer<T> = oneshot::Sender<Result<T, VaultError>>;

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
    /// Only see whether it is open by now.
    Look,
}

/// One entry of the queue.
pub(super) struct Job(pub(super) Work);

/// The sending end.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    jobs: SyncSender<Job>,
    dismissed: Arc<AtomicBool>,
}

impl Queue {
    pub(super) fn push(&self, job: Job) -> Result<(), VaultError> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => VaultError::TimedOut,
            TrySendError::Disconnected(_) => VaultError::Unavailable {
                why: "its thread has ended".into(),
            },
        })
    }

    pub(super) fn ask_again(&self) {
        self.dismissed.store(false, Ordering::Relaxed);
    }
}

/// Starts the supervisor. It ends when the last [`Queue`] is dropped.
pub(super) fn start(make: Make) -> io::Result<(Queue, watch::Receiver<Access>)> {
    let (jobs, queue) = mpsc::sync_channel(LONGEST_QUEUE);
    let (access, seen) = watch::channel(Access::default());
    let dismissed = Arc::new(AtomicBool::new(false));
    let shared = Shared {
        access,
        dismissed: Arc::clone(&dismissed),
        prompting: Arc::default(),
    };
    thread::Builder::new()
        .name("vault".into())
        .spawn(move || supervise(&queue, make, &shared))?;
    Ok((Queue { jobs, dismissed }, seen))
}

/// What supervisor and workers both see.
#[derive(Clone)]
struct Shared {
    access: watch::Sender<Access>,
    /// The user has closed the prompt: do not show it again by ourselves.
    dismissed: Arc<AtomicBool>,
    /// A prompt is open.
    prompting: Arc<AtomicBool>,
}

fn supervise(queue: &Receiver<Job>, mut make: Make, shared: &Shared) {
    let mut backend = make();
    loop {
        let job = match queue.recv_timeout(LOOK_EVERY) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) if *shared.access.borrow() == Access::Locked => Job(Work::Look),
            Err(RecvTimeoutError::Timeout) => match queue.recv() {
                Ok(job) => job,
                Err(_) => return,
            },
            Err(RecvTimeoutError::Disconnected) => return,
        };
        backend = run(backend, job, shared).unwrap_or_else(|| {
            tracing::warn!("the keyring hangs: starting over");
            shared.access.send_replace(Access::Unavailable);
            make()
        });
    }
}

/// Runs one job, and hands the backend back unless the job hangs.
fn run(mut backend: Box<dyn Backend>, job: Job, shared: &Shared) -> Option<Box<dyn Backend>> {
    let abandoned = Arc::new(AtomicBool::new(false));
    let (done, finished) = mpsc::channel();
    let worker = Worker {
        shared: shared.clone(),
        abandoned: Arc::clone(&abandoned),
    };
    shared.prompting.store(false, Ordering::Relaxed);
    let spawned = thread::Builder::new().name("vault-call".into()).spawn(move || {
        worker.work(backend.as_mut(), job.0);
        let _given_up = done.send(backend);
    });
    if spawned.is_err() {
        return None;
    }
    let mut result = finished.recv_timeout(HUNG_AFTER);
    if result.is_err() && shared.prompting.load(Ordering::Relaxed) {
        result = finished.recv_timeout(UNANSWERED_AFTER);
    }
    if result.is_err() {
        abandoned.store(true, Ordering::Relaxed);
    }
    result.ok()
}

struct Worker {
    shared: Shared,
    abandoned: Arc<AtomicBool>,
}

impl Worker {
    fn work(&self, backend: &mut dyn Backend, work: Work) {
        match work {
            // Nobody waits for a late read, so it is not done, and opens no prompt.
            Work::Read { answer, .. } if answer.is_closed() => {}
            Work::Read { entry, answer } => {
                self.answer(
                    answer,
                    self.open(backend, Purpose::Read)
                        .and_then(|()| backend.read(&entry)),
                );
            }
            Work::Write { entry, value, answer } => {
                self.answer(
                    answer,
                    self.open(backend, Purpose::Write)
                        .and_then(|()| put(backend, &entry, &value)),
                );
            }
            Work::Delete { entry, answer } => {
                self.answer(
                    answer,
                    self.open(backend, Purpose::Write)
                        .and_then(|()| backend.delete(&entry)),
                );
            }
            Work::Look => match backend.is_locked(Purpose::Read) {
                Ok(true) => {}
                Ok(false) => {
                    self.shared.dismissed.store(false, Ordering::Relaxed);
                    self.saw(Access::Ready);
                }
                Err(_) => self.saw(Access::Unavailable),
            },
        }
    }

    /// Makes sure that the keyring is open, asking the user where it must, and only once.
    fn open(&self, backend: &mut dyn Backend, purpose: Purpose) -> Result<(), VaultError> {
        if !backend.is_locked(purpose)? {
            self.shared.dismissed.store(false, Ordering::Relaxed);
            return Ok(());
        }
        if self.shared.dismissed.load(Ordering::Relaxed) {
            return Err(VaultError::Locked);
        }
        self.saw(Access::Prompting);
        self.shared.prompting.store(true, Ordering::Relaxed);
        let unlocked = backend.unlock();
        self.shared.prompting.store(false, Ordering::Relaxed);
        if unlocked == Err(VaultError::Locked) {
            self.shared.dismissed.store(true, Ordering::Relaxed);
        }
        // Somebody else has taken over meanwhile, so this job must touch nothing any more.
        if self.abandoned.load(Ordering::Relaxed) {
            Err(VaultError::TimedOut)
        } else {
            unlocked
        }
    }

    fn answer<T>(&self, answer: Answer<T>, result: Result<T, VaultError>) {
        self.saw(match &result {
            Err(VaultError::Locked) => Access::Locked,
            Err(VaultError::Unavailable { .. } | VaultError::TimedOut) => Access::Unavailable,
            Ok(_) | Err(VaultError::Corrupt { .. } | VaultError::TooNew { .. }) => Access::Ready,
        });
        let _nobody_waits = answer.send(result);
    }

    fn saw(&self, access: Access) {
        if !self.abandoned.load(Ordering::Relaxed) {
            self.shared
                .access
                .send_if_modified(|before| std::mem::replace(before, access) != access);
        }
    }
}

/// Writes and reads back: a keyring that says "done" and keeps something else would lose a rotated refresh token.
fn put(backend: &mut dyn Backend, entry: &Entry, value: &SecretBytes) -> Result<(), VaultError> {
    backend.write(entry, value)?;
    match backend.read(entry)? {
        Some(kept) if kept == *value => Ok(()),
        Some(_) | None => Err(VaultError::Corrupt {
            why: "it kept something else than it was given".into(),
        }),
    }
}
