//! Saves on a thread of its own, with a deadline: a disk that hangs costs durability, never the loop.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_core::facts::Facts;
use tokio::sync::oneshot;

use crate::store::{Disk, Store};

/// How long a save is waited for. A product that starts meanwhile waits as well, and gives the agent up after five seconds.
const SAVE_WITHIN: Duration = Duration::from_secs(2);
/// How long the last one is waited for: nobody waits for the agent any more.
const SAVE_LAST_WITHIN: Duration = Duration::from_secs(10);

struct Job {
    facts: Facts,
    both: bool,
    done: oneshot::Sender<bool>,
}

/// What the thread is to do, and what it has not done in time.
#[derive(Default)]
struct Work {
    /// The newest facts: what they replace need not be written any more.
    next: Option<Job>,
    /// A job has not come back in time. Until it has, nobody waits for another.
    is_late: bool,
    is_over: bool,
}

#[derive(Default)]
struct Desk {
    work: Mutex<Work>,
    changed: Condvar,
}

impl Desk {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; none when there will be none any more.
    fn next(&self) -> Option<Job> {
        let mut work = self.work();
        loop {
            if let Some(job) = work.next.take() {
                return Some(job);
            }
            if work.is_over {
                return None;
            }
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A handle on the thread that writes the state.
pub(crate) struct Saver(Arc<Desk>);

impl std::fmt::Debug for Saver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saver").finish_non_exhaustive()
    }
}

impl Saver {
    /// Starts the thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start<D: Disk + Send + 'static>(mut store: Store<D>) -> io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let saver = Self(Arc::clone(&desk));
        std::thread::Builder::new().name("store".into()).spawn(move || {
            while let Some(job) = desk.next() {
                let saved = store.save(&job.facts, job.both);
                if let Err(error) = &saved {
                    tracing::error!(%error, "the state could not be saved");
                }
                desk.work().is_late = false;
                let _nobody_waits = job.done.send(saved.is_ok());
            }
        })?;
        Ok(saver)
    }

    /// Writes the facts, and answers when they are safe: `false` when they are not. While the disk hangs that is answered at once,
    /// and the newest facts are written when it goes on.
    pub(crate) async fn save(&self, facts: &Facts, both: bool) -> bool {
        let saved = self.give(facts, both);
        if self.0.work().is_late {
            return false;
        }
        self.wait(saved, SAVE_WITHIN).await
    }

    /// The same, for the last time.
    pub(crate) async fn save_last(&self, facts: &Facts) -> bool {
        let saved = self.give(facts, true);
        self.wait(saved, SAVE_LAST_WITHIN).await
    }

    fn give(&self, facts: &Facts, both: bool) -> oneshot::Receiver<bool> {
        let (done, saved) = oneshot::channel();
        let mut work = self.0.work();
        let both = both || work.next.as_ref().is_some_and(|replaced| replaced.both);
        work.next = Some(Job {
            facts: facts.clone(),
            both,
            done,
        });
        drop(work);
        self.0.changed.notify_one();
        saved
    }

    async fn wait(&self, saved: oneshot::Receiver<bool>, within: Duration) -> bool {
        let Ok(saved) = tokio::time::timeout(within, saved).await else {
            self.0.work().is_late = true;
            return false;
        };
        saved.unwrap_or(false)
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.0.work().is_over = true;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Condvar, Mutex};
    use std::time::{Duration, Instant};

    use latchkey_core::facts::{Facts, Service};

    use super::Saver;
    use crate::store::{Disk, Store};

    /// A disk in memory that may hang.
    #[derive(Clone, Default)]
    struct Hanging {
        hangs: Arc<(Mutex<bool>, Condvar)>,
        writes: Arc<Mutex<Vec<String>>>,
    }

    impl Hanging {
        fn set(&self, hangs: bool) {
            *self.hangs.0.lock().unwrap() = hangs;
            self.hangs.1.notify_all();
        }

        fn has_written(&self, service: &str) -> bool {
            let writes = self.writes.lock().unwrap();
            writes.iter().any(|text| text.contains(service))
        }
    }

    impl Disk for Hanging {
        fn prepare(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn read(&self, _name: &str) -> io::Result<Option<Vec<u8>>> {
            Ok(None)
        }

        fn write(&mut self, _name: &str, content: &[u8]) -> io::Result<()> {
            let text = String::from_utf8_lossy(content).into_owned();
            self.writes.lock().unwrap().push(text);
            Ok(())
        }

        fn sync(&mut self, _name: &str) -> io::Result<()> {
            let hangs = self.hangs.0.lock().unwrap();
            let _goes_on = self.hangs.1.wait_while(hangs, |hangs| *hangs).unwrap();
            Ok(())
        }
    }

    fn facts(service: &str) -> Facts {
        let mut facts = Facts::default();
        facts.services.insert(service.to_owned(), Service::default());
        facts
    }

    #[tokio::test]
    async fn a_disk_that_hangs_is_waited_for_once_and_has_the_newest_state_in_the_end() {
        let disk = Hanging::default();
        let (store, _) = Store::open(disk.clone()).unwrap();
        let saver = Saver::start(store).unwrap();
        disk.set(true);
        assert!(!saver.save(&facts("first"), false).await);
        let begun = Instant::now();
        for name in ["second", "third", "fourth"] {
            assert!(!saver.save(&facts(name), false).await);
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits any more");
        disk.set(false);
        assert!(saver.save_last(&facts("last")).await);
        assert!(disk.has_written("first") && disk.has_written("last"));
        assert!(!disk.has_written("second") && !disk.has_written("third"));
        assert!(saver.save(&facts("again"), false).await, "it is waited for again");
    }
}
