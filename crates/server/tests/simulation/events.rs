//! What will happen, to whom, and through which network.

use latchkey_core::engine::{Attempt, Input};
use latchkey_core::facts::PendingRelease;

use super::service::{Answered, Question};

/// Something that will happen.
pub(super) enum Event {
    /// A check arrives at the service.
    Asked(Sender, Question),
    /// Its answer arrives at the machine.
    Answered(Sender, Answered),
    /// A release arrives at the service.
    Released(Sender, PendingRelease),
    /// Something arrives at an agent.
    Heard(Sender, Input),
    /// A sign-in ends in the browser.
    SignedIn(Sender),
    /// An agent that died is started again.
    Launched(usize),
    Woken(usize),
    SwitchedOn(usize),
    Connected(usize),
    LicensingBack,
    /// The service's disk has room again.
    ServiceHasRoom,
    IdentityBack,
    /// An admin looks at what is held back.
    AdminComes,
    /// It is written down who is connected.
    Beat,
}

/// Which agent process, and which of its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) desktop: usize,
    pub(super) life: u64,
    pub(super) attempt: Attempt,
}

/// How bad the network is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Percent of the messages that are lost.
    pub(crate) lost: usize,
    /// Percent that arrive twice.
    pub(crate) twice: usize,
    /// Messages may take this long, in milliseconds, and so overtake each other.
    pub(crate) slowest: usize,
}

pub(crate) const FAIR: Weather = Weather {
    lost: 0,
    twice: 0,
    slowest: 200,
};
