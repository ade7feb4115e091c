//! Rule 6: what a good lease is worth while no valid access token is to be had.

use std::time::Duration;

use latchkey_core::code::{Basis, Code};
use latchkey_core::policy::IdentityOutage;
use latchkey_core::time::{DAY, Timestamp};
use latchkey_core::view::StatusView;

use super::{Judge, SLACK, STILL_BELIEVED};
use crate::desktop::Desktop;
use crate::parts::Program;
use crate::products::Which;
use crate::service::Said;

/// How long what is open runs on under `deny` after the last check.
const RUNS_ON: Duration = Duration::from_secs(DAY.as_secs());

impl Judge {
    /// Under `deny`, whoever has seen twice that no token is to be had is let start nothing, and what is open runs on for a day
    /// and no longer. `before` is the program as it was until now; one that the agent has not heard of yet is not open.
    pub(super) fn denies(
        &self,
        desktop: &Desktop,
        which: Which,
        before: Option<Program>,
        status: &StatusView,
        now: Timestamp,
    ) {
        let (name, tokenless) = (&desktop.name, &desktop.tokenless);
        let Some(Said::Lease(lease)) = desktop.told[which].last else {
            return;
        };
        let checked_at = Timestamp::from_secs(lease.at);
        let runs_on_until = checked_at + RUNS_ON;
        let is_open = before.is_some_and(|program| program.running && desktop.knows(program));
        let is_denied = lease.identity_outage == IdentityOutage::Deny && tokenless.is_known();
        if is_denied && status.may_run() && status.basis != Some(Basis::Temporary) {
            assert!(is_open, "{name} starts without a token: {tokenless:?}");
            let latest = runs_on_until.shifted(desktop.told[which].off) + SLACK;
            assert!(now < latest, "{name} runs on {:?}", now.since(checked_at));
        }
        let is_lost = desktop.told[which].given_up || desktop.lost_its_key(which);
        let is_good = now + SLACK < Timestamp::from_secs(lease.exp) && !desktop.was_ahead && !is_lost;
        if !is_good
            || !matches!(
                status.code(),
                Some(Code::IdentityUnavailable | Code::SignInRequired)
            )
        {
            return;
        }
        assert_eq!(
            lease.identity_outage,
            IdentityOutage::Deny,
            "{name} is worse off than with the cable pulled: {status:?}"
        );
        let lately = tokenless.at.is_some_and(|at| now < at + STILL_BELIEVED);
        // A sign-in that was not saved when the machine went off is none that the agent knows of.
        assert!(
            lately || desktop.must_sign_in || !desktop.may_refresh(),
            "{name} is denied for no reason: {tokenless:?}"
        );
        let over = now + SLACK >= runs_on_until;
        assert!(over || !is_open, "{name} is stopped before its day is over");
    }
}
