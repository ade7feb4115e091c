//! `latchkey check`, `latchkey prepare-offline`, `latchkey privacy` and `latchkey version`

use latchkey_core::code::Code;
use latchkey_core::time::DAY;
use latchkey_ipc::messages::{Refused, Reply, Request, SentField};

use super::agent::Agent;
use super::command::{latchkey_at, run, session};
use super::views::{NOW, ready, status, with_status};

fn checked(until: Option<latchkey_core::time::Timestamp>) -> impl FnMut(&Request) -> Option<Reply> + Send {
    move |_| Some(Reply::Checked { until })
}

#[test]
fn a_check_says_until_when_and_where_products_stand() {
    let agent = Agent::answering(ready(), checked(Some(NOW + 30 * DAY)));
    let without = Agent::answering(with_status(status(Code::NotAssigned)), checked(None));
    let sessions = [
        session(&agent, &["check"]),
        session(&agent, &["check", "--language", "de"]),
        session(&without, &["check"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    assert_eq!(agent.next_request(), Request::Check);
}

#[test]
fn a_check_that_fails_says_why_and_what_to_do() {
    let agent = Agent::answering(ready(), |_| {
        Some(Reply::Refused(Refused {
            code: Code::LicensingUnavailable.number(),
            problem: "licensing_unavailable".to_owned(),
            detail: "503 Service Unavailable".to_owned(),
        }))
    });
    let sessions = [
        session(&agent, &["check"]),
        session(&agent, &["prepare-offline", "--language", "de"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
}

#[test]
fn before_a_trip() {
    let agent = Agent::answering(ready(), checked(Some(NOW + 30 * DAY)));
    let without = Agent::answering(with_status(status(Code::NotAssigned)), checked(None));
    let sessions = [
        session(&agent, &["prepare-offline"]),
        session(&agent, &["prepare-offline", "--language", "de"]),
        session(&without, &["prepare-offline"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    assert_eq!(agent.next_request(), Request::PrepareOffline);
}

#[test]
fn an_older_agent_that_does_not_know_a_request() {
    let agent = Agent::answering(ready(), |_| Some(Reply::Unsupported));
    insta::assert_snapshot!(session(&agent, &["check"]));
}

#[test]
fn everything_that_is_sent() {
    let agent = Agent::answering(ready(), |_| {
        let field = |field: &str, value: &str| SentField {
            field: field.to_owned(),
            value: value.to_owned(),
        };
        let fields = vec![
            field("device.name", "STUDIO-1"),
            field("products", "ATLAS 2026.1"),
            field("newer_field", "1"),
        ];
        Some(Reply::Privacy { fields })
    });
    let sessions = [
        session(&agent, &["privacy"]),
        session(&agent, &["privacy", "--language", "de"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
}

#[test]
fn versions_of_this_program_and_of_the_agent() {
    let version = env!("CARGO_PKG_VERSION");
    let agent = Agent::showing(ready());
    let text = session(&agent, &["version"]);
    let expected =
        format!("$ latchkey version\nlatchkey {version}\nlatchkey-agent {version}, protocol 1\nexit: 0\n");
    assert_eq!(text, expected);

    // Asking for a version starts no agent.
    let home = tempfile::tempdir().unwrap();
    let output = run(latchkey_at(&home.path().join("run"), home.path()).arg("version"));
    let expected = format!("latchkey {version}\nlatchkey-agent is not running\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(output.status.code(), Some(0));
}
