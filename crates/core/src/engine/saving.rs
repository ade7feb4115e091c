//! What must survive is on disk before anyone is told; what could not be written is written as soon as it can be.

use std::time::Duration;

use crate::time::{HOUR, Now, Timestamp};
use crate::view::Problem;

use super::{Effect, Engine};

/// The longest pause before a disk that takes nothing is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How much of what is on disk is out of date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dirty {
    #[default]
    No,
    One,
    Both,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Saving {
    dirty: Dirty,
    /// When the clock's floor was last to be written.
    floor_at: Timestamp,
    /// How often in a row the disk took nothing.
    failures: u32,
    /// When it is tried again.
    again_at: Option<Duration>,
}

impl Saving {
    /// Whether the disk lacks something that was told already.
    pub(super) const fn is_behind(&self) -> bool {
        self.again_at.is_some()
    }

    /// When the disk is tried again, in ticks.
    pub(super) const fn again_at(&self) -> Option<Duration> {
        self.again_at
    }

    /// When the floor is to be written again.
    pub(super) fn floor_due(&self) -> Timestamp {
        self.floor_at + HOUR
    }

    fn is_wanted(&self, now: &Now) -> bool {
        self.dirty != Dirty::No || self.is_due_again(now)
    }

    fn is_due_again(&self, now: &Now) -> bool {
        self.again_at.is_some_and(|at| now.ticks >= at)
    }

    /// What is to be written now. What failed may have ended something, so it goes to both copies.
    fn take(&mut self, now: &Now) -> Dirty {
        let dirty = std::mem::take(&mut self.dirty);
        if self.is_behind() && (self.is_due_again(now) || dirty != Dirty::No) {
            Dirty::Both
        } else {
            dirty
        }
    }

    fn failed(&mut self, now: &Now) {
        let pause = Duration::from_secs(1 << self.failures.min(9)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.again_at = Some(now.ticks + pause);
    }
}

impl Engine {
    pub(super) fn save(&mut self, dirty: Dirty) {
        self.saving.dirty = self.saving.dirty.max(dirty);
    }

    /// How the last save went.
    pub(super) fn saved(&mut self, now: &Now, saved: bool) {
        self.state_problems
            .retain(|problem| *problem != Problem::StateNotSaved);
        if saved {
            (self.saving.failures, self.saving.again_at) = (0, None);
            return;
        }
        self.state_problems.push(Problem::StateNotSaved);
        // What a newer Latchkey wrote is never written over, however often that is tried.
        if !self.state_problems.contains(&Problem::StateTooNew) {
            self.saving.failed(now);
        }
    }

    /// The floor is written at least once an hour, so that a power cut hides at most that (rule 16).
    pub(super) fn keep_floor(&mut self, now: &Now) {
        if self.trusted(now) >= self.saving.floor_due() && !self.facts.services.is_empty() {
            self.save(Dirty::One);
        }
    }

    /// The save that goes in front of every effect of this input.
    pub(super) fn save_first(&mut self, now: &Now) {
        if self.saving.is_wanted(now) {
            // The next one may be an hour away, and a power cut loses no more than that.
            self.count_all(now, Duration::ZERO);
        }
        let dirty = self.saving.take(now);
        if dirty == Dirty::No {
            return;
        }
        // One that fails is tried again, and takes the floor along.
        self.saving.floor_at = self.trusted(now);
        let both = dirty == Dirty::Both;
        self.effects.insert(0, Effect::Save { both });
    }
}
