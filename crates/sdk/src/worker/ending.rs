//! When what runs must stop: the end of what this process has verified itself, and the stop that it was told (rules 5 and 20).

use std::time::Duration;

use latchkey_core::time::{DAY, Timestamp};

use crate::ticks::Ticks;

/// How long the agent may take, after a lease has ended, to come with another or to say when the product must stop. Its
/// own check before the end takes a minute at most (rule 5).
const END_TIMEOUT: Duration = Duration::from_secs(90);

/// The end of what was verified, by this process's own count.
#[derive(Debug)]
pub(super) struct End {
    /// When it is looked at next.
    at: Ticks,
    /// The agent has been asked about it, and may take until then.
    asked: bool,
}

/// What an end that has come asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The agent may know better: it is asked once.
    Ask,
    /// Nobody knows better, whatever the agent says or does not say.
    Over,
}

impl End {
    pub(super) const fn new(at: Ticks) -> Self {
        Self { at, asked: false }
    }

    pub(super) const fn at(&self) -> Ticks {
        self.at
    }

    /// What is to be done at `now`; `reached` says whether there is an agent to ask.
    pub(super) fn due(&mut self, now: Ticks, reached: bool) -> Option<Due> {
        if now < self.at {
            return None;
        }
        self.at = now + END_TIMEOUT;
        if !reached || self.asked {
            return Some(Due::Over);
        }
        self.asked = true;
        Some(Due::Ask)
    }
}

/// The stop that was told last, since the product could run.
#[derive(Debug, Default)]
pub(super) struct Stop(Option<Told>);

#[derive(Debug)]
struct Told {
    code: u16,
    stop_at: Option<Timestamp>,
    by: Ticks,
}

impl Stop {
    /// Notes a stop at `now` that leaves `left`, and says how much of it counts: another cause wins no time (rule 5), and no save
    /// window is longer than a day. `None` when the same was told already.
    pub(super) fn tell(
        &mut self,
        code: u16,
        stop_at: Option<Timestamp>,
        left: Duration,
        now: Ticks,
    ) -> Option<Duration> {
        let told = self.0.as_ref();
        if told.is_some_and(|told| (told.code, told.stop_at) == (code, stop_at)) {
            return None;
        }
        let latest = told.map_or(DAY, |told| told.by.since(now));
        let left = left.min(latest);
        let by = now + left;
        self.0 = Some(Told { code, stop_at, by });
        Some(left)
    }

    /// Whether the product was told to have stopped by then.
    pub(super) fn is_by(&self, by: Ticks) -> bool {
        self.0.as_ref().is_some_and(|told| told.by <= by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_end_is_asked_about_once_and_comes_whatever_is_said() {
        let now = Ticks::now();
        let mut end = End::new(now + MINUTE);
        assert_eq!(end.due(now, true), None);
        assert_eq!(end.due(now + MINUTE, true), Some(Due::Ask));
        assert_eq!(end.due(now + 2 * MINUTE, true), None, "it may take its time");
        assert_eq!(end.due(now + MINUTE + END_TIMEOUT, true), Some(Due::Over));
        assert_eq!(End::new(now).due(now, false), Some(Due::Over), "nobody is there");
    }

    #[test]
    fn a_stop_far_away_does_not_outlast_the_end() {
        let now = Ticks::now();
        let mut stop = Stop::default();
        assert!(!stop.is_by(now + 10 * MINUTE), "nothing was told");
        let far = Timestamp::from_secs(4_000_000_000);
        assert_eq!(stop.tell(12, Some(far), 1000 * DAY, now), Some(DAY));
        assert!(!stop.is_by(now + 10 * MINUTE));
        assert_eq!(stop.tell(12, None, 10 * MINUTE, now), Some(10 * MINUTE));
        assert!(stop.is_by(now + 10 * MINUTE));
    }

    #[test]
    fn the_same_is_told_once_and_another_cause_wins_no_time() {
        let now = Ticks::now();
        let at = |secs| Some(Timestamp::from_secs(secs));
        let mut stop = Stop::default();
        assert_eq!(stop.tell(16, at(600), 10 * MINUTE, now), Some(10 * MINUTE));
        assert_eq!(stop.tell(16, at(600), 9 * MINUTE, now + MINUTE), None);
        assert_eq!(
            stop.tell(13, at(900), 14 * MINUTE, now + MINUTE),
            Some(9 * MINUTE)
        );
        assert_eq!(stop.tell(13, at(300), MINUTE, now + MINUTE), Some(MINUTE));
        assert_eq!(
            stop.tell(12, None, MINUTE, now + 20 * MINUTE),
            Some(Duration::ZERO)
        );
    }
}
