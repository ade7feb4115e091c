//! `latchkey config`

#[cfg(unix)]
use latchkey_ipc::messages::Request;

use super::agent::Agent;
use super::command::{latchkey_alone, run, shown};
use super::views::ready;
#[cfg(unix)]
use super::views::signed_out;

fn session(agent: &Agent, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = latchkey_alone(agent, arguments);
    command.env("LATCHKEY_AGENT", agent.folder().join("latchkey-agent"));
    let output = run(command.envs(environment.iter().copied()));
    shown(arguments, &output).replace(&agent.folder().display().to_string(), "~")
}

#[cfg(unix)]
#[test]
fn what_holds_and_from_where() {
    let agent = Agent::showing(ready());
    let language = |arguments: &[&str], environment: &[(&str, &str)]| {
        let text = session(&agent, arguments, environment);
        text.lines()
            .find(|line| line.starts_with("language") || line.contains("latchkey: "))
            .unwrap()
            .to_owned()
    };
    let set = [("LATCHKEY_LANGUAGE", "de")];
    let mut told = vec![
        language(&["config"], &[]),
        language(&["config"], &set),
        language(&["config", "--language", "en"], &set),
        session(&agent, &["config", "set", "language", "de-AT"], &[]),
        language(&["config", "list"], &[]),
        language(&["config", "list"], &[("LATCHKEY_LANGUAGE", "en")]),
        session(&agent, &["sign-out"], &[]),
        session(&agent, &["config", "unset", "language"], &[]),
        language(&["config"], &[]),
    ];
    std::fs::write(agent.folder().join(".config/latchkey/config.json"), "{").unwrap();
    told.push(session(&agent, &["sign-out"], &[]));
    insta::assert_snapshot!(told.join("\n"));
}

#[cfg(unix)]
#[test]
fn where_the_agent_is_and_listens() {
    let agent = Agent::showing(ready());
    let text = session(&agent, &["config"], &[]);
    assert!(
        text.contains("socket    ~/run/agent.sock  from the environment variable LATCHKEY_SOCKET_DIR"),
        "{text}"
    );
    assert!(text.contains("not found"), "{text}");
    std::fs::write(agent.folder().join("latchkey-agent"), "").unwrap();
    let text = session(&agent, &["config"], &[]);
    assert!(text.contains("agent     ~/latchkey-agent"), "{text}");
    let json = run(&mut latchkey_alone(&agent, &["config", "list", "--json"]));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["schema"], 1);
    let sources: Vec<_> = json["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["source"])
        .collect();
    assert_eq!(
        sources,
        ["default", "default", "default", "default", "environment"]
    );
}

#[test]
fn what_cannot_be_set_is_said() {
    let agent = Agent::showing(ready());
    let sessions = [
        session(&agent, &["config", "set", "agent", "/opt/agent"], &[]),
        session(&agent, &["config", "set", "language", "fr"], &[]),
        session(&agent, &["config", "set", "vault", "plain"], &[]),
        session(
            &agent,
            &["config", "set", "proxy", "proxy.nord.example:3128"],
            &[],
        ),
        session(
            &agent,
            &["config", "set", "proxy", "http://maya:s3/cret@proxy:3128"],
            &[],
        ),
        session(&agent, &["config", "unset", "autostart"], &[]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
}

#[cfg(unix)]
#[test]
fn where_a_sign_in_is_kept() {
    let agent = Agent::showing(ready());
    let vault = |arguments: &[&str], environment: &[(&str, &str)]| {
        let text = session(&agent, arguments, environment);
        let lines = text
            .lines()
            .filter(|line| line.starts_with("vault") || line.contains("latchkey: "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let told = [
        vault(&["config"], &[]),
        vault(&["config"], &[("LATCHKEY_VAULT", "memory")]),
        vault(&["config"], &[("LATCHKEY_VAULT", "plain")]),
        // Somebody is signed in, and is not signed out over it.
        session(&agent, &["config", "set", "vault", "file"], &[]),
        vault(&["config"], &[]),
        session(&agent, &["config", "unset", "vault"], &[]),
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert!(agent.was_asked_nothing_more(), "it goes on as it is");

    let agent = Agent::showing(signed_out());
    let text = session(&agent, &["config", "set", "vault", "file"], &[]);
    assert!(text.ends_with("config.json.\nexit: 0\n"), "{text}");
    assert_eq!(
        agent.next_request(),
        Request::Retire,
        "the next one begins with it"
    );
}
