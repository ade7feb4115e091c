//! `latchkey unlock`

use latchkey_core::vault::VaultKind;
use latchkey_core::view::View;
use latchkey_ipc::messages::{Refused, Reply, Request};
use latchkey_ipc::passphrase::Passphrase;

use super::agent::Agent;
use super::command::{latchkey, session};
use super::terminal::Terminal;
use super::views::{ready, signed_out};

const PASSPHRASE: &str = "correct hörse";

fn refused(problem: &str) -> Reply {
    Reply::Refused(Refused {
        code: 4,
        problem: problem.to_owned(),
        detail: String::new(),
    })
}

fn kept_in(vault: VaultKind, view: View) -> View {
    View { vault, ..view }
}

/// An agent whose file is locked, or not begun, as `problem` says.
fn locked(problem: &'static str) -> Agent {
    Agent::answering(kept_in(VaultKind::File, ready()), move |request| {
        Some(match request {
            Request::Unlock { passphrase: None, .. } => refused(problem),
            Request::Unlock {
                passphrase: Some(typed),
                ..
            } if typed.expose() != PASSPHRASE => refused("wrong_passphrase"),
            _ => Reply::Done,
        })
    })
}

fn asked(agent: &Agent) -> (Option<Passphrase>, bool) {
    match agent.next_request() {
        Request::Unlock { passphrase, first } => (passphrase, first),
        other => panic!("{other:?}"),
    }
}

fn typed(text: &str) -> Option<Passphrase> {
    Some(Passphrase::new(text.to_owned()))
}

#[test]
fn a_passphrase_is_typed_and_never_shown() {
    let agent = locked("vault_locked");
    let mut terminal = Terminal::run(&mut latchkey(&agent, &["unlock"]));
    terminal.shows("Passphrase: ");
    // With a slip that is taken back, and a line that is begun anew.
    terminal.types("nonsense\u{15}correct hö\u{f6}\u{7f}rse\n");
    let (screen, exit) = terminal.end();
    assert_eq!(screen, "Passphrase: \nUnlocked.\n");
    assert_eq!(exit, Some(0));
    assert_eq!(
        asked(&agent),
        (None, false),
        "perhaps it need not be asked at all"
    );
    assert_eq!(asked(&agent), (typed(PASSPHRASE), false));
}

#[test]
fn a_mistake_says_so_and_what_to_do() {
    let agent = locked("vault_locked");
    let mut terminal = Terminal::run(&mut latchkey(&agent, &["unlock"]));
    terminal.shows("Passphrase: ");
    terminal.types("wrong horse\n");
    let (screen, exit) = terminal.end();
    insta::assert_snapshot!(screen);
    assert_eq!(exit, Some(104));
}

#[test]
fn the_first_passphrase_is_typed_twice() {
    let agent = locked("passphrase_not_set");
    let mut terminal = Terminal::run(&mut latchkey(&agent, &["unlock"]));
    terminal.shows("New passphrase: ");
    terminal.types("correct hörse\n");
    terminal.shows("The same again: ");
    terminal.types("correct hörse\n");
    let (screen, exit) = terminal.end();
    insta::assert_snapshot!(screen);
    assert_eq!(exit, Some(0));
    assert_eq!(asked(&agent), (None, false));
    assert_eq!(asked(&agent), (typed(PASSPHRASE), true));

    let mut terminal = Terminal::run(&mut latchkey(&agent, &["unlock"]));
    terminal.shows("New passphrase: ");
    terminal.types("correct hörse\n");
    terminal.shows("The same again: ");
    terminal.types("correct horse\n");
    let (screen, exit) = terminal.end();
    assert!(
        screen.contains("The two passphrases are not the same."),
        "{screen}"
    );
    assert_eq!(exit, Some(3));
    assert_eq!(asked(&agent), (None, false));
    assert!(agent.was_asked_nothing_more());
}

#[test]
fn ctrl_c_gives_up_and_the_terminal_shows_again_what_is_typed() {
    for key in ["\u{3}", "\u{4}"] {
        let agent = locked("vault_locked");
        let mut terminal = Terminal::run(&mut latchkey(&agent, &["unlock"]));
        terminal.shows("Passphrase: ");
        terminal.types(key);
        // Once it has ended, the terminal echoes as before.
        terminal.shows("Nothing was unlocked.");
        assert_eq!(asked(&agent), (None, false));
        assert!(agent.was_asked_nothing_more());
        assert!(terminal.echoes(), "{key:?}");
        let (_, exit) = terminal.end();
        assert_eq!(exit, Some(130));
    }
}

#[test]
fn where_nobody_can_be_asked_that_is_said() {
    let sessions = [
        session(&locked("vault_locked"), &["unlock"]),
        session(&locked("passphrase_not_set"), &["unlock"]),
        session(&locked("passphrase_file"), &["unlock"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
}

#[test]
fn a_keyring_asks_by_itself_and_memory_is_never_locked() {
    let agent = Agent::answering(ready(), |_| Some(refused("vault_locked")));
    let locked = session(&agent, &["unlock"]);
    let open = session(&Agent::showing(kept_in(VaultKind::Memory, ready())), &["unlock"]);
    insta::assert_snapshot!([locked, open].join("\n"));
}

#[test]
fn whoever_signs_in_is_asked_for_the_passphrase_first() {
    let agent = Agent::answering(kept_in(VaultKind::File, signed_out()), |request| {
        Some(match request {
            Request::Unlock { passphrase: None, .. } => refused("vault_locked"),
            Request::SignIn { .. } => refused("offline"),
            _ => Reply::Done,
        })
    });
    let mut terminal = Terminal::run(&mut latchkey(&agent, &["sign-in"]));
    terminal.shows("Passphrase: ");
    terminal.types("correct hörse\n");
    let _ended = terminal.end();
    assert_eq!(asked(&agent), (None, false));
    assert_eq!(asked(&agent), (typed(PASSPHRASE), false));
    assert!(matches!(agent.next_request(), Request::SignIn { .. }));
}
