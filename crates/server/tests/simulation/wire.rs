//! What an engine wants is carried out here: checks and their answers, releases, sign-ins, on a network that loses, delays and
//! repeats.

use latchkey_core::code::Code;
use latchkey_core::engine::{Answer, Attempt, CheckFailure, CheckOrder, Effect, Input, Outcome, Query, Side};
use latchkey_core::facts::PendingRelease;
use latchkey_core::time::{HOUR, Timestamp};
use latchkey_server::store::records::AskedProduct;

use super::events::{Event, Sender};
use super::network::NOT_SENT;
use super::parts::Told;
use super::products::{Each, all};
use super::service::{Answered, Dies, Question, Reply, Said};
use super::world::{AT_ONCE, PATIENCE, World};

impl World {
    pub(super) fn carry_out(&mut self, desktop: usize, effect: Effect) {
        match effect {
            Effect::Save { .. } => self.desktops[desktop].save(self.now),
            Effect::Check { attempt, order } => self.check(desktop, attempt, &order),
            Effect::Listen { attempt, .. } => self.listen(desktop, attempt),
            Effect::StopListening { attempt } => {
                self.last_heard(desktop);
                self.desktops[desktop]
                    .stream
                    .take_if(|stream| stream.attempt == attempt);
            }
            Effect::Probe { attempt, .. } => {
                self.probe(desktop, attempt);
            }
            Effect::BeginSignIn { attempt, .. } => self.begin_sign_in(desktop, attempt),
            Effect::CancelSignIn { attempt } => {
                let cancelled = self.sender(desktop, attempt);
                self.queue.retain(|_, event| match event {
                    Event::SignedIn(from) | Event::Heard(from, _) => *from != cancelled,
                    _ => true,
                });
            }
            Effect::SignRelease {
                attempt, product, at, ..
            } => {
                let release = self.desktops[desktop].vault.as_ref().map(|vault| PendingRelease {
                    jwk: self.service.some_key(),
                    token: format!("{} {} {}", vault.jkt, at.as_secs(), product.unwrap_or_default()),
                });
                let from = self.sender(desktop, attempt);
                self.outcome(AT_ONCE, from, Outcome::ReleaseSigned(release));
            }
            Effect::SignTemporary {
                attempt,
                claims,
                identify,
                ..
            } => self.sign_temporary(desktop, attempt, *claims, identify.is_some()),
            Effect::SendRelease { attempt, release, .. } => {
                let from = self.sender(desktop, attempt);
                if self.sides(desktop).0 != Side::Answers || self.lost() {
                    return self.outcome(PATIENCE, from, NOT_SENT);
                }
                let twice = self.weather.twice;
                if self.dice.percent(twice) {
                    let after = self.latency();
                    self.at(after, Event::Released(from, release.clone()));
                }
                let after = self.latency();
                self.at(after, Event::Released(from, release));
            }
            Effect::Forget { attempt, what, .. } => self.forget(desktop, attempt, what),
            Effect::Answer { ticket, answer } => {
                let was_asked = self.desktops[desktop].unanswered.remove(&ticket);
                assert!(was_asked, "answered twice, or never asked: {answer:?}");
                if let Answer::Refused { code, problem } = answer {
                    self.note_of(desktop, &format!("what was asked is refused: {code:?} {problem}"));
                }
            }
            Effect::WakeAt(at) => self.desktops[desktop].wake = at,
            Effect::Publish => self.acknowledge(desktop),
            Effect::UseChanged(_) | Effect::SignInKept { .. } => {}
        }
    }

    /// Whoever shows notices says so a moment later.
    pub(super) fn acknowledge(&mut self, desktop: usize) {
        let engine = self.desktops[desktop].engine().expect("it has just published");
        let ids: Vec<u64> = engine.view().notices.iter().map(|notice| notice.id).collect();
        if !ids.is_empty() {
            let from = self.sender(desktop, 0);
            self.at(AT_ONCE, Event::Heard(from, Input::Shown(ids)));
        }
    }

