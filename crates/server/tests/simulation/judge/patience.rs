//! Rules 2 and 17: a start is answered, and nobody waits for ever.

use std::time::Duration;

use latchkey_core::code::{Code, Reason};
use latchkey_core::policy::IdentityOutage;
use latchkey_core::time::{MINUTE, Timestamp};
use latchkey_core::view::StatusView;

use super::{Judge, SLACK, STILL_BELIEVED};
use crate::desktop::Desktop;
use crate::products::Which;
use crate::service::Said;

/// A start with a good lease waits for its check for so long (rule 2).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(3);
/// One without waits for a check, for failures to be compared, and for the check that decides.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60 + 20 + 60);
/// The same where messages are lost, so that what fails shows now this and now that: nothing is pending for longer (rule 17).
const AT_LAST: Duration = Duration::from_secs(15 * MINUTE.as_secs());
/// A seat that was just assigned is waited for until the last try (rule 14), and a sign-in until it ends.
const SPREADS_FOR: Duration = Duration::from_secs(11 * MINUTE.as_secs());

/// What is waited for, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(super) since: Timestamp,
    /// A request on the wire, or what code 4 names.
    pub(super) reason: Option<Reason>,
}

impl Judge {
    /// A program hears what its product is said to be.
    pub(super) fn is_told_the_same(
        &self,
        desktop: &Desktop,
        which: Which,
        product: &StatusView,
        now: Timestamp,
    ) {
        let knows = desktop.programs[which].is_some_and(|program| desktop.knows(program));
        let Some(program) = desktop.status(which, now).filter(|_| knows) else {
            return;
        };
        assert_eq!(
            (program.code(), program.basis, program.reason),
            (product.code(), product.basis, product.reason),
            "{}: a program and its product are told different things",
            desktop.name
        );
    }

    pub(super) fn begins_to_wait(
        &self,
        desktop: &mut Desktop,
        which: Which,
        status: &StatusView,
        now: Timestamp,
    ) {
        let before = desktop.waits[which];
        desktop.waits[which] = awaited(status).map(|reason| {
            let same = before.filter(|before| before.reason == reason);
            same.unwrap_or(Wait { since: now, reason })
        });
    }

    /// Whoever waits has not waited for too long.
    pub(crate) fn still_waits(&self, desktop: &Desktop, which: Which, may_be_lost: bool, now: Timestamp) {
        let Some(wait) = desktop.waits[which] else { return };
        let Some(status) = desktop.product(which, now) else {
            return;
        };
        if awaited(&status) != Some(wait.reason) {
            return;
        }
        let holds = self.holds(desktop, which, now) && !self.is_denied(desktop, which, now);
        let longest = match wait.reason {
            None if holds => CONFIRMED_WITHIN,
            None if may_be_lost => AT_LAST,
            None => ANSWERED_WITHIN,
            // Until the keyring has been read, which here takes no time.
            Some(Reason::VaultLocked) => Duration::ZERO,
            Some(Reason::WaitingForUser) if !holds => AT_LAST,
            Some(Reason::EntitlementSpreading) => {
                let told = desktop.told[which].last;
                assert_eq!(told, Some(Said::Refusal(Code::NotAssigned)), "{}", desktop.name);
                SPREADS_FOR
            }
            Some(_) => panic!("{} waits for nobody: {status:?}", desktop.name),
        };
        assert!(
            now.since(wait.since) <= longest,
            "{} waits since {:?}, and may for {longest:?}: {status:?}",
            desktop.name,
            now.since(wait.since)
        );
    }

    /// It was given a lease that is good for certain, and has not been given up.
    fn holds(&self, desktop: &Desktop, which: Which, now: Timestamp) -> bool {
        let told = &desktop.told[which];
        let is_lost = told.given_up || desktop.lost_its_key(which) || desktop.was_ahead;
        match told.last {
            Some(Said::Lease(lease)) => now + SLACK < Timestamp::from_secs(lease.exp) && !is_lost,
            Some(Said::Refusal(_)) | None => false,
        }
    }

    /// Whether it may be that a lease does not count, as no token is to be had (rule 6).
    pub(super) fn is_denied(&self, desktop: &Desktop, which: Which, now: Timestamp) -> bool {
        let denies = match desktop.told[which].last {
            Some(Said::Lease(lease)) => lease.identity_outage == IdentityOutage::Deny,
            Some(Said::Refusal(_)) | None => false,
        };
        let lately = desktop.tokenless.at.is_some_and(|at| now < at + STILL_BELIEVED);
        denies && (lately || !desktop.is_signed_in())
    }
}

fn awaited(status: &StatusView) -> Option<Option<Reason>> {
    match status.code()? {
        Code::PendingIdentity | Code::PendingLicensing => Some(None),
        Code::AuthPending => Some(status.reason),
        _ => None,
    }
}
