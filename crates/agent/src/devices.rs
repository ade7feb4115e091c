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

/// What the vault said of the key of one service.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// It is here.
    Held(Device),
    /// It is not, and this is why.
    Without(KeyState),
}

impl Slot {
    /// Whether the vault may give the key yet.
    pub(crate) const fn is_awaited(&self) -> bool {
        matches!(self, Self::Without(KeyState::Awaited))
    }

    /// The same, without the key.
    pub(crate) fn state(&self) -> KeyState {
        match self {
            Self::Held(device) => KeyState::Held(device.thumbprint.clone()),
            Self::Without(state) => state.clone(),
        }
    }
}

/// The device key that what is held of a service is bound to.
pub(crate) fn expected<'a>(engine: &'a Engine, service: &str) -> Option<&'a Thumbprint> {
    let known = engine.facts().services.get(service)?;
    known.device.as_ref()
}

/// For how long somebody who starts a product waits for the keyring (rule 17).
const AWAITED_FOR: Duration = Duration::from_secs(15 * MINUTE.as_secs());

/// The keys by service.
#[derive(Debug, Default)]
pub(crate) struct Devices(BTreeMap<String, Device>);

impl Devices {
    pub(crate) fn put(&mut self, service: String, slot: Slot) {
        match slot {
            Slot::Held(device) => {
                self.0.insert(service, device);
            }
            Slot::Without(_) => self.forget(&service),
        }
    }

    pub(crate) fn forget(&mut self, service: &str) {
        self.0.remove(service);
    }

    /// Every key that is here.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&str, &Device)> {
        self.0.iter().map(|(service, device)| (service.as_str(), device))
    }

    pub(crate) fn device(&self, service: &str) -> Option<&Device> {
        self.0.get(service)
    }

    /// The key that what is held of a service is bound to. While somebody signs in, another one may be here.
    fn bound(&self, engine: &Engine, service: &str) -> Option<&Device> {
        let device = self.device(service)?;
        (expected(engine, service) == Some(&device.thumbprint)).then_some(device)
    }

    /// Signs a temporary licence (rule 7), if the key is here.
    pub(crate) fn sign_temporary(
        &self,
        engine: &Engine,
        service: &str,
        claims: &TemporaryClaims,
    ) -> Option<SelfSigned> {
        let signed = temporary::sign(&self.bound(engine, service)?.key, claims);
        signed
            .inspect_err(|error| tracing::error!(%error, "a temporary licence could not be signed"))
            .ok()
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
        let mut status = engine.use_status(now, key);
        let service = engine.use_of(key).map(|(_, service)| service);
        // A refusal brings no proof, by which the product's clock would be set right as this one was.
        status.at = status
            .stop_at
            .and(service)
            .map(|service| engine.time_of(service, now));
        let Some((grounds, (product, service))) = engine.grant(now, key).zip(engine.use_of(key)) else {
            return (status, None);
        };
        let at = engine.time_of(service, now);
        let Some(device) = self.bound(engine, service) else {
            return (loading(at), None);
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

/// What is said in the moment in which the agent has just started, and the vault has not answered yet. What becomes of it, the
/// engine is told.
fn loading(at: Timestamp) -> StatusView {
    StatusView {
        code: Code::AuthPending.number(),
        name: Code::AuthPending.name().to_owned(),
        reason: Some(Reason::VaultLocked),
        since: Some(at),
        until: Some(at + AWAITED_FOR),
        ..StatusView::default()
    }
}
