//! How long whoever failed waits before the next try (rule 2).

use std::time::Duration;

/// The ceiling of the first pause, which doubles with each failure.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer, whatever a service asks for.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// Nobody is asked twice at once.
const SHORTEST: Duration = Duration::from_millis(50);

/// The pause after so many failures in a row: exponential with full jitter, and not before the service wants to be asked again
/// (RFC 9110 section 10.2.3). `dice` is a random number of whoever waits.
pub(super) fn pause(failures: u32, retry_after: Option<Duration>, dice: u64) -> Duration {
    let ceiling = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    let full_jitter = up_to(ceiling, dice);
    // Who was told to come back later than they would anyway was told so together with everybody else.
    let asked = retry_after.unwrap_or_default();
    let apart = dice.rotate_left(17);
    let later = match LONGEST.checked_sub(asked) {
        Some(left) => asked + up_to(left.min(asked / 10), apart),
        // So long nobody waits: they come before, and apart as well.
        None => LONGEST - up_to(LONGEST / 10, apart),
    };
    full_jitter.max(later).max(SHORTEST)
}

fn up_to(longest: Duration, dice: u64) -> Duration {
    let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(dice % millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DICE: [u64; 5] = [0, 1, 299_999, 0x9e37_79b9_7f4a_7c15, u64::MAX];

    #[test]
    fn it_doubles_to_five_minutes() {
        for (failures, ceiling) in [
            (0, 1),
            (1, 2),
            (3, 8),
            (8, 256),
            (9, 300),
            (40, 300),
            (u32::MAX, 300),
        ] {
            let pauses = DICE.map(|dice| pause(failures, None, dice));
            assert!(
                pauses.iter().all(|pause| *pause < ceiling * SECOND),
                "{failures}: {pauses:?}"
            );
            let just_below = u64::from(ceiling) * 1000 - 1;
            assert_eq!(
                pause(failures, None, just_below).as_millis(),
                u128::from(just_below)
            );
        }
    }

    #[test]
    fn nobody_is_asked_twice_at_once() {
        assert_eq!(pause(0, None, 0), SHORTEST);
    }

    #[test]
    fn what_a_service_asks_for_is_kept_up_to_five_minutes_and_a_tenth_apart() {
        for (asked, least, most) in [
            (1, 1, 2),
            (20, 20, 22),
            (290, 290, 300),
            (300, 300, 300),
            (86_400, 270, 300),
        ] {
            let pauses = DICE.map(|dice| pause(0, Some(asked * SECOND), dice));
            let range = least * SECOND..=most * SECOND;
            assert!(
                pauses.iter().all(|pause| range.contains(pause)),
                "{asked} s: {pauses:?}"
            );
            assert!(asked == 300 || pauses[0] != pauses[3], "{asked} s: {pauses:?}");
        }
    }

    #[test]
    fn who_waits_longer_anyway_does_so() {
        assert_eq!(pause(20, Some(SECOND), 299_999), Duration::from_millis(299_999));
    }
}
