//! What must be true when every fault has ended.

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::policy::SessionPolicy;
use latchkey_core::time::Timestamp;

use super::{Judge, is_fine};
use crate::desktop::Desktop;
use crate::products::{PRODUCTS, Which, all};
use crate::seats::Seats;
use crate::service::{LicensingService, Said};
use crate::world::USERS;

/// Minutes of what is open are counted once an hour at least, and some fall between two days.
const UNCOUNTED: i64 = 75;

impl Judge {
    /// What must be true soon after the last fault (rules 2, 7 and 8): nobody is in doubt any more.
    pub(crate) fn soon_after(
        &self,
        desktops: &[Desktop],
        service: &LicensingService,
        seats: &Seats,
        now: Timestamp,
    ) {
        for desktop in desktops {
            assert!(desktop.is_alive(), "{} has no agent", desktop.name);
            assert!(desktop.is_signed_in(), "{}: nobody is signed in", desktop.name);
            for which in all() {
                self.is_certain(desktop, which, service, seats, now);
            }
        }
    }

    fn is_certain(
        &self,
        desktop: &Desktop,
        which: Which,
        service: &LicensingService,
        seats: &Seats,
        now: Timestamp,
    ) {
        let (name, whose) = (&desktop.name, (desktop.user, which));
        let status = desktop.product(which, now).expect("it has an agent");
        let assigned = seats.has(desktop.user, which);
        if desktop.withheld {
            // Rule 18: as in an outage. Who lost the seat a moment before so many did, and was told, has it back.
            let lost = seats.held_since(desktop.user, which);
            let was_told = lost.is_some_and(|lost| status.since.is_some_and(|since| since >= lost));
            let refused = status.code() == Some(Code::NotAssigned) && was_told;
            return assert!(!refused, "{name} is refused: {status:?}");
        }
        let (at, policy) = (service.clock(now).as_secs(), &service.policies[which]);
        let jkt = desktop.vault.as_ref().map_or("", |vault| &vault.jkt.0);
        let has_ended = service.has_ended(now, which);
        let is_true = match status.code() {
            Some(Code::Ok) => {
                let last = matches!(desktop.told[which].last, Some(Said::Lease(lease)) if lease.is_last);
                let confirmed =
                    status.basis == Some(Basis::Lease) || (status.basis == Some(Basis::FinalWarning) && last);
                assigned && !has_ended && confirmed
            }
            Some(Code::NotAssigned) => !assigned,
            Some(Code::AuthPending) => !assigned && status.reason == Some(Reason::EntitlementSpreading),
            Some(Code::SubscriptionEnded) => assigned && has_ended,
            // A place that has become free since by nothing but its lease's end is told to nobody before their next check.
            Some(Code::DeviceLimit) => {
                let said_at = status.since.map_or(at, Timestamp::as_secs);
                assigned && self.places.of_others(whose, jkt, said_at) >= policy.device_limit as usize
            }
            Some(Code::SessionInUse) => {
                let one_at_a_time = policy.session_policy != SessionPolicy::Report;
                assigned && one_at_a_time && self.sessions.is_elsewhere(whose, jkt, policy, at)
            }
            // What was open when its licence was reset has ended: its next start asks (rule 15).
            Some(Code::FirstStartOffline) => {
                let is_open = desktop.programs[which].is_some_and(|program| program.running);
                is_open && desktop.told[which].given_up
            }
            _ => false,
        };
        assert!(is_true, "{name} is left with {} as {status:?}", PRODUCTS[which]);
    }

    /// What must be true when every session of a device that fell silent has ended, too.
    pub(crate) fn at_the_end(
        &self,
        desktops: &[Desktop],
        service: &LicensingService,
        seats: &Seats,
        now: Timestamp,
    ) {
        self.soon_after(desktops, service, seats, now);
        let minutes = service.minutes();
        for desktop in desktops {
            let name = &desktop.name;
            assert!(desktop.unanswered.is_empty(), "{name} was never answered");
            for which in all() {
                let mine = minutes
                    .iter()
                    .filter(|(device, of, _)| device == name && *of == which);
                is_counted(desktop, which, mine.map(|(.., minutes)| minutes).sum());
            }
        }
        for which in all() {
            if service.policies[which].session_policy == SessionPolicy::Report {
                continue;
            }
            for user in 0..USERS {
                let theirs = desktops
                    .iter()
                    .filter(|desktop| desktop.user == user && !desktop.withheld);
                one_has_the_session(&theirs.collect::<Vec<_>>(), which, seats.has(user, which), now);
            }
        }
    }
}

/// Rule 12: `table` minutes are no more than it ran and may have been online, and nothing that it was seen to run online is missing
/// but what a crash, a reset or a sign-out may lose.
fn is_counted(desktop: &Desktop, which: Which, table: u32) {
    let (name, product, ran) = (&desktop.name, PRODUCTS[which], desktop.ran[which]);
    assert!(
        i64::from(table) <= ran.possibly / 60_000 + 1,
        "{name}: {table} minutes of {product} in the table: {ran:?}"
    );
    let unsent = desktop.unsent().filter(|usage| usage.product == product);
    let unsent: u32 = unsent.map(|usage| usage.minutes).sum();
    let least = (ran.online - ran.lost) / 60_000 - UNCOUNTED;
    assert!(
        i64::from(table + unsent) >= least,
        "{name}: {table} minutes of {product} in the table, {unsent} unsent: {ran:?}"
    );
}

/// Rule 11, of the devices of one user.
fn one_has_the_session(theirs: &[&Desktop], which: Which, assigned: bool, now: Timestamp) {
    let product = PRODUCTS[which];
    let runs = |desktop: &&&Desktop| desktop.status(which, now).is_some_and(|status| status.may_run());
    let (fine, others): (Vec<&Desktop>, Vec<&Desktop>) =
        theirs.iter().copied().partition(|desktop| is_fine(desktop));
    let running = fine.iter().filter(runs).count();
    // Whoever cannot be told that the session is elsewhere may have it.
    let somebody = running > 0 || others.iter().any(|desktop| runs(&desktop));
    let codes = fine
        .iter()
        .filter_map(|desktop| Some(desktop.status(which, now)?.code()));
    let codes: Vec<Option<Code>> = codes.collect();
    let waits = codes.contains(&Some(Code::SessionInUse));
    assert!(running <= 1, "{running} run {product} at once: {codes:?}");
    assert!(
        somebody || !waits || !assigned,
        "somebody waits for a session of {product} that nobody has: {codes:?}"
    );
}
