//! What a machine is made of, and what it was told.

use std::sync::Arc;

use latchkey_core::engine::{Attempt, UseKey};
use latchkey_core::jws::{SigningKey, Thumbprint};
use latchkey_core::time::Timestamp;

use super::service::Said;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Asleep(Timestamp),
    Off,
}

/// What the keyring holds.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    pub(crate) key: Arc<SigningKey>,
    pub(crate) jkt: Thumbprint,
    pub(crate) tokens: bool,
    pub(crate) access_until: Timestamp,
    pub(crate) signed_in_at: Timestamp,
    /// The identity service takes its refresh token.
    pub(crate) granted: bool,
}

/// A program that has a product open, or waits for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) key: UseKey,
    pub(crate) running: bool,
}

/// A stream of pushes, to the device of a key.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) attempt: Attempt,
    /// What the service calls the device.
    pub(crate) device: String,
    pub(crate) jkt: Thumbprint,
}

/// What the service has told this machine of a product.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) last: Option<Said>,
    /// When the last lease ends.
    pub(crate) lease_end: Option<Timestamp>,
    /// How long the machine was off since, or on without writing it down, in milliseconds.
    pub(crate) off: i64,
    /// The user has given up what it holds.
    pub(crate) given_up: bool,
    /// The key that it is for; none, if the agent did not know that it has it.
    pub(crate) jkt: Option<Thumbprint>,
    /// Which process was told, by which of its checks: what arrives twice, or was overtaken, is no news.
    pub(crate) by: (u64, Attempt),
}

/// How long a program ran, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ran {
    /// Online for all that is known: the service was in reach, or had been a moment before.
    pub(crate) possibly: i64,
    /// Online for certain.
    pub(crate) online: i64,
    /// Counted, or to be counted, and lost for certain or maybe: by a crash, a reset, a sign-out.
    pub(crate) lost: i64,
}
