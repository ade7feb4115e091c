//! What issuers have said, for a moment. Good and bad tokens stand on shelves of their own: whoever makes up tokens pushes
//! out other made-up ones, and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_core::time::Timestamp;

use super::Key;
use crate::access_token::{AccessToken, Presentation};
use crate::jwt::JwtError;

/// How long a good token is believed at most; never past its own end.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(60);
/// How long a bad one is remembered: it may be good in a moment, where the issuer's machines do not know it all at once.
pub(super) const BAD_FOR: Duration = Duration::from_secs(10);

/// How much of each kind is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// What the service uses.
pub(super) const LIMITS: Limits = Limits {
    entries: 20_000,
    bytes: 8 * 1024 * 1024,
};

/// What is remembered.
pub(super) struct Cache {
    good: Mutex<Shelf<AccessToken>>,
    bad: Mutex<Shelf<JwtError>>,
}

impl Cache {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            good: Mutex::new(Shelf::new(limits)),
            bad: Mutex::new(Shelf::new(limits)),
        }
    }

    pub(super) fn get(&self, key: Key, now: Timestamp) -> Option<Result<AccessToken, JwtError>> {
        let good = locked(&self.good).get(key, now).cloned().map(Ok);
        good.or_else(|| locked(&self.bad).get(key, now).cloned().map(Err))
    }

    pub(super) fn put_good(&self, key: Key, token: AccessToken, now: Timestamp) {
        let bound = match &token.presentation {
            Presentation::Bearer => 0,
            Presentation::Dpop(jkt) => jkt.0.len(),
        };
        let bytes = token.issuer.len() + token.subject.len() + bound;
        let until = token.ends_at.min(now + GOOD_FOR);
        locked(&self.good).put(key, token, bytes, now, until);
    }

    pub(super) fn put_bad(&self, key: Key, error: JwtError, now: Timestamp) {
        locked(&self.good).remove(key);
        locked(&self.bad).put(key, error, 0, now, now + BAD_FOR);
    }
}

fn locked<T>(shelf: &Mutex<Shelf<T>>) -> MutexGuard<'_, Shelf<T>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One kind of answer. What is older goes first when there is no room.
struct Shelf<T> {
    limits: Limits,
    entries: BTreeMap<Key, Entry<T>>,
    /// By age. An entry that was put again stands here twice, and counts by its number.
    order: VecDeque<(Key, u64)>,
    number: u64,
    bytes: usize,
}

struct Entry<T> {
    value: T,
    bytes: usize,
    number: u64,
    since: Timestamp,
    until: Timestamp,
}

