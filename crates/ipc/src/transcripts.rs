//! The transcripts of version 1 (`tests/transcripts/v1`) against the types: what is recorded there is understood for
//! ever, and everything there is to say is recorded.

use std::collections::BTreeSet;

use latchkey_core::view::{Icon, Line, Problem, Reach, SignInMethod, SignInPhase, SignInResult};
use serde::Deserialize as _;
use serde_json::Value;

use crate::hello::Hello;
use crate::messages::{Call, Event, Message, Reply, Request};

/// Every transcript by name: `true` for what a client sends. Hellos come first.
fn transcripts() -> Vec<(String, Vec<(bool, Value)>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/v1");
    let read = |path: std::path::PathBuf| {
        let steps: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let step = |step: Value| match (step.get("client"), step.get("agent")) {
            (Some(frame), None) => (true, frame.clone()),
            (None, Some(frame)) => (false, frame.clone()),
            _ => panic!("a step is one side's: {step}"),
        };
        (
            path.file_stem().unwrap().to_string_lossy().into_owned(),
            steps.into_iter().map(step).collect(),
        )
    };
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| read(file.unwrap().path()))
        .collect()
}

/// Whether `now` says everything that was recorded. Fields may be added; absent and null are the same.
fn says(now: &Value, recorded: &Value) -> bool {
    match (now, recorded) {
        (Value::Object(now), Value::Object(recorded)) => recorded
            .iter()
            .all(|(name, value)| says(now.get(name).unwrap_or(&Value::Null), value)),
        (Value::Array(now), Value::Array(recorded)) => {
            now.len() == recorded.len()
                && now
                    .iter()
                    .zip(recorded)
                    .all(|(now, recorded)| says(now, recorded))
        }
        _ => now == recorded,
    }
}

#[test]
fn every_recorded_frame_is_read_and_written_as_it_was() {
    for (name, steps) in transcripts() {
        for (index, (by_client, frame)) in steps.iter().enumerate() {
            let again = |read: Result<Value, serde_json::Error>| {
                read.unwrap_or_else(|error| panic!("{name}: {frame} is not understood: {error}"))
            };
            let written = again(match (index, by_client) {
                (0 | 1, _) => Hello::deserialize(frame).and_then(serde_json::to_value),
                (_, true) => Call::deserialize(frame).and_then(serde_json::to_value),
                (_, false) => Message::deserialize(frame).and_then(serde_json::to_value),
            });
            // What a newer side says beyond this version is understood as far as it goes, and not repeated.
            assert!(
                name.starts_with("of_a_newer") || says(&written, frame),
                "{name}:\n{frame}\nis now\n{written}"
            );
        }
    }
}

/// What a client makes of an agent from the future: a word that it does not know costs that word, and never the frame.
#[test]
fn a_newer_agent_is_understood_as_far_as_it_goes() {
    let (_, steps) = transcripts()
        .into_iter()
        .find(|(name, _)| name == "of_a_newer_agent")
        .unwrap();
    let messages = steps.iter().skip(2).filter(|(by_client, _)| !by_client);
    let messages: Vec<Message> = messages
        .map(|(_, frame)| Message::deserialize(frame).unwrap())
        .collect();
    let [authorized, stop, unknown, view, offline] = messages.as_slice() else {
        panic!("{messages:?}");
    };
    let Message::Answer {
        reply: Reply::Authorized { status, .. },
        ..
    } = authorized
    else {
        panic!("{authorized:?}");
    };
    assert!(status.is_pending() && status.reason.is_none(), "{status:?}");
    let Message::Event(Event::Use { status, .. }) = stop else {
        panic!("{stop:?}");
    };
    assert_eq!((status.code, status.name.as_str()), (31, "MOON_REQUIRED"));
    assert!(
        !status.may_run() && !status.is_pending(),
        "a refusal, to be shown"
    );
    assert!(status.stop_at.is_some() && status.left.is_none() && status.detail.is_none());
    assert_eq!(*unknown, Message::Event(Event::Unknown));
    let Message::Answer {
        reply: Reply::View { view },
        ..
    } = view
    else {
        panic!("{view:?}");
    };
    assert_eq!(
        (view.headline.icon, &view.headline.line),
        (Icon::default(), &Line::Unknown)
    );
    assert_eq!(view.accounts[0].reach, Reach::Unknown);
    let atlas = &view.products[0].status;
    assert!(atlas.may_run() && atlas.basis.is_none() && atlas.left.is_none());
    let sign_in = view.sign_in.as_ref().unwrap();
    assert_eq!(
        (sign_in.method, sign_in.phase),
        (SignInMethod::Browser, SignInPhase::Starting)
    );
    let failed = SignInResult::Failed {
        problem: "dreamt".into(),
        detail: String::new(),
    };
    assert_eq!(view.last_sign_in.as_ref().unwrap().result, failed);
    assert_eq!(view.notices.len(), 1, "what nobody has words for is not shown");
    assert_eq!(view.problems, [Problem::ClockWrong]);
    let Message::Event(Event::View { view }) = offline else {
        panic!("{offline:?}");
    };
    assert_eq!(view.headline.line, Line::Unknown, "days are not moons");
}

