//! A check's way through vault, network and services.

use std::time::Duration;

use latchkey_core::engine::{Attempt, CheckAnswered, CheckFailure, CheckOrder, Outcome, Side};
use latchkey_core::jws::Thumbprint;
use latchkey_core::status::Party;
use latchkey_core::time::{HOUR, Timestamp};
use latchkey_core::vault::VaultTrouble;

use super::judge::{About, Genuine, Happened};
use super::licensing::{Licensing, tampered};
use super::runner::AT_ONCE;
use super::world::{Coming, Due, Keyring, Wire, World};

/// How long a request to a service that is silent hangs.
const SILENCE: Duration = Duration::from_secs(5);
/// A stream of which nothing comes for so long is given up.
const SILENT_FOR: Duration = Duration::from_secs(150);

/// A stream that stood does not say when to come back.
const ENDED: Outcome = Outcome::ListeningEnded { retry_after: None };

impl World {
    /// Who answers, licensing service first.
    pub(super) fn sides(&self, service: &str) -> (Side, Side) {
        let side = |up| match (self.network, up) {
            (false, _) => Side::NoRoute,
            (true, true) => Side::Answers,
            (true, false) => Side::Silent,
        };
        let is_out = self.services.get(service).is_some_and(|service| service.out);
        (side(self.licensing && !is_out), side(self.identity))
    }

    /// How long it takes until both sides have answered, or are found not to.
    pub(super) fn patience(&self, service: &str) -> Duration {
        match self.sides(service) {
            (Side::NoRoute, _) | (_, Side::NoRoute) => AT_ONCE,
            (Side::Answers, Side::Answers) => self.latency,
            (Side::Silent, _) | (_, Side::Silent) => SILENCE,
        }
    }

    pub(super) fn check(&mut self, attempt: Attempt, order: CheckOrder) {
        let products: Vec<String> = order.products.iter().map(|query| query.product.clone()).collect();
        let service = order.service.clone();
        let (service, products) = (service.as_str(), products.as_slice());
        let (identify, refresh_every) = (order.identify, order.refresh_every);
        self.orders.push(order);
        self.checks.push(self.machine.ticks);
        self.happened(&Happened::Checking(self.checks.len()));
        let failure = match self.keyring {
            Keyring::Locked => Some(CheckFailure::Vault(VaultTrouble::Locked)),
            Keyring::Missing => Some(CheckFailure::Vault(VaultTrouble::Unavailable)),
            Keyring::Open => None,
        };
        if let Some(failure) = failure {
            return self.checked_in(AT_ONCE, service, attempt, Err(failure));
        }
        if self.network && self.needs_token(service, refresh_every) {
            self.later(
                self.latency / 4,
                service,
                attempt,
                Outcome::OnWire(Party::Identity),
            );
            self.later(
                self.latency / 2,
                service,
                attempt,
                Outcome::OnWire(Party::Licensing),
            );
        }
        let result = self.ask_service(service, products, identify, refresh_every);
        let after = if result.is_ok() {
            self.latency
        } else {
            self.patience(service)
        };
        self.checked_in(after, service, attempt, result);
    }

    /// The stream of pushes, where the service has one.
    pub(super) fn listen(&mut self, attempt: Attempt, service: &str) {
        let reached = self.sides(service).0 == Side::Answers;
        let stands = self.streams_served && self.sheds.is_none() && reached;
        let outcome = if stands {
            self.streams.push((attempt, service.to_owned()));
            Outcome::Listening
        } else {
            Outcome::ListeningEnded {
                retry_after: self.sheds.filter(|_| reached),
            }
        };
        self.later(self.patience(service), service, attempt, outcome);
    }

    /// The service asks every device that listens to check.
    pub(crate) fn push(&mut self) {
        for (attempt, service) in self.streams.clone() {
            self.later(self.latency, &service, attempt, Outcome::Pushed);
        }
    }

    /// How many streams stand.
    pub(crate) fn listens(&self) -> usize {
        self.streams.len()
    }

    /// The streams hang, which is found out when nothing has come for a while.
    pub(crate) fn streams_fall_silent(&mut self) {
        for (attempt, service) in std::mem::take(&mut self.streams) {
            self.later(SILENT_FOR, &service, attempt, ENDED);
        }
    }

    /// Every stream breaks.
    pub(crate) fn break_streams(&mut self) {
        for (attempt, service) in std::mem::take(&mut self.streams) {
            self.later(AT_ONCE, &service, attempt, ENDED);
        }
    }

    fn checked_in(
        &mut self,
        after: Duration,
        service: &str,
        attempt: Attempt,
        result: Result<CheckAnswered, CheckFailure>,
    ) {
        let genuine = result
            .as_ref()
            .ok()
            .and_then(|answered| self.genuine(service, answered));
        self.due.push(Due {
            at: self.machine.ticks + after,
            service: service.to_owned(),
            attempt,
            coming: Coming::Checked(self.checks.len(), result, genuine),
        });
    }

