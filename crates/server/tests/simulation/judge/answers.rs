//! What the service may answer to a check: leases, places, sessions and seats.

use latchkey_core::code::Code;
use latchkey_core::time::Timestamp;

use super::{Judge, Place};
use crate::products::{Each, Which, which};
use crate::seats::Seats;
use crate::service::{LicensingService, Question, Reply, Said};

impl Judge {
    /// A device says what is open. Whether the service has heard that, its answer shows.
    pub(crate) fn service_is_asked(&mut self, question: &Question) {
        for asked in question.products.iter().filter(|asked| asked.open) {
            let open = self.open.entry((question.user, which(&asked.product)));
            open.or_default().insert(question.jkt.0.clone());
        }
    }

    /// The service has answered.
    pub(crate) fn service_replies(
        &mut self,
        question: &Question,
        reply: &Reply,
        now: Timestamp,
        service: &LicensingService,
        seats: &mut Seats,
    ) {
        let user = question.user;
        match reply {
            Reply::Decided(_, said) => {
                seats.has_checked(user, &question.jkt.0, service.clock(now));
                self.service_says(question, said, now, service);
                for asked in &question.products {
                    judge_seat(
                        question,
                        which(&asked.product),
                        said[which(&asked.product)],
                        seats,
                    );
                }
            }
            Reply::Held => {
                let mut asked = question.products.iter();
                assert!(
                    asked.any(|asked| seats.is_held(user, which(&asked.product))),
                    "{} is held back, and has lost nothing",
                    question.device
                );
            }
            Reply::Full | Reply::IdTokenRequired => {}
        }
    }

    fn service_says(
        &mut self,
        question: &Question,
        said: &Each<Option<Said>>,
        now: Timestamp,
        service: &LicensingService,
    ) {
        for asked in &question.products {
            let which = which(&asked.product);
            self.places(question, which, said[which], now, service);
            let open = self.open.entry((question.user, which)).or_default();
            if !asked.open {
                open.remove(&question.jkt.0);
            }
            // Rule 11: what is open of another subscription is in nobody's way.
            let is_in_use = said[which] == Some(Said::Refusal(Code::SessionInUse));
            assert!(
                !is_in_use || open.iter().any(|jkt| *jkt != question.jkt.0),
                "{}: {} is in use nowhere",
                question.device,
                asked.product
            );
        }
    }

    /// Rules 3 and 10: no lease past the policy, and no more devices than the limit.
    fn places(
        &mut self,
        question: &Question,
        which: Which,
        said: Option<Said>,
        now: Timestamp,
        service: &LicensingService,
    ) {
        let now = now.shifted(service.clock_ahead).as_secs();
        let policy = &service.policies[which];
        let places = self.places.entry((question.user, which)).or_default();
        match said {
            Some(Said::Lease(exp)) => {
                let most = now + i64::try_from(policy.offline_for.as_secs()).unwrap();
                assert!(exp <= most, "a lease of {} s too many", exp - most);
                let place = Place { granted_at: now, exp };
                places.insert(question.jkt.0.clone(), place);
                let held = places.values().filter(|place| place.exp > now).count();
                let limit = policy.device_limit as usize;
                assert!(held <= limit, "{held} devices of {limit}: {places:?}");
            }
            Some(Said::Refusal(Code::DeviceReleased | Code::NotAssigned)) => {
                places.remove(&question.jkt.0);
            }
            Some(Said::Refusal(_)) | None => {}
        }
    }
}

/// Rules 9 and 18: a lease is for whoever has a seat, and for whoever was refused before it was seen that theirs is one of too many;
/// a refusal is for whoever has none, for certain.
fn judge_seat(question: &Question, which: Which, said: Option<Said>, seats: &Seats) {
    let (has, held) = (
        seats.has(question.user, which),
        seats.is_held(question.user, which),
    );
    let device = &question.device;
    match said {
        Some(Said::Lease(_)) => assert!(has || held, "{device} has no seat, and a lease"),
        Some(Said::Refusal(Code::NotAssigned)) => {
            assert!(!has, "{device} has a seat, and is refused");
            assert!(!held, "{device} is refused although that is held back");
        }
        Some(Said::Refusal(_)) | None => {}
    }
}
