//! An agent from the future, which says what this version has no words for.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use latchkey_ipc::address::Address;
use latchkey_ipc::frame::{self, Decoder};
use latchkey_ipc::hello::{Hello, Kind};
use serde_json::{Value, json};

use crate::agent::{SOON, open};

/// Answers everyone with `status`, until the test ends.
fn answering(folder: &Path, status: Value) {
    let address = Address::in_folder(folder).unwrap();
    address.prepare().unwrap();
    let listener = UnixListener::bind(address.socket()).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let hello = frame::encode(&Hello::new(Kind::Agent), frame::MESSAGE_LIMIT).unwrap();
            stream.write_all(&hello).unwrap();
            let mut decoder = Decoder::new(frame::MESSAGE_LIMIT);
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                decoder.push(&buffer[..read]);
                while let Some(body) = decoder.frame().unwrap() {
                    let asked: Value = frame::decode(body).unwrap();
                    // The client's hello has no number, and wants no answer.
                    if let Some(id) = asked.get("id") {
                        let answer =
                            json!({"id": id, "reply": "authorized", "status": status, "grant": null});
                        stream
                            .write_all(&frame::encode(&answer, frame::MESSAGE_LIMIT).unwrap())
                            .unwrap();
                    }
                }
            }
        }
    });
}

#[test]
fn a_word_of_a_newer_agent_keeps_its_code_and_costs_no_connection() {
    for (status, code) in [
        (
            json!({"code": 4, "name": "AUTH_PENDING", "reason": "moon_in_the_way"}),
            4,
        ),
        (
            json!({"code": 31, "name": "MOON_REQUIRED", "basis": "moonlight", "left": {"moons": 3}, "detail": "eclipse"}),
            31,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        answering(folder.path(), status);
        let denied = open(folder.path()).authorize(SOON).unwrap_err();
        assert_eq!(denied.code(), code, "{denied}");
        assert!(!denied.status.message.is_empty() && !denied.status.may_run());
    }
}
