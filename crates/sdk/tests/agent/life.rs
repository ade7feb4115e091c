//! Starting, waiting, losing the agent, stopping.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use latchkey_core::code::{Code, Reason};
use latchkey_core::time::{DAY, MINUTE};
use latchkey_core::view::StatusView;
use latchkey_ipc::messages::{Refused, Reply, Request};
use latchkey_sdk::{Event, Product};

use crate::agent::{Agent, Heard, Present, SOON, as_is, honest, is_authorize, nonce, open, product};
use crate::vendor::{NOW, Offer, ok, registration, says, status};

fn pending() -> StatusView {
    StatusView {
        until: Some(NOW + MINUTE),
        since: Some(NOW),
        ..status(Code::PendingLicensing)
    }
}

#[test]
fn a_start_waits_while_somebody_is_awaited() {
    let folder = tempfile::tempdir().unwrap();
    let present = Present::new(Some(pending()).into());
    let agent = Agent::start(folder.path(), as_is(&present));
    let licence = open(folder.path());
    let clone = licence.clone();
    let start = std::thread::spawn(move || clone.authorize(SOON));
    agent.wait_for(is_authorize);
    agent.change(&present, None);
    let permit = start.join().unwrap().unwrap();
    assert_eq!(permit.until(), NOW + 30 * DAY);
}

#[test]
fn a_start_ends_at_its_deadline_with_what_is_pending() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path(), |_| Some(says(pending())));
    let licence = open(folder.path());
    let began = Instant::now();
    let denied = licence.authorize(Duration::from_millis(300)).unwrap_err();
    assert_eq!(denied.code(), 3);
    assert!(
        (300..5_000).contains(&began.elapsed().as_millis()),
        "{:?}",
        began.elapsed()
    );
    agent.wait_for(|heard| *heard == Heard::Gone);
}

#[test]
fn an_agent_that_answers_nothing_ends_at_the_deadline_too() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(folder.path(), |_| None);
    let began = Instant::now();
    let denied = open(folder.path())
        .authorize(Duration::from_millis(300))
        .unwrap_err();
    assert_eq!(denied.code(), 1);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn where_nobody_is_awaited_the_answer_comes_at_once() {
    for (reason, code) in [
        (Some(Reason::ClockWrong), Code::AuthPending),
        (None, Code::SignInRequired),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let view = StatusView {
            reason,
            ..status(code)
        };
        let _agent = Agent::start(folder.path(), move |_| Some(says(view.clone())));
        let began = Instant::now();
        let denied = open(folder.path())
            .authorize(Duration::from_secs(3600))
            .unwrap_err();
        assert_eq!(denied.code(), code.number());
        assert!(began.elapsed() < SOON);
    }
}

#[test]
fn a_code_of_a_newer_agent_has_words_too() {
    let folder = tempfile::tempdir().unwrap();
    let view = StatusView {
        code: 99,
        name: "LUNAR_ECLIPSE".into(),
        ..StatusView::default()
    };
    let _agent = Agent::start(folder.path(), move |_| Some(says(view.clone())));
    let denied = open(folder.path()).authorize(SOON).unwrap_err();
    assert_eq!(
        (denied.code(), denied.status.name.as_str()),
        (99, "LUNAR_ECLIPSE")
    );
    assert!(!denied.status.message.is_empty());
}

#[test]
fn the_callers_mistake_keeps_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Refused {
        code: 22,
        problem: "bad_version".into(),
        detail: "2026".into(),
    };
    let _agent = Agent::start(folder.path(), move |_| Some(Reply::Refused(refused.clone())));
    let denied = open(folder.path()).authorize(SOON).unwrap_err();
    assert_eq!(
        (denied.code(), denied.status.detail.as_str()),
        (22, "bad_version: 2026")
    );
}

#[test]
fn without_an_agent_it_is_code_20_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let licence = open(folder.path());
    let began = Instant::now();
    let denied = licence.authorize(Duration::from_secs(3600)).unwrap_err();
    assert_eq!(denied.code(), 20, "{denied}");
    assert!(began.elapsed() < SOON);
    assert_eq!(licence.status().code, 20);
    let agent = Agent::start(folder.path(), honest());
    licence
        .authorize(SOON)
        .expect("and as soon as there is one, it is asked");
    drop(agent);
}

