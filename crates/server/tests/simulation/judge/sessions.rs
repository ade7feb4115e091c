//! Rule 11 at the service: who has a session and who waits for one, so that whoever is refused for one is refused with reason. By
//! the service's clock, in seconds.

use std::collections::BTreeMap;

use latchkey_core::code::Code;
use latchkey_core::policy::{Policy, SessionPolicy};
use latchkey_core::session::SessionWish;
use latchkey_server::store::records::AskedProduct;

use crate::products::{Each, Which};
use crate::service::Said;

#[derive(Clone, Copy, Debug)]
struct Session {
    since: i64,
    heard_at: i64,
}

/// One that waits.
#[derive(Clone, Copy, Debug)]
struct Ask {
    asked_at: i64,
    heard_at: i64,
}

/// Of one user and one product, by device key.
#[derive(Debug, Default)]
struct Of {
    held: BTreeMap<String, Session>,
    waiting: BTreeMap<String, Ask>,
}

/// Whoever was heard of within this time goes before those that were not, in seconds.
const LATELY: i64 = 120;
/// Whoever was not heard of for so long waits no more, in seconds, or for longer where sessions last longer.
const FORGOTTEN_AFTER: i64 = 15 * 60;

/// The service's clock is set back by so much at most, in seconds; what it had written of the future counts from then on.
const SET_BACK: i64 = 120;

#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<(usize, Which), Of>);

/// A device asks, and is answered.
pub(super) struct Answered<'a> {
    pub(super) device: &'a str,
    pub(super) jkt: &'a str,
    pub(super) asked: &'a AskedProduct,
    pub(super) said: Said,
    pub(super) now: i64,
}

impl Sessions {
    pub(super) fn has_one(&self, whose: (usize, Which), jkt: &str) -> bool {
        self.0.get(&whose).is_some_and(|of| of.held.contains_key(jkt))
    }

    /// Whether another device than this one has a session, by the service's clock.
    pub(super) fn is_elsewhere(&self, whose: (usize, Which), jkt: &str, policy: &Policy, now: i64) -> bool {
        let mut held = self.0.get(&whose).into_iter().flat_map(|of| &of.held);
        held.any(|(other, session)| other != jkt && now < session.heard_at + seconds(policy))
    }

    /// Judges what was said, and follows it.
    pub(super) fn answered(&mut self, whose: (usize, Which), answered: &Answered<'_>, policy: &Policy) {
        let of = self.0.entry(whose).or_default();
        let Answered { jkt, asked, now, .. } = answered;
        let ttl = seconds(policy);
        for ask in of.waiting.values_mut() {
            ask.asked_at = ask.asked_at.min(*now);
            ask.heard_at = ask.heard_at.min(*now);
        }
        let lives = |session: &Session| *now < session.heard_at + ttl;
        let mine = of
            .held
            .get(*jkt)
            .filter(|session| lives(session))
            .map(|session| session.since);
        let others = of
            .held
            .iter()
            .filter(|(other, session)| other != jkt && lives(session));
        // Of two that began in one second, either may be the first.
        let may_be_first = others
            .clone()
            .any(|(_, other)| mine.is_none_or(|mine| other.since <= mine));
        let surely = |session: &Session| *now + SET_BACK < session.heard_at + ttl;
        let is_first = others
            .filter(|(_, other)| surely(other))
            .any(|(_, other)| mine.is_none_or(|mine| other.since < mine));
        let successors = of.successors(jkt, *now, ttl);
        let hands_over =
            asked.session == Some(SessionWish::HandOver) && mine.is_some() && !successors.is_empty();
        let takes_over =
            asked.session == Some(SessionWish::TakeOver) && policy.session_policy == SessionPolicy::Takeover;
        let told = format!("{} of {}: {of:?}", answered.device, asked.product);
        match answered.said {
            Said::Refusal(Code::SessionInUse) => {
                assert!(asked.open, "nothing is open, and is in use elsewhere: {told}");
                let one_at_a_time = policy.session_policy != SessionPolicy::Report;
                assert!(one_at_a_time, "both run, and one is refused: {told}");
                let is_elsewhere = may_be_first && !takes_over;
                assert!(hands_over || is_elsewhere, "it is in use nowhere: {told}");
                of.gives_way(jkt, *now, ttl, if hands_over { successors } else { Vec::new() });
            }
            Said::Lease(_) if asked.open => {
                let both_run = policy.session_policy == SessionPolicy::Report;
                assert!(
                    both_run || takes_over || !is_first,
                    "another device has it: {told}"
                );
                assert!(both_run || !hands_over, "it was to be handed over: {told}");
                if !both_run {
                    of.held.clear();
                }
                let since = mine.unwrap_or(*now);
                let session = Session {
                    since,
                    heard_at: *now,
                };
                of.held.insert((*jkt).to_owned(), session);
                of.waiting.remove(*jkt);
            }
            Said::Lease(_) | Said::Refusal(_) => of.leaves(jkt),
        }
    }