    /// What of an answer the service really said to this very request.
    fn genuine(&self, service: &str, answered: &CheckAnswered) -> Option<Genuine> {
        let licensing = &self.services[service];
        let left_alone = |product: &str| match self.wire {
            Wire::Honest => true,
            Wire::TamperedAbout(other) => other != product,
            Wire::Tampered | Wire::Replayed | Wire::Foreign | Wire::Fails(_) => false,
        };
        let products = answered.products.iter().map(|(product, _)| product);
        let about: Vec<About> = products
            .filter(|product| left_alone(product))
            .map(|product| About {
                product: product.clone(),
                seat: licensing.seat_of(product),
                policy: licensing.policy_of(product).clone(),
            })
            .collect();
        (!about.is_empty()).then(|| Genuine {
            check: self.checks.len(),
            asked: self.machine.ticks,
            at: Timestamp::from_secs(self.machine.real.as_secs()),
            about,
        })
    }

    /// An access token that has ended, or credentials older than they may be, make the identity service be asked.
    fn needs_token(&self, service: &str, refresh_every: Duration) -> bool {
        let real = self.machine.real;
        self.vault.get(service).is_none_or(|secrets| {
            let refreshed_at = secrets.access_until - HOUR;
            secrets.access_until <= real || refreshed_at + refresh_every <= real
        })
    }

    /// The request and its answer, at the moment when the service decides.
    fn ask_service(
        &mut self,
        service: &str,
        products: &[String],
        identify: bool,
        refresh_every: Duration,
    ) -> Result<CheckAnswered, CheckFailure> {
        let sides = self.sides(service);
        if !self.network {
            return Err(unreachable(sides));
        }
        let refreshed = self.needs_token(service, refresh_every);
        if refreshed {
            match sides {
                (_, Side::Answers) if self.grant_revoked => return Err(CheckFailure::SignInAgain),
                (Side::Answers, Side::Answers) => self.gives_no_token.clone().map_or(Ok(()), Err)?,
                (_, Side::Answers) if self.gives_no_token.is_none() => {}
                silent => return Err(unreachable(silent)),
            }
        }
        if !self.vault.contains_key(service) {
            return Err(CheckFailure::VaultEmptied);
        }
        let real = self.machine.real;
        let mut orders = self.orders.iter().rev();
        if let Some(order) = orders.find(|order| order.service == service) {
            let open = order.products.iter().filter(|query| query.open);
            let open = open.map(|query| query.product.clone()).collect();
            self.services.get_mut(service).unwrap().open = Some(open);
        }
        let secrets = self.vault.get_mut(service).filter(|secrets| secrets.tokens);
        let Some(secrets) = secrets else {
            return Err(CheckFailure::SignInAgain);
        };
        if refreshed {
            secrets.access_until = real + HOUR;
        }
        let device = secrets
            .device
            .clone()
            .expect("whoever has tokens has a device key");
        if sides.0 != Side::Answers {
            return Err(unreachable(sides));
        }
        let licensing = self
            .services
            .get_mut(service)
            .expect("a service that is installed");
        if !identify && !licensing.knows_user {
            return Err(CheckFailure::IdTokenRequired);
        }
        licensing.knows_user = true;
        if let Wire::Fails(failure) = &self.wire {
            return Err(failure.clone());
        }
        Ok(self.answered(service, products, &device, real))
    }

    fn answered(
        &mut self,
        service: &str,
        products: &[String],
        device: &Thumbprint,
        real: Timestamp,
    ) -> CheckAnswered {
        self.requests += 1;
        let request = format!("request-{}", self.requests);
        let licensing = self
            .services
            .get_mut(service)
            .expect("a service that is installed");
        match self.wire {
            Wire::Honest | Wire::Fails(_) => {
                let answered = licensing.answer(&request, device, products, real);
                self.first_answer.get_or_insert_with(|| answered.clone());
                answered
            }
            Wire::Tampered => tampered(&licensing.answer(&request, device, products, real), None),
            Wire::TamperedAbout(product) => {
                tampered(&licensing.answer(&request, device, products, real), Some(product))
            }
            Wire::Foreign => CheckAnswered {
                request,
                ..licensing.answer("request-of-somebody-else", device, products, real)
            },
            Wire::Replayed => {
                let nothing = || foreign(licensing, device, products, real);
                let old = self.first_answer.clone().unwrap_or_else(nothing);
                CheckAnswered { request, ..old }
            }
        }
    }
}

pub(super) const fn unreachable((licensing, identity): (Side, Side)) -> CheckFailure {
    CheckFailure::Unreachable { licensing, identity }
}

/// An answer that was made for nobody we know.
fn foreign(
    licensing: &mut Licensing,
    device: &Thumbprint,
    products: &[String],
    at: Timestamp,
) -> CheckAnswered {
    licensing.answer("a-request-before-our-time", device, products, at)
}
