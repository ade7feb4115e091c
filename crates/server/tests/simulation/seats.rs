//! Who has a seat: the truth that the judge goes by, and when losses of seats are so many that they are held back (rule 18).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_core::time::{DAY, MINUTE, Timestamp};

use super::products::Which;

/// Losses within this time are counted together.
const TOGETHER: Duration = Duration::from_secs(10 * MINUTE.as_secs());
/// Whoever has checked within this time is an active user.
const ACTIVE: Duration = Duration::from_secs(30 * DAY.as_secs());
/// Fewer than this is no mass.
const AT_LEAST: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    Has,
    /// By an import, then.
    Lost(Timestamp),
}

/// The seats of one organisation.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    of: BTreeMap<(usize, Which), Seat>,
    /// When each device of a user last had a check decided, by the service's clock.
    checked: BTreeMap<(usize, String), Timestamp>,
    /// Losses are held back until an admin says what is to become of them.
    held: bool,
}

impl Seats {
    pub(crate) fn has(&self, user: usize, which: Which) -> bool {
        self.of.get(&(user, which)) == Some(&Seat::Has)
    }

    pub(crate) const fn are_held(&self) -> bool {
        self.held
    }

    /// The user has lost the seat, and that is held back.
    pub(crate) fn is_held(&self, user: usize, which: Which) -> bool {
        self.held_since(user, which).is_some()
    }

    /// When the user has lost the seat, where that is held back.
    pub(crate) fn held_since(&self, user: usize, which: Which) -> Option<Timestamp> {
        match self.of.get(&(user, which)) {
            Some(Seat::Lost(at)) if self.held => Some(*at),
            Some(Seat::Has | Seat::Lost(_)) | None => None,
        }
    }

    /// An admin gives or takes it.
    pub(crate) fn set(&mut self, user: usize, which: Which, assigned: bool) {
        if assigned {
            self.of.insert((user, which), Seat::Has);
        } else {
            self.of.remove(&(user, which));
        }
    }

    pub(crate) fn has_checked(&mut self, user: usize, device: &str, at: Timestamp) {
        self.checked.insert((user, device.to_owned()), at);
    }

    /// An import leaves the seats of a product to these users alone. Says whether losses are held back from then on.
    pub(crate) fn import(&mut self, which: Which, users: &[usize], at: Timestamp) -> bool {
        // The service knows whole seconds.
        let at = Timestamp::from_secs(at.as_secs());
        if !self.held {
            // What was lost before is no part of this.
            self.of
                .retain(|_, seat| !matches!(seat, Seat::Lost(then) if *then <= at - TOGETHER));
        }
        for ((user, of), seat) in &mut self.of {
            if *of == which && *seat == Seat::Has && !users.contains(user) {
                *seat = Seat::Lost(at);
            }
        }
        for user in users {
            self.set(*user, which, true);
        }
        let active = self.checked.iter().filter(|(_, then)| **then > at - ACTIVE);
        let active: BTreeSet<usize> = active.map(|((user, _), _)| *user).collect();
        let lost = self.of.iter();
        let lost = lost.filter(|(_, seat)| matches!(seat, Seat::Lost(then) if *then > at - TOGETHER));
        let lost: BTreeSet<usize> = lost.map(|((user, _), _)| *user).collect();
        let losing = lost.intersection(&active).count();
        self.held |= losing >= AT_LEAST && losing * 5 >= active.len();
        self.held
    }

    /// An admin gives what is held back to whoever has lost it, or lets it be lost.
    pub(crate) fn end_hold(&mut self, give_back: bool) {
        self.held = false;
        self.of.retain(|_, seat| give_back || *seat == Seat::Has);
        self.of.values_mut().for_each(|seat| *seat = Seat::Has);
    }
}
