//! `latchkey register` and `latchkey deregister`

use latchkey_ipc::messages::{Reply, Request};
use serde_json::{Value, json};

use super::agent::Agent;
use super::command::{latchkey, run, run_with_input, session, shown};
use super::views::ready;

fn registration() -> Value {
    json!({
        "registration": 1,
        "product": "ATLAS",
        "version": "2026.1",
        "name": "Atlas",
        "publisher": "Lindqvist",
        "service": "https://licence.example",
        "root_keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}],
    })
}

#[test]
fn an_installer_registers_a_product() {
    let agent = Agent::showing(ready());
    let file = agent.folder().join("atlas.json");
    std::fs::write(&file, registration().to_string()).unwrap();
    let expected = serde_json::from_value(registration()).unwrap();
    let output = run(latchkey(&agent, &["register"]).arg(&file));
    insta::assert_snapshot!(shown(&["register", "atlas.json"], &output));
    let registration = Box::new(expected);
    assert_eq!(agent.next_request(), Request::Register { registration });
}

#[test]
fn or_hands_it_over_without_a_file() {
    let agent = Agent::showing(ready());
    let output = run_with_input(
        &mut latchkey(&agent, &["register", "-"]),
        &registration().to_string(),
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(matches!(agent.next_request(), Request::Register { .. }));
}

#[test]
fn a_mistake_in_it_is_named_before_the_agent_is_asked() {
    let agent = Agent::answering(ready(), |_| Some(Reply::Done));
    let mut told = Vec::new();
    let mut register = |text: &str| {
        let output = run_with_input(&mut latchkey(&agent, &["register", "-"]), text);
        told.push(shown(&["register", "-"], &output));
    };
    register("{");
    for (field, wrong) in [
        ("product", json!("atlas")),
        ("service", json!("http://licence.example")),
        ("root_keys", json!([])),
        ("registration", json!(2)),
    ] {
        let mut registration = registration();
        registration[field] = wrong;
        register(&registration.to_string());
    }
    register(&" ".repeat(70_000));
    insta::assert_snapshot!(told.join("\n"));
    assert!(agent.was_asked_nothing_more());
}

#[test]
fn a_file_that_is_not_there() {
    let agent = Agent::showing(ready());
    let output = run(latchkey(&agent, &["register", "nowhere.json"]).current_dir(agent.folder()));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("nowhere.json"), "{errors}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_product_is_taken_away() {
    let agent = Agent::showing(ready());
    let sessions = [
        session(&agent, &["deregister", "ATLAS"]),
        session(&agent, &["deregister", "atlas", "--version", "2026.1"]),
        session(&agent, &["deregister", "ATLAS", "--language", "de"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    let deregister = |version: Option<&str>| Request::Deregister {
        product: "ATLAS".to_owned(),
        version: version.map(str::to_owned),
    };
    assert_eq!(agent.next_request(), deregister(None));
    assert_eq!(agent.next_request(), deregister(Some("2026.1")));
}
