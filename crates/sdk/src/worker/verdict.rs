//! What comes of the agent's answers: what is believed, whom it is told, and when a product must stop.

use std::time::{Duration, Instant};

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::lease::Lease;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use super::link::Answer;
use super::{Granted, Worker};
use crate::event::Event;
use crate::status::{Status, own, wall_clock};
use crate::verify::{Believed, Distrust};

/// How long the agent may take, after a lease has ended, to come with another or to say when the product must stop. Its
/// own check before the end takes a minute at most (rule 5).
const END_TIMEOUT: Duration = Duration::from_secs(90);

impl Worker {
    /// Believes what is proven.
    pub(super) fn consider(&mut self, answer: Answer) {
        let Answer {
            status,
            grant,
            nonce,
            detail,
        } = answer;
        if !status.may_run() {
            if self.registers(&status) {
                return;
            }
            self.retry.succeeded();
            self.decided(status, &detail);
            return;
        }
        let at = Instant::now();
        let verified = match grant {
            Some(grant) => self.verifier.verify(&grant, &nonce, at),
            None => Err(Distrust::NoGrant),
        };
        match verified {
            Ok(believed) => {
                self.retry.succeeded();
                self.granted(status, &believed, at);
            }
            Err(distrust) => {
                self.retry.failed();
                self.link = None;
                self.shared.set_connection(None);
                self.decided(own(Code::LeaseInvalid), &distrust.to_string());
            }
        }
    }

    /// A product that brings its registration registers itself, once for each connection.
    fn registers(&mut self, status: &StatusView) -> bool {
        let Some(registration) = self.shared.product.registration.clone() else {
            return false;
        };
        let Some(link) = self.link.as_mut().filter(|link| !link.has_registered) else {
            return false;
        };
        if status.reason != Some(Reason::NotRegistered) {
            return false;
        }
        match link.register(registration) {
            Ok(None) => self.ask(),
            Ok(Some(problem)) => self.decided(status.clone(), &problem),
            Err(error) => self.lost(&error),
        }
        true
    }

    fn granted(&mut self, status: StatusView, believed: &Believed, at: Instant) {
        let now = self.verifier.now(at).unwrap_or_default();
        let ends_at = at + believed.until().since(now);
        let by_the_lease = believed.base.lease().map(Lease::until);
        let until = match status.basis {
            Some(Basis::Temporary) => believed.temporary.or(by_the_lease),
            _ => by_the_lease,
        };
        self.granted = Some(Granted {
            base: believed.base.clone(),
            ends_at,
            asked_at_end: false,
        });
        self.told_stop = None;
        self.set_status(StatusView { until, ..status }, "");
        for wish in self.wishes.drain(..) {
            self.permits += 1;
            wish.grant(believed.clone());
        }
    }

    /// The product may not run, or not yet.
    pub(super) fn decided(&mut self, view: StatusView, detail: &str) {
        self.set_status(view.clone(), detail);
        if view.is_pending() {
            return;
        }
        let status = self.shared.status();
        self.wishes.drain(..).for_each(|wish| wish.deny(status.clone()));
        if self.permits > 0 {
            self.must_stop(&view);
        }
    }

    fn must_stop(&mut self, view: &StatusView) {
        if self.told_stop == Some((view.code, view.stop_at)) {
            return;
        }
        self.told_stop = Some((view.code, view.stop_at));
        let now = self.now();
        let window = self
            .granted
            .as_ref()
            .map(|granted| granted.base.policy().save_window);
        let at = view.stop_at.unwrap_or(now + window.unwrap_or_default());
        self.shared.listeners.tell(&Event::MustStop {
            code: view.code,
            at,
            left: at.since(now),
        });
    }

    /// A lease that ends while nobody says anything ends all the same.
    pub(super) fn watch_the_end(&mut self) {
        let Some(granted) = self.granted.as_mut() else {
            return;
        };
        if self.permits == 0 || Instant::now() < granted.ends_at {
            return;
        }
        granted.ends_at = Instant::now() + END_TIMEOUT;
        if self.link.is_some() && !granted.asked_at_end {
            granted.asked_at_end = true;
            self.ask();
            return;
        }
        let code = if self.link.is_some() {
            Code::OfflineLimitReached
        } else {
            Code::AgentNotFound
        };
        if self.told_stop.is_none() {
            self.decided(own(code), "the lease has ended");
        }
    }

    pub(super) fn set_status(&mut self, view: StatusView, detail: &str) {
        let status = self.say(view, detail);
        if self.shared.set_status(status.clone()) {
            self.shared.listeners.tell(&Event::Changed(Box::new(status)));
        }
    }

    pub(super) fn say(&self, view: StatusView, detail: &str) -> Status {
        self.shared.speaker.status(view, detail.to_owned(), self.now())
    }

    fn now(&self) -> Timestamp {
        self.verifier.now(Instant::now()).unwrap_or_else(wall_clock)
    }
}