    /// Both services are asked whether they are there.
    fn probe(&mut self, desktop: usize, attempt: Attempt) {
        let (licensing, identity) = self.sides(desktop);
        let from = self.sender(desktop, attempt);
        let mut after = self.latency();
        let mut seen = |world: &mut Self, side| match side {
            Side::Answers if world.lost() => {
                after = PATIENCE;
                Side::Silent
            }
            side => side,
        };
        let licensing = seen(self, licensing);
        let identity = seen(self, identity);
        self.outcome(after, from, Outcome::Probed { licensing, identity });
    }

    pub(super) fn check(&mut self, desktop: usize, attempt: Attempt, order: &CheckOrder) {
        let from = self.sender(desktop, attempt);
        let (licensing, identity) = self.sides(desktop);
        let unreachable = self.unreachable(desktop);
        let now = self.now;
        let refresh_is_lost = self.lost();
        let machine = &mut self.desktops[desktop];
        machine.asked = (from.life, attempt);
        let (name, user) = (machine.name.clone(), machine.user);
        if licensing == Side::NoRoute {
            return self.at(AT_ONCE, Event::Answered(from, Err(unreachable)));
        }
        let Some(vault) = machine.vault.as_mut().filter(|vault| vault.tokens) else {
            return self.at(AT_ONCE, Event::Answered(from, Err(CheckFailure::SignInAgain)));
        };
        let refreshed_at = vault.access_until - HOUR;
        if vault.access_until <= now || refreshed_at + order.refresh_every <= now {
            match identity {
                Side::Answers if refresh_is_lost => {
                    machine.tokenless.at = Some(now + PATIENCE);
                    machine.out_since = None;
                    if vault.access_until <= now {
                        let failure = CheckFailure::Unreachable {
                            licensing,
                            identity: Side::Silent,
                        };
                        self.note_of(desktop, "a refresh is lost");
                        return self.at(PATIENCE, Event::Answered(from, Err(failure)));
                    }
                }
                Side::Answers if vault.granted => vault.access_until = now + HOUR,
                Side::Answers => {
                    return self.at(AT_ONCE, Event::Answered(from, Err(CheckFailure::SignInAgain)));
                }
                // As long as the one it has is good, the agent goes on with that.
                Side::Silent | Side::NoRoute if now < vault.access_until => {}
                Side::Silent | Side::NoRoute => {
                    return self.at(AT_ONCE, Event::Answered(from, Err(unreachable)));
                }
            }
        }
        let question = Question {
            request: format!("{name}-{}-{attempt}", from.life),
            user,
            jkt: vault.jkt.clone(),
            device: name,
            products: order.products.iter().map(wire_query).collect(),
            signed_in_at: order.identify.then_some(vault.signed_in_at),
            usage: order.usage.iter().filter_map(wire_usage).collect(),
        };
        if self.lost() {
            self.note_of(desktop, "a check is lost on its way");
            return self.silence(from);
        }
        let after = self.latency();
        let open = question.products.iter().filter(|asked| asked.open);
        let open: Vec<_> = open.map(|asked| (&*asked.product, asked.session)).collect();
        self.note_of(desktop, &format!("checks, open: {open:?}"));
        self.at(after, Event::Asked(from, question));
    }

    pub(super) fn asked(&mut self, from: Sender, question: &Question) {
        if !self.service.up {
            return self.silence(from);
        }
        self.write_down_who_is_connected();
        let Some(reply) = self.reply(question) else {
            return self.silence(from);
        };
        let answered = match reply {
            Reply::Decided(answered, said) => {
                self.note_of(from.desktop, &format!("the service says {said:?}"));
                if said.contains(&Some(Said::Refusal(Code::SessionInUse))) {
                    self.expect_beat();
                }
                Ok((answered, said))
            }
            Reply::Held | Reply::Full => return self.answers_500(from, &reply),
            // As the agent does: it asks once more, with the ID token.
            Reply::IdTokenRequired => {
                let vault = self.desktops[from.desktop].vault.as_ref();
                let signed_in_at = vault.map(|vault| vault.signed_in_at);
                if question.signed_in_at.is_none() && signed_in_at.is_some() {
                    let after = self.latency() + self.latency();
                    let question = Question {
                        signed_in_at,
                        ..question.clone()
                    };
                    return self.at(after, Event::Asked(from, question));
                }
                Err(CheckFailure::IdTokenRequired)
            }
        };
        if self.lost() {
            self.note("the answer is lost");
            return self.silence(from);
        }
        let twice = self.weather.twice;
        if self.dice.percent(twice) {
            let after = self.latency();
            self.at(after, Event::Answered(from, answered.clone()));
        }
        let after = self.latency();
        self.at(after, Event::Answered(from, answered));
    }

