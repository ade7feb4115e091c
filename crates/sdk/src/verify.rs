//! What is believed, and why. The agent's word counts for nothing here: any program of this user can sit on its
//! socket. What counts is signed: by a root key that the product was built with, by a lease key that it vouches for, and by
//! the device's own key over a nonce that has never been used before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_core::code::Code;
use latchkey_core::jws::{Jwk, JwsError};
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, Lease, LeaseError};
use latchkey_core::proof;
use latchkey_core::temporary::Temporary;
use latchkey_core::time::Timestamp;
use latchkey_ipc::messages::Grant;

/// How far the agent's trusted time may lag behind this process's own count.
const LAG: Duration = Duration::from_secs(60);

/// Why a grant is not believed. The product is told code 21.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Distrust {
    #[error("the agent says that the product may run, and grants nothing")]
    NoGrant,
    #[error("the keys document is not the vendor's: {0}")]
    Keys(#[source] JwsError),
    #[error("the lease is not for this product and device: {0}")]
    Lease(#[source] LeaseError),
    #[error("the temporary licence is not for this product and device: {0}")]
    Temporary(#[source] LeaseError),
    #[error("the device's proof is not one: {0}")]
    Proof(#[source] JwsError),
    #[error("the proof is about another {0}")]
    ProofOf(&'static str),
    #[error("neither the lease nor a temporary licence is good at the time of the proof")]
    OutOfTime,
    #[error("the agent's clock lags {} s behind", .0.as_secs())]
    ClockLags(Duration),
}

/// What lets the product run.
#[derive(Clone, Debug)]
pub(crate) struct Believed {
    pub(crate) lease: Arc<Lease>,
    /// When the temporary licence ends that goes on from it (rule 7).
    pub(crate) temporary: Option<Timestamp>,
}

impl Believed {
    /// Until when the product may run, whatever becomes of the agent, exclusive.
    pub(crate) fn until(&self) -> Timestamp {
        let lease = self.lease.until();
        self.temporary.map_or(lease, |temporary| temporary.max(lease))
    }
}

/// When the temporary licence of a grant ends, if it is good at `now`.
fn temporary(grant: &Grant, lease: &Lease, now: Timestamp) -> Result<Option<Timestamp>, Distrust> {
    let Some(token) = &grant.temporary else {
        return Ok(None);
    };
    let temporary = Temporary::verify(token, &grant.device, lease).map_err(Distrust::Temporary)?;
    Ok(temporary.is_good(now).then(|| temporary.until()))
}

/// What was verified last, kept so that the next proof is all there is to verify.
#[derive(Debug)]
pub(crate) struct Verifier {
    product: String,
    service: String,
    roots: Vec<Jwk>,
    keys: Option<(String, Keys)>,
    lease: Option<(Jwk, Arc<Lease>)>,
    clock: Option<Clock>,
}

/// Trusted time, counted on by this process between two proofs.
#[derive(Clone, Copy, Debug)]
struct Clock {
    now: Timestamp,
    at: Instant,
    /// When the lease was signed that came with it.
    signed_at: Timestamp,
}

impl Clock {
    fn at(&self, at: Instant) -> Timestamp {
        self.now + at.saturating_duration_since(self.at)
    }
}

impl Verifier {
    pub(crate) fn new(product: &str, service: &str, roots: &[Jwk]) -> Self {
        Self {
            product: product.to_owned(),
            service: service.to_owned(),
            roots: roots.to_owned(),
            keys: None,
            lease: None,
            clock: None,
        }
    }

    /// Trusted time at `at`, if a proof has told it.
    pub(crate) fn now(&self, at: Instant) -> Option<Timestamp> {
        self.clock.map(|clock| clock.at(at))
    }

    /// Verifies a grant that answers `nonce`, at `at`.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub(crate) fn verify(&mut self, grant: &Grant, nonce: &str, at: Instant) -> Result<Believed, Distrust> {
        let lease = self.lease(grant)?;
        let proof = proof::verify(&grant.proof, &grant.device, &lease.claims().binding.cnf.jkt)
            .map_err(Distrust::Proof)?;
        for (what, same) in [
            ("nonce", proof.nonce == nonce),
            ("product", proof.aud == self.product),
            ("status", proof.code == Code::Ok),
            ("lease", proof.lease_hash == proof::hash(lease.token())),
        ] {
            if !same {
                return Err(Distrust::ProofOf(what));
            }
        }
        let temporary = match temporary(grant, &lease, proof.now) {
            // A good lease needs nothing that goes on from it.
            Err(_) if lease.is_good(proof.now) => None,
            verified => verified?,
        };
        if temporary.is_none() && !lease.is_good(proof.now) {
            return Err(Distrust::OutOfTime);
        }
        self.set_clock(proof.now, lease.checked_at(), at)?;
        Ok(Believed { lease, temporary })
    }

    /// The lease of a grant, verified unless it is the one that was verified last.
    fn lease(&mut self, grant: &Grant) -> Result<Arc<Lease>, Distrust> {
        let same_keys = self.keys.as_ref().is_some_and(|(token, _)| *token == grant.keys);
        if let Some((device, lease)) = &self.lease
            && same_keys
            && *device == grant.device
            && lease.token() == grant.lease
        {
            return Ok(Arc::clone(lease));
        }
        if !same_keys {
            let keys = Keys::verify(&grant.keys, &self.roots, &self.service).map_err(Distrust::Keys)?;
            self.keys = Some((grant.keys.clone(), keys));
        }
        let Some((_, keys)) = &self.keys else {
            return Err(Distrust::NoGrant);
        };
        let expected = Expected {
            service: &self.service,
            product: &self.product,
            device: Some(&grant.device.thumbprint()),
            user: None,
            request: None,
        };
        let lease = Lease::verify(&grant.lease, keys, &expected).map_err(Distrust::Lease)?;
        let lease = Arc::new(lease);
        self.lease = Some((grant.device.clone(), Arc::clone(&lease)));
        Ok(lease)
    }

    /// Time only goes on: an agent that stops its clock, or sets it back, would keep a lease good for ever. A lease that
    /// was signed later than the last one is the exception, because the service's own time is above ours (rule 16).
    fn set_clock(&mut self, now: Timestamp, signed_at: Timestamp, at: Instant) -> Result<(), Distrust> {
        match &self.clock {
            Some(clock) if signed_at <= clock.signed_at => {
                let counted = clock.at(at);
                let lag = counted.since(now);
                if lag > LAG {
                    return Err(Distrust::ClockLags(lag));
                }
                // The later of the two, so that lagging a little each time adds up to nothing.
                let signed_at = clock.signed_at;
                self.clock = Some(Clock {
                    now: now.max(counted),
                    at,
                    signed_at,
                });
            }
            Some(_) | None => self.clock = Some(Clock { now, at, signed_at }),
        }
        Ok(())
    }
}
