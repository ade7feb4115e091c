//! One question for each token at a time: whoever asks the same meanwhile waits for that answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Gate, MutexGuard as GateGuard};

use super::Key;

type Open<T> = BTreeMap<Key, Arc<Gate<Option<T>>>>;

/// The questions that are open.
pub(super) struct Flights<T>(Mutex<Open<T>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Flights<T> {
    /// Joins whoever asks the same, or begins.
    pub(super) fn board(&self, key: Key) -> Flight<'_, T> {
        let gate = Arc::clone(self.open().entry(key).or_default());
        Flight {
            flights: self,
            key,
            gate,
        }
    }

    fn open(&self) -> MutexGuard<'_, Open<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place on the way to one answer.
pub(super) struct Flight<'a, T> {
    flights: &'a Flights<T>,
    key: Key,
    gate: Arc<Gate<Option<T>>>,
}

impl<T> Flight<'_, T> {
    /// Waits for whoever asks. Empty: nobody has, or whoever did went away, and it is our turn.
    pub(super) async fn landed(&self) -> GateGuard<'_, Option<T>> {
        self.gate.lock().await
    }

    /// Hands the answer to those who wait. Whoever comes now asks anew.
    pub(super) fn land(&self, mut gate: GateGuard<'_, Option<T>>, answer: T) {
        *gate = Some(answer);
        self.close(&mut self.flights.open());
    }

    fn close(&self, open: &mut Open<T>) {
        if open
            .get(&self.key)
            .is_some_and(|gate| Arc::ptr_eq(gate, &self.gate))
        {
            open.remove(&self.key);
        }
    }
}

impl<T> Drop for Flight<'_, T> {
    fn drop(&mut self) {
        let mut open = self.flights.open();
        // Ours and the map's: nobody else waits, and nobody can join while the map is locked.
        if Arc::strong_count(&self.gate) <= 2 {
            self.close(&mut open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([1; 32]);

    #[tokio::test]
    async fn whoever_waits_gets_the_answer_and_whoever_comes_later_asks_anew() {
        let flights = Flights::default();
        let (first, second) = (flights.board(KEY), flights.board(KEY));
        first.land(first.landed().await, "answer");
        assert_eq!(*second.landed().await, Some("answer"));
        let later = flights.board(KEY);
        assert_eq!(*later.landed().await, None);
        drop((first, second));
        assert_eq!(flights.open().len(), 1, "an old flight closes no new one");
        drop(later);
        assert!(flights.open().is_empty());
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_turn_to_the_next() {
        let flights = Flights::<()>::default();
        let (first, second) = (flights.board(KEY), flights.board(KEY));
        let asking = first.landed().await;
        assert!(second.gate.try_lock().is_err(), "it waits");
        drop(asking);
        drop(first);
        assert_eq!(flights.open().len(), 1, "the second one is still on its way");
        assert_eq!(*second.landed().await, None, "and asks itself");
        drop(second);
        assert!(flights.open().is_empty());
    }
}
