//! Saves on a thread of its own, with a deadline: a disk that hangs costs durability, never the loop.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use latchkey_core::facts::Facts;
use tokio::sync::oneshot;

use crate::store::{Folder, Store};

/// How long a save is waited for.
const SAVE_WITHIN: Duration = Duration::from_secs(10);

struct Job {
    facts: Facts,
    both: bool,
    done: oneshot::Sender<bool>,
}

/// A handle on the thread that writes the state.
#[derive(Debug)]
pub(crate) struct Saver {
    jobs: mpsc::Sender<Job>,
}

impl Saver {
    /// Starts the thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(mut store: Store<Folder>) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("store".into()).spawn(move || {
            for job in inbox {
                let saved = store.save(&job.facts, job.both);
                if let Err(error) = &saved {
                    tracing::error!(%error, "the state could not be saved");
                }
                let _nobody_waits = job.done.send(saved.is_ok());
            }
        })?;
        Ok(Self { jobs })
    }

    /// Writes the facts, and answers when they are safe: `false` when they are not.
    pub(crate) async fn save(&self, facts: &Facts, both: bool) -> bool {
        let (done, saved) = oneshot::channel();
        if self
            .jobs
            .send(Job {
                facts: facts.clone(),
                both,
                done,
            })
            .is_err()
        {
            return false;
        }
        matches!(tokio::time::timeout(SAVE_WITHIN, saved).await, Ok(Ok(true)))
    }
}
