//! The device keys, held in memory while the agent runs, so that a start is answered without asking the keyring.

use std::collections::BTreeMap;

use latchkey_core::code::Code;
use latchkey_core::engine::{Engine, UseKey};
use latchkey_core::jws::{Jwk, SigningKey, Thumbprint};
use latchkey_core::proof::{self, ProofClaims};
use latchkey_core::time::{MINUTE, Now};
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

/// The keys by service. A service that is missing here has a key that the keyring has not given yet.
#[derive(Debug, Default)]
pub(crate) struct Devices(BTreeMap<String, Slot>);

impl Devices {
    pub(crate) fn put(&mut self, service: String, slot: Slot) {
        self.0.insert(service, slot);
    }

    pub(crate) fn forget(&mut self, service: &str) {
        self.0.remove(service);
    }

    /// Every key that is here.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&str, &Device)> {
        self.0.iter().filter_map(|(service, slot)| match slot {
            Slot::Held(device) => Some((service.as_str(), device)),
            Slot::Gone(_) => None,
        })
    }

    pub(crate) fn device(&self, service: &str) -> Option<&Device> {
        match self.0.get(service)? {
            Slot::Held(device) => Some(device),
            Slot::Gone(_) => None,
        }
    }

    /// What a use is told: its status, and with an `OK` the grant that proves it. Without the device key an `OK` cannot
    /// be proven, so it is not said.
    pub(crate) fn answer(
        &self,
        engine: &Engine,
        now: &Now,
        key: UseKey,
        nonce: &str,
    ) -> (StatusView, Option<Box<Grant>>) {
        let status = engine.use_status(now, key);
        let Some(((lease, keys), (product, service))) = engine.grant(now, key).zip(engine.use_of(key)) else {
            return (status, None);
        };
        let at = engine.trusted(now);
        let Some(device) = self.device(service) else {
            let code = if self.0.contains_key(service) {
                Code::SignInRequired
            } else {
                Code::AuthPending
            };
            let waits = code == Code::AuthPending;
            let withheld = StatusView {
                code: code.number(),
                name: code.name().to_owned(),
                reason: waits.then_some(latchkey_core::code::Reason::VaultLocked),
                since: waits.then_some(at),
                until: waits.then_some(at + 15 * MINUTE),
                ..StatusView::default()
            };
            return (withheld, None);
        };
        let claims = ProofClaims {
            nonce: nonce.to_owned(),
            aud: product.to_owned(),
            code: Code::Ok,
            now: at,
            lease_hash: proof::hash(lease),
        };
        match proof::sign(&device.key, &claims) {
            Ok(proof) => {
                let grant = Grant {
                    lease: lease.to_owned(),
                    keys: keys.to_owned(),
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
