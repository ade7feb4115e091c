//! The thread that talks to the keyring.
//!
//! A supervisor takes jobs from a queue, one after the other, and runs each on a thread of its own, which it stops
//! waiting for when it hangs. Relative waits only, so no clock is needed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::worker::{Shared, Work, Worker};
use super::{Access, Backend, VaultError};

/// Jobs that may wait. More than this means that nobody has looked at the answers for a long time.
const LONGEST_QUEUE: usize = 64;
/// How often a locked keyring is looked at. Seeing whether it is locked asks nobody anything.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often one is looked for that is not there.
const LOOK_FOR_EVERY: Duration = Duration::from_secs(30);
/// When a keyring that hangs is given up: after so many of the deadlines that callers have.
const HUNG_AFTER: u32 = 6;
/// When a prompt that nobody answers is given up (rule 17: at most 15 min).
const UNANSWERED_AFTER: Duration = Duration::from_secs(14 * 60);
/// Threads that may hang at a time. A keyring that has swallowed as many is asked nothing more until it lets one go.
const MOST_STUCK: isize = 4;

pub(super) type Make = Box<dyn FnMut() -> Box<dyn Backend> + Send>;

/// One entry of the queue.
pub(super) struct Job(pub(super) Work);

/// The sending end.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    jobs: SyncSender<Job>,
    shared: Shared,
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
        self.shared.refuse(None);
    }
}

/// Starts the supervisor. It ends when the last [`Queue`] is dropped. A call that takes longer than `deadline` hangs.
pub(super) fn start(make: Make, deadline: Duration) -> io::Result<(Queue, watch::Receiver<Access>)> {
    let (jobs, queue) = mpsc::sync_channel(LONGEST_QUEUE);
    let (access, seen) = watch::channel(Access::default());
    let shared = Shared {
        access,
        refused: Arc::default(),
        locked: Arc::default(),
        prompting: Arc::default(),
    };
    let supervisor = Supervisor {
        shared: shared.clone(),
        deadline,
        stuck: Arc::default(),
    };
    thread::Builder::new()
        .name("vault".into())
        .spawn(move || supervisor.supervise(&queue, make))?;
    Ok((Queue { jobs, shared }, seen))
}

struct Supervisor {
    shared: Shared,
    deadline: Duration,
    /// Threads that were given up and have not come back.
    stuck: Arc<AtomicIsize>,
}

impl Supervisor {
    fn supervise(&self, queue: &Receiver<Job>, mut make: Make) {
        let mut backend = make();
        while let Some(Job(work)) = self.next(queue) {
            if self.stuck.load(Ordering::Relaxed) >= MOST_STUCK {
                work.refuse(VaultError::TimedOut);
                continue;
            }
            backend = self.run(backend, work).unwrap_or_else(|| {
                tracing::warn!("the keyring hangs: starting over");
                make()
            });
        }
    }

    /// The next job; to look at the keyring, where nobody asks and it was not open; `None` when nobody is left.
    fn next(&self, queue: &Receiver<Job>) -> Option<Job> {
        let access = *self.shared.access.borrow();
        let look_after = match access {
            Access::Locked => LOOK_EVERY,
            Access::Unavailable | Access::Hung => LOOK_FOR_EVERY,
            Access::Unknown
            | Access::Ready
            | Access::ReadOnly
            | Access::Prompting
            | Access::NoPassphrase
            | Access::PassphraseFile => return queue.recv().ok(),
        };
        match queue.recv_timeout(look_after) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => Some(Job(Work::Look)),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Runs one job, and hands the backend back unless the job hangs.
    fn run(&self, mut backend: Box<dyn Backend>, work: Work) -> Option<Box<dyn Backend>> {
        let abandoned = Arc::new(AtomicBool::new(false));
        let (done, finished) = mpsc::channel();
        let worker = Worker {
            shared: self.shared.clone(),
            abandoned: Arc::clone(&abandoned),
        };
        self.shared.prompting.store(false, Ordering::Relaxed);
        let stuck = Arc::clone(&self.stuck);
        let spawned = thread::Builder::new().name("vault-call".into()).spawn(move || {
            worker.work(backend.as_mut(), work);
            let _given_up = done.send(backend);
            if worker.abandoned.swap(true, Ordering::AcqRel) {
                stuck.fetch_sub(1, Ordering::Relaxed);
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread can be started for the keyring");
            self.shared.saw(Access::Unavailable);
            return None;
        }
        let result = self.wait(&finished);
        if result.is_none() {
            self.stuck.fetch_add(1, Ordering::Relaxed);
            if abandoned.swap(true, Ordering::AcqRel) {
                // It has come back just now.
                self.stuck.fetch_sub(1, Ordering::Relaxed);
            } else {
                self.shared.saw(Access::Hung);
            }
        }
        result
    }

    /// Waits for a job, and says when it takes longer than anybody waits for it. A person may take their time.
    fn wait(&self, finished: &Receiver<Box<dyn Backend>>) -> Option<Box<dyn Backend>> {
        let is_prompting = || self.shared.prompting.load(Ordering::Relaxed);
        if let Ok(backend) = finished.recv_timeout(self.deadline) {
            return Some(backend);
        }
        if !is_prompting() {
            self.shared.saw(Access::Hung);
        }
        if let Ok(backend) = finished.recv_timeout(self.deadline * (HUNG_AFTER - 1)) {
            return Some(backend);
        }
        if is_prompting() {
            return finished.recv_timeout(UNANSWERED_AFTER).ok();
        }
        None
    }
}
