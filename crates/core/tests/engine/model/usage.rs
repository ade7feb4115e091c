//! Minutes of use, as rule 12 words it: what was open and online counts, offline never, and each minute once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_core::time::LocalDay;

use crate::support::minutes;
use crate::support::world::World;

/// For so long nobody knows that the network is gone: a stream that is silent is given up, and after it two heartbeats.
const UNNOTICED_FOR: Duration = minutes(13);

/// What was open, and what of it was sent.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// When was last looked, in ticks.
    looked_at: Duration,
    /// What ran then.
    open: BTreeSet<String>,
    online: bool,
    /// When it is known at the latest that nobody is online any more, in ticks.
    noticed_at: Duration,
    /// How long each product may have counted.
    most: BTreeMap<String, Duration>,
    /// The highest that was ever sent of each product and day.
    sent: BTreeMap<(String, LocalDay), u32>,
    read: usize,
}

impl Used {
    /// Until now everything was as it was when last looked.
    pub(super) fn passes(&mut self, ticks: Duration) {
        let counts_until = if self.online {
            ticks
        } else {
            ticks.min(self.noticed_at)
        };
        let time = counts_until.saturating_sub(self.looked_at);
        self.looked_at = ticks;
        for product in &self.open {
            *self.most.entry(product.clone()).or_default() += time;
        }
    }

    /// From now on time counts anew: the machine slept, or was off.
    pub(super) fn begins_at(&mut self, ticks: Duration) {
        self.looked_at = ticks;
        self.noticed_at = ticks + UNNOTICED_FOR;
    }

    pub(super) fn judge(&mut self, world: &World) {
        self.passes(world.machine.ticks);
        // Whatever becomes of answers on their way, somebody who asks whether the service is there finds it.
        let online = world.listens() > 0 || (world.network && world.licensing);
        if self.online && !online {
            self.noticed_at = world.machine.ticks + UNNOTICED_FOR;
        }
        self.online = online;
        let running = world.programs.values().filter(|program| program.running);
        self.open = running.map(|program| program.product.clone()).collect();

        let new = world.orders.iter().skip(self.read).flat_map(|order| &order.usage);
        for usage in new {
            let most = self.sent.entry((usage.product.clone(), usage.day)).or_default();
            *most = usage.minutes.max(*most);
        }
        self.read = world.orders.len();
        for (product, most) in &self.most {
            let days = self.sent.iter().filter(|((sent, _), _)| sent == product);
            let sent: u32 = days.map(|(_, minutes)| minutes).sum();
            assert!(
                u64::from(sent) <= most.as_secs() / 60,
                "{product}: {sent} minutes are sent, and it was used for {most:?}: {self:?}"
            );
        }
        let days = self.sent.values();
        assert!(days.copied().all(|minutes| minutes <= 24 * 60), "{self:?}");
    }
}