#[test]
fn an_agent_that_dies_in_the_middle_of_a_call_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let dying = Agent::start(folder.path(), |_| None);
    let licence = open(folder.path());
    let start = std::thread::spawn({
        let licence = licence.clone();
        move || licence.authorize(SOON)
    });
    dying.wait_for(is_authorize);
    drop(dying);
    // The SDK finds nobody, and tells whoever waits; the next start finds the next agent.
    let first = start.join().unwrap();
    assert!(first.is_err_and(|denied| denied.code() == 20));
    let _next = Agent::start(folder.path(), honest());
    licence.authorize(SOON).unwrap();
}

#[test]
fn a_running_product_survives_its_agent() {
    let folder = tempfile::tempdir().unwrap();
    let first = Agent::start(folder.path(), honest());
    let licence = open(folder.path());
    let events = licence.events();
    let permit = licence.authorize(SOON).unwrap();
    match first.wait_for(is_authorize) {
        Heard::Request(Request::Authorize { running, .. }) => assert!(!running),
        other => panic!("{other:?}"),
    }
    drop(first);
    assert!(licence.status().may_run(), "the lease is good whoever is there");

    let second = Agent::start(folder.path(), honest());
    match second.wait_for(is_authorize) {
        Heard::Request(Request::Authorize { running, .. }) => assert!(running, "no new start"),
        other => panic!("{other:?}"),
    }
    licence.authorize(SOON).unwrap();
    let stopped =
        std::iter::from_fn(|| events.wait(Duration::ZERO)).any(|e| matches!(e, Event::MustStop { .. }));
    assert!(!stopped, "nothing was interrupted");
    drop(permit);
}

/// An installer replaces the agent and the product's registration while the product runs: nobody tells it when it is known again.
#[test]
fn a_running_product_that_is_not_registered_for_a_while_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Agent::start(folder.path(), honest());
    let licence = open(folder.path());
    let permit = licence.authorize(SOON).unwrap();
    drop(first);

    let mut asked = 0;
    let second = Agent::start(folder.path(), move |request| {
        asked += 1;
        let not_registered = StatusView {
            reason: Some(Reason::NotRegistered),
            ..status(Code::AuthPending)
        };
        Some(match nonce(request) {
            Some(nonce) if asked > 3 => Offer::honest(nonce).reply(),
            _ => says(not_registered),
        })
    });
    for _ in 0..4 {
        match second.wait_for(|heard| matches!(heard, Heard::Request(_))) {
            Heard::Request(Request::Authorize { running, .. }) => {
                assert!(running, "it has been open all along")
            }
            other => panic!("{other:?}"),
        }
    }
    let known = Instant::now();
    while !licence.status().may_run() {
        assert!(known.elapsed() < SOON, "{:?}", licence.status());
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(permit);
}

#[test]
fn the_agent_hears_that_the_product_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path(), honest());
    let licence = open(folder.path());
    let (first, second) = (licence.authorize(SOON).unwrap(), licence.authorize(SOON).unwrap());
    first.release();
    licence.authorize(SOON).expect("still open").release();
    second.release();
    agent.wait_for(|heard| *heard == Heard::Gone);
    licence.authorize(SOON).expect("and it can be opened again");
}

