//! What is known of each product, as answers and resets leave it (rules 9 and 15).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;

use super::clock::Clock;
use crate::support::judge::{About, Genuine};
use crate::support::licensing::Seat;

/// What is known about one product.
#[derive(Clone, Debug, Default)]
pub(super) struct Licence {
    pub(super) until: Option<Timestamp>,
    /// When it was checked, and the policy of its lease.
    pub(super) checked_at: Timestamp,
    pub(super) policy: Policy,
    pub(super) refusal: Option<Code>,
    /// No check could be made for so long since that a session refusal may have ended, and have been stored as ended.
    pub(super) may_be_free: bool,
}

/// What is known, and what a crash falls back to when it is stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) clock: Clock,
    pub(super) signed_in: bool,
    pub(super) licences: BTreeMap<String, Licence>,
    /// Products of which the service has said last that the user may not, whatever was reset since.
    pub(super) turned_away: BTreeSet<String>,
    /// How long each product may save its work: the time is that of the lease that ended.
    pub(super) save_windows: BTreeMap<String, Duration>,
}

impl Known {
    pub(super) fn reset(&mut self, scope: Option<&String>) {
        match scope {
            Some(product) => {
                self.licences.remove(product);
            }
            None => {
                self.licences.clear();
                self.signed_in = false;
            }
        }
    }

    pub(super) fn take(&mut self, answer: &Genuine) {
        let released = |about: &About| about.seat == Seat::Refused(Code::DeviceReleased);
        let is_released = answer.about.iter().any(released);
        for About {
            product,
            seat,
            policy,
        } in &answer.about
        {
            let licence = self.licences.entry(product.clone()).or_default();
            match seat {
                Seat::Assigned => {
                    self.turned_away.remove(product);
                    *licence = Licence {
                        until: Some(answer.at + policy.offline_for),
                        checked_at: answer.at,
                        policy: policy.clone(),
                        ..Licence::default()
                    };
                    // A lease beside a release contradicts itself, and either may be gone by.
                    let window = self.save_windows.entry(product.clone()).or_default();
                    *window = policy
                        .save_window
                        .max(if is_released { *window } else { Duration::ZERO });
                }
                Seat::Refused(code) => {
                    // Who waits for a session has a seat.
                    if *code == Code::SessionInUse {
                        self.turned_away.remove(product);
                    } else {
                        self.turned_away.insert(product.clone());
                    }
                    licence.refusal = Some(*code);
                    licence.may_be_free = false;
                }
            }
            if matches!(seat, Seat::Refused(Code::NotAssigned | Code::SubscriptionEnded)) {
                licence.until = None;
            }
        }
        if is_released {
            self.licences
                .values_mut()
                .for_each(|licence| licence.until = None);
            self.signed_in = false;
        }
    }
}
