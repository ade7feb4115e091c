//! Somebody who watches, knows the truth on both sides, and says after every step whether the rules were kept.

mod answers;
mod calm;
mod identity;
mod outage;
mod patience;
mod places;
mod sessions;
mod stops;
mod together;

use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::time::{MINUTE, Timestamp};

pub(crate) use self::patience::Wait;
use self::places::Places;
use self::sessions::Sessions;
pub(crate) use self::together::Between;
use self::together::Together;
use super::desktop::Desktop;
use super::parts::Program;
use super::products::Which;
use super::service::{LicensingService, Said};

/// What rounding, latency and the service's own clock may add.
const SLACK: Duration = Duration::from_secs(5 * MINUTE.as_secs());
/// For so long nobody need notice that another thing is out by now: the back-off's ceiling, and a check's way.
const UNNOTICED_FOR: Duration = Duration::from_secs(7 * MINUTE.as_secs());

/// The same where messages are lost: the next may show something else, and only the one after that decides.
const STILL_BELIEVED: Duration = Duration::from_secs(2 * UNNOTICED_FOR.as_secs());

#[derive(Default)]
pub(crate) struct Judge {
    places: Places,
    sessions: Sessions,
    together: Together,
}

impl Judge {
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
        self.is_told_the_same(desktop, which, &status, now);
        self.stops_in_time(desktop, which, &status, &service.policies[which], now);
        self.begins_to_wait(desktop, which, &status, now);
        self.is_given(desktop, which, &status, service, now);
        self.denies(desktop, which, before, &status, now);
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
            Some(code @ (Code::FirstStartOffline | Code::LicensingUnavailable)) => {
                let seen_at = desktop.out_at.max(desktop.out_at.and(desktop.woke_at));
                let was_out = seen_at.is_some_and(|seen_at| now < seen_at + STILL_BELIEVED);
                assert!(
                    code == Code::FirstStartOffline || was_out,
                    "{name} is told of an outage that is none"
                );
                let is_lost = told.given_up || desktop.lost_its_key(which);
                let holds = matches!(told.last, Some(Said::Lease(_))) && !is_lost;
                assert!(!holds, "{name} has a lease, and is told {status:?}");
            }
            Some(code @ (Code::LeaseInvalid | Code::ClientOutdated | Code::InvalidArgument)) => {
                panic!("{name} is told {code:?}");
            }
            Some(Code::SignInRequired) => {
                let denied = self.is_denied(desktop, which, now);
                assert!(
                    !desktop.is_signed_in() || denied,
                    "{name} is signed in: {status:?}"
                );
            }
            Some(Code::IdentityUnavailable) => {
                let lately = desktop.tokenless.at.is_some_and(|at| now < at + STILL_BELIEVED);
                assert!(
                    lately || !desktop.may_refresh(),
                    "{name} had a token: {:?}",
                    desktop.tokenless
                );
            }
            // How long anybody waits is judged elsewhere.
            Some(Code::PendingIdentity | Code::PendingLicensing | Code::AuthPending) => {}
            other => panic!("{name} is told {other:?}"),
        }
    }
}

/// Whether nothing is wrong with a machine: it is on and online, and somebody is signed in.
pub(crate) fn is_fine(desktop: &Desktop) -> bool {
    let told = desktop.is_alive() && desktop.network && !desktop.withheld;
    told && !desktop.disk_full && desktop.dies_in.is_none() && desktop.is_signed_in()
}
