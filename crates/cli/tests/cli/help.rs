//! What the command says of itself: help, exit codes, manual pages, completions.

use std::process::Command;

use super::agent::Agent;
use super::command::{latchkey_at, run, session};
use super::views::ready;

const COMMANDS: [&str; 13] = [
    "sign-in",
    "sign-out",
    "status",
    "products",
    "register",
    "deregister",
    "check",
    "prepare-offline",
    "reset",
    "config",
    "privacy",
    "completions",
    "man",
];

fn alone(arguments: &[&str]) -> (String, Option<i32>) {
    let home = tempfile::tempdir().unwrap();
    let mut command: Command = latchkey_at(home.path(), home.path());
    // Otherwise the text would be as wide as the terminal of whoever runs the tests.
    let output = run(command.env("COLUMNS", "100").args(arguments));
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn the_help() {
    let mut text = alone(&["--help"]).0;
    for command in COMMANDS {
        text.push_str("\n-----\n\n");
        text.push_str(&alone(&["help", command]).0);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_exit_codes() {
    let (help, exit) = alone(&["help", "exit-codes"]);
    let (table, _) = alone(&["exit-codes"]);
    assert_eq!(exit, Some(0));
    assert!(help.contains(&table), "{help}");
    insta::assert_snapshot!(table);
}

#[test]
fn documents_name_every_exit_code_and_command() {
    let docs = include_str!("../../../../docs/cli.md");
    let (table, _) = alone(&["exit-codes"]);
    for line in table.lines().filter_map(|line| line.strip_prefix("  ")) {
        let number = line.split_whitespace().next().unwrap();
        assert!(
            docs.contains(&format!("| {number} |")),
            "docs/cli.md does not say what {number} is"
        );
    }
    for command in COMMANDS {
        assert!(
            docs.contains(&format!("latchkey {command}")),
            "docs/cli.md does not know {command}"
        );
    }
}

#[test]
fn the_manual_pages() {
    let page = alone(&["man"]).0.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    if cfg!(target_os = "linux") {
        // Elsewhere the files are in other places.
        insta::assert_snapshot!(page);
    }
    assert!(
        alone(&["man", "config", "set"])
            .0
            .contains("latchkey\\-config\\-set")
    );
    let agent = Agent::showing(ready());
    insta::assert_snapshot!("no_such_page", session(&agent, &["man", "sing-in"]));
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (script, exit) = alone(&["completions", shell]);
        assert_eq!(exit, Some(0));
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn a_mistake_on_the_command_line_ends_with_two() {
    for mistake in [&["sing-in"][..], &["reset"], &["status", "at las"], &[]] {
        assert_eq!(alone(mistake).1, Some(2), "{mistake:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    use std::process::Stdio;

    let home = tempfile::tempdir().unwrap();
    let mut command = latchkey_at(home.path(), home.path());
    // Longer than a pipe holds, so that the writing fails.
    let mut child = command
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
