//! When checks come, as rule 2 words it: at what makes one at once, before they are due, again after a failure, and never in a flood.

use std::collections::VecDeque;
use std::time::Duration;

use crate::support::{minutes, seconds};

/// What makes a check at once has made one by then.
const AT_ONCE: Duration = seconds(5);
/// `Retry-After` is obeyed up to the longest pause and a tenth of it, and then the way of a check.
const NEXT_TRY_WITHIN: Duration = seconds(300 + 30 + 60);
/// More tries than this in a row, in the time of the longest pause, are a flood: full jitter from 1 s, doubling, makes about ten.
const FLOOD: (usize, Duration) = (20, minutes(5));

/// What is so when somebody looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present {
    pub(super) ticks: Duration,
    /// Somebody is signed in and may ask.
    pub(super) signed_in: bool,
    /// Whoever asks is answered soon.
    pub(super) in_order: bool,
    /// The shortest of all leases.
    pub(super) check_every: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Asking {
    answered_at: Duration,
    in_order_since: Option<Duration>,
    /// One is under way.
    flies: bool,
    /// Something has happened that makes a check at once.
    wanted: bool,
    /// By when it must have begun.
    due: Option<Duration>,
    /// By when the next try must have begun, after a failure.
    retry_by: Option<Duration>,
    /// Those that were begun since anything else happened.
    in_a_row: VecDeque<Duration>,
}

impl Asking {
    pub(super) fn begun(&mut self, ticks: Duration) {
        (self.flies, self.wanted) = (true, false);
        (self.due, self.retry_by) = (None, None);
        self.in_a_row.push_back(ticks);
        self.in_a_row
            .retain(|begun| ticks.saturating_sub(*begun) < FLOOD.1);
        assert!(self.in_a_row.len() <= FLOOD.0, "a flood of checks: {self:?}");
    }

    pub(super) fn failed(&mut self, ticks: Duration) {
        self.flies = false;
        self.retry_by = Some(ticks + NEXT_TRY_WITHIN);
    }

    pub(super) fn answered(&mut self, ticks: Duration) {
        self.flies = false;
        self.retry_by = None;
        self.answered_at = ticks;
        self.something_happens();
    }

    /// Whoever does something may bring a check about, and it is no flood.
    pub(super) fn something_happens(&mut self) {
        self.in_a_row.clear();
    }

    /// A start, the network, or a machine that wakes.
    pub(super) fn wants_one(&mut self) {
        self.something_happens();
        self.wanted = !self.flies;
    }

    /// The machine slept, or its agent is another.
    pub(super) fn is_interrupted(&mut self) {
        *self = Self {
            answered_at: self.answered_at,
            ..Self::default()
        };
    }

    pub(super) fn judge(&mut self, present: Present) {
        let Present { ticks, .. } = present;
        if !present.signed_in {
            return self.is_interrupted();
        }
        let is_late = |by: &Duration| ticks > *by;
        assert!(
            !self.retry_by.as_ref().is_some_and(is_late),
            "nobody tries again: {self:?} {present:?}"
        );
        // Until now everything was as it was when last looked.
        if let Some(since) = self.in_order_since {
            assert!(
                !self.due.as_ref().is_some_and(is_late),
                "no check follows: {self:?} {present:?}"
            );
            let latest = self.answered_at + present.check_every + minutes(1);
            let latest = latest.max(since + NEXT_TRY_WITHIN + minutes(1));
            assert!(ticks <= latest, "a check is overdue: {self:?} {present:?}");
        }
        if present.in_order {
            self.in_order_since.get_or_insert(ticks);
            if std::mem::take(&mut self.wanted) {
                self.due = Some(ticks + AT_ONCE);
            }
        } else {
            self.in_order_since = None;
            (self.due, self.wanted) = (None, false);
        }
    }
}