    /// It was written down that these devices are connected. Sessions of which nobody had heard for too long were over before.
    pub(super) fn heard(&mut self, jkts: &[String], at: i64, policies: &Each<Policy>) {
        for ((_, which), of) in &mut self.0 {
            let ttl = seconds(&policies[*which]);
            of.held.retain(|_, session| at < session.heard_at + ttl);
            of.waiting
                .retain(|_, ask| at < ask.heard_at + ttl.max(FORGOTTEN_AFTER));
            for jkt in jkts {
                if let Some(session) = of.held.get_mut(jkt) {
                    session.heard_at = session.heard_at.max(at);
                }
                if let Some(ask) = of.waiting.get_mut(jkt) {
                    ask.heard_at = at;
                }
            }
        }
    }

    /// The device is given up, and all that it had.
    pub(super) fn released(&mut self, jkt: &str) {
        self.0.values_mut().for_each(|of| of.leaves(jkt));
    }

    /// It has no lease of the product any more, of which it has given one up.
    pub(super) fn has_no_lease(&mut self, jkt: &str, which: Which) {
        for ((_, of), held) in &mut self.0 {
            if *of == which {
                held.held.remove(jkt);
            }
        }
    }
}

impl Of {
    /// Who may be given what this device hands over: whoever asked first of those that still wait, and were heard of lately if any
    /// were.
    fn successors(&self, jkt: &str, now: i64, ttl: i64) -> Vec<String> {
        let others = self
            .waiting
            .iter()
            .filter(|(other, ask)| *other != jkt && now < ask.heard_at + ttl);
        let turn = |ask: &Ask| (now >= ask.heard_at + LATELY, ask.asked_at);
        let first = others.clone().map(|(_, ask)| turn(ask)).min();
        let first = others.filter(|(_, ask)| Some(turn(ask)) == first);
        first.map(|(other, _)| other.clone()).collect()
    }

    fn gives_way(&mut self, jkt: &str, now: i64, ttl: i64, successors: Vec<String>) {
        let before = self
            .waiting
            .get(jkt)
            .filter(|ask| successors.is_empty() && now < ask.heard_at + ttl);
        let ask = Ask {
            asked_at: before.map_or(now, |ask| ask.asked_at),
            heard_at: now,
        };
        self.held.remove(jkt);
        for successor in successors {
            self.waiting.remove(&successor);
            let session = Session {
                since: now,
                heard_at: now,
            };
            self.held.insert(successor, session);
        }
        self.waiting.insert(jkt.to_owned(), ask);
    }

    fn leaves(&mut self, jkt: &str) {
        self.held.remove(jkt);
        self.waiting.remove(jkt);
    }
}

fn seconds(policy: &Policy) -> i64 {
    i64::try_from(policy.session_ttl.as_secs()).unwrap()
}
