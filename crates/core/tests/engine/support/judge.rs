//! Somebody who watches the world, and says after every input whether the engine kept to the rules.

use std::time::Duration;

use latchkey_core::engine::{Ask, CheckFailure, Ticket, UseKey};
use latchkey_core::notice::Notice;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;

use super::licensing::Seat;
use super::machine::Machine;
use super::world::World;

/// An answer of the licensing service that arrives as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Genuine {
    /// Which check it answers.
    pub(crate) check: usize,
    /// When that was begun, in ticks.
    pub(crate) asked: Duration,
    /// The service's time in it.
    pub(crate) at: Timestamp,
    /// What it says about each product whose signature was left alone.
    pub(crate) about: Vec<About>,
}

/// What an answer says about one product.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) product: String,
    pub(crate) seat: Seat,
    /// Under which its lease is given.
    pub(crate) policy: Policy,
}

/// What a judge must know of, told in the moment before the engine hears of it.
#[derive(Clone, Debug)]
pub(crate) enum Happened {
    /// A check is begun.
    Checking(usize),
    /// An answer arrives.
    Answered(Genuine),
    /// A check brings nothing that was really said to it: which, and why, where it failed.
    Failed(usize, Option<CheckFailure>),
    /// The system says that something has changed about the network.
    NetworkChanged,
    /// The engine's facts are safe on disk.
    Saved,
    /// The user came back from the browser, and the tokens are in the vault.
    SignedIn,
    /// Somebody asks for something.
    Asked(Ticket, Ask),
    /// A program starts, or says that it is running.
    Started {
        key: UseKey,
        product: String,
        running: bool,
    },
    /// The agent is gone, with everything that was not saved.
    Died,
    /// The machine was asleep for so long.
    Slept(Duration),
    /// The machine was off for so long, and is on again.
    Booted(Duration),
    /// The agent reads what was saved.
    Launched,
    /// A notice is shown.
    Shown(Notice),
}

/// Watches, and panics when the rules are broken.
pub(crate) trait Judge {
    fn happened(&mut self, machine: &Machine, what: &Happened);
    fn judge(&mut self, world: &World);
}
