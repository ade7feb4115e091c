//! When a running product must stop, and when not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latchkey_core::code::{Code, Reason};
use latchkey_core::time::{DAY, MINUTE};
use latchkey_core::view::StatusView;
use latchkey_ipc::messages::{Refused, Reply};
use latchkey_sdk::{Event, Events};

use crate::agent::{Agent, Present, SOON, as_is, grants, honest, is_authorize, open};
use crate::vendor::{NOW, Offer, says, status};

fn next(events: &Events, wanted: impl Fn(&Event) -> bool) -> Event {
    std::iter::from_fn(|| events.wait(SOON))
        .find(wanted)
        .expect("told in time")
}

fn must_stop(events: &Events) -> (u16, Duration) {
    match next(events, |event| matches!(event, Event::MustStop { .. })) {
        Event::MustStop { code, left, .. } => (code, left),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_product_that_must_stop_is_told_the_time_left_once_for_each_cause_and_when_that_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let present = Present::default();
    let agent = Agent::start(folder.path(), as_is(&present));
    let licence = open(folder.path());
    let events = licence.events();
    let permit = licence.authorize(SOON).unwrap();
    let stop = |code| {
        Some(StatusView {
            stop_at: Some(NOW + 10 * MINUTE),
            ..status(code)
        })
    };
    agent.change(&present, stop(Code::SessionInUse));
    agent.change(&present, stop(Code::SessionInUse));
    let (code, left) = must_stop(&events);
    assert_eq!(code, 16);
    assert!(left <= 10 * MINUTE && left > 9 * MINUTE, "{left:?}");
    assert_eq!(
        licence.authorize(SOON).map(drop).map_err(|denied| denied.code()),
        Err(16)
    );
    agent.change(&present, stop(Code::NotAssigned));
    assert_eq!(
        must_stop(&events).0,
        13,
        "another cause, and not the first one again"
    );
    agent.change(&present, None);
    let healed = next(
        &events,
        |event| matches!(event, Event::Changed(status) if status.may_run()),
    );
    assert_eq!(events.wait(Duration::ZERO), None, "{healed:?} was the last word");
    drop(permit);
}

/// A check that takes the licence away has set the agent's clock right, and brings no proof by which the product's own would be.
#[test]
fn the_time_to_save_is_counted_from_when_the_agent_said_so() {
    for at in [NOW - 120 * MINUTE, NOW + 960 * MINUTE] {
        let folder = tempfile::tempdir().unwrap();
        let present = Present::default();
        let agent = Agent::start(folder.path(), as_is(&present));
        let licence = open(folder.path());
        let events = licence.events();
        let permit = licence.authorize(SOON).unwrap();
        let stop = StatusView {
            stop_at: Some(at + 10 * MINUTE),
            at: Some(at),
            ..status(Code::SessionInUse)
        };
        agent.change(&present, Some(stop.clone()));
        let (_, left) = must_stop(&events);
        assert!(left <= 10 * MINUTE && left > 9 * MINUTE, "{left:?}");
        let again = StatusView {
            at: Some(at + MINUTE),
            ..stop
        };
        agent.change(&present, Some(again));
        agent.change(&present, None);
        let event = events.wait(SOON).unwrap();
        assert!(
            matches!(&event, Event::Changed(status) if status.may_run()),
            "the same, said later, is nothing new: {event:?}"
        );
        drop(permit);
    }
}

/// The agent was updated while the keyring was locked: nobody can prove anything to what is open, and its lease is good.
#[test]
fn a_keyring_that_stays_locked_stops_nothing_that_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let first = Agent::start(folder.path(), honest());
    let licence = open(folder.path());
    let events = licence.events();
    let permit = licence.authorize(SOON).unwrap();
    drop(first);

    let locked = |until| {
        Some(StatusView {
            reason: Some(Reason::VaultLocked),
            since: Some(NOW),
            until,
            ..status(Code::AuthPending)
        })
    };
    let present = Present::new(locked(Some(NOW + 15 * MINUTE)).into());
    let second = Agent::start(folder.path(), as_is(&present));
    second.wait_for(is_authorize);
    // A quarter of an hour later nobody is awaited at the keyring any more.
    second.change(&present, locked(None));
    next(
        &events,
        |event| matches!(event, Event::Changed(status) if status.code == 4 && !status.is_pending()),
    );
    assert_eq!(
        licence.authorize(SOON).map(drop).map_err(|denied| denied.code()),
        Err(4),
        "whoever asks anew is told"
    );
    second.change(&present, None);
    let is_stop = |event: &Event| matches!(event, Event::MustStop { .. });
    let healed = next(&events, |event| {
        is_stop(event) || matches!(event, Event::Changed(status) if status.may_run())
    });
    assert!(!is_stop(&healed), "{healed:?}");
    drop(permit);
}

