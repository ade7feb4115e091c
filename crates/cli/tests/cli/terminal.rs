//! In a terminal: what is asked, and what is awaited.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use latchkey_core::view::{SignInPhase, SignInResult};
use latchkey_ipc::messages::{Reply, Request, ResetScope};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::agent::{Agent, SOON};
use super::command::latchkey;
use super::views::{ADDRESS, ready, sign_in_ended, signing_in};

/// A command in a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    pub(crate) fn run(command: &mut Command) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let open = || {
            let path = std::ffi::OsStr::from_bytes(name.as_bytes());
            File::options().read(true).write(true).open(path).unwrap()
        };
        let child = command
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        let keys = File::from(controller);
        let mut output = keys.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The terminal is closed with an error when the last of its programs has gone.
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            screen,
            seen: String::new(),
        }
    }

    /// Waits until the screen shows `text`.
    pub(crate) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + SOON;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.screen.recv_timeout(left);
            let more = more.unwrap_or_else(|_| panic!("{text:?} does not come: {}", self.seen));
            self.seen.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    /// Whether what is typed is shown.
    pub(crate) fn echoes(&self) -> bool {
        use rustix::termios::{LocalModes, tcgetattr};
        let modes = tcgetattr(&self.keys).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits for the end: everything that was on the screen, and the exit code.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        let status = self.child.wait().unwrap();
        while let Ok(more) = self.screen.recv_timeout(SOON) {
            self.seen.push_str(std::str::from_utf8(&more).unwrap());
        }
        (self.seen.replace("\r\n", "\n"), status.code())
    }
}

#[test]
fn a_reset_is_asked_about_and_says_what_it_deletes_and_keeps() {
    let agent = Agent::showing(ready());
    let mut terminal = Terminal::run(&mut latchkey(&agent, &["reset", "ATLAS"]));
    terminal.shows("[y/N]");
    terminal.types("y\n");
    let (screen, exit) = terminal.end();
    assert_eq!(exit, Some(0));
    let scope = ResetScope::Product("ATLAS".to_owned());
    assert_eq!(agent.next_request(), Request::Reset { scope });

    let mut terminal = Terminal::run(&mut latchkey(&agent, &["reset", "--all", "--language", "de"]));
    terminal.shows("[j/N]");
    terminal.types("ja\n");
    let (german, exit) = terminal.end();
    assert_eq!(exit, Some(0));
    assert_eq!(
        agent.next_request(),
        Request::Reset {
            scope: ResetScope::All
        }
    );
    insta::assert_snapshot!([screen, german].join("\n"));
}

#[test]
fn anything_but_yes_is_no() {
    let agent = Agent::showing(ready());
    for answer in ["\n", "n\n", "yeah\n", "\u{4}"] {
        let mut terminal = Terminal::run(&mut latchkey(&agent, &["reset", "--all"]));
        terminal.shows("[y/N]");
        terminal.types(answer);
        let (screen, exit) = terminal.end();
        assert!(screen.contains("Nothing was changed."), "{answer:?}: {screen}");
        assert_eq!(exit, Some(3));
    }
    assert!(agent.was_asked_nothing_more());
}

#[test]
fn the_time_left_is_written_over() {
    let agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), |request| {
        Some(match request {
            Request::SignIn { .. } => Reply::SignIn {
                attempt: 7,
                url: ADDRESS.to_owned(),
                open: true,
                code: None,
            },
            _ => Reply::Done,
        })
    });
    let mut terminal = Terminal::run(&mut latchkey(&agent, &["sign-in"]));
    terminal.shows("\rWaiting for you to sign in, in the browser. 14:00 left, Ctrl-C cancels.");
    terminal.shows("\rWaiting for you to sign in, in the browser. 13:5");
    agent.show(signing_in(SignInPhase::Finishing));
    terminal.shows("\rYou are back. Finishing the sign-in…  ");
    agent.show(sign_in_ended(SignInResult::SignedIn));
    let (screen, exit) = terminal.end();
    assert!(
        screen.ends_with("\rYou are signed in as Maya Lindqvist.\n"),
        "{screen:?}"
    );
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    assert_eq!(exit, Some(0));
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Only after a failure is it still running.
        let _ = self.child.kill();
    }
}
