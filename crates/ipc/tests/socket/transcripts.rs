//! Replays the transcripts of version 1 over a real socket, against either end.

use std::path::Path;

use crate::wire::{Raw, Wire, blocking};
use latchkey_ipc::messages::{Call, Event, Message, Reply, Request};
use latchkey_ipc::server::{Incoming, Outgoing};
use serde_json::Value;

/// The frames of a transcript: `true` for what the client sends.
fn steps(path: &Path) -> Vec<(bool, Value)> {
    let steps: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    steps
        .into_iter()
        .map(|step| match (step.get("client"), step.get("agent")) {
            (Some(frame), None) => (true, frame.clone()),
            (None, Some(frame)) => (false, frame.clone()),
            _ => panic!("a step is one side's: {step}"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_still_speaks_what_was_recorded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/v1");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.display();
        let mut wire = Wire::new();
        let address = wire.address.clone();
        let mut raw = blocking(move || Raw::connect(&address)).await;
        let mut outbox = None;
        for (index, (by_client, frame)) in steps(&path).into_iter().enumerate() {
            if by_client {
                raw.send(&frame);
                if index == 0 {
                    outbox = Some(wire.connected().await);
                    continue;
                }
                let sent: Call = serde_json::from_value(frame).unwrap();
                if sent.request != Request::Unknown {
                    match wire.next().await {
                        Incoming::Call { call, .. } => assert_eq!(call, sent, "{name}"),
                        other => panic!("{name}: {other:?}"),
                    }
                }
                continue;
            }
            // The server says its hello itself, and what it does not support.
            let said = match serde_json::from_value(frame.clone()) {
                Ok(Message::Answer {
                    reply: Reply::Unsupported,
                    ..
                })
                | Err(_) => None,
                // What only a newer agent says, this one cannot say.
                Ok(Message::Event(Event::Unknown)) => continue,
                Ok(Message::Answer { id, reply }) => Some(Outgoing::answer(id, reply).unwrap()),
                Ok(Message::Event(event)) => Some(Outgoing::event(event).unwrap()),
            };
            if let Some(said) = said {
                outbox.as_ref().unwrap().send(said).unwrap();
            }
            let (heard, back) = blocking(move || (raw.read(), raw)).await;
            raw = back;
            let heard = heard.unwrap_or_else(|| panic!("{name}: closed before {frame}"));
            let tag = ["kind", "reply", "event"]
                .into_iter()
                .find(|tag| frame.get(tag).is_some())
                .unwrap();
            assert_eq!((&heard["id"], &heard[tag]), (&frame["id"], &frame[tag]), "{name}");
        }
    }
}
