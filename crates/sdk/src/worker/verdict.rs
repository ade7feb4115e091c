//! What comes of the agent's answers: what is believed, whom it is told, and when a product must stop.

use std::time::Duration;

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::lease::Lease;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use super::ending::{Due, End, Stop};
use super::link::Answer;
use super::{Granted, Worker};
use crate::event::Event;
use crate::status::{Status, own, wall_clock};
use crate::ticks::Ticks;
use crate::verify::{Believed, Distrust};

/// What two clocks may differ by and still say the same.
const SAME: Duration = Duration::from_secs(1);

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
            if status.reason == Some(Reason::NotRegistered) {
                self.reopen.failed();
            } else {
                self.reopen.succeeded();
            }
            self.decided(status, &detail);
            return;
        }
        let at = Ticks::now();
        let verified = match grant {
            Some(grant) => self.verifier.verify(&grant, &nonce, at),
            None => Err(Distrust::NoGrant),
        };
        match verified {
            Ok(believed) => {
                self.retry.succeeded();
                self.reopen.succeeded();
                self.granted(status, &believed, at);
            }
            Err(distrust) => {
                self.retry.failed();
                self.link = None;
                self.shared.set_connection(None);
                self.found(Code::LeaseInvalid, &distrust.to_string());
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

    fn granted(&mut self, status: StatusView, believed: &Believed, at: Ticks) {
        let now = self.verifier.now(at).unwrap_or_default();
        let ends_at = at + believed.until().since(now);
        let by_the_lease = believed.base.lease().map(Lease::until);
        let until = match status.basis {
            Some(Basis::Temporary) => believed.temporary.or(by_the_lease),
            _ => by_the_lease,
        };
        self.granted = Some(Granted {
            base: believed.base.clone(),
            end: End::new(ends_at),
        });
        self.stop = Stop::default();
        self.set_status(StatusView { until, ..status }, "");
        for wish in self.wishes.drain(..) {
            self.permits += 1;
            wish.grant(believed.clone());
        }
    }

    /// The agent says that the product may not run, or not yet. What runs has had its proof, and stops where the agent says by
    /// when: a status without that (a keyring that nobody has unlocked) keeps others from starting, and ends nothing (rule 20).
    pub(super) fn decided(&mut self, view: StatusView, detail: &str) {
        // When it was said is no part of what is said: the same, said again, is nothing new.
        let (said_at, view) = (view.at, StatusView { at: None, ..view });
        self.set_status(view.clone(), detail);
        if view.is_pending() {
            return;
        }
        let status = self.shared.status();
        self.wishes.drain(..).for_each(|wish| wish.deny(status.clone()));
        if let Some(at) = view.stop_at {
            let said_at = said_at.unwrap_or_else(|| self.now());
            self.must_stop(view.code, Some(at), at.since(said_at));
        }
    }

    /// The SDK finds by itself that the product may not run; who may stop for it has the save window of what was verified last.
    fn found(&mut self, code: Code, detail: &str) {
        self.decided(own(code), detail);
        self.must_stop(code.number(), None, self.save_window());
    }

    fn must_stop(&mut self, code: u16, stop_at: Option<Timestamp>, left: Duration) {
        if self.permits == 0 {
            return;
        }
        if let Some(left) = self.stop.tell(code, stop_at, left, Ticks::now()) {
            let latest = self.now() + left;
            // Two clocks are not compared more exactly than that: the agent's word, where it says the same.
            let same = |at: &Timestamp| *at <= latest + SAME;
            let at = stop_at.filter(same).unwrap_or(latest);
            self.shared.listeners.tell(&Event::MustStop { code, at, left });
        }
    }

    fn save_window(&self) -> Duration {
        let granted = self.granted.as_ref();
        granted.map_or(Duration::ZERO, |granted| granted.base.policy().save_window)
    }

    /// What was verified ends by this process's own count, also while nobody says so, or says it for another day.
    pub(super) fn watch_the_end(&mut self) {
        let (now, reached) = (Ticks::now(), self.link.is_some());
        let granted = self.granted.as_mut().filter(|_| self.permits > 0);
        match granted.and_then(|granted| granted.end.due(now, reached)) {
            Some(Due::Ask) => self.ask(),
            Some(Due::Over) if !self.stop.is_by(now + self.save_window()) => {
                let code = if reached {
                    Code::OfflineLimitReached
                } else {
                    Code::AgentNotFound
                };
                self.found(code, "the lease has ended");
            }
            Some(Due::Over) | None => {}
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
        self.verifier.now(Ticks::now()).unwrap_or_else(wall_clock)
    }
}
