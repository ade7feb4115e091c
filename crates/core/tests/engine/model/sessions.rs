//! Sessions, as rule 11 words them: a device with an open product is heard of once per heartbeat for as long as it can be, by a check
//! or by the stream of pushes.

use std::time::Duration;

use latchkey_core::view::Problem;

use crate::support::world::{Keyring, Wire, World};
use crate::support::{minutes, seconds};

/// `heartbeat_every`, and the way of a check.
const HEARTBEAT: Duration = minutes(5);
const ON_THE_WAY: Duration = seconds(60);
/// For so long nobody knows that everything is in order again: the back-off's ceiling, and the way of a check.
const UNNOTICED_FOR: Duration = minutes(7);

/// When the service was last heard of.
#[derive(Debug, Default)]
pub(super) struct Heard {
    at: Duration,
    /// A stream of pushes stood when last looked.
    listened: bool,
    /// Since when nothing stands in the way, and a product is open.
    in_order_since: Option<Duration>,
}

impl Heard {
    /// A check is answered.
    pub(super) fn answered(&mut self, ticks: Duration) {
        self.judge_gap(ticks);
        self.at = ticks;
    }

    /// The machine slept, was off, or its agent died.
    pub(super) fn is_interrupted(&mut self) {
        self.in_order_since = None;
    }

    pub(super) fn judge(&mut self, world: &World) {
        let ticks = world.machine.ticks;
        let in_order = world.network
            && (world.licensing && world.identity && world.wire == Wire::Honest)
            && (world.keyring == Keyring::Open && !world.grant_revoked && world.gives_no_token.is_none())
            && world.latency <= seconds(2)
            && world.dies_in.is_none()
            // Until the user signs in again, nobody can ask.
            && !world.view().problems.contains(&Problem::SignInAgain);
        let mut programs = world.programs.iter().filter(|(_, program)| program.running);
        let runs =
            programs.any(|(key, _)| world.engine().use_of(*key).is_some() && world.status(*key).code == 0);
        if !in_order || !runs {
            self.in_order_since = None;
            return;
        }
        self.in_order_since.get_or_insert(ticks);
        // One that has just ended stood until now.
        let listens = world.listens() > 0;
        let listened = std::mem::replace(&mut self.listened, listens);
        if listens || listened {
            self.at = ticks;
        }
        self.judge_gap(ticks);
    }

    fn judge_gap(&self, ticks: Duration) {
        let Some(since) = self.in_order_since else {
            return;
        };
        let heard = self.at.max(since + UNNOTICED_FOR);
        let silent = ticks.saturating_sub(heard);
        assert!(
            silent <= HEARTBEAT + ON_THE_WAY,
            "the service has not heard of an open product for {silent:?}: {self:?}"
        );
    }
}
