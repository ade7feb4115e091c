//! What must be true when every fault has ended.

use latchkey_core::code::{Basis, Code};
use latchkey_core::policy::SessionPolicy;
use latchkey_core::time::Timestamp;

use super::{Judge, can_check, is_fine};
use crate::desktop::Desktop;
use crate::service::LicensingService;

/// Minutes of what is open are counted once an hour at least, and some fall between two days.
const UNCOUNTED: i64 = 75;

impl Judge {
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
