//! A seat that was just assigned: changes need time to spread, so that a refusal is asked about again while its user waits
//! (rule 14).

use std::time::Duration;

use crate::time::{MINUTE, Now, Timestamp};

use super::Engine;

/// After the refusal.
const TRIES: [Duration; 4] = [
    MINUTE,
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
];
/// How long the last one may take.
const LAST_WITHIN: Duration = MINUTE;

/// The wait of a program's user for a seat.
#[derive(Debug)]
pub(super) struct Spreading {
    /// When it was refused, in ticks.
    refused_at: Duration,
    /// The same, as it is told.
    pub(super) since: Timestamp,
    /// How many tries have begun.
    begun: usize,
    /// The last try was answered.
    over: bool,
}

impl Spreading {
    const fn began(now: &Now, since: Timestamp) -> Self {
        Self {
            refused_at: now.ticks,
            since,
            begun: 0,
            over: false,
        }
    }

    fn ends_after() -> Duration {
        TRIES.last().copied().unwrap_or_default() + LAST_WITHIN
    }

    fn is_over(&self, now: &Now) -> bool {
        self.over || now.ticks >= self.refused_at + Self::ends_after()
    }

    /// Since when it lasts, and when the next try is.
    fn told(&self, now: &Now) -> Option<(Timestamp, Timestamp)> {
        let next = TRIES.get(self.begun).copied().unwrap_or_else(Self::ends_after);
        (!self.is_over(now)).then(|| (self.since, self.since + next))
    }

    fn next_at(&self, now: &Now) -> Option<Duration> {
        let after = TRIES.get(self.begun).copied().unwrap_or_else(Self::ends_after);
        (!self.is_over(now)).then(|| self.refused_at + after)
    }
}

impl Engine {
    /// A product was refused for want of a seat, just now or before its program started. Whoever waits for it goes on waiting,
    /// once.
    pub(super) fn not_assigned(&mut self, now: &Now, name: &str, product: &str) {
        let since = self.trusted(now);
        let waits = self.is_awaited(name, product);
        let Some(link) = self.links.get_mut(name) else {
            return;
        };
        if waits {
            let spreading = link.spreading.entry(product.to_owned());
            spreading.or_insert_with(|| Spreading::began(now, since));
        }
    }

    /// A try was answered. After the last one, whoever is still without a seat waits no more.
    pub(super) fn try_answered(&mut self, name: &str) {
        let link = self.links.get_mut(name);
        let spreading = link.into_iter().flat_map(|link| link.spreading.values_mut());
        spreading.for_each(|spreading| spreading.over |= spreading.begun >= TRIES.len());
    }

    /// It has its seat.
    pub(super) fn assigned(&mut self, name: &str, product: &str) {
        if let Some(link) = self.links.get_mut(name) {
            link.spreading.remove(product);
        }
    }

    fn is_awaited(&self, name: &str, product: &str) -> bool {
        let mut uses = self.uses.values();
        uses.any(|open| open.service == name && open.product == product && !open.running)
    }

    /// Since when a product's user waits for a seat, and when the next try is.
    pub(super) fn spreading(&self, now: &Now, name: &str, product: &str) -> Option<(Timestamp, Timestamp)> {
        self.links.get(name)?.spreading.get(product)?.told(now)
    }

    /// Begins the tries that are due, each with credentials that are fetched anew: the token may name the seat.
    pub(super) fn work_spreading(&mut self, now: &Now) {
        let names: Vec<String> = self.links.keys().cloned().collect();
        for name in names {
            let Some(link) = self.links.get(&name) else {
                continue;
            };
            let gone: Vec<String> = link
                .spreading
                .keys()
                .filter(|product| !self.is_awaited(&name, product))
                .cloned()
                .collect();
            let Some(link) = self.links.get_mut(&name) else {
                continue;
            };
            link.spreading.retain(|product, _| !gone.contains(product));
            let mut due = false;
            for spreading in link.spreading.values_mut() {
                while !spreading.over
                    && TRIES
                        .get(spreading.begun)
                        .is_some_and(|after| now.ticks >= spreading.refused_at + *after)
                {
                    spreading.begun += 1;
                    due = true;
                }
            }
            if due {
                link.want_anew();
            }
        }
    }

    pub(super) fn spreading_next_at(&self, now: &Now) -> Option<Duration> {
        let all = self.links.values().flat_map(|link| link.spreading.values());
        all.filter_map(|spreading| spreading.next_at(now)).min()
    }
}
