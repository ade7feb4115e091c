//! `latchkey status --watch`

use latchkey_core::time::HOUR;
use latchkey_core::view::View;

use super::agent::Agent;
use super::command::{Running, latchkey};
use super::views::{NOW, ready, signed_out, troubled};

fn later(view: View) -> View {
    View {
        at: NOW + HOUR,
        ..view
    }
}

#[test]
fn each_change_is_a_line() {
    let agent = Agent::showing(ready());
    let watching = Running::start(&mut latchkey(&agent, &["status", "--watch"]));
    let mut lines = vec![watching.line(), watching.line()];
    // The same once more says nothing new.
    agent.show(later(ready()));
    agent.show(later(troubled()));
    lines.extend(std::iter::repeat_with(|| watching.line()).take(3));
    insta::assert_snapshot!(lines.join("\n"));
    watching.interrupt();
    assert_eq!(
        watching.end(),
        (vec![], String::new(), Some(0)),
        "Ctrl-C is how it ends"
    );
}

#[test]
fn each_change_is_a_json_document_on_one_line() {
    let agent = Agent::showing(ready());
    let watching = Running::start(&mut latchkey(&agent, &["status", "--watch", "--json"]));
    let parse = |line: String| serde_json::from_str::<serde_json::Value>(&line).unwrap();
    assert_eq!(parse(watching.line())["headline"]["line"], "licensed");
    agent.show(later(ready()));
    agent.show(later(signed_out()));
    let second = parse(watching.line());
    assert_eq!(
        second["headline"]["line"], "signed_out",
        "time alone is no change"
    );
    assert_eq!(second["schema"], 1);
    watching.interrupt();
    assert_eq!(watching.end().2, Some(0));
}

#[test]
fn one_product_alone() {
    let agent = Agent::showing(ready());
    let watching = Running::start(&mut latchkey(&agent, &["status", "ATLAS", "--watch"]));
    assert_eq!(watching.line(), "24 November 14:05  Atlas 2026.1 — ready");
    agent.show(later(troubled()));
    assert_eq!(
        watching.line(),
        "24 November 15:05  Atlas 2026.1 — offline, 27 days left"
    );
    watching.interrupt();
    assert_eq!(watching.end(), (vec![], String::new(), Some(0)));
}

#[cfg(unix)]
#[test]
fn it_ends_when_nobody_reads_any_more() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let agent = Agent::showing(ready());
    let mut command = latchkey(&agent, &["status", "--watch"]);
    let mut watching = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(watching.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    // Nothing changes, so nothing is printed: it must notice by itself.
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(watching.wait_with_output()));
    let output = is_done
        .recv_timeout(super::agent::SOON)
        .expect("it ends")
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn an_agent_that_goes_and_does_not_come_back_is_told() {
    let mut agent = Agent::showing(ready());
    let watching = Running::start(&mut latchkey(&agent, &["status", "--watch"]));
    watching.line();
    // Then the next one cannot be started either.
    let folder = agent.socket_folder();
    agent.end();
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    let (_, errors, exit) = watching.end();
    assert_eq!(exit, Some(120), "{errors}");
}
