//! What an OK rests on, until when, and how much is left (rules 3, 4 and 7).

use std::time::Duration;

use latchkey_core::code::Basis;
use latchkey_core::notice::Left;
use latchkey_core::policy::Policy;
use latchkey_core::time::{DAY, HOUR, Timestamp};
use latchkey_core::view::StatusView;

use super::reach::{Matter, Reaching};
use crate::support::minutes;

/// A check that was due may be on its way for so long.
const CHECK_MAY_TAKE: Duration = minutes(2);

/// The lease of a product that may run.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    pub(super) until: Timestamp,
    pub(super) checked_at: Timestamp,
    pub(super) policy: &'a Policy,
    /// The service wants a newer agent, and does not renew it.
    pub(super) is_outdated: bool,
}

/// `given` says whether a temporary licence was given that ends then.
pub(super) fn judge(
    seen: &StatusView,
    lease: Option<&Lease<'_>>,
    given: &mut dyn FnMut(i64) -> bool,
    reaching: &Reaching,
    now: Timestamp,
    ticks: Duration,
) {
    let says = |why: &str| format!("{why} at {now:?}: {seen:?}\n{lease:?}\n{reaching:?}");
    let until = seen.until.expect("an OK says until when");
    assert!(now < until, "{}", says("the end is exclusive"));
    assert_eq!(seen.left, Some(left(now, until)), "{}", says("what is left"));
    let basis = seen.basis.expect("an OK has a basis");
    if basis == Basis::Temporary {
        let signed = given(until.as_secs());
        assert!(signed, "{}", says("nobody signed such a temporary licence"));
        return;
    }
    let lease = lease.unwrap_or_else(|| panic!("{}", says("there is no lease")));
    assert_eq!(until, lease.until, "{}", says("the end of the lease"));
    let is_final = until.since(now) < lease.policy.final_warning;
    // Whoever is online in the last days of a short lease may be told so or not: rule 4 speaks of whoever is offline.
    match basis {
        Basis::FinalWarning => assert!(is_final, "{}", says("warned too early")),
        Basis::Grace => assert!(!is_final, "{}", says("not warned")),
        _ => {}
    }
    let lately = |matters: &[Matter]| matters.iter().any(|matter| reaching.lately(*matter, ticks));
    let overdue = lease.checked_at + lease.policy.check_every;
    let is_right = match basis {
        Basis::Lease => now < overdue + CHECK_MAY_TAKE && !lease.is_outdated,
        Basis::Outage => lately(&[Matter::LicensingOut]) && !lease.is_outdated,
        Basis::Grace => {
            lease.is_outdated
                || overdue <= now
                || lately(&[Matter::Offline, Matter::NeitherAnswers, Matter::IdentityOut])
        }
        _ => true,
    };
    assert!(is_right, "{}", says("it rests on something else"));
    let decided = reaching.decided().and_then(|(matter, _)| match matter {
        Matter::Offline | Matter::NeitherAnswers | Matter::IdentityOut => Some(Basis::Grace),
        Matter::LicensingOut if !lease.is_outdated => Some(Basis::Outage),
        _ => None,
    });
    assert!(
        decided.is_none() || decided == Some(basis) || basis == Basis::FinalWarning,
        "{}",
        says("two failures have decided it")
    );
}

/// Days, and hours where less than a day is left.
fn left(now: Timestamp, until: Timestamp) -> Left {
    let left = until.since(now);
    let ceil = |unit: Duration| u32::try_from(left.as_millis().div_ceil(unit.as_millis())).unwrap();
    if left < DAY {
        Left::Hours(ceil(HOUR))
    } else {
        Left::Days(ceil(DAY))
    }
}
