//! What is believed, and why. The agent's word counts for nothing here: any program of this user can sit on its
//! socket. What counts is signed: by a root key that the product was built with, by a lease key that it vouches for, and by
//! the device's own key over a nonce that has never been used before.

use std::sync::Arc;
use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::first_start::FirstStart;
use latchkey_core::jws::{Jwk, JwsError, Thumbprint};
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, Lease, LeaseError};
use latchkey_core::policy::Policy;
use latchkey_core::proof::{self, ProofClaims};
use latchkey_core::temporary::Temporary;
use latchkey_core::time::{DAY, Timestamp};
use latchkey_ipc::messages::Grant;

use crate::status::wall_clock;
use crate::ticks::Ticks;

/// How far the agent's trusted time may lag behind this process's own count.
const LAG: Duration = Duration::from_secs(60);
/// How far the time of a first start may be from the system's clock: nothing that a service has signed tells the time then.
const FIRST_OFF: Duration = DAY;

/// Why a grant is not believed. The product is told code 21.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Distrust {
    #[error("the agent says that the product may run, and grants nothing")]
    NoGrant,
    #[error("the keys document is not the vendor's: {0}")]
    Keys(#[source] JwsError),
    #[error("the lease is not for this product and device: {0}")]
    Lease(#[source] LeaseError),
    #[error("the registration is not the vendor's: {0}")]
    Registration(#[source] LeaseError),
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
    #[error("the agent's clock is not the system's, and no lease tells which of them is right")]
    AnotherDay,
}

/// What a product rests on.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    /// A lease of the service.
    Lease(Arc<Lease>),
    /// At a first start in an outage: what the vendor has signed of the registration (rule 7).
    FirstStart(Arc<FirstStart>),
}

impl Base {
    pub(crate) fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Lease(lease) => Some(lease),
            Self::FirstStart(_) => None,
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        match self {
            Self::Lease(lease) => &lease.claims().policy,
            Self::FirstStart(first) => &first.claims().policy,
        }
    }

    fn token(&self) -> &str {
        match self {
            Self::Lease(lease) => lease.token(),
            Self::FirstStart(first) => first.token(),
        }
    }

    fn is_good(&self, now: Timestamp) -> bool {
        self.lease().is_some_and(|lease| lease.is_good(now))
    }

    /// Counts up with each lease that the service signs (`seq`); a first start comes before the first.
    fn sequence(&self) -> u64 {
        self.lease().map_or(0, |lease| lease.claims().binding.seq)
    }
}

/// What lets the product run.
#[derive(Clone, Debug)]
pub(crate) struct Believed {
    pub(crate) base: Base,
    /// When the temporary licence ends that goes on from it (rule 7).
    pub(crate) temporary: Option<Timestamp>,
}

impl Believed {
    /// Until when the product may run, whatever becomes of the agent, exclusive.
    pub(crate) fn until(&self) -> Timestamp {
        let lease = self.base.lease().map(Lease::until);
        lease.max(self.temporary).unwrap_or_default()
    }
}

/// What was verified last, kept so that the next proof is all there is to verify.
#[derive(Debug)]
pub(crate) struct Verifier {
    product: String,
    service: String,
    roots: Vec<Jwk>,
    keys: Option<(String, Keys)>,
    base: Option<(Jwk, Base)>,
    clock: Option<Clock>,
}

/// Trusted time, counted on by this process between two proofs.
#[derive(Clone, Copy, Debug)]
struct Clock {
    now: Timestamp,
    at: Ticks,
    /// Which lease came with it, in the order in which they were signed.
    sequence: u64,
}

impl Clock {
    fn at(&self, at: Ticks) -> Timestamp {
        self.now + at.since(self.at)
    }
}

impl Verifier {
    pub(crate) fn new(product: &str, service: &str, roots: &[Jwk]) -> Self {
        Self {
            product: product.to_owned(),
            service: service.to_owned(),
            roots: roots.to_owned(),
            keys: None,
            base: None,
            clock: None,
        }
    }

    /// Trusted time at `at`, if a proof has told it.
    pub(crate) fn now(&self, at: Ticks) -> Option<Timestamp> {
        self.clock.map(|clock| clock.at(at))
    }

