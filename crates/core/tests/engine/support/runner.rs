//! What the agent does with an effect, and what comes of it.

use std::time::Duration;

use latchkey_core::engine::{
    Attempt, CheckFailure, Effect, Input, Invitation, NotSigned, Outcome, Side, SignedIn,
};
use latchkey_core::facts::{Forget, PendingRelease};
use latchkey_core::temporary::{self, SelfSigned, TemporaryClaims};
use latchkey_core::time::HOUR;
use latchkey_core::view::{SignInMethod, SignInResult, UserCode};

use super::checks::unreachable;
use super::judge::Happened;
use super::world::{Coming, Due, Keyring, Shown, Signing, User, Wire, World};
use super::{device_key, issuer, minutes};

/// How long the vault, and a refusal of the network, take.
pub(super) const AT_ONCE: Duration = Duration::from_millis(10);
/// How long the user takes in the browser.
const IN_THE_BROWSER: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Save { both } => self.save(both),
            Effect::Check { attempt, order } => self.check(attempt, *order),
            Effect::Listen { attempt, service, .. } => self.listen(attempt, &service),
            Effect::StopListening { attempt } => self.streams.retain(|(stream, _)| *stream != attempt),
            Effect::Probe { attempt, service, .. } => {
                let (licensing, identity) = self.sides(&service);
                let outcome = match &self.wire {
                    Wire::Fails(failure @ CheckFailure::Hindered(_)) if self.network => {
                        Outcome::ProbeHindered(failure.clone())
                    }
                    _ => Outcome::Probed { licensing, identity },
                };
                self.later(self.patience(&service), &service, attempt, outcome);
            }
            Effect::BeginSignIn {
                attempt,
                service,
                method,
                anew,
                ..
            } => {
                self.sign_ins_anew.push(anew);
                self.begin_sign_in(attempt, &service, method);
            }
            Effect::SignInKept { .. } => {
                // Whoever is told must find it after a crash in the next instant.
                let on_disk = self.disk.contains(self.subject);
                assert!(on_disk || self.disk_full, "a sign-in that is not on disk is told");
            }
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
            Effect::SignTemporary {
                attempt,
                service,
                claims,
                identify,
            } if self.signing != Signing::Hangs => {
                let signed = self.sign_temporary(&service, *claims, identify.is_some());
                let after = if identify.is_some() {
                    self.patience(&service)
                } else {
                    AT_ONCE
                };
                let revoked = identify.is_some() && self.grant_revoked && self.identity;
                let signed = signed.ok_or(if revoked {
                    NotSigned::SignInAgain
                } else {
                    NotSigned::OutOfReach
                });
                self.later(after, &service, attempt, Outcome::TemporarySigned(signed));
            }
            Effect::SignTemporary { .. } => {}
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
                self.unanswered.remove(&ticket);
                self.answers.insert(ticket, answer);
            }
            Effect::UseChanged(key) => self.tell(key),
            Effect::Publish => self.published(),
            Effect::WakeAt(at) => self.wake = at,
        }
    }

    pub(super) fn save(&mut self, both: bool) {
        self.save_tries += 1;
        let saved = !self.disk_full;
        let was_well = std::mem::replace(&mut self.saved_well, saved);
        self.unheard = (!(saved && was_well)).then_some(saved);
        if saved {
            let state = serde_json::to_string(self.facts()).unwrap();
            let before = std::mem::replace(&mut self.disk, state.clone());
            self.backup = if both { state } else { before };
            self.saved_twice += usize::from(both);
            self.happened(&Happened::Saved);
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
        for notice in news {
            self.happened(&Happened::Shown(notice.clone()));
            self.shown.push(Shown { notice, at });
        }
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
            Coming::Checked(check, result, genuine) => {
                self.happened(&match genuine {
                    Some(genuine) => Happened::Answered(genuine),
                    None => Happened::Failed(check, result.as_ref().err().cloned()),
                });
                self.last_answer = result.clone().ok().map(|answered| (attempt, answered));
                Outcome::Checked(result)
            }
            Coming::SignedIn => {
                let stored = self.store_tokens(&service);
                if stored.is_ok() {
                    self.happened(&Happened::SignedIn);
                }
                Outcome::SignInEnded(stored)
            }
        };
        self.input(Input::Outcome { attempt, outcome });
    }

    /// The answer of the check that is under way, which does not arrive by itself any more.
    pub(crate) fn take_answer(&mut self) -> Input {
        let mut due = self.due.iter();
        let at = due.position(|due| matches!(due.coming, Coming::Checked(_, Ok(_), _)));
        let due = self.due.remove(at.expect("a check is under way"));
        let Coming::Checked(_, result, _) = due.coming else {
            unreachable!("it was looked for")
        };
        Input::Outcome {
            attempt: due.attempt,
            outcome: Outcome::Checked(result),
        }
    }

    /// What was on the wire when the machine fell asleep has failed when it wakes.
    pub(super) fn connections_break(&mut self) {
        let ticks = self.machine.ticks;
        for due in &mut self.due {
            let silent = (Side::Silent, Side::Silent);
            due.coming = match &due.coming {
                Coming::Checked(check, ..) => Coming::Checked(*check, Err(unreachable(silent)), None),
                Coming::Outcome(Outcome::Probed { .. }) => Coming::Outcome(Outcome::Probed {
                    licensing: Side::Silent,
                    identity: Side::Silent,
                }),
                Coming::Outcome(Outcome::ReleaseSent) => {
                    Coming::Outcome(Outcome::ReleaseNotSent { retry_after: None })
                }
                Coming::Outcome(_) | Coming::SignedIn | Coming::Shown(_) => continue,
            };
            due.at = ticks + AT_ONCE;
        }
    }

    pub(super) fn later(&mut self, after: Duration, service: &str, attempt: Attempt, outcome: Outcome) {
        self.due.push(Due {
            at: self.machine.ticks + after,
            service: service.to_owned(),
            attempt,
            coming: Coming::Outcome(outcome),
        });
    }

    fn begin_sign_in(&mut self, attempt: Attempt, service: &str, method: SignInMethod) {
        if !(self.network && self.identity) {
            let failed = SignInResult::Failed {
                problem: "identity_unreachable".to_owned(),
                detail: String::new(),
            };
            return self.later(
                self.patience(service),
                service,
                attempt,
                Outcome::SignInEnded(Err(failed)),
            );
        }
        let invitation = invitation(attempt, method);
        self.later(self.latency, service, attempt, Outcome::SignInReady(invitation));
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
        let another = self
            .vault
            .get(service)
            .is_some_and(|secrets| secrets.subject.is_some_and(|known| known != self.subject));
        let replaced = another.then(|| self.sign_release(service, None)).flatten();
        let secrets = self.vault.entry(service.to_owned()).or_default();
        if secrets.device.is_none() || another {
            self.devices += 1;
            secrets.device = Some(super::device(self.devices));
        }
        secrets.subject = Some(self.subject);
        secrets.tokens = true;
        secrets.access_until = self.machine.real + HOUR;
        self.grant_revoked = false;
        Ok(SignedIn {
            issuer: "https://identity.example".to_owned(),
            subject: self.subject.to_owned(),
            name: "Maya Lindqvist".to_owned(),
            email: None,
            device: secrets.device.clone().expect("it was just made"),
            replaced: replaced.map(Box::new),
        })
    }

    /// With an ID token where one is wanted, which the identity service must give.
    fn sign_temporary(
        &mut self,
        service: &str,
        mut claims: TemporaryClaims,
        identify: bool,
    ) -> Option<SelfSigned> {
        if self.signing == Signing::Fails {
            return None;
        }
        let device = self.vault.get(service)?.device.clone()?;
        let mut keys = (1..=self.devices).map(device_key);
        let key = keys.find(|key| key.jwk().thumbprint() == device)?;
        if identify {
            let answers = self.sides(service).1 == Side::Answers && !self.grant_revoked;
            let token = issuer::id_token(self.subject, self.machine.real);
            claims.id_token = Some(token).filter(|_| answers && self.id_tokens);
            claims.id_token.as_ref()?;
        }
        let signed = temporary::sign(&key, &claims).unwrap();
        self.temporaries.push(claims);
        Some(signed)
    }

    pub(crate) fn sign_release(&mut self, service: &str, product: Option<&str>) -> Option<PendingRelease> {
        let device = self.vault.get(service)?.device.clone()?;
        let number = (1..=self.devices).find(|number| super::device(*number) == device)?;
        (self.keyring == Keyring::Open).then(|| PendingRelease {
            jwk: self.services[service].some_key(),
            token: format!(
                "release of {} by device-{number}",
                product.unwrap_or("everything")
            ),
        })
    }

    fn send_release(&mut self, attempt: Attempt, service: &str, release: PendingRelease) {
        let reached = self.sides(service).0 == Side::Answers;
        let sheds = self.sheds.filter(|_| reached);
        let taken = reached && sheds.is_none();
        if taken && let Some(licensing) = self.services.get_mut(service) {
            licensing.released.push(release);
        }
        self.later(
            self.patience(service),
            service,
            attempt,
            if taken {
                Outcome::ReleaseSent
            } else {
                Outcome::ReleaseNotSent { retry_after: sheds }
            },
        );
    }

    fn forget(&mut self, attempt: Attempt, service: &str, what: Forget) {
        self.due.retain(|due| {
            let counts = matches!(
                &due.coming,
                Coming::Outcome(Outcome::ReleaseSent | Outcome::ReleaseNotSent { .. })
            );
            due.service != service || counts
        });
        let open = self.keyring == Keyring::Open;
        if open && let Some(secrets) = self.vault.get_mut(service) {
            secrets.tokens = false;
            if what == Forget::Everything {
                secrets.device = None;
                secrets.subject = None;
            }
        }
        self.later(AT_ONCE, service, attempt, Outcome::Forgotten(open));
    }
}

/// A code is good for five minutes.
fn invitation(attempt: Attempt, method: SignInMethod) -> Invitation {
    let url = format!("https://identity.example/authorize?attempt={attempt}");
    let code = (method == SignInMethod::DeviceCode).then(|| UserCode {
        user_code: format!("CODE-{attempt}"),
        verification_uri: "https://identity.example/device".to_owned(),
        verification_uri_complete: None,
    });
    Invitation {
        issuer: "https://identity.example".to_owned(),
        url,
        expires_in: code.is_some().then(|| minutes(5)),
        code,
    }
}
