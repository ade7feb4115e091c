//! What the user is told: rarely, once per cause, and never in a burst (rules 3, 4 and 5).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::facts::Held;
use crate::lease::Lease;
use crate::notice::{Left, Notice, NoticeKind};
use crate::status::{away, is_final, unconfirmed_from};
use crate::temporary::may_go_on;
use crate::time::{LocalDay, Now, Timestamp};
use crate::view::{Away, Reach};

use super::link::Link;
use super::{Dirty, Engine};

/// Starts closer together than this make one notice.
const BURST: Duration = Duration::from_secs(10);
/// More notices than this are never kept for a viewer that does not come.
const KEPT: usize = 20;

impl Engine {
    pub(super) fn note(&mut self, at: Timestamp, product: String, kind: NoticeKind) {
        let told = &mut self.facts.told;
        // What was not shown in time is no longer true.
        told.waiting.retain(|notice| !supersedes(&kind, &notice.kind));
        if told.waiting.len() >= KEPT {
            told.waiting.remove(0);
        }
        told.next_id += 1;
        told.waiting.push(Notice {
            id: told.next_id,
            product,
            at,
            kind,
        });
        self.save(Dirty::One);
    }

    pub(super) fn shown(&mut self, ids: &[u64]) {
        let waiting = &mut self.facts.told.waiting;
        let before = waiting.len();
        waiting.retain(|notice| !ids.contains(&notice.id));
        if waiting.len() != before {
            self.save(Dirty::One);
        }
    }

    /// A check was answered: what nobody saw of its service's being away is no longer true, and whoever saw a warning hears that
    /// it is over. Other services are what they were.
    pub(super) fn connected_again(&mut self, now: &Now, service: &str) {
        self.unsay(service, is_over_when_connected);
        self.facts.told.outages.remove(service);
        if self.counts_on(now, service) {
            return;
        }
        let was_warned = self.facts.told.warned_of.remove(service);
        let first = self.ends_first(now, service);
        if let Some((product, until)) = first.filter(|_| was_warned) {
            self.note(self.trusted(now), product, NoticeKind::Connected { until });
        }
    }

    /// Whether days of a product are counted that no check ends: nobody hears that all is well.
    fn counts_on(&self, now: &Now, service: &str) -> bool {
        let at = self.time_of(service, now);
        let mut entries = self.registry.iter().filter(|entry| entry.service == service);
        entries.any(|entry| {
            let held = self.facts.held(service, &entry.product);
            held.is_some_and(|held| is_ended_by_no_check(held, at))
        })
    }

    /// The account at a service ended, and with it what is said of its products. An outage that was shown was told, whoever signs in
    /// after it.
    pub(super) fn nothing_to_say_of(&mut self, service: &str) {
        self.unsay(service, |_| true);
        self.facts.told.warned_of.remove(service);
    }

    /// Such notices of a service are true no longer.
    fn unsay(&mut self, service: &str, is_over: impl Fn(&NoticeKind) -> bool) {
        let entries = self.registry.iter().filter(|entry| entry.service == service);
        let names: BTreeSet<&str> = entries.map(|entry| entry.name.as_str()).collect();
        let told = &mut self.facts.told;
        let is_unsaid =
            |notice: &mut Notice| is_over(&notice.kind) && names.contains(notice.product.as_str());
        for unsaid in told.waiting.extract_if(.., is_unsaid) {
            if unsaid.kind == NoticeKind::Outage {
                told.outages.remove(service);
            }
        }
    }

    pub(super) fn work_notices(&mut self, now: &Now) {
        self.tell_ends(now);
        self.tell_starts(now);
        self.tell_the_day(now);
        self.tell_outage(now);
    }

    /// The registered product of a service whose good lease ends first: its name, and when.
    fn ends_first(&self, now: &Now, service: &str) -> Option<(String, Timestamp)> {
        let at = self.time_of(service, now);
        let known = self.facts.services.get(service)?;
        known.account.as_ref()?;
        let entries = self.registry.iter().filter(|entry| entry.service == service);
        let leases = entries.filter_map(|entry| {
            let lease = known.products.get(&entry.product)?.lease()?;
            lease.is_good(at).then(|| (entry.name.clone(), lease.until()))
        });
        let (product, until) = leases.min_by_key(|(_, until)| *until)?;
        Some((product, self.ours(service, now, until)))
    }

