//! Who signs in, and what is given up: sign-ins, releases, and what the keyring forgets.

use std::time::Duration;

use latchkey_core::engine::{Attempt, Input, Invitation, Outcome, Side, SignedIn};
use latchkey_core::facts::{Forget, PendingRelease};
use latchkey_core::jws::Thumbprint;
use latchkey_core::time::{HOUR, Timestamp};
use latchkey_core::view::SignInResult;
use latchkey_server::store::records::Release;

use super::events::{Event, Sender};
use super::identity::{ISSUER, subject_of};
use super::network::NOT_SENT;
use super::products::Each;
use super::world::{AT_ONCE, PATIENCE, World};

const IN_THE_BROWSER: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn released(&mut self, from: Sender, release: &PendingRelease) {
        let mut words = release.token.splitn(3, ' ');
        let mut word = || words.next().expect("as it was written");
        let (jkt, signed_at, product) = (word(), word(), word());
        let signed_at = Timestamp::from_secs(signed_at.parse().unwrap());
        let product = (!product.is_empty()).then(|| product.to_owned());
        let mut reached = self.service.up;
        if reached {
            self.note(&format!("the service hears that {jkt} gives up {product:?}"));
            let release = Release {
                jkt: Thumbprint(jkt.to_owned()),
                products: product.map(|product| vec![product]),
                signed_at,
            };
            let done = self.survives(|world| {
                let done = world.service.release(world.now, release.clone());
                if done {
                    world.judge.gave_up(&release);
                }
                done
            });
            reached = done == Some(true);
        }
        if self.lost() {
            return self.outcome(PATIENCE, from, NOT_SENT);
        }
        let after = self.latency();
        self.outcome(after, from, if reached { Outcome::ReleaseSent } else { NOT_SENT });
    }

    pub(super) fn begin_sign_in(&mut self, desktop: usize, attempt: Attempt) {
        let from = self.sender(desktop, attempt);
        let (licensing, identity) = self.sides(desktop);
        // Where one signs in, the service says; while it is out, the signed registration does.
        let is_known = licensing == Side::Answers || self.service.first_starts.is_some();
        if identity != Side::Answers || !is_known {
            let failed = SignInResult::Failed {
                problem: "identity_unreachable".to_owned(),
                detail: String::new(),
            };
            self.note_of(desktop, "nobody can sign in");
            return self.outcome(AT_ONCE, from, Outcome::SignInEnded(Err(failed)));
        }
        self.note_of(desktop, "a sign-in begins");
        let invitation = Invitation {
            issuer: ISSUER.to_owned(),
            url: format!("{ISSUER}/authorize?attempt={attempt}"),
            code: None,
            expires_in: None,
        };
        let after = self.latency();
        self.outcome(after, from, Outcome::SignInReady(invitation));
        // Some close the page instead.
        if self.everybody_is_patient || self.dice.percent(85) {
            self.outcome(IN_THE_BROWSER, from, Outcome::SignInReturned);
            self.at(IN_THE_BROWSER + PATIENCE / 2, Event::SignedIn(from));
        }
    }

    pub(super) fn signed_in(&mut self, from: Sender) {
        let now = self.now;
        let desktop = &self.desktops[from.desktop];
        if desktop.life != from.life || !desktop.is_on() {
            return;
        }
        self.has_waited(from.desktop);
        let desktop = &mut self.desktops[from.desktop];
        let device = desktop.sign_in(now, now + HOUR);
        desktop.waits = Each::default();
        desktop.tokenless.begin_anew();
        desktop.out_since = None;
        let subject = subject_of(desktop.user);
        self.note_of(from.desktop, "is signed in");
        let signed_in = SignedIn {
            issuer: ISSUER.to_owned(),
            name: subject.clone(),
            subject,
            email: None,
            device,
            replaced: None,
        };
        let outcome = Outcome::SignInEnded(Ok(signed_in));
        self.heard(
            from,
            Input::Outcome {
                attempt: from.attempt,
                outcome,
            },
        );
    }

    pub(super) fn forget(&mut self, desktop: usize, attempt: Attempt, what: Forget) {
        let from = self.sender(desktop, attempt);
        let machine = &mut self.desktops[desktop];
        // Answers that are on their way are none any more (rule 15).
        let asked = std::mem::take(&mut machine.asked);
        machine
            .told
            .iter_mut()
            .for_each(|told| told.by = told.by.max(asked));
        machine.forgets(what);
        let others = |from: &Sender| from.desktop != desktop;
        self.queue.retain(|_, event| match event {
            Event::SignedIn(from) => others(from),
            _ => true,
        });
        self.outcome(AT_ONCE, from, Outcome::Forgotten(true));
    }
}
