//! What the agent does with an effect, and what comes of it.

use std::time::Duration;

use latchkey_core::engine::{Attempt, CheckAnswered, CheckFailure, Effect, Input, Outcome, Side, SignedIn};
use latchkey_core::facts::{Forget, PendingRelease};
use latchkey_core::jws::Thumbprint;
use latchkey_core::status::Party;
use latchkey_core::time::{HOUR, Timestamp};
use latchkey_core::view::SignInResult;

use super::licensing::{Licensing, tampered};
use super::world::{Coming, Due, Keyring, Shown, User, Wire, World};

/// How long a request to a service that is silent hangs.
const SILENCE: Duration = Duration::from_secs(5);
/// How long the vault, and a refusal of the network, take.
const AT_ONCE: Duration = Duration::from_millis(10);
/// How long the user takes in the browser.
const IN_THE_BROWSER: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Save { .. } => self.save(),
            Effect::Check {
                attempt,
                service,
                products,
                identify,
                refresh_every,
            } => {
                let products: Vec<String> = products.into_iter().map(|(product, ..)| product).collect();
                self.check(attempt, &service, &products, identify, refresh_every);
            }
            Effect::Probe { attempt, service } => {
                let (licensing, identity) = self.sides();
                let outcome = Outcome::Probed { licensing, identity };
                self.later(self.patience(), &service, attempt, outcome);
            }
            Effect::BeginSignIn { attempt, service, .. } => self.begin_sign_in(attempt, &service),
            Effect::CancelSignIn { attempt } => self.due.retain(|due| due.attempt != attempt),
            Effect::SignRelease {
                attempt,
                service,
                product,
                ..
            } => {
                let release = self.sign_release(&service, product.as_deref());
                self.later(AT_ONCE, &service, attempt, Outcome::ReleaseSigned(release));
            }
            Effect::SendRelease {
                attempt,
                service,
                release,
            } => self.send_release(attempt, &service, release),
            Effect::Forget {
                attempt,
                service,
                what,
            } => self.forget(attempt, &service, what),
            Effect::Answer { ticket, answer } => {
                self.witness.answered(ticket);
                self.answers.insert(ticket, answer);
            }
            Effect::UseChanged(key) => self.tell(key),
            Effect::Publish => self.published(),
            Effect::WakeAt(at) => self.wake = at,
        }
    }

    fn save(&mut self) {
        if !self.disk_full {
            self.disk = serde_json::to_string(self.facts()).unwrap();
        }
    }

    fn published(&mut self) {
        self.published += 1;
        if !self.viewer {
            return;
        }
        let view = self.engine.as_ref().expect("it has just published").view();
        let news = self.witness.news(view);
        if news.is_empty() {
            return;
        }
        let ids = news.iter().map(|notice| notice.id).collect();
        let at = self.machine.real;
        self.shown
            .extend(news.into_iter().map(|notice| Shown { notice, at }));
        self.shown_by_viewer(ids);
    }

    /// The viewer acknowledges a moment later: by then the engine may have gone on.
    fn shown_by_viewer(&mut self, ids: Vec<u64>) {
        self.due.push(Due {
            at: self.machine.ticks + AT_ONCE,
            service: String::new(),
            attempt: 0,
            coming: Coming::Shown(ids),
        });
    }

    /// Something that was waited for arrives.
    pub(super) fn arrive(&mut self, due: Due) {
        let Due {
            service,
            attempt,
            coming,
            ..
        } = due;
        let outcome = match coming {
            Coming::Shown(ids) => return self.input(Input::Shown(ids)),
            Coming::Outcome(outcome) => outcome,
            Coming::SignedIn => Outcome::SignInEnded(self.store_tokens(&service)),
        };
        self.input(Input::Outcome { attempt, outcome });
    }

    /// What was on the wire when the machine fell asleep has failed when it wakes.
    pub(super) fn connections_break(&mut self) {
        let ticks = self.machine.ticks;
        for due in &mut self.due {
            let silent = (Side::Silent, Side::Silent);
            let broken = match &due.coming {
                Coming::Outcome(Outcome::Checked(_)) => Outcome::Checked(Err(unreachable(silent))),
                Coming::Outcome(Outcome::Probed { .. }) => Outcome::Probed {
                    licensing: Side::Silent,
                    identity: Side::Silent,
                },
                Coming::Outcome(Outcome::ReleaseSent(_)) => Outcome::ReleaseSent(false),
                Coming::Outcome(_) | Coming::SignedIn | Coming::Shown(_) => continue,
            };
            due.coming = Coming::Outcome(broken);
            due.at = ticks + AT_ONCE;
        }
    }

    fn later(&mut self, after: Duration, service: &str, attempt: Attempt, outcome: Outcome) {
        self.due.push(Due {
            at: self.machine.ticks + after,
            service: service.to_owned(),
            attempt,
            coming: Coming::Outcome(outcome),
        });
    }

    /// Who answers, licensing service first.
    fn sides(&self) -> (Side, Side) {
        let side = |up| match (self.network, up) {
            (false, _) => Side::NoRoute,
            (true, true) => Side::Answers,
            (true, false) => Side::Silent,
        };
        (side(self.licensing), side(self.identity))
    }

    /// How long it takes until both sides have answered, or are found not to.
    fn patience(&self) -> Duration {
        match self.sides() {
            (Side::NoRoute, _) | (_, Side::NoRoute) => AT_ONCE,
            (Side::Answers, Side::Answers) => self.latency,
            (Side::Silent, _) | (_, Side::Silent) => SILENCE,
        }
    }

    fn check(
        &mut self,
        attempt: Attempt,
        service: &str,
        products: &[String],
        identify: bool,
        refresh_every: Duration,
    ) {
        self.checks.push(self.machine.ticks);
        let failure = match self.keyring {
            Keyring::Locked => Some(CheckFailure::VaultLocked),
            Keyring::Missing => Some(CheckFailure::VaultUnavailable),
            Keyring::Open => None,
        };
        if let Some(failure) = failure {
            return self.later(AT_ONCE, service, attempt, Outcome::Checked(Err(failure)));
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
            self.patience()
        };
        self.later(after, service, attempt, Outcome::Checked(result));
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
        let sides = self.sides();
        if !self.network {
            return Err(unreachable(sides));
        }
        let refreshed = self.needs_token(service, refresh_every);
        if refreshed {
            match sides {
                (_, Side::Answers) if self.grant_revoked => return Err(CheckFailure::SignInAgain),
                (_, Side::Answers) => {}
                silent => return Err(unreachable(silent)),
            }
        }
        let real = self.machine.real;
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

    fn begin_sign_in(&mut self, attempt: Attempt, service: &str) {
        if !(self.network && self.identity) {
            let failed = SignInResult::Failed {
                problem: "identity_unreachable".to_owned(),
                detail: String::new(),
            };
            return self.later(
                self.patience(),
                service,
                attempt,
                Outcome::SignInEnded(Err(failed)),
            );
        }
        let url = format!("https://identity.example/authorize?attempt={attempt}");
        self.later(self.latency, service, attempt, Outcome::SignInReady(url));
        match self.user {
            User::Ignores => {}
            User::Denies => {
                self.later(
                    IN_THE_BROWSER,
                    service,
                    attempt,
                    Outcome::SignInEnded(Err(SignInResult::Denied)),
                );
            }
            User::SignsIn => {
                self.later(IN_THE_BROWSER, service, attempt, Outcome::SignInReturned);
                self.due.push(Due {
                    at: self.machine.ticks + IN_THE_BROWSER + self.latency,
                    service: service.to_owned(),
                    attempt,
                    coming: Coming::SignedIn,
                });
            }
        }
    }

    fn store_tokens(&mut self, service: &str) -> Result<SignedIn, SignInResult> {
        if self.keyring != Keyring::Open {
            return Err(SignInResult::Failed {
                problem: "vault_locked".to_owned(),
                detail: String::new(),
            });
        }
        let secrets = self.vault.entry(service.to_owned()).or_default();
        if secrets.device.is_none() {
            self.devices += 1;
            secrets.device = Some(Thumbprint(format!("device-{}", self.devices)));
        }
        secrets.tokens = true;
        secrets.access_until = self.machine.real + HOUR;
        self.grant_revoked = false;
        Ok(SignedIn {
            issuer: "https://identity.example".to_owned(),
            subject: "maya".to_owned(),
            name: "Maya Lindqvist".to_owned(),
            email: None,
            device: secrets.device.clone().expect("it was just made"),
        })
    }

    fn sign_release(&mut self, service: &str, product: Option<&str>) -> Option<PendingRelease> {
        let device = self.vault.get(service)?.device.clone()?;
        (self.keyring == Keyring::Open).then(|| PendingRelease {
            jwk: self.services[service].some_key(),
            token: format!("release of {} by {device}", product.unwrap_or("everything")),
        })
    }

    fn send_release(&mut self, attempt: Attempt, service: &str, release: PendingRelease) {
        let reached = self.sides().0 == Side::Answers;
        if reached && let Some(licensing) = self.services.get_mut(service) {
            licensing.released.push(release);
        }
        self.later(self.patience(), service, attempt, Outcome::ReleaseSent(reached));
    }

    fn forget(&mut self, attempt: Attempt, service: &str, what: Forget) {
        self.due.retain(|due| {
            let counts = matches!(&due.coming, Coming::Outcome(Outcome::ReleaseSent(_)));
            due.service != service || counts
        });
        let open = self.keyring == Keyring::Open;
        if open && let Some(secrets) = self.vault.get_mut(service) {
            secrets.tokens = false;
            if what == Forget::Everything {
                secrets.device = None;
            }
        }
        self.later(AT_ONCE, service, attempt, Outcome::Forgotten(open));
    }
}

const fn unreachable((licensing, identity): (Side, Side)) -> CheckFailure {
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
