//! What the service may answer to a check, and what it was told besides: leases, places, sessions and seats.

use latchkey_core::code::Code;
use latchkey_core::jws::Thumbprint;
use latchkey_core::time::Timestamp;
use latchkey_server::store::records::Release;

use super::Judge;
use super::sessions::Answered;
use crate::products::{Each, Which, which};
use crate::seats::Seats;
use crate::service::{LicensingService, Question, Reply, Said};

impl Judge {
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
        let now = service.clock(now);
        match reply {
            Reply::Decided(_, said) => {
                seats.has_checked(user, &question.jkt.0, now);
                self.service_says(question, said, now.as_secs(), service, seats);
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
        now: i64,
        service: &LicensingService,
        seats: &Seats,
    ) {
        let jkt = &question.jkt.0;
        let is_released = self.places.is_released(jkt);
        for asked in &question.products {
            let which = which(&asked.product);
            let (whose, said) = ((question.user, which), said[which]);
            let answer = Answer {
                device: &question.device,
                said: said.expect("it was asked about"),
                now,
            };
            if is_released {
                answer.is(Code::DeviceReleased);
            } else {
                answer.fits_the_seat(seats, whose);
                answer.fits_the_term(service, which);
            }
            let policy = &service.policies[which];
            self.places.answered(whose, jkt, answer.said, policy, now);
            let answered = Answered {
                device: &question.device,
                jkt,
                asked,
                said: answer.said,
                now,
            };
            self.sessions.answered(whose, &answered, policy);
        }
    }

    /// A device gives up a product, or its place: whatever it was granted until then.
    pub(crate) fn gave_up(&mut self, release: &Release) {
        let jkt = &release.jkt.0;
        if release.products.is_none() {
            self.sessions.released(jkt);
        }
        for which in self.places.gave_up(release) {
            self.sessions.has_no_lease(jkt, which);
        }
    }

    /// The user has released a device, which may not know yet.
    pub(crate) fn was_released(&mut self, jkt: &Thumbprint) {
        self.sessions.released(&jkt.0);
        self.places.released(&jkt.0);
    }

    pub(crate) fn places_freed(&mut self, user: usize, which: Which) {
        self.places.freed((user, which));
    }

    /// It was written down, as of then, that these devices are connected.
    pub(crate) fn heard(&mut self, jkts: &[String], at: Timestamp, service: &LicensingService) {
        self.sessions.heard(jkts, at.as_secs(), &service.policies);
    }
}

/// What was said of one product.
struct Answer<'a> {
    device: &'a str,
    said: Said,
    /// By the service's clock, in seconds.
    now: i64,
}

impl Answer<'_> {
    fn is(&self, code: Code) {
        let Self { device, said, .. } = self;
        assert_eq!(*said, Said::Refusal(code), "{device}");
    }

    /// Rules 9 and 18: a lease is for whoever has a seat, and for whoever was refused before it was seen that theirs is one of too
    /// many; a refusal is for whoever has none, for certain.
    fn fits_the_seat(&self, seats: &Seats, (user, which): (usize, Which)) {
        let (has, held) = (seats.has(user, which), seats.is_held(user, which));
        let device = self.device;
        match self.said {
            Said::Refusal(Code::NotAssigned) => {
                assert!(!has, "{device} has a seat, and is refused");
                assert!(!held, "{device} is refused although that is held back");
            }
            said @ (Said::Lease(_) | Said::Refusal(_)) => {
                assert!(has || held, "{device} has no seat, and is told {said:?}");
            }
        }
    }

    /// Rules 2 and 9: a lease is good for as long as the policy says and the subscription lasts, and there is none for one that has
    /// ended. Whoever has no seat is told that first.
    fn fits_the_term(&self, service: &LicensingService, which: Which) {
        let Self { device, said, now } = self;
        let good = *now + i64::try_from(service.policies[which].offline_for.as_secs()).unwrap();
        let end = service.ends_at[which].map(Timestamp::as_secs);
        let has_ended = end.is_some_and(|end| end <= *now);
        match said {
            Said::Refusal(Code::NotAssigned) => {}
            Said::Refusal(Code::SubscriptionEnded) => {
                assert!(has_ended, "{device} is told of an end at {end:?}");
            }
            Said::Refusal(code) => assert!(!has_ended, "{device} is told {code:?}, and all ended at {end:?}"),
            Said::Lease(lease) => {
                assert!(!has_ended, "{device} has a lease, and all ended at {end:?}");
                let exp = end.map_or(good, |end| end.min(good));
                assert_eq!(lease.exp, exp, "{device} is given another time");
            }
        }
    }
}
