//! Mass loss (rule 18): when so many lose their seats at once that it is most likely a mistake.

use std::time::Duration;

use latchkey_core::time::{DAY, MINUTE};

/// Losses within this time are counted together.
pub const WITHIN: Duration = Duration::from_secs(10 * MINUTE.as_secs());
/// Whoever has checked within this time is an active user.
pub const ACTIVE_WITHIN: Duration = Duration::from_secs(30 * DAY.as_secs());
/// Fewer than this is no mass.
const AT_LEAST: u32 = 5;
/// One in so many.
const ONE_IN: u32 = 5;

/// Whether `losing` of `active` users is a mass loss: 20 % or more, and at least 5.
pub const fn is_mass_loss(losing: u32, active: u32) -> bool {
    losing >= AT_LEAST && losing.saturating_mul(ONE_IN) >= active
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_and_at_least_five() {
        for (losing, active, expected) in [
            (4, 4, false),
            (5, 5, true),
            (5, 25, true),
            (5, 26, false),
            (6, 26, true),
            (19, 100, false),
            (20, 100, true),
            (0, 0, false),
        ] {
            assert_eq!(is_mass_loss(losing, active), expected, "{losing} of {active}");
        }
    }
}
