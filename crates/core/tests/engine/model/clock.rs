//! Trusted time as rule 16 words it, and what must be true of it whatever anybody does to the wall clock.

use std::time::Duration;

use latchkey_core::time::Timestamp;

use crate::support::machine::Machine;
use crate::support::{hours, seconds};

/// How far trusted time is behind besides: the longest way of an answer that counts, and whole seconds in it.
const ALWAYS_BEHIND: Duration = seconds(61);

/// What the rule says is known about time.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    /// In which boot, at which ticks, it was so late.
    anchor: Option<(u32, Duration, Timestamp)>,
    /// How far the service was ahead of the wall clock at the last check, in milliseconds.
    offset: i64,
    /// The latest that was stored.
    floor: Timestamp,
    /// What had been done to the clock at the last check.
    checked: Option<Mischief>,
}

/// What was done to the clock, counted from the beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct Mischief {
    /// How long the machine was off, and how much was on and may not have been stored.
    hidden: Duration,
    /// How often the wall clock came up later than the last check says that it should have.
    fast: u32,
}

impl Clock {
    pub(super) fn trusted(&self, machine: &Machine) -> Timestamp {
        match self.anchor {
            Some((boot, ticks, at)) if boot == machine.boot() => at + (whole(machine.ticks) - whole(ticks)),
            Some(_) | None => self.by_the_wall(machine).max(self.floor + machine.ticks),
        }
    }

    fn by_the_wall(&self, machine: &Machine) -> Timestamp {
        machine.real.shifted(machine.wall_ahead + self.offset)
    }

    /// The agent looks at the clock. Within a boot the first look decides.
    pub(super) fn look(&mut self, machine: &Machine, mischief: &mut Mischief) {
        let settled = self.anchor.is_some_and(|(boot, ..)| boot == machine.boot());
        if !settled {
            mischief.fast += u32::from(self.by_the_wall(machine) > machine.real);
            self.anchor = Some((machine.boot(), machine.ticks, self.trusted(machine)));
        }
    }

    /// A verified answer to our own request says how late it is.
    pub(super) fn checked(&mut self, service_time: Timestamp, machine: &Machine, mischief: &Mischief) {
        self.anchor = Some((machine.boot(), machine.ticks, service_time));
        self.offset = service_time.offset_from(machine.real.shifted(machine.wall_ahead));
        self.checked = Some(mischief.clone());
    }

    /// Nobody is signed in: there is nothing to be won, and nothing is promised until the next check.
    pub(super) fn promise_nothing(&mut self) {
        self.checked = None;
    }

    pub(super) fn saved(&mut self, machine: &Machine) {
        self.floor = self.trusted(machine);
    }

    /// Setting the clock back hides at most switched-off time, and an hour that was not stored; nothing but a wall
    /// clock that came up fast is ahead of the truth.
    pub(super) fn judge(&self, seen: Timestamp, machine: &Machine, mischief: &Mischief) {
        assert_eq!(
            seen,
            self.trusted(machine),
            "trusted time is not what rule 16 says: {self:?}"
        );
        let Some(then) = &self.checked else { return };
        let behind = machine.real.since(seen);
        let may_be_behind = mischief.hidden - then.hidden + ALWAYS_BEHIND;
        assert!(
            behind <= may_be_behind,
            "{behind:?} are hidden, {may_be_behind:?} may be: {self:?}"
        );
        let came_up_fast = mischief.fast > then.fast;
        assert!(
            seen <= machine.real || came_up_fast,
            "ahead of the truth at {seen:?}: {self:?}"
        );
    }
}

/// Time is kept in whole milliseconds.
const fn whole(ticks: Duration) -> Duration {
    ticks.saturating_sub(Duration::from_nanos(ticks.subsec_nanos() as u64 % 1_000_000))
}

impl Mischief {
    pub(super) fn off_for(&mut self, time: Duration) {
        self.hidden += time + hours(1) + seconds(20);
    }
}