#[test]
fn an_agent_that_does_not_say_by_when_stops_nothing_that_is_open() {
    let refused = || {
        Reply::Refused(Refused {
            code: 22,
            problem: "unknown_use".into(),
            detail: String::new(),
        })
    };
    let answers: [(fn() -> Reply, u16); 3] = [
        (refused, 22),
        (|| Reply::Unsupported, 20),
        (|| says(status(Code::NotAssigned)), 13),
    ];
    for (answer, code) in answers {
        let folder = tempfile::tempdir().unwrap();
        let mut first = true;
        let _agent = Agent::start(
            folder.path(),
            grants(move |nonce| {
                if std::mem::take(&mut first) {
                    return Offer::honest(nonce).reply();
                }
                answer()
            }),
        );
        let licence = open(folder.path());
        let events = licence.events();
        let permit = licence.authorize(SOON).unwrap();
        let denied = licence.authorize(SOON).unwrap_err();
        assert_eq!(denied.code(), code);
        // The worker has done with that answer when it answers this.
        licence.status();
        let told = std::iter::from_fn(|| events.wait(Duration::ZERO));
        let stops: Vec<Event> = told
            .filter(|event| matches!(event, Event::MustStop { .. }))
            .collect();
        assert_eq!(stops, [], "{code}");
        drop(permit);
    }
}

/// Rule 5: another cause that follows wins no time.
#[test]
fn a_stop_that_was_told_is_never_put_off() {
    let folder = tempfile::tempdir().unwrap();
    let present = Present::default();
    let agent = Agent::start(folder.path(), as_is(&present));
    let licence = open(folder.path());
    let events = licence.events();
    let permit = licence.authorize(SOON).unwrap();
    let stop = |code, after| {
        Some(StatusView {
            stop_at: Some(NOW + after),
            ..status(code)
        })
    };
    agent.change(&present, stop(Code::SessionInUse, 5 * MINUTE));
    let (_, first) = must_stop(&events);
    agent.change(&present, stop(Code::NotAssigned, 400 * DAY));
    let (code, second) = must_stop(&events);
    assert_eq!(code, 13);
    assert!(second <= first, "{second:?}");
    agent.change(&present, stop(Code::NotAssigned, 2 * MINUTE));
    let (_, third) = must_stop(&events);
    assert!(third <= 2 * MINUTE, "sooner is another matter: {third:?}");
    agent.change(&present, None);
    next(
        &events,
        |event| matches!(event, Event::Changed(status) if status.may_run()),
    );
    agent.change(&present, stop(Code::SessionInUse, 400 * DAY));
    let (_, anew) = must_stop(&events);
    assert!(
        anew <= DAY && anew > 23 * 60 * MINUTE,
        "no save window is longer: {anew:?}"
    );
    drop(permit);
}

#[test]
fn a_lease_ends_though_the_agent_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let agent = Agent::start(
        folder.path(),
        grants(move |nonce| {
            let times = counted.fetch_add(1, Ordering::SeqCst);
            let offer = Offer::honest(nonce).signed(NOW - DAY, DAY + Duration::from_secs(1));
            if times == 0 {
                return offer.reply();
            }
            says(StatusView {
                stop_at: Some(NOW + 5 * MINUTE),
                ..status(Code::OfflineLimitReached)
            })
        }),
    );
    let licence = open(folder.path());
    let events = licence.events();
    let permit = licence.authorize(SOON).unwrap();
    let (code, left) = must_stop(&events);
    assert_eq!(code, 12);
    assert!(left > 4 * MINUTE && left < 5 * MINUTE, "{left:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "asked once more at the end");
    drop((permit, agent));
}

#[test]
fn a_lease_ends_though_there_is_no_agent() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(
        folder.path(),
        grants(|nonce| {
            Offer::honest(nonce)
                .signed(NOW - DAY, DAY + Duration::from_secs(1))
                .reply()
        }),
    );
    let licence = open(folder.path());
    let events = licence.events();
    let permit = licence.authorize(SOON).unwrap();
    drop(agent);
    let (code, left) = must_stop(&events);
    assert_eq!(code, 20);
    assert!(left > 9 * MINUTE, "the save window of the policy: {left:?}");
    drop(permit);
}