    /// What the service makes of a check; `None` where its process dies over it.
    fn reply(&mut self, question: &Question) -> Option<Reply> {
        self.survives(|world| {
            let reply = world.service.check(world.now, question);
            world
                .judge
                .service_replies(question, &reply, world.now, &world.service, &mut world.seats);
            reply
        })
    }

    /// The service is asked for something, and its process may end over it: then nobody hears what became of that.
    pub(super) fn survives<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let dies = self.service.dies.take();
        let done = (dies != Some(Dies::BeforeTheWrite)).then(|| work(self));
        if dies.is_none() {
            return done;
        }
        self.note("the service dies over this, and is back");
        self.service.restart();
        self.streams_end();
        None
    }

    /// An answer of a 500 or 503: as if there were no service.
    fn answers_500(&mut self, from: Sender, why: &Reply) {
        self.note_of(from.desktop, &format!("the service does not answer: {why:?}"));
        let after = self.latency();
        self.desktops[from.desktop].out_at = Some(self.now + after);
        let failure = CheckFailure::Unreachable {
            licensing: Side::Silent,
            identity: self.sides(from.desktop).1,
        };
        self.at(after, Event::Answered(from, Err(failure)));
    }

    pub(super) fn answered(&mut self, from: Sender, answered: Answered) {
        if answered.is_ok() && self.desktops[from.desktop].life == from.life {
            self.read_key(from.desktop);
        }
        if self.desktops[from.desktop].life != from.life {
            return;
        }
        self.has_waited(from.desktop);
        let desktop = &mut self.desktops[from.desktop];
        let connected = desktop.network && desktop.is_on();
        let (result, said) = match answered {
            Ok((answered, said)) if connected => (Ok(answered), said),
            Ok(_) => (
                Err(CheckFailure::Unreachable {
                    licensing: Side::Silent,
                    identity: Side::Silent,
                }),
                Each::default(),
            ),
            Err(failure) => (Err(failure), Each::default()),
        };
        let (by, key) = ((from.life, from.attempt), desktop.key().cloned());
        for which in all() {
            let told = &mut desktop.told[which];
            let Some(said) = said[which].filter(|_| by > told.by) else {
                continue;
            };
            let lease_end = match said {
                Said::Lease(lease) => {
                    desktop.given[which].clear();
                    Some(Timestamp::from_secs(lease.exp))
                }
                Said::Refusal(_) => told.lease_end,
            };
            *told = Told {
                last: Some(said),
                lease_end,
                off: 0,
                given_up: false,
                jkt: key.clone(),
                by,
            };
            desktop.was_ahead = desktop.wall_ahead > 0;
            desktop.waits[which] = None;
        }
        if by == desktop.asked && desktop.is_on() {
            desktop.tokenless.ended(by, result.as_ref().err(), self.now);
            // Also who signed in before one of the user's devices was released, and had none here (rule 10).
            desktop.must_sign_in |= matches!(
                result,
                Err(CheckFailure::SignInAgain | CheckFailure::IdTokenRequired)
            );
        }
        let outcome = Outcome::Checked(result);
        self.heard(
            from,
            Input::Outcome {
                attempt: from.attempt,
                outcome,
            },
        );
    }
}

fn wire_query(query: &Query) -> AskedProduct {
    AskedProduct {
        product: query.product.clone(),
        open: query.open,
        session: query.session,
    }
}

fn wire_usage(usage: &latchkey_core::usage::Usage) -> Option<latchkey_api::check::Usage> {
    let noon = jiff::Timestamp::from_second(usage.day.end(0).as_secs() - 43_200).ok()?;
    Some(latchkey_api::check::Usage {
        product: usage.product.clone(),
        version: usage.version.clone(),
        day: noon.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
        since: usage.since.as_millis(),
        minutes: usage.minutes,
    })
}
