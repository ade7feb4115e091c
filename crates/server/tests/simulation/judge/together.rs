//! Rule 11 on the devices: who runs has the session, and whoever has lost it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::policy::SessionPolicy;
use latchkey_core::time::Timestamp;

use super::{Judge, UNNOTICED_FOR, is_fine};
use crate::desktop::Desktop;
use crate::products::{PRODUCTS, Which, all};
use crate::service::LicensingService;

/// Who is online is told within this, but for the way of what tells it: a push, the question, its answer, and both of a check that
/// was under way when the push came (rule 11).
const TOLD_WITHIN: Duration = Duration::from_secs(5);
const WAYS: u32 = 5;
/// What was under way when the network became as good as it is has arrived by then, or is given up.
const SETTLED_AFTER: Duration = Duration::from_secs(90);
/// Until it has, whoever is online may first have to give up a check (rule 17).
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);

/// The world between machines and services, for a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Between {
    /// Everybody can be reached, and at once.
    pub(crate) is_fair: bool,
    /// Everybody can be reached, and nothing is lost.
    pub(crate) is_steady: bool,
    /// How long a message takes at most.
    pub(crate) slowest: Duration,
}

#[derive(Default)]
pub(super) struct Together {
    /// Since when two devices of a user run a product at once although everybody can be reached.
    two_run: BTreeMap<(usize, Which), Timestamp>,
    /// Since when a program runs with its device connected to the service.
    connected: BTreeMap<(usize, Which), Timestamp>,
    /// Since when such a program runs although its device has no session.
    without: BTreeMap<(usize, Which), Timestamp>,
}

impl Judge {
    pub(crate) fn time_passes(
        &mut self,
        desktops: &[Desktop],
        service: &LicensingService,
        between: Between,
        (now, until): (Timestamp, Timestamp),
    ) {
        let mut users: BTreeMap<(usize, Which), (bool, usize)> = BTreeMap::new();
        for (at, desktop) in desktops.iter().enumerate() {
            let is_fine = is_fine(desktop);
            for which in all() {
                let runs = desktop.status(which, now).is_some_and(|status| status.may_run());
                let (online, running) = users.entry((desktop.user, which)).or_insert((between.is_fair, 0));
                *online &= is_fine;
                *running += usize::from(runs);
                let is_connected = between.is_steady && is_fine && runs && desktop.is_connected();
                self.has_a_session((at, which), desktop, is_connected, between.slowest, (now, until));
            }
        }
        for ((user, which), (online, running)) in users {
            let one_at_a_time = service.policies[which].session_policy != SessionPolicy::Report;
            if !one_at_a_time || !online || running < 2 {
                self.together.two_run.remove(&(user, which));
                continue;
            }
            let since = *self.together.two_run.entry((user, which)).or_insert(now);
            assert!(
                until.since(since) <= UNNOTICED_FOR,
                "user {user}: {running} devices run {} at once since {:?}",
                PRODUCTS[which],
                until.since(since)
            );
        }
    }

    /// Whoever runs a product and is connected has a session of it; and who has it no longer is told at once.
    fn has_a_session(
        &mut self,
        whose: (usize, Which),
        desktop: &Desktop,
        is_connected: bool,
        slowest: Duration,
        (now, until): (Timestamp, Timestamp),
    ) {
        let Together {
            connected, without, ..
        } = &mut self.together;
        let Some(stream) = desktop.stream.as_ref().filter(|_| is_connected) else {
            connected.remove(&whose);
            without.remove(&whose);
            return;
        };
        let connected = *connected.entry(whose).or_insert(now);
        if self.sessions.has_one((desktop.user, whose.1), &stream.jkt.0) {
            without.remove(&whose);
            return;
        }
        let since = *without.entry(whose).or_insert(now);
        let is_settled = connected + SETTLED_AFTER <= since;
        let under_way = if is_settled {
            Duration::ZERO
        } else {
            GIVEN_UP_AFTER
        };
        let within = TOLD_WITHIN + WAYS * slowest + under_way;
        assert!(
            until.since(since) <= within,
            "{} runs {} without a session since {:?}, connected since {:?}",
            desktop.name,
            PRODUCTS[whose.1],
            until.since(since),
            until.since(connected)
        );
    }
}
