//! What is between machines and services: who can be reached, how long it takes, and what is lost.

use std::time::Duration;

use latchkey_core::engine::{CheckFailure, Input, Outcome, Side};

use super::events::{Event, Sender};
use super::parts::Power;
use super::world::{PATIENCE, World};

impl World {
    pub(super) fn lost(&mut self) -> bool {
        let chance = self.weather.lost;
        self.dice.percent(chance)
    }

    pub(super) fn latency(&mut self) -> Duration {
        let slowest = self.weather.slowest;
        Duration::from_millis(20 + self.dice.below(slowest) as u64)
    }

    pub(super) fn sides(&self, desktop: usize) -> (Side, Side) {
        let side = |up| match (self.desktops[desktop].network, up) {
            (false, _) => Side::NoRoute,
            (true, true) => Side::Answers,
            (true, false) => Side::Silent,
        };
        (side(self.service.up), side(self.identity_up))
    }

    pub(super) fn unreachable(&self, desktop: usize) -> CheckFailure {
        let (licensing, identity) = self.sides(desktop);
        CheckFailure::Unreachable { licensing, identity }
    }

    /// The answer does not come.
    pub(super) fn silence(&mut self, from: Sender) {
        let failure = CheckFailure::Unreachable {
            licensing: Side::Silent,
            identity: self.sides(from.desktop).1,
        };
        self.desktops[from.desktop].out_at = Some(self.now + PATIENCE);
        self.at(PATIENCE, Event::Answered(from, Err(failure)));
    }

    /// Something arrives at an agent.
    pub(super) fn heard(&mut self, from: Sender, input: Input) {
        let desktop = &mut self.desktops[from.desktop];
        if desktop.life != from.life {
            return;
        }
        match desktop.power {
            Power::On => self.input(from.desktop, input),
            Power::Asleep(_) => desktop.missed.push(broken(input)),
            Power::Off => {}
        }
    }
}

/// A release, or a stream, of which the service says nothing.
pub(crate) const NOT_SENT: Outcome = Outcome::ReleaseNotSent { retry_after: None };
pub(crate) const LISTENING_ENDED: Outcome = Outcome::ListeningEnded { retry_after: None };

/// What becomes of an input that arrives while nobody is awake to take it: its connection is gone.
fn broken(input: Input) -> Input {
    let Input::Outcome { attempt, outcome } = input else {
        return input;
    };
    let silent = (Side::Silent, Side::Silent);
    let outcome = match outcome {
        Outcome::Checked(_) => Outcome::Checked(Err(CheckFailure::Unreachable {
            licensing: silent.0,
            identity: silent.1,
        })),
        Outcome::Probed { .. } => Outcome::Probed {
            licensing: silent.0,
            identity: silent.1,
        },
        Outcome::ReleaseSent => NOT_SENT,
        Outcome::Listening | Outcome::Pushed => LISTENING_ENDED,
        other => other,
    };
    Input::Outcome { attempt, outcome }
}
