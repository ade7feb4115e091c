//! `latchkey reset --all` where no agent can be reached.

use std::path::Path;
use std::process::{Command, Output};

use super::command::{clean, run, script, shown};

const ARGUMENTS: [&str; 3] = ["reset", "--all", "--yes"];

/// The command beside an agent's program of the test's own.
fn reset_without_agent(home: &Path, program: &str) -> Output {
    let command = home.join("latchkey");
    // A link: a file that was just written cannot be run while another test is starting a program.
    std::fs::hard_link(env!("CARGO_BIN_EXE_latchkey"), &command).unwrap();
    script(&home.join("latchkey-agent"), program);
    // A file where the socket's folder should be.
    let blocked = home.join("blocked");
    std::fs::write(&blocked, "").unwrap();
    let mut command = Command::new(command);
    clean(&mut command, &blocked, home);
    run(command.args(ARGUMENTS))
}

fn home() -> tempfile::TempDir {
    // On the same file system as the command.
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

#[test]
fn the_agents_program_does_it_by_itself() {
    let home = home();
    let output = reset_without_agent(home.path(), "echo \"$@\" > \"$HOME/asked\"");
    insta::assert_snapshot!(shown(&ARGUMENTS, &output));
    let asked = std::fs::read_to_string(home.path().join("asked")).unwrap();
    assert_eq!(asked, "reset --all\n");
}

#[test]
fn what_is_left_to_do_by_hand_is_said() {
    let home = home();
    let output = reset_without_agent(home.path(), "exit 1");
    let folder = home.path().display().to_string();
    insta::assert_snapshot!(shown(&ARGUMENTS, &output).replace(&folder, "~"));
}
