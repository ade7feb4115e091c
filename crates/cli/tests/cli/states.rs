//! `latchkey status` and `latchkey products`

use std::fmt::Write as _;

use latchkey_core::code::{Code, Reason};
use latchkey_core::view::{Headline, Icon, Line, Reach, StatusView, View};
use latchkey_ipc::messages::Reply;

use super::agent::Agent;
use super::command::{latchkey, latchkey_at, run, session, shown};
use super::views::{self, NOW, account, atlas, ready, status, statuses, troubled, with_status};

#[test]
fn all_is_well() {
    let agent = Agent::showing(ready());
    insta::assert_snapshot!(session(&agent, &["status"]));
}

#[test]
fn everything_that_can_be_wrong_is_told() {
    let agent = Agent::showing(troubled());
    insta::assert_snapshot!(session(&agent, &["status"]));
}

#[test]
fn nothing_is_registered() {
    let agent = Agent::showing(View {
        at: NOW,
        headline: Headline {
            icon: Icon::SignedOut,
            line: Line::NoProducts,
        },
        ..View::default()
    });
    let sessions = [session(&agent, &["status"]), session(&agent, &["products"])];
    insta::assert_snapshot!(sessions.join("\n"));
}

/// Every code, basis and reason, with the exit code that scripts see.
fn every_state(language: &str) -> String {
    let mut text = String::new();
    let agent = Agent::showing(ready());
    for status in statuses() {
        let reason = status.reason.map_or("", Reason::name);
        let basis = status.basis.map_or("", latchkey_core::code::Basis::name);
        let known = if (1..=25).contains(&status.code) {
            100 + i32::from(status.code)
        } else {
            i32::from(status.code != 0)
        };
        writeln!(text, "{} {basis}{reason}", status.name).unwrap();
        agent.show(with_status(status));
        let output = run(&mut latchkey(
            &agent,
            &["--language", language, "status", "atlas"],
        ));
        assert_eq!(output.status.code(), Some(known));
        text.push_str(&shown(&["status", "atlas"], &output));
        text.push('\n');
    }
    text
}

#[test]
fn every_state_in_english() {
    insta::assert_snapshot!(every_state("en"));
}

#[test]
fn every_state_in_german() {
    insta::assert_snapshot!(every_state("de"));
}

#[test]
fn what_is_known_of_the_services() {
    let agent = Agent::showing(ready());
    let mut text = String::new();
    let reaches = [
        Reach::Unknown,
        Reach::Online,
        Reach::Doubtful,
        Reach::Offline,
        Reach::NeitherAnswers,
        Reach::IdentityOutage,
        Reach::LicensingOutage,
    ];
    for reach in reaches {
        let mut view = ready();
        view.accounts[0].reach = reach;
        agent.show(view);
        for language in ["en", "de"] {
            let output = run(&mut latchkey(&agent, &["status", "--language", language]));
            let lines = String::from_utf8(output.stdout).unwrap();
            let account = lines.lines().skip_while(|line| *line != views::SERVICE);
            writeln!(text, "{reach:?}\n{}", account.collect::<Vec<_>>().join("\n")).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_product_that_is_not_registered() {
    let not_registered = StatusView {
        reason: Some(Reason::NotRegistered),
        since: Some(NOW),
        ..status(Code::AuthPending)
    };
    let agent = Agent::answering(ready(), move |_| {
        Some(Reply::Status {
            status: not_registered.clone(),
        })
    });
    let sessions = [
        session(&agent, &["status", "NOVA"]),
        session(&agent, &["status", "NOVA", "--json"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
}

#[test]
fn the_same_as_json() {
    let agent = Agent::showing(troubled());
    let output = run(&mut latchkey(&agent, &["status", "--json"]));
    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    insta::assert_snapshot!(shown(&["status", "--json"], &output));
}

#[test]
fn products_as_a_table_and_as_json() {
    let agent = Agent::showing(troubled());
    let sessions = [
        session(&agent, &["products"]),
        session(&agent, &["products", "--json"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
}

#[test]
fn a_name_from_elsewhere_steers_no_terminal() {
    let mut view = ready();
    view.products[0].name = "At\u{1b}[2Jlas\u{9b}1m".to_owned();
    view.accounts[0].user.as_mut().unwrap().name = "Maya\nLindqvist".to_owned();
    let agent = Agent::showing(view);
    for arguments in [&["status"][..], &["status", "--json"], &["products"]] {
        let output = run(&mut latchkey(&agent, arguments));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text}");
        assert!(!text.contains("\nLindqvist"), "{text}");
    }
}

#[test]
fn every_version_of_a_product_is_shown() {
    let mut view = ready();
    let older = latchkey_core::view::ProductView {
        version: "2025.2".to_owned(),
        ..atlas(views::licensed())
    };
    view.products.push(older);
    view.accounts = vec![account()];
    let agent = Agent::showing(view);
    let text = session(&agent, &["status", "ATLAS"]);
    assert!(
        text.contains("Atlas 2026.1") && text.contains("Atlas 2025.2"),
        "{text}"
    );
}

#[test]
fn an_agent_that_cannot_be_reached_is_its_own_exit_code() {
    let home = tempfile::tempdir().unwrap();
    // A file where the socket's folder should be.
    let blocked = home.path().join("blocked");
    std::fs::write(&blocked, "").unwrap();
    let output = run(latchkey_at(&blocked, home.path()).args(["status", "ATLAS"]));
    assert_eq!(output.status.code(), Some(120));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.starts_with("latchkey: Latchkey's agent does not answer.\n"),
        "{errors}"
    );
    assert!(
        errors.contains("blocked"),
        "the detail says what is in the way: {errors}"
    );
    assert!(output.stdout.is_empty());
}
