//! Somebody who watches, knows the truth on both sides, and says after every step whether the rules were kept.

mod answers;
mod calm;
mod identity;
mod outage;
mod places;
mod sessions;

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::facts::Service;
use latchkey_core::policy::{Policy, SessionPolicy};
use latchkey_core::time::{MINUTE, Timestamp};

use self::places::Places;
use self::sessions::Sessions;
use super::desktop::Desktop;
use super::parts::Program;
use super::products::{Each, PRODUCTS, Which, all};
use super::service::{LicensingService, Said};

/// What rounding, latency and the service's own clock may add.
const SLACK: Duration = Duration::from_secs(5 * MINUTE.as_secs());
/// Two devices may run at once for as long as it takes to tell one of them, and for its save window.
const MOST_TOGETHER: Duration = Duration::from_secs(11 * MINUTE.as_secs());

/// For so long nobody need notice that another thing is out by now: the back-off's ceiling, and a check's way.
const UNNOTICED_FOR: Duration = Duration::from_secs(7 * MINUTE.as_secs());

/// The same where messages are lost: the next may show something else, and only the one after that decides.
const STILL_BELIEVED: Duration = Duration::from_secs(2 * UNNOTICED_FOR.as_secs());

#[derive(Default)]
pub(crate) struct Judge {
    places: Places,
    sessions: Sessions,
    /// Since when two devices of a user run a product at once although everybody can be reached.
    together: BTreeMap<(usize, Which), Timestamp>,
}

impl Judge {
    /// Rule 11: never two active sessions for longer than the save window while everybody can be reached.
    pub(crate) fn time_passes(
        &mut self,
        desktops: &[Desktop],
        reachable: bool,
        policies: &Each<Policy>,
        now: Timestamp,
        until: Timestamp,
    ) {
        let mut users: BTreeMap<(usize, Which), (bool, usize)> = BTreeMap::new();
        for desktop in desktops {
            for which in all() {
                let (online, running) = users.entry((desktop.user, which)).or_insert((reachable, 0));
                *online &= is_fine(desktop);
                *running += usize::from(desktop.status(which, now).is_some_and(|status| status.may_run()));
            }
        }
        for ((user, which), (online, running)) in users {
            let one_at_a_time = policies[which].session_policy != SessionPolicy::Report;
            if !one_at_a_time || !online || running < 2 {
                self.together.remove(&(user, which));
                continue;
            }
            let since = *self.together.entry((user, which)).or_insert(now);
            assert!(
                until.since(since) <= MOST_TOGETHER,
                "user {user}: {running} devices run {} at once since {:?}",
                PRODUCTS[which],
                until.since(since)
            );
        }
    }

    /// Rules 3, 5, 9 and 16: what runs has a lease that is good, and what does not was told why by the service, or by time.
    pub(crate) fn judge(
        &self,
        desktop: &mut Desktop,
        which: Which,
        before: Option<Program>,
        service: &LicensingService,
        now: Timestamp,
    ) {
        let Some(status) = desktop.product(which, now) else {
            return;
        };
        self.is_given(desktop, which, &status, service, now);
        self.denies(desktop, which, before, &status, &service.policies[which], now);
        self.waits_in_no_outage(desktop, which, &status, service, now);
        let name = &desktop.name;
        let told = &desktop.told[which];
        let end = match told.last {
            Some(Said::Lease(lease)) => Some(Timestamp::from_secs(lease.exp)),
            Some(Said::Refusal(_)) | None => None,
        };
        // A machine that was told that the session is elsewhere may ask again; offline it runs on its lease.
        let asks_again = told.last == Some(Said::Refusal(Code::SessionInUse));
        let end = end.or_else(|| told.lease_end.filter(|_| asks_again));
        match status.code() {
            Some(Code::Ok) if status.basis == Some(Basis::Temporary) => {
                self.goes_on(desktop, which, end, service, now);
            }
            Some(Code::Ok) => {
                let end = end.unwrap_or_else(|| panic!("{name} runs, and was told {told:?}"));
                let latest = end.shifted(told.off) + SLACK;
                assert!(now < latest, "{name} runs {:?} after its lease", now.since(end));
            }
            Some(Code::OfflineLimitReached) => {
                let over = end.is_some_and(|end| now + SLACK >= end);
                assert!(
                    over || desktop.was_ahead,
                    "{name} stops before its lease ends: {told:?}"
                );
            }
            Some(
                code @ (Code::NotAssigned
                | Code::SubscriptionEnded
                | Code::DeviceLimit
                | Code::SessionInUse
                | Code::DeviceReleased),
            ) => assert_eq!(
                told.last,
                Some(Said::Refusal(code)),
                "{name} is refused by nobody"
            ),
            Some(Code::FirstStartOffline | Code::LicensingUnavailable) => {
                let is_lost = told.given_up || desktop.lost_its_key(which);
                let holds = matches!(told.last, Some(Said::Lease(_))) && !is_lost;
                assert!(!holds, "{name} has a lease, and is told {status:?}");
            }
            Some(code @ (Code::LeaseInvalid | Code::ClientOutdated | Code::InvalidArgument)) => {
                panic!("{name} is told {code:?}");
            }
            // A start waits for what is on the wire, or for a seat that is on its way. What becomes of whoever holds a lease and
            // has no token, was judged above.
            Some(
                Code::Connecting
                | Code::PendingIdentity
                | Code::PendingLicensing
                | Code::AuthPending
                | Code::SignInRequired
                | Code::IdentityUnavailable,
            ) => {}
            other => panic!("{name} is told {other:?}"),
        }
    }
}

/// Whether nothing is wrong with a machine: it is on and online, and somebody is signed in.
pub(crate) fn is_fine(desktop: &Desktop) -> bool {
    let signed_in = can_check(desktop);
    let told = desktop.is_alive() && desktop.network && !desktop.withheld;
    told && !desktop.disk_full && desktop.dies_in.is_none() && signed_in
}

/// It has what a check needs, and knows so: a sign-in that a full disk did not take is forgotten with the next crash.
fn can_check(desktop: &Desktop) -> bool {
    let accounts = desktop
        .engine()
        .map(|engine| engine.facts().services.values())
        .into_iter()
        .flatten();
    let asks_again = |service: &Service| {
        service
            .account
            .as_ref()
            .is_some_and(|account| account.sign_in_again)
    };
    desktop.may_refresh() && !accounts.into_iter().any(asks_again)
}
