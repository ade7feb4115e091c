//! What a product is told unasked.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use latchkey_core::time::Timestamp;

use crate::status::Status;

/// How many events may wait for whoever listens. The oldest goes when there are more.
const WAITING: usize = 256;

/// Something that a product is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The status is another one. One that may run takes a [`Event::MustStop`] back.
    Changed(Box<Status>),
    /// The product must stop: time to save (rules 5 and 20). Nothing ends the product; what it does is its decision.
    MustStop {
        /// Why: the status code.
        code: u16,
        /// When it must have stopped, in the agent's trusted time.
        at: Timestamp,
        /// How long that is from now.
        left: Duration,
    },
}

/// The events of a licence, from the moment they were asked for. An iterator that ends with the licence.
#[derive(Debug)]
pub struct Events(Arc<Queue>);

impl Events {
    /// The next event; `None` when none came in time, or the licence has ended.
    pub fn wait(&self, timeout: Duration) -> Option<Event> {
        self.0.take(Some(
            Instant::now() + timeout.min(Duration::from_secs(365 * 86_400)),
        ))
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.0.take(None)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Everyone who listens.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<Vec<Arc<Queue>>>);

impl Listeners {
    pub(crate) fn listen(&self) -> Events {
        let queue = Arc::new(Queue::default());
        self.all().push(Arc::clone(&queue));
        Events(queue)
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.all().retain(|queue| queue.put(event));
    }

    /// Nothing will be told any more.
    pub(crate) fn end(&self) {
        self.all().drain(..).for_each(|queue| queue.end());
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    ended: bool,
}

impl Queue {
    /// `false` when nobody listens any more.
    fn put(&self, event: &Event) -> bool {
        let mut waiting = self.waiting();
        if waiting.ended {
            return false;
        }
        if waiting.events.len() == WAITING {
            waiting.events.pop_front();
        }
        waiting.events.push_back(event.clone());
        self.arrived.notify_one();
        true
    }

    fn take(&self, deadline: Option<Instant>) -> Option<Event> {
        let mut waiting = self.waiting();
        loop {
            if let Some(event) = waiting.events.pop_front() {
                return Some(event);
            }
            if waiting.ended {
                return None;
            }
            waiting = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return None,
                Some(left) => match self.arrived.wait_timeout(waiting, left) {
                    Ok((waiting, _)) => waiting,
                    Err(poisoned) => poisoned.into_inner().0,
                },
                None => self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn end(&self) {
        self.waiting().ended = true;
        self.arrived.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(code: u16) -> Event {
        Event::MustStop {
            code,
            at: Timestamp::default(),
            left: Duration::ZERO,
        }
    }

    #[test]
    fn whoever_does_not_listen_loses_the_oldest_and_costs_no_more() {
        let listeners = Listeners::default();
        let mut events = listeners.listen();
        (0..1000).for_each(|code| listeners.tell(&stop(code)));
        listeners.end();
        assert_eq!(events.by_ref().count(), WAITING);
        assert_eq!(
            events.wait(Duration::from_secs(60)),
            None,
            "ended, and so at once"
        );
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let listeners = Listeners::default();
        drop(listeners.listen());
        let events = listeners.listen();
        listeners.tell(&stop(12));
        assert_eq!(listeners.all().len(), 1);
        assert_eq!(events.wait(Duration::ZERO), Some(stop(12)));
        assert_eq!(events.wait(Duration::from_millis(1)), None);
    }
}