#[test]
fn everything_there_is_to_say_is_recorded() {
    let mut recorded: BTreeSet<String> = BTreeSet::new();
    for (_, frame) in transcripts().into_iter().flat_map(|(_, steps)| steps) {
        for kind in ["request", "reply", "event"] {
            recorded.extend(
                frame
                    .get(kind)
                    .and_then(Value::as_str)
                    .map(|name| format!("{kind} {name}")),
            );
        }
    }
    let missing: Vec<_> = NAMES.iter().filter(|name| !recorded.contains(**name)).collect();
    assert!(missing.is_empty(), "no transcript has {missing:?}");
}

/// Every message of this version, as it is named on the wire.
const NAMES: &[&str] = &[
    "request authorize",
    "request prove",
    "request release",
    "request status",
    "request view",
    "request watch",
    "request sign_in",
    "request cancel_sign_in",
    "request sign_out",
    "request check",
    "request prepare_offline",
    "request reset",
    "request register",
    "request deregister",
    "request unlock",
    "request session",
    "request devices",
    "request release_device",
    "request privacy",
    "request claim",
    "request shown",
    "request retire",
    "reply done",
    "reply authorized",
    "reply status",
    "reply view",
    "reply sign_in",
    "reply checked",
    "reply devices",
    "reply privacy",
    "reply claimed",
    "reply refused",
    "reply unsupported",
    "event view",
    "event use",
    "event show",
    "event retiring",
];

/// Whoever adds a message is stopped here by the compiler: it needs a name above, and a transcript.
#[test]
fn every_message_has_its_name_in_the_list() {
    let requests = |request: &Request| match request {
        Request::Authorize { .. }
        | Request::Prove { .. }
        | Request::Release { .. }
        | Request::Status { .. }
        | Request::View
        | Request::Watch
        | Request::SignIn { .. }
        | Request::CancelSignIn
        | Request::SignOut { .. }
        | Request::Check
        | Request::PrepareOffline
        | Request::Reset { .. }
        | Request::Register { .. }
        | Request::Deregister { .. }
        | Request::Unlock { .. }
        | Request::Session { .. }
        | Request::Devices { .. }
        | Request::ReleaseDevice { .. }
        | Request::Privacy
        | Request::Claim { .. }
        | Request::Shown { .. }
        | Request::Retire
        | Request::Unknown => 22,
    };
    let replies = |reply: &Reply| match reply {
        Reply::Done
        | Reply::Authorized { .. }
        | Reply::Status { .. }
        | Reply::View { .. }
        | Reply::SignIn { .. }
        | Reply::Checked { .. }
        | Reply::Devices(_)
        | Reply::Privacy { .. }
        | Reply::Claimed { .. }
        | Reply::Refused(_)
        | Reply::Unsupported
        | Reply::Unknown => 11,
    };
    let events = |event: &Event| match event {
        Event::View { .. } | Event::Use { .. } | Event::Show { .. } | Event::Retiring | Event::Unknown => 4,
    };
    let count = requests(&Request::Unknown) + replies(&Reply::Unknown) + events(&Event::Unknown);
    assert_eq!(NAMES.len(), count);
}
