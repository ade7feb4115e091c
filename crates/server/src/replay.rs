//! Which proofs were seen before. A proof can only be replayed while its nonce is fresh, so nothing older is kept.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use latchkey_core::jws::Thumbprint;
use sha2::{Digest as _, Sha256};

/// What the cache says about a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// For the first time.
    First,
    /// Again.
    Again,
    /// The cache is full: nobody can tell, and so it must not be believed.
    Full,
}

/// Half a SHA-256: nobody finds two proofs with one name, and it takes half the room.
type Name = [u8; 16];

/// Two generations of names. A name is forgotten after one to two lives.
struct Generations {
    current: HashSet<Name>,
    previous: HashSet<Name>,
    since: Duration,
}

/// The names of proofs that were accepted, for at least `life`.
pub struct Replays {
    life: Duration,
    most: usize,
    generations: Mutex<Generations>,
}

impl Replays {
    /// Remembers for at least `life`, and at most `most` names in that time (16 bytes each, twice).
    pub fn new(life: Duration, most: usize) -> Self {
        let generations = Generations {
            current: HashSet::new(),
            previous: HashSet::new(),
            since: Duration::ZERO,
        };
        Self {
            life,
            most,
            generations: Mutex::new(generations),
        }
    }

    /// Notes the proof `jti` of the key `jkt` when so much time has `passed`, and says whether it was seen before.
    pub fn note(&self, jkt: &Thumbprint, jti: &str, passed: Duration) -> Seen {
        let hash = Sha256::new()
            .chain_update(&jkt.0)
            .chain_update([0])
            .chain_update(jti)
            .finalize();
        let name: Name = std::array::from_fn(|byte| hash[byte]);
        let mut held = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has read the time before another who was here first belongs to that one's generation.
        if passed >= held.since + self.life {
            held.previous = std::mem::take(&mut held.current);
            held.since = passed;
        }
        if held.current.contains(&name) || held.previous.contains(&name) {
            Seen::Again
        } else if held.current.len() >= self.most {
            Seen::Full
        } else {
            held.current.insert(name);
            Seen::First
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_remembered_for_its_life_and_forgotten_later() {
        let replays = Replays::new(Duration::from_secs(10), 2);
        let (one, other) = (Thumbprint("one".into()), Thumbprint("other".into()));
        let at = Duration::from_secs;
        assert_eq!(replays.note(&one, "a", at(100)), Seen::First);
        assert_eq!(replays.note(&one, "a", at(100)), Seen::Again);
        assert_eq!(
            replays.note(&other, "a", at(100)),
            Seen::First,
            "another key's proof"
        );
        assert_eq!(replays.note(&one, "b", at(101)), Seen::Full);
        assert_eq!(
            replays.note(&one, "a", at(110)),
            Seen::Again,
            "one life later, in the previous generation"
        );
        assert_eq!(
            replays.note(&one, "b", at(110)),
            Seen::First,
            "and there is room again"
        );
        assert_eq!(
            replays.note(&one, "a", at(109)),
            Seen::Again,
            "whoever was slow forgets nothing"
        );
        assert_eq!(
            replays.note(&one, "a", at(130)),
            Seen::First,
            "two lives later its nonce is long stale"
        );
    }
}
