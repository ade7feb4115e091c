//! What must hold after every single input, whatever the story.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_core::code::{Code, Reason};
use latchkey_core::engine::{Attempt, Effect, Ticket};
use latchkey_core::notice::Notice;
use latchkey_core::time::{Now, Timestamp};
use latchkey_core::view::{StatusView, View};

/// No wait may be longer (rule 17).
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// More inputs than this without time passing are a loop, and so are more than this in an hour.
const AT_ONCE: u32 = 50;
const IN_AN_HOUR: u32 = 1500;

/// Watches one agent process.
#[derive(Default)]
pub(super) struct Witness {
    view: View,
    answered: BTreeSet<Ticket>,
    at: Duration,
    at_once: u32,
    hour: u64,
    in_the_hour: u32,
    last_notice: u64,
    attempts: BTreeSet<Attempt>,
}

impl Witness {
    /// Another agent process; what was answered and told is remembered.
    pub(super) fn restarted(&mut self) {
        self.view = View::default();
        self.at_once = 0;
        self.attempts.clear();
    }

    /// Judges what came of one input.
    pub(super) fn judge(&mut self, now: &Now, effects: &[Effect], view: &View, trusted: Timestamp) {
        self.at_once = if self.at == now.ticks { self.at_once + 1 } else { 0 };
        self.at = now.ticks;
        assert!(
            self.at_once < AT_ONCE,
            "a loop: {AT_ONCE} inputs and no time passed; {effects:?}"
        );
        let hour = now.ticks.as_secs() / 3600;
        self.in_the_hour = if self.hour == hour {
            self.in_the_hour + 1
        } else {
            0
        };
        self.hour = hour;
        assert!(
            self.in_the_hour < IN_AN_HOUR,
            "a loop: {IN_AN_HOUR} inputs in an hour; {effects:?}"
        );

        let saves = effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Save { .. }));
        match saves.count() {
            0 => {}
            1 => assert!(
                matches!(effects[0], Effect::Save { .. }),
                "told before it was saved: {effects:?}"
            ),
            _ => panic!("saved twice for one input: {effects:?}"),
        }
        match effects.last() {
            Some(Effect::WakeAt(wake)) => {
                assert!(
                    wake.is_none_or(|at| at > now.ticks),
                    "due in the past: {effects:?}"
                );
            }
            other => panic!("no WakeAt at the end: {other:?}"),
        }
        for attempt in effects.iter().filter_map(begun) {
            assert!(
                self.attempts.insert(attempt),
                "attempt {attempt} is begun twice: {effects:?}"
            );
        }
        self.judge_view(effects, view);
        for product in &view.products {
            judge_pending(&product.status, trusted);
        }
        if let Some(sign_in) = &view.sign_in {
            assert!(sign_in.until.since(sign_in.since) <= LONGEST_WAIT, "{sign_in:?}");
            assert!(trusted < sign_in.until, "overdue at {trusted:?}: {sign_in:?}");
        }
    }

    fn judge_view(&mut self, effects: &[Effect], view: &View) {
        let published = effects
            .iter()
            .filter(|effect| **effect == Effect::Publish)
            .count();
        let as_if_then = View {
            at: self.view.at,
            ..view.clone()
        };
        if as_if_then == self.view {
            assert_eq!(published, 0, "published without change");
        } else {
            assert_eq!(published, 1, "{:?} became {view:?}: {effects:?}", self.view);
            assert!(view.revision > self.view.revision);
            self.view = view.clone();
        }
    }

    /// One request, one answer.
    pub(super) fn answered(&mut self, ticket: Ticket) {
        assert!(self.answered.insert(ticket), "request {ticket} is answered twice");
    }

    /// Notices that were not seen before.
    pub(super) fn news(&mut self, view: &View) -> Vec<Notice> {
        let last = self.last_notice;
        let news: Vec<Notice> = view
            .notices
            .iter()
            .filter(|notice| notice.id > last)
            .cloned()
            .collect();
        if let Some(newest) = news.iter().map(|notice| notice.id).max() {
            self.last_notice = newest;
        }
        news
    }
}

/// The attempt that an effect begins: its outcome is known by it.
const fn begun(effect: &Effect) -> Option<Attempt> {
    match effect {
        Effect::Check { attempt, .. }
        | Effect::Listen { attempt, .. }
        | Effect::Probe { attempt, .. }
        | Effect::BeginSignIn { attempt, .. }
        | Effect::SignRelease { attempt, .. }
        | Effect::SignTemporary { attempt, .. }
        | Effect::SendRelease { attempt, .. }
        | Effect::Forget { attempt, .. } => Some(*attempt),
        _ => None,
    }
}

/// Every pending status says since when and until when, and is not overdue (rule 17).
pub(super) fn judge_pending(status: &StatusView, trusted: Timestamp) {
    let on_wire = matches!(
        status.code(),
        Some(Code::PendingIdentity | Code::PendingLicensing)
    );
    if !on_wire && status.code() != Some(Code::AuthPending) {
        return;
    }
    assert_eq!(
        status.reason.is_some(),
        !on_wire,
        "code 4, and no other, has a reason: {status:?}"
    );
    assert_eq!(
        status.obstacle.is_some(),
        status.reason == Some(Reason::NetworkBlocked),
        "which host, and what stands in the way: {status:?}"
    );
    assert_eq!(
        status.waiting_for.is_some(),
        status.reason == Some(Reason::WaitingForOther),
        "whose sign-in holds the slot: {status:?}"
    );
    let since = status.since.expect("every pending status says since when");
    assert!(since <= trusted, "pending since the future: {status:?}");
    match status.until {
        Some(until) => {
            assert!(
                until.since(since) <= LONGEST_WAIT,
                "a wait without end: {status:?}"
            );
            assert!(trusted <= until, "overdue at {trusted:?}: {status:?}");
        }
        None => assert!(!on_wire, "no deadline: {status:?}"),
    }
}
