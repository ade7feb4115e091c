//! Whoever waits for a seat that was just assigned, as rule 14 words it.

use std::time::Duration;

use latchkey_core::code::Reason;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use crate::support::world::World;
use crate::support::{minutes, seconds};

/// When it is asked again, after the refusal.
const TRIES: [Duration; 4] = [minutes(1), minutes(2), minutes(5), minutes(10)];
const AT_ONCE: Duration = Duration::from_millis(50);
/// After the last of them nobody is awaited for long, whatever came of it (decision 3).
const ENDS: Duration = minutes(11);
/// What is on its way, and the whole seconds of the service's time.
const ROUGHLY: Duration = seconds(5);

/// What is told of the next try.
#[derive(Debug, Default)]
pub(super) struct Spreads {
    next: Option<Timestamp>,
    orders: usize,
}

impl Spreads {
    /// `in_order`: whoever asks is answered soon, and that was so at the last try.
    pub(super) fn judge(&mut self, told: &[StatusView], in_order: bool, now: Timestamp, world: &World) {
        let new = &world.orders[self.orders.min(world.orders.len())..];
        self.orders = world.orders.len();
        // Other checks may be made shortly before or after it, and need none.
        let is_now = |next: &Timestamp| *next <= now && now.since(*next) < AT_ONCE;
        if let Some(next) = self.next.filter(is_now).filter(|_| in_order) {
            let fresh = new.iter().all(|order| order.refresh_every.is_zero());
            assert!(fresh, "the try at {next:?} has no fresh credentials: {new:?}");
        }
        self.next = None;
        for seen in told
            .iter()
            .filter(|seen| seen.reason == Some(Reason::EntitlementSpreading))
        {
            let (since, next) = (seen.since.unwrap(), seen.until.unwrap());
            let after = next.since(since);
            if after.abs_diff(ENDS) <= ROUGHLY {
                continue;
            }
            let is_a_try = TRIES.iter().any(|tried| after.abs_diff(*tried) <= ROUGHLY);
            assert!(is_a_try, "the next try is {after:?} after the refusal: {seen:?}");
            assert!(
                !in_order || now <= next + ROUGHLY,
                "the try is not made at {now:?}: {seen:?}"
            );
            self.next = Some(self.next.map_or(next, |other| other.min(next)));
        }
    }
}
