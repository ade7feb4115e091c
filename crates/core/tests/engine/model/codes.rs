//! Which code is told where a product may not run: the table of the rules, and the order of its codes.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::UseKey;
use latchkey_core::view::StatusView;

use super::reach::{Matter, Reaching};
use crate::support::seconds;

/// A start waits for a check, for failures to be compared and for the check that decides, and is told something else then (decision 4). A
/// stranger's answer makes the other service be asked as well, and whoever starts meanwhile has a check of their own that follows at once.
const WAITS_FOR: Duration = seconds(180);

/// What is known of a product.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) signed_in: bool,
    pub(super) refusal: Option<Code>,
    /// There is a lease, and whether it is good.
    pub(super) lease: Option<bool>,
    /// Its policy denies, and the identity service may be believed to be out, or to want the user.
    pub(super) may_be_denied: bool,
    /// Somebody is signing in.
    pub(super) sign_in: bool,
}

/// What is said of a product that may not run. That it may not is not judged here.
pub(super) fn judge(seen: &StatusView, standing: &Standing, reaching: &Reaching, ticks: Duration) {
    let says = |why: &str| format!("{why}: {seen:?}\n{standing:?}\n{reaching:?}");
    let lately = |matters: &[Matter]| matters.iter().any(|matter| reaching.lately(*matter, ticks));
    let code = seen.code();
    // An outdated agent runs to the end of its lease; what keeps it from that has its own code.
    let refusal = standing
        .refusal
        .filter(|refusal| *refusal != Code::ClientOutdated || standing.lease != Some(true));
    if let Some(refusal) = refusal {
        let spreads = refusal == Code::NotAssigned && seen.reason == Some(Reason::EntitlementSpreading);
        // It may have ended since, and the check that says so is waited for.
        let asks = matches!(refusal, Code::SessionInUse | Code::ClientOutdated) && seen.code <= 3;
        assert!(
            code == Some(refusal) || spreads || asks,
            "{}",
            says("a refusal is told as what it is")
        );
        return;
    }
    let is_right = match code {
        // How long they may be told is judged beside it.
        Some(Code::Ok | Code::PendingIdentity | Code::PendingLicensing) => true,
        Some(Code::AuthPending) => match seen.reason {
            Some(Reason::WaitingForUser) => standing.sign_in,
            Some(Reason::VaultLocked) => lately(&[Matter::Keyring]),
            Some(Reason::NetworkBlocked) => lately(&[Matter::Blocked, Matter::IdentityBlocked]),
            Some(Reason::ClockWrong) => lately(&[Matter::ClockWrong]),
            _ => false,
        },
        Some(Code::SignInRequired) => !standing.signed_in || reaching.may_want_user(),
        // Without a lease and with nothing known against it, the network is all that is needed (decision 1).
        Some(Code::FirstStartOffline) => {
            standing.lease.is_none()
                && (standing.signed_in || lately(&[Matter::Offline, Matter::NeitherAnswers]))
        }
        Some(Code::OfflineLimitReached) => standing.lease == Some(false),
        Some(Code::IdentityUnavailable) => {
            let denied = standing.lease == Some(true) && standing.may_be_denied;
            let out = standing.lease.is_none() && lately(&[Matter::IdentityOut, Matter::IdentityBusy]);
            standing.signed_in && (denied || out)
        }
        Some(Code::LicensingUnavailable) => {
            standing.signed_in && standing.lease.is_none() && lately(&[Matter::LicensingOut, Matter::Busy])
        }
        _ => false,
    };
    assert!(is_right, "{}", says("another code was to be told"));
    if seen.code >= 10 && standing.signed_in && standing.lease.is_none() && !reaching.may_want_user() {
        let decided = reaching.decided().and_then(|(matter, _)| match matter {
            Matter::Offline | Matter::NeitherAnswers => Some(Code::FirstStartOffline),
            Matter::IdentityOut => Some(Code::IdentityUnavailable),
            Matter::LicensingOut => Some(Code::LicensingUnavailable),
            _ => None,
        });
        assert!(
            decided.is_none() || decided == code,
            "{}",
            says("two failures have decided it")
        );
    }
}

/// How long each start has been told that a request is on the wire.
#[derive(Debug, Default)]
pub(super) struct Waits(BTreeMap<UseKey, Duration>);

impl Waits {
    pub(super) fn judge(&mut self, key: UseKey, seen: &StatusView, ticks: Duration) {
        if let Some(since) = self.0.get(&key) {
            let time = ticks.saturating_sub(*since);
            assert!(
                time <= WAITS_FOR,
                "{key:?} has been waiting for {time:?}: {seen:?}"
            );
        }
        if matches!(seen.code, 2 | 3) {
            self.0.entry(key).or_insert(ticks);
        } else {
            self.0.remove(&key);
        }
    }

    /// The machine slept, or its agent is another.
    pub(super) fn begin_anew(&mut self) {
        self.0.clear();
    }
}
