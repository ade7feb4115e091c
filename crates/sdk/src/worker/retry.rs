//! When the agent is tried again: at once after the first failure, then after ever longer waits, so that a thousand
//! products do not run at an agent that just died.

use std::time::{Duration, Instant};

/// The wait after the second failure in a row; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Retry {
    failures: u32,
    due: Option<Instant>,
}

impl Retry {
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        let mut entropy = [0; 4];
        // Without randomness the waits are whole: later than they could be, and no worse.
        let part = getrandom::fill(&mut entropy).map_or(u32::MAX, |()| u32::from_ne_bytes(entropy));
        self.due = Some(Instant::now() + wait(self.failures, part));
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn is_due(&self) -> bool {
        self.due.is_none_or(|due| due <= Instant::now())
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

/// The wait after this many failures: between half of the whole and all of it, as `part` of [`u32::MAX`] says.
fn wait(failures: u32, part: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(2) else {
        return Duration::ZERO;
    };
    let whole = FIRST_WAIT
        .saturating_mul(1 << doublings.min(16))
        .min(LONGEST_WAIT);
    whole / 2 + (whole / 2).mul_f64(f64::from(part) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_are_spread() {
        assert_eq!(wait(1, u32::MAX), Duration::ZERO);
        assert_eq!(wait(2, u32::MAX), FIRST_WAIT);
        assert_eq!(wait(2, 0), FIRST_WAIT / 2);
        assert_eq!(wait(4, u32::MAX), 4 * FIRST_WAIT);
        assert_eq!(wait(u32::MAX, u32::MAX), LONGEST_WAIT);
    }
}
