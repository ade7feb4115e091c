//! Somebody who watches, knows the truth on both sides, and says after every step whether the rules were kept.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::facts::Service;
use latchkey_core::jws::Thumbprint;
use latchkey_core::policy::{Policy, SessionPolicy};
use latchkey_core::time::{MINUTE, Timestamp};
use latchkey_server::store::records::Release;

use super::desktop::Desktop;
use super::service::{LicensingService, Question, Said};

/// What rounding, latency and the service's own clock may add.
const SLACK: Duration = Duration::from_secs(5 * MINUTE.as_secs());
/// Two devices may run at once for as long as it takes to tell one of them, and for its save window.
const MOST_TOGETHER: Duration = Duration::from_secs(11 * MINUTE.as_secs());

/// For so long nobody need notice that another thing is out by now: the back-off's ceiling, and a check's way.
const UNNOTICED_FOR: Duration = Duration::from_secs(7 * MINUTE.as_secs());

/// Minutes of what is open are counted once an hour at least, and some fall between two days.
const UNCOUNTED: i64 = 75;

/// What a lease counts for: from when it was granted until it ends, in seconds.
#[derive(Debug)]
struct Place {
    granted_at: i64,
    exp: i64,
}

#[derive(Default)]
pub(crate) struct Judge {
    /// Ends of the leases that count for the limit of devices, by user and key.
    places: BTreeMap<usize, BTreeMap<String, Place>>,
    /// Since when two devices of a user run at once although everybody can be reached.
    together: BTreeMap<usize, Timestamp>,
}

impl Judge {
    /// Rules 3 and 10: no lease past the policy, and no more devices than the limit.
    pub(crate) fn service_says(
        &mut self,
        question: &Question,
        said: Option<Said>,
        now: Timestamp,
        service: &LicensingService,
    ) {
        let now = now.shifted(service.clock_ahead).as_secs();
        let places = self.places.entry(question.user).or_default();
        match said {
            Some(Said::Lease(exp)) => {
                let most = now + i64::try_from(service.policy.offline_for.as_secs()).unwrap();
                assert!(exp <= most, "a lease of {} s too many", exp - most);
                let place = Place { granted_at: now, exp };
                places.insert(question.jkt.0.clone(), place);
                let held = places.values().filter(|place| place.exp > now).count();
                let limit = service.policy.device_limit as usize;
                assert!(held <= limit, "{held} devices of {limit}: {places:?}");
            }
            Some(Said::Refusal(Code::DeviceReleased | Code::NotAssigned)) => {
                places.remove(&question.jkt.0);
            }
            Some(Said::Refusal(_)) | None => {}
        }
    }

    /// A device gives up a product, or its place: whatever it was granted until then.
    pub(crate) fn released(&mut self, release: &Release) {
        let signed_at = release.signed_at.as_secs();
        for places in self.places.values_mut() {
            places.retain(|jkt, place| {
                let stays = release.products.is_some() && place.granted_at > signed_at;
                *jkt != release.jkt.0 || stays
            });
        }
    }

    /// The user has released a device, which may not know yet.
    pub(crate) fn lease_may_outlive(&mut self, user: usize, jkts: &[Thumbprint]) {
        if let Some(places) = self.places.get_mut(&user) {
            places.retain(|jkt, _| jkts.iter().all(|released| released.0 != *jkt));
        }
    }

    pub(crate) fn places_freed(&mut self, user: usize) {
        self.places.remove(&user);
    }

    /// Rule 11: never two active sessions for longer than the save window while everybody can be reached.
    pub(crate) fn time_passes(
        &mut self,
        desktops: &[Desktop],
        reachable: bool,
        policy: SessionPolicy,
        now: Timestamp,
        until: Timestamp,
    ) {
        if policy == SessionPolicy::Report {
            return;
        }
        let mut users: BTreeMap<usize, (bool, usize)> = BTreeMap::new();
        for desktop in desktops {
            let (online, running) = users.entry(desktop.user).or_insert((reachable, 0));
            *online &= is_fine(desktop);
            *running += usize::from(desktop.status(now).is_some_and(|status| status.may_run()));
        }
        for (user, (online, running)) in users {
            if !online || running < 2 {
                self.together.remove(&user);
                continue;
            }
            let since = *self.together.entry(user).or_insert(now);
            assert!(
                until.since(since) <= MOST_TOGETHER,
                "user {user}: {running} devices run at once since {:?}",
                until.since(since)
            );
        }
    }

