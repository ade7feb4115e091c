//! `latchkey reset`, without a terminal

use latchkey_ipc::messages::{Request, ResetScope};

use super::agent::Agent;
use super::command::session;
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
