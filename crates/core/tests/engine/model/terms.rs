//! The policies that leases are given under.

use std::fmt;
use std::time::Duration;

use latchkey_core::policy::{IdentityOutage, Policy, SessionPolicy};
use proptest::prelude::*;
use proptest::sample::select;

use super::steps::Time;
use crate::support::{days, hours, minutes};

/// Any of them; the default is as likely as all others of a number.
pub(super) fn policies() -> impl Strategy<Value = Policy> {
    let number = |preset: Duration, others: [Duration; 2]| select(vec![preset, preset, others[0], others[1]]);
    let outages = select(vec![IdentityOutage::Grace, IdentityOutage::Deny]);
    let offline = (
        number(days(30), [days(2), days(7)]),
        number(days(3), [hours(6), hours(36)]),
        number(days(1), [hours(6), hours(12)]),
    );
    let in_an_outage = (
        select(vec![None, None, Some(2)]),
        number(days(1), [hours(2), hours(30)]),
    );
    let saves = number(minutes(10), [minutes(2), hours(1)]);
    let sessions = select(vec![
        SessionPolicy::Takeover,
        SessionPolicy::Takeover,
        SessionPolicy::Deny,
        SessionPolicy::Report,
    ]);
    (outages, offline, in_an_outage, saves, sessions).prop_map(
        |(identity_outage, offline, in_an_outage, save_window, session_policy)| {
            let (offline_for, final_warning, check_every) = offline;
            let (temporary_limit, outage_keep_for) = in_an_outage;
            Policy {
                identity_outage,
                offline_for,
                // The service stores no warning that is longer than the lease.
                final_warning: final_warning.min(offline_for * 3 / 4),
                check_every,
                temporary_limit,
                outage_keep_for,
                save_window,
                session_policy,
                ..Policy::default()
            }
        },
    )
}

/// What differs from the default.
pub(super) struct Terms<'a>(pub(super) &'a Policy);

impl fmt::Display for Terms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (policy, preset) = (self.0, Policy::default());
        let mut all = Vec::new();
        for (name, own, preset) in [
            ("offline_for", policy.offline_for, preset.offline_for),
            ("final_warning", policy.final_warning, preset.final_warning),
            ("check_every", policy.check_every, preset.check_every),
            ("outage_keep_for", policy.outage_keep_for, preset.outage_keep_for),
            ("save_window", policy.save_window, preset.save_window),
        ] {
            if own != preset {
                all.push(format!("{name} {}", Time(own)));
            }
        }
        if policy.identity_outage != preset.identity_outage {
            all.push(format!("identity_outage {:?}", policy.identity_outage));
        }
        if policy.session_policy != preset.session_policy {
            all.push(format!("session_policy {:?}", policy.session_policy));
        }
        if let Some(limit) = policy.temporary_limit {
            all.push(format!("temporary_limit {limit}"));
        }
        if all.is_empty() {
            return f.write_str("the default");
        }
        f.write_str(&all.join(", "))
    }
}