    /// Rules 3, 5, 9 and 16: what runs has a lease that is good, and what does not was told why by the service, or by time.
    pub(crate) fn judge(&self, desktop: &Desktop, policy: &Policy, now: Timestamp) {
        let Some(status) = desktop.product(now) else {
            return;
        };
        let name = &desktop.name;
        let told = &desktop.told;
        let end = match told.last {
            Some(Said::Lease(exp)) => Some(Timestamp::from_secs(exp)),
            Some(Said::Refusal(_)) | None => None,
        };
        // A machine that was told that the session is elsewhere may ask again; offline it runs on its lease.
        let asks_again = told.last == Some(Said::Refusal(Code::SessionInUse));
        let end = end.or_else(|| told.lease_end.filter(|_| asks_again));
        match status.code() {
            Some(Code::Ok) if status.basis == Some(Basis::Temporary) => {
                // Rule 7: signed while the service was seen to be out, for a device that was not refused.
                assert!(end.is_some(), "{name} goes on from nothing: {told:?}");
                let out_at = desktop.out_at.expect("it was never out");
                let latest = out_at.shifted(told.off) + UNNOTICED_FOR + policy.temporary_for;
                assert!(
                    now < latest,
                    "{name} goes on {:?} after the outage",
                    now.since(out_at)
                );
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
            Some(Code::FirstStartOffline | Code::IdentityUnavailable | Code::LicensingUnavailable) => {
                let is_lost = told.given_up || desktop.lost_its_key();
                let holds = matches!(told.last, Some(Said::Lease(_))) && !is_lost;
                assert!(!holds, "{name} has a lease, and is told {status:?}");
            }
            Some(code @ (Code::LeaseInvalid | Code::ClientOutdated | Code::InvalidArgument)) => {
                panic!("{name} is told {code:?}");
            }
            // A start waits for what is on the wire, or for a seat that is on its way. A sign-in that a full disk did not take is
            // forgotten with the next crash, and its lease with it.
            Some(
                Code::Connecting
                | Code::PendingIdentity
                | Code::PendingLicensing
                | Code::AuthPending
                | Code::SignInRequired,
            ) => {}
            other => panic!("{name} is told {other:?}"),
        }
    }

    /// What must be true soon after the last fault (rules 2, 7 and 8): nobody is in doubt any more.
    pub(crate) fn soon_after(&self, desktops: &[Desktop], assigned: &[bool], now: Timestamp) {
        for desktop in desktops {
            let name = &desktop.name;
            assert!(desktop.is_alive(), "{name} has no agent");
            let Some(status) = desktop.status(now) else {
                continue;
            };
            let can_check = can_check(desktop);
            match status.code() {
                Some(Code::Ok) => {
                    assert!(assigned[desktop.user] || !can_check, "{name} runs without a seat");
                    let confirmed = status.basis == Some(Basis::Lease);
                    assert!(confirmed || !can_check, "{name} is still in doubt: {status:?}");
                }
                Some(Code::SignInRequired) => {}
                // What was open when its licence was reset has ended: its next start asks.
                Some(Code::FirstStartOffline) if desktop.told.given_up => {}
                // A place that another device gave up is found at the next check; a user who waits for one gives it up themselves.
                Some(Code::DeviceLimit | Code::SessionInUse | Code::DeviceReleased) => {}
                Some(Code::NotAssigned | Code::AuthPending) if !assigned[desktop.user] => {}
                _ => assert!(!can_check, "{name} is left with {status:?}"),
            }
        }
    }

    /// What must be true when every session of a device that fell silent has ended, too.
    pub(crate) fn at_the_end(
        &self,
        desktops: &[Desktop],
        service: &LicensingService,
        assigned: &[bool],
        now: Timestamp,
    ) {
        self.soon_after(desktops, assigned, now);
        for desktop in desktops {
            let name = &desktop.name;
            assert!(desktop.unanswered.is_empty(), "{name} was never answered");
            let table: u32 = service
                .minutes()
                .iter()
                .filter(|(device, ..)| device == name)
                .map(|(.., minutes)| minutes)
                .sum();
            let ran = desktop.ran / 60_000;
            assert!(
                i64::from(table) <= ran + 1,
                "{name}: {table} minutes in the table, and it ran {ran}"
            );
            let unsent: u32 = desktop.unsent().map(|usage| usage.minutes).sum();
            let least = desktop.ran_online / 60_000 - UNCOUNTED;
            assert!(
                desktop.lost_some || i64::from(table + unsent) >= least,
                "{name}: {table} minutes in the table, {unsent} unsent, and it ran {least} online"
            );
        }
        if service.policy.session_policy == SessionPolicy::Report {
            return;
        }
        for (user, assigned) in assigned.iter().enumerate() {
            let theirs = desktops.iter().filter(|desktop| desktop.user == user);
            let runs = |desktop: &&Desktop| desktop.status(now).is_some_and(|status| status.may_run());
            let (fine, others): (Vec<&Desktop>, Vec<&Desktop>) = theirs.partition(|desktop| is_fine(desktop));
            let running = fine.iter().copied().filter(|desktop| runs(desktop)).count();
            // Whoever cannot be told that the session is elsewhere may have it.
            let somebody = running > 0 || others.iter().copied().any(|desktop| runs(&desktop));
            let codes: Vec<Option<Code>> = fine
                .iter()
                .filter_map(|desktop| Some(desktop.status(now)?.code()))
                .collect();
            let waits = codes.contains(&Some(Code::SessionInUse));
            assert!(running <= 1, "user {user} runs {running} at once: {codes:?}");
            assert!(
                somebody || !waits || !assigned,
                "user {user} waits for a session that nobody has: {codes:?}"
            );
        }
    }
}

/// Whether nothing is wrong with a machine: it is on and online, and somebody is signed in.
pub(crate) fn is_fine(desktop: &Desktop) -> bool {
    let signed_in = can_check(desktop);
    desktop.is_alive() && desktop.network && !desktop.disk_full && desktop.dies_in.is_none() && signed_in
}

/// It has what a check needs, and knows so: a sign-in that a full disk did not take is forgotten with the next crash.
fn can_check(desktop: &Desktop) -> bool {
    let has = desktop
        .vault
        .as_ref()
        .is_some_and(|vault| vault.tokens && vault.granted);
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
    has && !accounts.into_iter().any(asks_again)
}
