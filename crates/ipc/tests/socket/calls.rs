//! Client and server over a real socket.

use std::time::{Duration, Instant};

use crate::wire::{Raw, SOON, Wire, blocking, connected};
use latchkey_core::view::View;
use latchkey_ipc::client::{CallError, Closed, ConnectError, Connection};
use latchkey_ipc::frame;
use latchkey_ipc::hello::Kind;
use latchkey_ipc::messages::{Event, Reply, Request};
use latchkey_ipc::server::{BindError, Incoming, Listener, OUTBOX, Outgoing};
use serde_json::json;

fn view(revision: u64) -> Event {
    Event::View {
        view: Box::new(View {
            revision,
            ..View::default()
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered_by_number_and_events_arrive_in_order() {
    let mut wire = Wire::new();
    let (connection, outbox) = connected(&mut wire, Kind::Cli).await;

    let (first, second) = (connection.clone(), connection.clone());
    let status = tokio::spawn(blocking(move || {
        first.call(
            Request::Status {
                product: "ATLAS".into(),
            },
            SOON,
        )
    }));
    let check = tokio::spawn(blocking(move || second.call(Request::Check, SOON)));
    let mut calls = Vec::new();
    for _ in 0..2 {
        match wire.next().await {
            Incoming::Call { call, .. } => calls.push(call),
            other => panic!("{other:?}"),
        }
    }
    outbox.send(Outgoing::event(Event::Retiring).unwrap()).unwrap();
    outbox
        .send(
            Outgoing::event(Event::Show {
                screen: "reset".into(),
            })
            .unwrap(),
        )
        .unwrap();
    calls.sort_by_key(|call| call.request != Request::Check);
    for call in calls {
        let reply = match call.request {
            Request::Check => Reply::Done,
            Request::Status { .. } => Reply::Checked { until: None },
            other => panic!("{other:?}"),
        };
        outbox.send(Outgoing::answer(call.id, reply).unwrap()).unwrap();
    }
    assert_eq!(check.await.unwrap(), Ok(Reply::Done));
    assert_eq!(status.await.unwrap(), Ok(Reply::Checked { until: None }));
    blocking(move || {
        assert_eq!(connection.next_event(SOON), Ok(Some(Event::Retiring)));
        assert_eq!(
            connection.next_event(SOON),
            Ok(Some(Event::Show {
                screen: "reset".into()
            }))
        );
        assert_eq!(connection.next_event(Duration::from_millis(1)), Ok(None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_view_waits() {
    let mut wire = Wire::new();
    let (connection, outbox) = connected(&mut wire, Kind::Tray).await;
    for revision in 1..=100 {
        outbox.send(Outgoing::event(view(revision)).unwrap()).unwrap();
    }
    outbox.send(Outgoing::event(Event::Retiring).unwrap()).unwrap();
    drop(outbox);
    let events = blocking(move || {
        let began = Instant::now();
        while connection.closed().is_none() {
            assert!(
                began.elapsed() < SOON,
                "everything has come when the connection has ended"
            );
            std::thread::yield_now();
        }
        connection.events().collect::<Vec<_>>()
    });
    assert_eq!(events.await, [view(100), Event::Retiring]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_at_its_deadline_and_the_connection_goes_on() {
    let mut wire = Wire::new();
    let (connection, outbox) = connected(&mut wire, Kind::Cli).await;
    let clone = connection.clone();
    let (result, took) = blocking(move || {
        let began = Instant::now();
        (
            clone.call(Request::View, Duration::from_millis(50)),
            began.elapsed(),
        )
    })
    .await;
    assert_eq!(result, Err(CallError::Timeout));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let late = match wire.next().await {
        Incoming::Call { call, .. } => call.id,
        other => panic!("{other:?}"),
    };
    outbox.send(Outgoing::answer(late, Reply::Done).unwrap()).unwrap();

    let next = tokio::spawn(blocking(move || connection.call(Request::Check, SOON)));
    match wire.next().await {
        Incoming::Call { call, .. } => outbox
            .send(Outgoing::answer(call.id, Reply::Unsupported).unwrap())
            .unwrap(),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        next.await.unwrap(),
        Ok(Reply::Unsupported),
        "and not the late reply"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_wakes_everyone() {
    let mut wire = Wire::new();
    let (connection, outbox) = connected(&mut wire, Kind::Sdk).await;
    let (caller, watcher) = (connection.clone(), connection.clone());
    let call = tokio::spawn(blocking(move || {
        caller.call(Request::Check, Duration::from_secs(3600))
    }));
    let event = tokio::spawn(blocking(move || watcher.next_event(Duration::from_secs(3600))));
    assert!(matches!(wire.next().await, Incoming::Call { .. }));
    wire.served.abort();
    drop(outbox);
    assert_eq!(call.await.unwrap(), Err(CallError::Closed(Closed::ByAgent)));
    assert_eq!(event.await.unwrap(), Err(Closed::ByAgent));
    blocking(move || assert_eq!(connection.call(Request::Check, SOON), Err(Closed::ByAgent.into()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_hears_when_a_client_goes() {
    let mut wire = Wire::new();
    let (connection, outbox) = connected(&mut wire, Kind::Sdk).await;
    blocking(move || drop(connection)).await;
    assert!(matches!(wire.next().await, Incoming::Gone { .. }));
    assert!(outbox.send(Outgoing::event(Event::Retiring).unwrap()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it() {
    let mut wire = Wire::new();
    let address = wire.address.clone();
    let idle = blocking(move || Raw::greeted(&address)).await;
    let outbox = wire.connected().await;
    let big = Outgoing::event(Event::Show {
        screen: "x".repeat(100_000),
    })
    .unwrap();
    let began = Instant::now();
    let sent = (0..OUTBOX + 100)
        .take_while(|_| outbox.send(big.clone()).is_ok())
        .count();
    assert!(
        sent <= OUTBOX + 10,
        "{sent} frames of 100 KB were taken for a client that reads none"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(matches!(wire.next().await, Incoming::Gone { .. }));
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_the_callers_mistake_and_goes_nowhere() {
    let mut wire = Wire::new();
    let (connection, _outbox) = connected(&mut wire, Kind::Cli).await;
    let request = Request::Status {
        product: "X".repeat(frame::REQUEST_LIMIT),
    };
    let (result, connection) = blocking(move || (connection.call(request, SOON), connection)).await;
    assert!(matches!(result, Err(CallError::Request(_))), "{result:?}");
    assert_eq!(connection.closed(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_request_is_unsupported_and_an_unreadable_one_is_named() {
    let mut wire = Wire::new();
    let address = wire.address.clone();
    let mut raw = blocking(move || Raw::greeted(&address)).await;
    let _outbox = wire.connected().await;
    raw.send(&json!({"id": 7, "request": "teleport", "where": {"to": ["moon"]}}));
    assert_eq!(raw.read().unwrap(), json!({"id": 7, "reply": "unsupported"}));
    raw.send(&json!({"id": 8, "request": "status"}));
    let answer = raw.read().unwrap();
    assert_eq!(
        (&answer["id"], &answer["reply"], &answer["code"]),
        (&json!(8), &json!("refused"), &json!(22))
    );
    assert_eq!(answer["problem"], "malformed_request");
    assert!(answer["detail"].as_str().unwrap().contains("product"), "{answer}");
    raw.send(&json!({"id": 9, "request": "check", "of_a_newer_protocol": true}));
    match wire.next().await {
        Incoming::Call { call, .. } => assert_eq!((call.id, call.request), (9, Request::Check)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_told_so_and_closed() {
    let mut wire = Wire::new();
    let garbage: [&[u8]; 5] = [
        b"\0\0\0\x04nope",
        b"\0\0\0\x02{}",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0\0\0\x1b{\"id\":0,\"request\":\"status\"}",
    ];
    for bytes in garbage {
        let address = wire.address.clone();
        let mut raw = blocking(move || Raw::greeted(&address)).await;
        let _outbox = wire.connected().await;
        raw.write(bytes);
        let answer = raw.read().unwrap();
        assert_eq!(
            (&answer["id"], &answer["problem"]),
            (&json!(0), &json!("malformed_frame")),
            "{answer}"
        );
        assert_eq!(
            raw.read(),
            None,
            "closed after {:?}",
            String::from_utf8_lossy(bytes)
        );
        assert!(matches!(wire.next().await, Incoming::Gone { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_hello_comes_first() {
    let mut wire = Wire::new();
    for first in [
        json!({"id": 1, "request": "view"}),
        json!("hello"),
        json!({"min": -1, "max": 1}),
    ] {
        let address = wire.address.clone();
        let mut raw = blocking(move || Raw::connect(&address)).await;
        raw.send(&first);
        assert_eq!(raw.read(), None, "closed after {first}");
    }
    let address = wire.address.clone();
    let _proper = blocking(move || Raw::greeted(&address)).await;
    match wire.next().await {
        Incoming::Connected { hello, .. } => {
            assert_eq!(hello.kind, Kind::Other, "the agent never heard of the others")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_common_version_the_agent_says_its_own() {
    let wire = Wire::new();
    let address = wire.address.clone();
    let mut raw = blocking(move || Raw::connect(&address)).await;
    raw.send(&json!({"min": 1_000, "max": 2_000, "kind": "from the future", "version": "99.0.0"}));
    let hello = raw.read().unwrap();
    assert_eq!(
        (&hello["max"], &hello["kind"]),
        (&json!(latchkey_ipc::hello::MAX), &json!("agent"))
    );
    assert_eq!(raw.read(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_too_many_is_closed_and_a_place_is_free_again_afterwards() {
    let mut wire = Wire::with_connections(1);
    let (connection, _outbox) = connected(&mut wire, Kind::Sdk).await;
    let address = wire.address.clone();
    let second = blocking(move || Connection::open_at(&address, Kind::Sdk, SOON)).await;
    assert!(matches!(second, Err(ConnectError::Closed)), "{second:?}");
    blocking(move || drop(connection)).await;
    assert!(matches!(wire.next().await, Incoming::Gone { .. }));
    let address = wire.address.clone();
    // The place is given back just after the agent heard of it.
    let again = blocking(move || {
        let began = Instant::now();
        loop {
            match Connection::open_at(&address, Kind::Sdk, SOON) {
                Err(ConnectError::Closed) if began.elapsed() < SOON => std::thread::yield_now(),
                result => return result,
            }
        }
    });
    assert!(again.await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_agent_listens_at_a_time_and_the_next_one_after_it() {
    let Wire {
        address,
        incoming,
        served,
        folder: _folder,
    } = Wire::new();
    let second = Listener::bind(&address);
    assert!(matches!(second, Err(BindError::AlreadyRunning)), "{second:?}");
    drop(incoming);
    tokio::time::timeout(SOON, served).await.unwrap().unwrap();
    let gone = address.clone();
    let result = blocking(move || Connection::open_at(&gone, Kind::Cli, SOON)).await;
    assert!(matches!(result, Err(ConnectError::NotRunning)), "{result:?}");
    Listener::bind(&address).expect("the next agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_out_before_the_agent_ends() {
    let mut wire = Wire::new();
    let (connection, outbox) = connected(&mut wire, Kind::Tray).await;
    outbox.send(Outgoing::event(Event::Retiring).unwrap()).unwrap();
    drop(wire.incoming);
    tokio::time::timeout(SOON, wire.served).await.unwrap().unwrap();
    blocking(move || {
        assert_eq!(connection.next_event(SOON), Ok(Some(Event::Retiring)));
        assert_eq!(connection.next_event(SOON), Err(Closed::ByAgent));
    })
    .await;
}