#[test]
fn a_product_that_brings_its_registration_registers_itself_once() {
    let folder = tempfile::tempdir().unwrap();
    let registered = AtomicBool::new(false);
    let agent = Agent::start(folder.path(), move |request| {
        let not_registered = StatusView {
            reason: Some(Reason::NotRegistered),
            ..status(Code::AuthPending)
        };
        Some(match (request, nonce(request)) {
            (Request::Register { .. }, _) => {
                registered.store(true, Ordering::SeqCst);
                Reply::Done
            }
            (_, Some(nonce)) if registered.load(Ordering::SeqCst) => Offer::honest(nonce).reply(),
            _ => says(not_registered),
        })
    });
    let product = Product::from_registration(registration())
        .unwrap()
        .with_agent_in(folder.path())
        .unwrap();
    let permit = product.open().unwrap().authorize(SOON).unwrap();
    let sent = agent.wait_for(|heard| matches!(heard, Heard::Request(Request::Register { .. })));
    let wanted = Request::Register {
        registration: Box::new(registration()),
    };
    assert_eq!(sent, Heard::Request(wanted));
    drop(permit);

    let refusing = tempfile::tempdir().unwrap();
    let _agent = Agent::start(refusing.path(), |request| {
        let not_registered = StatusView {
            reason: Some(Reason::NotRegistered),
            ..status(Code::AuthPending)
        };
        Some(match request {
            Request::Register { .. } => Reply::Refused(Refused {
                code: 22,
                problem: "registration_refused".into(),
                detail: String::new(),
            }),
            _ => says(not_registered),
        })
    });
    let product = Product::from_registration(registration())
        .unwrap()
        .with_agent_in(refusing.path())
        .unwrap();
    let denied = product.open().unwrap().authorize(SOON).unwrap_err();
    assert_eq!(
        (denied.code(), denied.status.detail.as_str()),
        (4, "registration_refused")
    );
}

#[test]
fn where_it_stands_can_be_asked_without_opening_it() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path(), |request| match request {
        Request::Status { .. } => Some(Reply::Status {
            status: status(Code::NotAssigned),
        }),
        _ => None,
    });
    let licence = open(folder.path());
    let status = licence.status();
    assert_eq!((status.code, status.name.as_str()), (13, "NOT_ASSIGNED"));
    assert_eq!(status.message, "No seat for Atlas is assigned to you.");
    agent.wait_for(|heard| *heard == Heard::Gone);
}

#[test]
fn whoever_asks_where_it_stands_is_never_told_an_ok_that_nobody_has_proven() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start(folder.path(), |request| match request {
        Request::Status { .. } => Some(Reply::Status {
            status: ok(NOW + 30 * DAY),
        }),
        request => nonce(request).map(|nonce| Offer::honest(nonce).reply()),
    });
    let licence = open(folder.path());
    let events = licence.events();
    let told = licence.status();
    assert_eq!((told.code, told.name.as_str()), (1, "CONNECTING"));
    assert!(!told.may_run() && told.is_pending());
    assert_eq!(
        told.view.until,
        Some(NOW + 30 * DAY),
        "what else the agent says is there"
    );
    let said = std::iter::from_fn(|| events.wait(Duration::ZERO));
    assert!(
        !said
            .into_iter()
            .any(|event| matches!(event, Event::Changed(status) if status.may_run()))
    );

    let permit = licence.authorize(SOON).unwrap();
    assert!(licence.status().may_run(), "proven, and a permit is out");
    permit.release();
    assert!(
        !licence.status().may_run(),
        "it is closed, and what was proven was so then"
    );
    agent.wait_for(is_authorize);
}

#[test]
fn what_was_proven_before_it_was_closed_is_no_ok_when_the_agent_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(folder.path(), |request| {
        nonce(request).map(|nonce| Offer::honest(nonce).reply())
    });
    let licence = open(folder.path());
    licence.authorize(SOON).unwrap().release();
    assert_eq!(licence.status().code, 1);
}

#[test]
fn events_end_with_the_licence_and_callbacks_may_call_back() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(folder.path(), honest());
    let licence = product(folder.path()).open().unwrap();
    let (sender, told) = std::sync::mpsc::channel();
    let asking = licence.clone();
    licence
        .on_change(move |event| sender.send((asking.status().code, event)).unwrap())
        .unwrap();
    let permit = licence.authorize(SOON).unwrap();
    let (code, event) = told.recv_timeout(SOON).unwrap();
    assert!(
        code == 0 && matches!(event, Event::Changed(_)),
        "{code} {event:?}"
    );
    drop(permit);

    let other = open(folder.path());
    let events = other.events();
    drop(other);
    assert_eq!(events.count(), 0, "over, and not waiting for ever");
}
