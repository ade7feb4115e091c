//! The service's DPoP nonces (RFC 9449 section 8): a time and a keyed hash of it, so that nothing has to be stored.
//!
//! The secret lives as long as the process, and the time is what has passed in it: a wall clock that is set back makes no nonce
//! fresh again whose proofs are forgotten. A restart therefore makes every nonce stale, which costs each device one
//! more round trip and lets the replay cache start empty.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use latchkey_core::jws::{base64url, from_base64url};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How long a nonce is accepted.
pub const LIFE: Duration = Duration::from_secs(300);

/// Enough of the hash that nobody guesses it in [`LIFE`].
const MAC_BYTES: usize = 16;

/// Makes nonces and knows them again.
pub struct Nonces {
    keyed: Hmac<Sha256>,
}

impl Nonces {
    /// `secret` must be random, and belong to this process alone.
    pub fn new(secret: &Zeroizing<[u8; 32]>) -> Self {
        // HMAC fills a key up to the hash's block with zeros by itself (RFC 2104); this type wants the whole block.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(secret.as_ref());
        Self {
            keyed: Hmac::new((&*block).into()),
        }
    }

    /// A nonce that is good from now on, when so much time has `passed`.
    pub fn issue(&self, passed: Duration) -> String {
        let time = millis(passed).to_be_bytes();
        let mac = self.keyed.clone().chain_update(time).finalize().into_bytes();
        base64url([&time[..], &mac[..MAC_BYTES]].concat())
    }

    /// Whether `nonce` is one of ours, and not older than [`LIFE`].
    pub fn accepts(&self, nonce: &str, passed: Duration) -> bool {
        let Some(bytes) = from_base64url(nonce).filter(|bytes| bytes.len() == 8 + MAC_BYTES) else {
            return false;
        };
        let (time, mac) = bytes.split_at(8);
        let Ok(issued) = <[u8; 8]>::try_from(time) else {
            return false;
        };
        self.keyed
            .clone()
            .chain_update(time)
            .verify_truncated_left(mac)
            .is_ok()
            && millis(passed) < u64::from_be_bytes(issued).saturating_add(millis(LIFE))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_its_life_and_only_here() {
        let ours = Nonces::new(&Zeroizing::new([1; 32]));
        let at = Duration::from_secs(1_000);
        let nonce = ours.issue(at);
        assert!(ours.accepts(&nonce, at));
        assert!(ours.accepts(&nonce, at + LIFE - Duration::from_millis(1)));
        assert!(!ours.accepts(&nonce, at + LIFE), "stale");
        assert!(
            !Nonces::new(&Zeroizing::new([2; 32])).accepts(&nonce, at),
            "another process"
        );
        assert!(!ours.accepts("", at));
        let mut forged = from_base64url(&nonce).unwrap();
        forged[7] ^= 1;
        assert!(!ours.accepts(&base64url(forged), at), "a changed time");
    }
}
