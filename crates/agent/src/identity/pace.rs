//! How often a provider is asked whether the user has signed in elsewhere (RFC 8628 sections 3.2 and 3.5).

use std::time::Duration;

/// How often is asked when the provider does not say (section 3.2).
const UNSAID: Duration = Duration::from_secs(5);
/// What of the provider's wish is honoured: oftener is an attack on it, and rarer on the user.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// What `slow_down` adds, for good (section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// How long before the code's end the last question is asked, so that it reaches the provider while the code is good.
const LAST: Duration = Duration::from_secs(1);

/// The interval between two questions, and what makes it longer.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// What the next wait is at least.
    at_least: Duration,
    /// Questions in a row that nobody answered in time.
    timeouts: u32,
}

impl Pace {
    /// As the provider wishes, within reason.
    pub(super) fn new(wished: Option<Duration>) -> Self {
        Self {
            interval: wished.unwrap_or(UNSAID).clamp(SHORTEST, LONGEST),
            at_least: Duration::ZERO,
            timeouts: 0,
        }
    }

    /// How long to wait before the next question, where the code is good for `left`. The first one waits, too. Where no other would
    /// fit between it and the end, it comes as late as it can, so that whoever confirms before that has signed in; never sooner than
    /// the interval after the one before.
    pub(super) fn next(&mut self, left: Duration) -> Duration {
        let wait = self.interval.max(std::mem::take(&mut self.at_least));
        let last = left.saturating_sub(LAST);
        if wait.saturating_add(self.interval) <= last {
            wait
        } else {
            self.interval.max(last)
        }
    }

    /// The provider answered: what it says of the code is not known yet.
    pub(super) const fn answered(&mut self) {
        self.timeouts = 0;
    }

    /// The provider answered `slow_down`.
    pub(super) fn slow_down(&mut self) {
        self.answered();
        self.interval = self.interval.saturating_add(SLOWER);
    }

    /// The provider is busy, and may have said for how long (RFC 9110 section 10.2.3).
    pub(super) fn busy(&mut self, retry_after: Option<Duration>) {
        self.answered();
        self.at_least = retry_after.unwrap_or_default().min(LONGEST);
    }

    /// Nobody answered in time: the wait doubles each time that happens in a row, as section 3.5 demands.
    pub(super) fn timed_out(&mut self) {
        self.timeouts = self.timeouts.saturating_add(1);
        let doubled = self.interval.saturating_mul(1 << self.timeouts.min(6));
        self.at_least = doubled.min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code is good for so long that its end is no matter.
    const LONG: Duration = Duration::from_secs(3_600);

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn case_20_any_interval_is_brought_into_sense() {
        for (wished, kept) in [
            (None, 5),
            (Some(0), 1),
            (Some(1), 1),
            (Some(7), 7),
            (Some(60), 60),
            (Some(61), 60),
            (Some(1_000_000_000_000), 60),
            (Some(u64::MAX), 60),
        ] {
            let mut pace = Pace::new(wished.map(secs));
            assert_eq!(pace.next(LONG), secs(kept), "{wished:?}");
            assert_eq!(pace.next(LONG), secs(kept), "{wished:?}, again");
        }
    }

    #[test]
    fn case_20_slow_down_adds_five_seconds_for_good() {
        let mut pace = Pace::new(Some(secs(2)));
        pace.slow_down();
        assert_eq!((pace.next(LONG), pace.next(LONG)), (secs(7), secs(7)));
        pace.slow_down();
        pace.answered();
        assert_eq!((pace.next(LONG), pace.next(LONG)), (secs(12), secs(12)));
    }

    #[test]
    fn case_20_a_busy_provider_is_left_alone_once_for_as_long_as_it_says_and_not_for_ever() {
        for (said, waited) in [
            (None, 5),
            (Some(0), 5),
            (Some(3), 5),
            (Some(20), 20),
            (Some(86_400), 60),
            (Some(u64::MAX), 60),
        ] {
            let mut pace = Pace::new(None);
            pace.busy(said.map(secs));
            assert_eq!(
                (pace.next(LONG), pace.next(LONG)),
                (secs(waited), secs(5)),
                "{said:?}"
            );
        }
    }

    #[test]
    fn case_20_the_wait_doubles_while_nobody_answers() {
        let mut pace = Pace::new(None);
        let mut waits = Vec::new();
        for _ in 0..6 {
            pace.timed_out();
            waits.push(pace.next(LONG).as_secs());
        }
        assert_eq!(waits, [10, 20, 40, 60, 60, 60]);
        pace.answered();
        assert_eq!(pace.next(LONG), secs(5));
        pace.timed_out();
        assert_eq!(pace.next(LONG), secs(10));
    }

    #[test]
    fn the_last_question_comes_as_late_as_it_can_and_never_too_soon() {
        for (interval, left, waits) in [
            (5, 12, 5),
            (5, 7, 6),
            // The one after it would come too late.
            (5, 10, 9),
            (60, 600, 60),
            (60, 120, 119),
            // Too soon after the one before: what is left is waited for in vain.
            (5, 3, 5),
            (1, 1, 1),
            (1, 0, 1),
        ] {
            let mut pace = Pace::new(Some(secs(interval)));
            assert_eq!(pace.next(secs(left)), secs(waits), "{interval} s, {left} s left");
        }
        let mut pace = Pace::new(Some(secs(5)));
        pace.busy(Some(secs(60)));
        assert_eq!(pace.next(secs(40)), secs(39), "the one chance that is left");
    }
}