    fn reach_of(&self, service: &str) -> Reach {
        self.link(service).map(|link| link.reach).unwrap_or_default()
    }

    /// Whether whoever holds this lease is to be told the days (rules 3 and 6): the services are out of reach, or
    /// something else, like a captive portal or a locked keyring, has kept checks away for too long.
    pub(super) fn counts_down(&self, now: &Now, service: &str, lease: &Lease) -> bool {
        let at = self.time_of(service, now);
        let held = self.facts.held(service, &lease.claims().binding.aud);
        if held.is_some_and(|held| is_ended_by_no_check(held, at)) {
            return true;
        }
        match self.reach_of(service) {
            Reach::Offline | Reach::NeitherAnswers | Reach::IdentityOutage => !self.is_old_news(service),
            Reach::LicensingOutage => is_final(lease, at) && !self.outlives_its_lease(service, lease),
            Reach::Unknown | Reach::Online | Reach::Doubtful => {
                at >= unconfirmed_from(lease) && self.cannot_check(now, service)
            }
        }
    }

    /// What is known of a service is of before the machine slept, or of another network, and it is being asked (rule 8).
    fn is_old_news(&self, service: &str) -> bool {
        self.link(service).is_some_and(Link::is_old_news)
    }

    fn away(&self, now: &Now, service: &str, lease: &Lease) -> Away {
        let held = self.facts.held(service, &lease.claims().binding.aud);
        away(
            held,
            self.reach_of(service),
            is_final(lease, self.time_of(service, now)),
        )
    }

    fn cannot_check(&self, now: &Now, service: &str) -> bool {
        let account = self
            .facts
            .services
            .get(service)
            .and_then(|service| service.account.as_ref());
        account.is_some_and(|account| account.sign_in_again)
            || self.link(service).is_some_and(|link| link.keeps_failing(now))
    }

    fn tell_days(&mut self, at: Timestamp, of: Ending) {
        let Ending {
            service,
            product,
            away,
            until,
            final_warning,
        } = of;
        let left = Left::between(at, until);
        if until.since(at) < final_warning {
            self.facts.told.warned_of.insert(service);
            self.note(at, product, NoticeKind::FinalWarning { away, left, until });
        } else {
            self.note(at, product, NoticeKind::Offline { away, left, until });
        }
    }

    /// At each product start the user is told how many days remain, of that product.
    fn tell_starts(&mut self, now: &Now) {
        let at = self.trusted(now);
        let mut told: Option<Ending> = None;
        let mut settled = Vec::new();
        for (key, open) in self.uses.iter().filter(|(_, open)| open.untold && open.running) {
            let lease = self
                .facts
                .held(&open.service, &open.product)
                .and_then(Held::lease);
            let its_time = self.time_of(&open.service, now);
            let Some(lease) = lease.filter(|lease| lease.is_good(its_time)) else {
                continue;
            };
            let counts_down = self.counts_down(now, &open.service, lease);
            let known = !matches!(self.reach_of(&open.service), Reach::Unknown | Reach::Doubtful);
            let decided = known && !self.is_deciding(&open.service);
            if counts_down || decided {
                settled.push(*key);
            }
            if counts_down {
                let until = self.ours(&open.service, now, lease.until());
                if told.as_ref().is_none_or(|earliest| until < earliest.until) {
                    told = Some(Ending {
                        service: open.service.clone(),
                        product: self.name_of(&open.service, &open.product),
                        away: self.away(now, &open.service, lease),
                        until,
                        final_warning: lease.claims().policy.final_warning,
                    });
                }
            }
        }
        for key in settled {
            if let Some(open) = self.uses.get_mut(&key) {
                open.untold = false;
            }
        }
        // One notice for starts in a row, of the product that ends first: one that ends sooner than what was told is news.
        let is_news = |of: &Ending| {
            self.start_told
                .is_none_or(|(at, until)| now.ticks.saturating_sub(at) >= BURST || of.until < until)
        };
        if let Some(of) = told.filter(is_news) {
            self.start_told = Some((now.ticks, of.until));
            self.facts.told.offline_on = Some(LocalDay::of(at, now.utc_offset));
            self.tell_days(at, of);
        }
    }

    /// Whether failures at a service are still being compared, or looked for: nobody knows yet whether it is out of reach.
    fn is_deciding(&self, service: &str) -> bool {
        self.link(service).is_some_and(Link::is_deciding)
    }