    /// Verifies a grant that answers `nonce`, at `at`.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub(crate) fn verify(&mut self, grant: &Grant, nonce: &str, at: Ticks) -> Result<Believed, Distrust> {
        let base = self.base(grant)?;
        // Nobody but the proof itself names the device of a first start.
        let device = match &base {
            Base::Lease(lease) => lease.claims().binding.cnf.jkt.clone(),
            Base::FirstStart(_) => grant.device.thumbprint(),
        };
        let proof = self.proven(grant, nonce, &base, &device)?;
        let off = proof.now.offset_from(wall_clock()).unsigned_abs();
        if base.lease().is_none() && u128::from(off) > FIRST_OFF.as_millis() {
            return Err(Distrust::AnotherDay);
        }
        let temporary = match self.temporary(grant, &base, proof.now) {
            // A good lease needs nothing that goes on from it.
            Err(_) if base.is_good(proof.now) => None,
            verified => verified?,
        };
        if temporary.is_none() && !base.is_good(proof.now) {
            return Err(Distrust::OutOfTime);
        }
        self.set_clock(proof.now, base.sequence(), at)?;
        Ok(Believed { base, temporary })
    }

    fn proven(
        &self,
        grant: &Grant,
        nonce: &str,
        base: &Base,
        device: &Thumbprint,
    ) -> Result<ProofClaims, Distrust> {
        let proof = proof::verify(&grant.proof, &grant.device, device).map_err(Distrust::Proof)?;
        for (what, same) in [
            ("nonce", proof.nonce == nonce),
            ("product", proof.aud == self.product),
            ("status", proof.code == Code::Ok),
            ("lease", proof.lease_hash == proof::hash(base.token())),
        ] {
            if !same {
                return Err(Distrust::ProofOf(what));
            }
        }
        Ok(proof)
    }

    /// When the temporary licence of a grant ends, if it is good at `now`.
    fn temporary(&self, grant: &Grant, base: &Base, now: Timestamp) -> Result<Option<Timestamp>, Distrust> {
        let Some(token) = &grant.temporary else {
            return Ok(None);
        };
        let verified = match base {
            Base::Lease(lease) => Temporary::verify(token, &grant.device, lease),
            Base::FirstStart(first) => {
                let (_, keys) = self.keys.as_ref().ok_or(Distrust::NoGrant)?;
                Temporary::verify_first(token, &grant.device, first, keys)
            }
        };
        let temporary = verified.map_err(Distrust::Temporary)?;
        Ok(temporary.is_good(now).then(|| temporary.until()))
    }

    /// What a grant rests on, verified unless it is what was verified last.
    fn base(&mut self, grant: &Grant) -> Result<Base, Distrust> {
        let token = grant.lease.as_ref().or(grant.registration.as_ref());
        let token = token.ok_or(Distrust::NoGrant)?;
        let same_keys = self.keys.as_ref().is_some_and(|(token, _)| *token == grant.keys);
        if let Some((device, base)) = &self.base
            && same_keys
            && *device == grant.device
            && base.token() == token
        {
            return Ok(base.clone());
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
        let base = if grant.lease.is_some() {
            let lease = Lease::verify(token, keys, &expected).map_err(Distrust::Lease)?;
            Base::Lease(Arc::new(lease))
        } else {
            let first = FirstStart::verify(token, &self.roots, &self.service, &self.product);
            Base::FirstStart(Arc::new(first.map_err(Distrust::Registration)?))
        };
        self.base = Some((grant.device.clone(), base.clone()));
        Ok(base)
    }

    /// Time only goes on: an agent that stops its clock, or sets it back, would keep a lease good for ever. A lease that
    /// was signed after the last one is the exception, because the service's own time is above ours, also where it was set back
    /// (rule 16).
    fn set_clock(&mut self, now: Timestamp, sequence: u64, at: Ticks) -> Result<(), Distrust> {
        match &self.clock {
            Some(clock) if sequence <= clock.sequence => {
                let counted = clock.at(at);
                let lag = counted.since(now);
                if lag > LAG {
                    return Err(Distrust::ClockLags(lag));
                }
                // The later of the two, so that lagging a little each time adds up to nothing.
                let sequence = clock.sequence;
                self.clock = Some(Clock {
                    now: now.max(counted),
                    at,
                    sequence,
                });
            }
            Some(_) | None => self.clock = Some(Clock { now, at, sequence }),
        }
        Ok(())
    }
}
