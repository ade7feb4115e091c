//! The device keys, held in memory while the agent runs, so that a start is answered without asking the keyring.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::{Engine, UseKey};
use latchkey_core::jws::{Jwk, SigningKey, Thumbprint};
use latchkey_core::proof::{self, ProofClaims};
use latchkey_core::temporary::{self, SelfSigned, TemporaryClaims};
use latchkey_core::time::{MINUTE, Now, Timestamp};
use latchkey_core::vault::KeyState;
use latchkey_core::view::StatusView;
use latchkey_ipc::messages::Grant;
use std::sync::Arc;

/// A device key, ready to sign.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) key: Arc<SigningKey>,
    pub(crate) jwk: Jwk,
    pub(crate) thumbprint: Thumbprint,
}

impl Device {
    pub(crate) fn new(key: SigningKey) -> Self {
        let jwk = key.jwk();
        Self {
            thumbprint: jwk.thumbprint(),
            jwk,
            key: Arc::new(key),
        }
    }
}

/// What is known of the key of one service.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// It is here.
    Held(Device),
    /// The keyring is open, and does not have it.
    Gone(KeyState),
}

/// For how long somebody who starts a product waits for the keyring (rule 17).
const AWAITED_FOR: Duration = Duration::from_secs(15 * MINUTE.as_secs());

/// The keys by service. A service that is missing here has a key that the keyring has not given yet.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    slots: BTreeMap<String, Slot>,
    /// Since when a key is missed.
    missed: BTreeMap<String, Timestamp>,
}

impl Devices {
    pub(crate) fn put(&mut self, service: String, slot: Slot) {
        self.missed.remove(&service);
        self.slots.insert(service, slot);
    }

    pub(crate) fn forget(&mut self, service: &str) {
        self.slots.remove(service);
    }

    /// Every key that is here.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&str, &Device)> {
        self.slots.iter().filter_map(|(service, slot)| match slot {
            Slot::Held(device) => Some((service.as_str(), device)),
            Slot::Gone(_) => None,
        })
    }

    pub(crate) fn device(&self, service: &str) -> Option<&Device> {
        match self.slots.get(service)? {
            Slot::Held(device) => Some(device),
            Slot::Gone(_) => None,
        }
    }

    /// Signs a temporary licence (rule 7), if the key is here.
    pub(crate) fn sign_temporary(&self, service: &str, claims: &TemporaryClaims) -> Option<SelfSigned> {
        let signed = temporary::sign(&self.device(service)?.key, claims);
        signed
            .inspect_err(|error| tracing::error!(%error, "a temporary licence could not be signed"))
            .ok()
    }

    /// What is said in place of an `OK` that cannot be proven.
    fn withheld(&mut self, service: &str, at: Timestamp) -> StatusView {
        let status = |code: Code| StatusView {
            code: code.number(),
            name: code.name().to_owned(),
            ..StatusView::default()
        };
        if self.slots.contains_key(service) {
            return status(Code::SignInRequired);
        }
        let since = *self.missed.entry(service.to_owned()).or_insert(at);
        StatusView {
            reason: Some(Reason::VaultLocked),
            since: Some(since),
            // Whoever has not come by then is no longer awaited.
            until: Some(since + AWAITED_FOR).filter(|until| at < *until),
            ..status(Code::AuthPending)
        }
    }

    /// What a use is told: its status, and with an `OK` the grant that proves it. Without the device key an `OK` cannot
    /// be proven, so it is not said.
    pub(crate) fn answer(
        &mut self,
        engine: &Engine,
        now: &Now,
        key: UseKey,
        nonce: &str,
    ) -> (StatusView, Option<Box<Grant>>) {
        let status = engine.use_status(now, key);
        let Some((grounds, (product, service))) = engine.grant(now, key).zip(engine.use_of(key)) else {
            return (status, None);
        };
        let at = engine.trusted(now);
        let Some(device) = self.device(service) else {
            return (self.withheld(service, at), None);
        };
        let claims = ProofClaims {
            nonce: nonce.to_owned(),
            aud: product.to_owned(),
            code: Code::Ok,
            now: at,
            lease_hash: proof::hash(grounds.base.token()),
        };
        match proof::sign(&device.key, &claims) {
            Ok(proof) => {
                let grant = Grant {
                    lease: grounds.base.lease().map(str::to_owned),
                    registration: grounds.base.first_start().map(str::to_owned),
                    keys: grounds.keys.to_owned(),
                    temporary: grounds.temporary.map(str::to_owned),
                    device: device.jwk.clone(),
                    proof,
                };
                (status, Some(Box::new(grant)))
            }
            Err(error) => {
                tracing::error!(%error, "a proof could not be signed");
                (status, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_does_not_come_is_awaited_for_a_while_and_not_anew_each_time() {
        let mut devices = Devices::default();
        let first = Timestamp::from_secs(1_800_000_000);
        let mut told = |after: Duration| {
            let status = devices.withheld("https://licence.example", first + after);
            assert_eq!(status.code(), Some(Code::AuthPending));
            (status.since, status.until)
        };
        let until = first + AWAITED_FOR;
        assert_eq!(told(Duration::ZERO), (Some(first), Some(until)));
        assert_eq!(told(MINUTE), (Some(first), Some(until)));
        assert_eq!(told(AWAITED_FOR), (Some(first), None));

        devices.put("https://licence.example".to_owned(), Slot::Gone(KeyState::Gone));
        let status = devices.withheld("https://licence.example", first);
        assert_eq!(status.code(), Some(Code::SignInRequired));
    }
}
