//! `latchkey reset`, without a terminal

use std::path::Path;
use std::process::{Command, Output};

use latchkey_ipc::messages::{Request, ResetScope};

use super::agent::Agent;
use super::command::{clean, run, session, shown};
use super::views::ready;

#[test]
fn one_product_and_everything() {
    let agent = Agent::showing(ready());
    let sessions = [
        session(&agent, &["reset", "atlas", "--yes"]),
        session(&agent, &["reset", "--all", "-y", "--language", "de"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    let scope = ResetScope::Product("ATLAS".to_owned());
    assert_eq!(agent.next_request(), Request::Reset { scope });
    assert_eq!(
        agent.next_request(),
        Request::Reset {
            scope: ResetScope::All
        }
    );
}

#[test]
fn nothing_is_deleted_where_nobody_can_be_asked() {
    let agent = Agent::showing(ready());
    let sessions = [
        session(&agent, &["reset", "ATLAS"]),
        session(&agent, &["reset", "--all"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    assert!(agent.was_asked_nothing_more());
}

#[test]
fn a_product_that_there_is_not() {
    let agent = Agent::showing(ready());
    insta::assert_snapshot!(session(&agent, &["reset", "NOVA", "--yes"]));
}

/// A copy of the command beside an agent's program of the test's own, where no agent can be reached.
#[cfg(unix)]
fn reset_without_agent(home: &Path, program: Option<&str>) -> Output {
    use std::os::unix::fs::PermissionsExt as _;

    let command = home.join("latchkey");
    std::fs::copy(env!("CARGO_BIN_EXE_latchkey"), &command).unwrap();
    if let Some(program) = program {
        let agent = home.join("latchkey-agent");
        std::fs::write(&agent, program).unwrap();
        std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let blocked = home.join("blocked");
    std::fs::write(&blocked, "").unwrap();
    let mut command = Command::new(command);
    clean(&mut command, &blocked, home);
    run(command.args(["reset", "--all", "--yes"]))
}

#[cfg(unix)]
#[test]
fn everything_is_reset_also_when_the_agent_does_not_start() {
    let home = tempfile::tempdir().unwrap();
    let program = "#!/bin/sh\necho \"$@\" > \"$HOME/asked\"\n";
    let output = reset_without_agent(home.path(), Some(program));
    insta::assert_snapshot!(shown(&["reset", "--all", "--yes"], &output));
    let asked = std::fs::read_to_string(home.path().join("asked")).unwrap();
    assert_eq!(asked, "reset --all\n");
}

#[cfg(unix)]
#[test]
fn what_is_left_to_do_by_hand_is_said() {
    let home = tempfile::tempdir().unwrap();
    let output = reset_without_agent(home.path(), Some("#!/bin/sh\nexit 1\n"));
    let folder = home.path().display().to_string();
    let text = shown(&["reset", "--all", "--yes"], &output).replace(&folder, "~");
    insta::assert_snapshot!(text);
}