impl<T> Shelf<T> {
    const fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: BTreeMap::new(),
            order: VecDeque::new(),
            number: 0,
            bytes: 0,
        }
    }

    /// A clock that was set back makes an answer look as if it came from the future: it is not believed either.
    fn get(&self, key: Key, now: Timestamp) -> Option<&T> {
        let entry = self.entries.get(&key)?;
        (entry.since <= now && now < entry.until).then_some(&entry.value)
    }

    /// `bytes` is what the value holds beside its own size.
    fn put(&mut self, key: Key, value: T, bytes: usize, since: Timestamp, until: Timestamp) {
        self.remove(key);
        self.number += 1;
        let entry = Entry {
            value,
            bytes: bytes + size_of::<(Key, Entry<T>)>() + size_of::<(Key, u64)>(),
            number: self.number,
            since,
            until,
        };
        self.bytes += entry.bytes;
        self.entries.insert(key, entry);
        self.order.push_back((key, self.number));
        self.make_room(since);
    }

    fn remove(&mut self, key: Key) {
        if let Some(gone) = self.entries.remove(&key) {
            self.bytes -= gone.bytes;
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        while let Some(&(key, number)) = self.order.front() {
            let entry = self.entries.get(&key).filter(|entry| entry.number == number);
            let over = self.entries.len() > self.limits.entries || self.bytes > self.limits.bytes;
            if entry.is_some_and(|entry| entry.until > now) && !over {
                break;
            }
            if entry.is_some() {
                self.remove(key);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn key(number: u32) -> Key {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        Key(key)
    }

    fn token(subject: &str) -> AccessToken {
        token_until(subject, NOW + Duration::from_secs(3_600))
    }

    fn token_until(subject: &str, ends_at: Timestamp) -> AccessToken {
        AccessToken {
            issuer: "https://id.example".into(),
            subject: subject.into(),
            presentation: Presentation::Bearer,
            life: Duration::from_secs(3_600),
            ends_at,
        }
    }

    #[test]
    fn a_good_answer_counts_for_a_minute_and_never_past_the_tokens_end() {
        let cache = Cache::new(LIMITS);
        let just = Duration::from_millis(1);
        for (exp, until) in [
            (NOW + Duration::from_secs(3_600), NOW + GOOD_FOR),
            (NOW + Duration::from_secs(20), NOW + Duration::from_secs(20)),
        ] {
            let token = token_until("maya", exp);
            cache.put_good(key(1), token.clone(), NOW);
            assert_eq!(cache.get(key(1), NOW), Some(Ok(token)));
            assert!(cache.get(key(1), until - just).is_some());
            assert_eq!(cache.get(key(1), until), None);
            assert_eq!(cache.get(key(1), NOW - just), None, "the clock was set back");
        }
        cache.put_good(key(2), token_until("maya", NOW - just), NOW);
        assert_eq!(
            cache.get(key(2), NOW),
            None,
            "it has ended, though the issuer's clock lags"
        );
    }

    #[test]
    fn a_bad_answer_counts_for_ten_seconds_and_the_last_one_alone() {
        let cache = Cache::new(LIMITS);
        cache.put_good(key(1), token("maya"), NOW);
        cache.put_bad(key(1), JwtError::Inactive, NOW);
        assert_eq!(cache.get(key(1), NOW), Some(Err(JwtError::Inactive)));
        assert_eq!(cache.get(key(1), NOW + BAD_FOR), None);
        cache.put_good(key(1), token("maya"), NOW);
        assert_eq!(cache.get(key(1), NOW), Some(Ok(token("maya"))));
    }

    #[test]
    fn it_is_bounded_in_entries_and_bytes_and_made_up_tokens_push_out_no_good_one() {
        let small = Limits {
            entries: 10,
            bytes: 1 << 20,
        };
        let cache = Cache::new(small);
        cache.put_good(key(0), token("maya"), NOW);
        for number in 1..100 {
            cache.put_bad(key(number), JwtError::Inactive, NOW);
        }
        assert!(cache.get(key(0), NOW).is_some());
        assert_eq!(cache.get(key(89), NOW), None);
        assert!(cache.get(key(90), NOW).is_some(), "the newest ten");

        let narrow = Limits {
            entries: 1_000,
            bytes: 10_000,
        };
        let cache = Cache::new(narrow);
        for number in 0..100 {
            cache.put_good(key(number), token(&"s".repeat(1_000)), NOW);
        }
        let shelf = locked(&cache.good);
        assert!(shelf.bytes <= 10_000 && shelf.entries.len() < 10 && !shelf.entries.is_empty());
        assert_eq!(shelf.order.len(), shelf.entries.len());
    }

    #[test]
    fn what_has_ended_goes_when_something_comes() {
        let cache = Cache::new(LIMITS);
        for number in 0..100 {
            cache.put_bad(key(number), JwtError::Inactive, NOW);
            cache.put_bad(key(1), JwtError::Inactive, NOW);
        }
        cache.put_bad(key(1_000), JwtError::Inactive, NOW + BAD_FOR);
        let shelf = locked(&cache.bad);
        assert_eq!((shelf.entries.len(), shelf.order.len()), (1, 1));
        assert_eq!(shelf.bytes, shelf.entries[&key(1_000)].bytes);
    }
}