    /// Once per local day, of the product that ends first; not once per product.
    fn tell_the_day(&mut self, now: &Now) {
        let at = self.trusted(now);
        let today = LocalDay::of(at, now.utc_offset);
        // Whoever flies west lives through the end of a day twice.
        if self
            .facts
            .told
            .offline_on
            .is_some_and(|told| told == today || told == today.next())
        {
            return;
        }
        let first = self
            .registry
            .iter()
            .filter(|entry| {
                self.facts
                    .services
                    .get(&entry.service)
                    .is_some_and(|service| service.account.is_some())
            })
            .filter_map(|entry| {
                let lease = self
                    .facts
                    .held(&entry.service, &entry.product)
                    .and_then(Held::lease)?;
                let counts_down = self.counts_down(now, &entry.service, lease);
                let is_good = lease.is_good(self.time_of(&entry.service, now));
                (is_good && (counts_down || self.is_deciding(&entry.service))).then(|| {
                    let of = Ending {
                        service: entry.service.clone(),
                        product: entry.name.clone(),
                        away: self.away(now, &entry.service, lease),
                        until: self.ours(&entry.service, now, lease.until()),
                        final_warning: lease.claims().policy.final_warning,
                    };
                    (of, counts_down)
                })
            })
            .min_by_key(|(of, _)| of.until);
        // A cable that is pulled is noticed at one service after the other: which product ends first is known when all have been.
        if let Some((of, true)) = first {
            self.facts.told.offline_on = Some(today);
            self.tell_days(at, of);
        }
    }

    /// Once per outage of a service.
    fn tell_outage(&mut self, now: &Now) {
        let at = self.trusted(now);
        let out = self.registry.iter().find(|entry| {
            let held = self.facts.held(&entry.service, &entry.product);
            let goes_on = held.is_some_and(|held| held.lease().is_some() || held.temporary().is_some());
            let is_told = self.facts.told.outages.contains(&entry.service);
            goes_on && !is_told && self.reach_of(&entry.service) == Reach::LicensingOutage
        });
        if let Some((service, name)) = out.map(|entry| (entry.service.clone(), entry.name.clone())) {
            self.facts.told.outages.insert(service);
            self.note(at, name, NoticeKind::Outage);
        }
    }
}

/// Whether the days of what is held are counted also where every check is answered: the service renews it for no agent of this age, or
/// it ends with its subscription.
fn is_ended_by_no_check(held: &Held, at: Timestamp) -> bool {
    let ends = |lease: &Lease| !may_go_on(lease) && is_final(lease, at);
    held.is_client_outdated() || held.lease().is_some_and(ends)
}

/// Whose lease ends, and when, in the machine's time.
struct Ending {
    service: String,
    product: String,
    away: Away,
    until: Timestamp,
    final_warning: Duration,
}

const fn is_about_being_offline(kind: &NoticeKind) -> bool {
    match kind {
        NoticeKind::Offline { .. }
        | NoticeKind::FinalWarning { .. }
        | NoticeKind::Ended { .. }
        | NoticeKind::Outage => true,
        NoticeKind::Connected { .. } | NoticeKind::MustStop { .. } => false,
    }
}

/// Whether it is no longer true once a check was answered. Who must update Latchkey, or have a subscription renewed, must do so all the
/// same.
const fn is_over_when_connected(kind: &NoticeKind) -> bool {
    let goes_on = matches!(
        kind,
        NoticeKind::Offline {
            away: Away::Outdated,
            ..
        } | NoticeKind::FinalWarning {
            away: Away::Outdated | Away::Subscription,
            ..
        }
    );
    is_about_being_offline(kind) && !goes_on
}

/// Whether a new notice makes one that was not shown yet untrue.
const fn supersedes(new: &NoticeKind, old: &NoticeKind) -> bool {
    match new {
        NoticeKind::Offline { .. } | NoticeKind::FinalWarning { .. } => {
            matches!(
                old,
                NoticeKind::Offline { .. } | NoticeKind::FinalWarning { .. } | NoticeKind::Connected { .. }
            )
        }
        NoticeKind::Ended { .. } => {
            is_about_being_offline(old) || matches!(old, NoticeKind::Connected { .. })
        }
        NoticeKind::Connected { .. } => is_about_being_offline(old),
        NoticeKind::MustStop { .. } | NoticeKind::Outage => false,
    }
}
