//! `latchkey sign-in` and `latchkey sign-out`

use latchkey_core::view::{SignInMethod, SignInPhase, SignInResult, UserCode};
use latchkey_ipc::messages::{Refused, Reply, Request};

use super::agent::Agent;
use super::command::{Running, latchkey, run, session, shown};
use super::views::{ADDRESS, SERVICE, ready, sign_in_ended, signed_out, signing_in};

fn asked(service: Option<&str>) -> Request {
    Request::SignIn {
        service: service.map(str::to_owned),
        email: None,
        method: None,
    }
}

fn opening(url: &'static str, open: bool) -> impl FnMut(&Request) -> Option<Reply> + Send {
    move |request| {
        Some(match request {
            Request::SignIn { .. } => Reply::SignIn {
                attempt: 7,
                url: url.to_owned(),
                open,
                code: None,
            },
            _ => Reply::Done,
        })
    }
}

/// A sign-in that ends as `result` says, from beginning to end.
fn ends_with(result: SignInResult, arguments: &[&str]) -> String {
    let agent = Agent::answering(signed_out(), opening(ADDRESS, true));
    let mut command = latchkey(&agent, arguments);
    let running = std::thread::spawn(move || run(&mut command));
    assert_eq!(agent.next_request(), asked(None));
    agent.show(signing_in(SignInPhase::WaitingForUser));
    agent.show(sign_in_ended(result));
    let text = shown(arguments, &running.join().unwrap());
    // How much is seen of what is between is a matter of luck.
    let between = [
        "Asking the sign-in",
        "Waiting for you",
        "Der Anmeldedienst wird",
        "Warten auf Ihre",
    ];
    let is_between = |line: &&str| {
        between
            .iter()
            .any(|start| line.starts_with(&format!("stderr: {start}")))
    };
    text.lines()
        .filter(|line| !is_between(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn however_it_ends_it_is_told() {
    let failed = SignInResult::Failed {
        problem: "provider_error".to_owned(),
        detail: "invalid_scope: \u{1b}[31mopenid".to_owned(),
    };
    let results = [
        SignInResult::SignedIn,
        SignInResult::Cancelled,
        SignInResult::Denied,
        SignInResult::Expired,
        SignInResult::Abandoned,
        failed,
    ];
    let told = results.map(|result| {
        let english = ends_with(result.clone(), &["sign-in", "--no-browser"]);
        let german = ends_with(result, &["sign-in", "--no-browser", "--language", "de"]);
        format!("{english}\n{german}")
    });
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn what_is_awaited_is_said_once_where_there_is_no_terminal() {
    let agent = Agent::answering(signing_in(SignInPhase::Starting), opening(ADDRESS, true));
    let running = Running::start(&mut latchkey(&agent, &["sign-in"]));
    assert_eq!(
        running.line(),
        "Open this address in a browser on this computer, and sign in there:"
    );
    assert_eq!(
        running.line(),
        ADDRESS,
        "without a display there is no browser to open"
    );
    agent.show(signing_in(SignInPhase::WaitingForUser));
    agent.show(signing_in(SignInPhase::WaitingForUser));
    // Long enough for a line a second to show itself, if there were one.
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    agent.show(sign_in_ended(SignInResult::SignedIn));
    let (lines, errors, exit) = running.end();
    assert_eq!(lines, ["You are signed in as Maya Lindqvist."]);
    let said: Vec<_> = errors.lines().collect();
    let expected = [
        "Asking the sign-in service where to go…",
        "Waiting for you to sign in, in the browser. The page is open until 14:19.",
    ];
    assert_eq!(said, expected);
    assert_eq!(exit, Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_it() {
    let agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), opening(ADDRESS, true));
    let running = Running::start(&mut latchkey(&agent, &["sign-in"]));
    running.line();
    running.line();
    assert_eq!(agent.next_request(), asked(None));
    running.interrupt();
    assert_eq!(agent.next_request(), Request::CancelSignIn);
    let (_, errors, exit) = running.end();
    assert!(errors.ends_with("The sign-in was cancelled.\n"), "{errors}");
    assert_eq!(exit, Some(130));
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_it_before_its_address_is_known() {
    let unanswered = |request: &Request| (!matches!(request, Request::SignIn { .. })).then_some(Reply::Done);
    let agent = Agent::answering(signed_out(), unanswered);
    let running = Running::start(&mut latchkey(&agent, &["sign-in"]));
    assert_eq!(agent.next_request(), asked(None));
    running.interrupt();
    assert_eq!(agent.next_request(), Request::CancelSignIn);
    assert_eq!(running.end().2, Some(130));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_sign_in_of_another_window_alone() {
    let agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), opening(ADDRESS, false));
    let running = Running::start(&mut latchkey(&agent, &["sign-in"]));
    assert_eq!(running.line(), "A sign-in is open already. This is its address:");
    running.line();
    assert_eq!(agent.next_request(), asked(None));
    running.interrupt();
    assert_eq!(running.end().2, Some(130));
    assert!(agent.was_asked_nothing_more());
}

/// A desktop whose browser writes down what it is asked to open.
#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_browser_opens_where_there_is_one() {
    use super::command::script;

    let agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), opening(ADDRESS, true));
    let bin = agent.folder().join("bin");
    std::fs::create_dir(&bin).unwrap();
    script(
        &bin.join("xdg-open"),
        "echo \"$1\" > \"$HOME/new\" && /bin/mv \"$HOME/new\" \"$HOME/opened\"",
    );
    let start = |arguments: &[&str]| Running::start(latchkey(&agent, arguments).env("DISPLAY", ":9"));

    let running = start(&["sign-in", "--no-browser"]);
    assert!(running.line().starts_with("Open this address"));
    agent.wait_for_watcher();
    running.interrupt();
    running.end();
    assert!(!agent.folder().join("opened").exists());

    let running = start(&["sign-in"]);
    assert!(running.line().starts_with("Sign in on the page that opens"));
    assert_eq!(running.line(), ADDRESS);
    let began = std::time::Instant::now();
    while !agent.folder().join("opened").exists() {
        assert!(began.elapsed() < super::agent::SOON, "the browser is started");
        std::thread::yield_now();
    }
    let opened = std::fs::read_to_string(agent.folder().join("opened")).unwrap();
    assert_eq!(opened.trim_end(), ADDRESS);
    running.interrupt();
    running.end();
}

#[test]
fn an_address_that_could_start_a_program_is_neither_opened_nor_offered() {
    let agent = Agent::answering(signed_out(), opening("file:///etc/passwd", true));
    let text = session(&agent, &["sign-in", "--no-browser"]);
    assert_eq!(agent.next_request(), asked(None));
    assert_eq!(
        agent.next_request(),
        Request::CancelSignIn,
        "nobody can finish it"
    );
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("stderr: Asking"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn over_ssh_the_way_back_is_explained() {
    let agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), opening(ADDRESS, true));
    let mut command = latchkey(&agent, &["sign-in"]);
    let running = Running::start(command.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22"));
    assert!(running.line().starts_with("Open this address"));
    assert_eq!(running.line(), ADDRESS);
    agent.show(sign_in_ended(SignInResult::SignedIn));
    let (_, errors, _) = running.end();
    assert!(errors.contains("ssh -L 41234:127.0.0.1:41234"), "{errors}");
}

fn code() -> UserCode {
    UserCode {
        user_code: "WDJB-MJHT".to_owned(),
        verification_uri: "https://id.example/device".to_owned(),
        verification_uri_complete: Some("https://id.example/device?user_code=WDJB-MJHT".to_owned()),
    }
}

fn waiting_for_code() -> latchkey_core::view::View {
    let mut view = signing_in(SignInPhase::WaitingForUser);
    if let Some(open) = &mut view.sign_in {
        open.method = SignInMethod::DeviceCode;
        open.code = Some(code());
    }
    view
}

#[test]
fn a_code_is_shown_to_be_typed_elsewhere_and_drawn_for_a_camera() {
    let agent = Agent::answering(signed_out(), |request| {
        Some(match request {
            Request::SignIn { .. } => Reply::SignIn {
                attempt: 7,
                url: "https://id.example/device?user_code=WDJB-MJHT".to_owned(),
                open: true,
                code: Some(code()),
            },
            _ => Reply::Done,
        })
    });
    let arguments = ["sign-in", "--device", "--email", "maya@nord.example"];
    let running = Running::start(&mut latchkey(&agent, &arguments));
    let lines: Vec<String> = std::iter::repeat_with(|| running.line()).take(4).collect();
    assert_eq!(
        lines.iter().map(|line| line.trim()).collect::<Vec<_>>(),
        [
            "Open this address in any browser, on this computer or another:",
            "https://id.example/device",
            "and type this code:",
            "WDJB-MJHT",
        ]
    );
    assert_eq!(
        agent.next_request(),
        Request::SignIn {
            service: None,
            email: Some("maya@nord.example".to_owned()),
            method: Some(SignInMethod::DeviceCode),
        }
    );
    agent.show(waiting_for_code());
    agent.show(sign_in_ended(SignInResult::SignedIn));
    let (_, errors, exit) = running.end();
    assert_eq!(exit, Some(0), "{errors}");
    assert!(errors.contains("▄"), "the code is drawn: {errors}");
}

#[test]
fn a_code_whose_address_could_start_a_program_is_not_shown() {
    let agent = Agent::answering(signed_out(), |request| {
        Some(match request {
            Request::SignIn { .. } => Reply::SignIn {
                attempt: 7,
                url: "https://id.example/device".to_owned(),
                open: true,
                code: Some(UserCode {
                    verification_uri: "javascript:alert(1)".to_owned(),
                    ..code()
                }),
            },
            _ => Reply::Done,
        })
    });
    let text = session(&agent, &["sign-in", "--device"]);
    assert!(text.contains("not safe to open"), "{text}");
    assert!(!text.contains("WDJB"), "{text}");
}

#[test]
fn an_attempt_that_another_client_began_anew_is_followed() {
    let agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), opening(ADDRESS, false));
    let running = Running::start(&mut latchkey(&agent, &["sign-in", "--no-browser"]));
    assert!(running.line().starts_with("A sign-in is open already"));
    running.line();
    let mut anew = waiting_for_code();
    if let Some(open) = &mut anew.sign_in {
        open.attempt = 8;
    }
    agent.show(anew);
    assert!(running.line().starts_with("Open this address in any browser"));
    let mut ended = sign_in_ended(SignInResult::SignedIn);
    if let Some(end) = &mut ended.last_sign_in {
        end.attempt = 8;
    }
    agent.show(ended);
    let (_, errors, exit) = running.end();
    assert_eq!(exit, Some(0), "{errors}");
}

#[test]
fn somebody_is_signed_in_already() {
    let agent = Agent::showing(ready());
    let text = session(&agent, &["sign-in", "--service", SERVICE]);
    let service = Some(SERVICE.to_owned());
    assert_eq!(agent.next_request(), asked(service.as_deref()));
    assert!(
        text.contains("You are signed in already, as Maya Lindqvist.\nexit: 0")
            || text.contains("You are signed in already, as Maya Lindqvist.\nstderr"),
        "{text}"
    );
}

#[test]
fn the_agent_says_no() {
    let refuse = |problem: &'static str, code| {
        Agent::answering(signed_out(), move |_| {
            Some(Reply::Refused(Refused {
                code,
                problem: problem.to_owned(),
                detail: String::new(),
            }))
        })
    };
    let code = |agent: &Agent| run(&mut latchkey(agent, &["sign-in"])).status.code();
    assert_eq!(code(&refuse("service_required", 22)), Some(122));
    assert_eq!(code(&refuse("sign_in_cancelled", 10)), Some(3));
    assert_eq!(code(&refuse("sign_in_denied", 10)), Some(3));
}

#[test]
fn an_agent_that_dies_ends_the_wait() {
    let mut agent = Agent::answering(signing_in(SignInPhase::WaitingForUser), opening(ADDRESS, true));
    let running = Running::start(&mut latchkey(&agent, &["sign-in"]));
    running.line();
    running.line();
    agent.end();
    let (_, errors, exit) = running.end();
    assert_eq!(exit, Some(120), "{errors}");
}

#[test]
fn signing_out_says_what_it_means() {
    let agent = Agent::showing(ready());
    let sessions = [
        session(&agent, &["sign-out"]),
        session(&agent, &["sign-out", "--language", "de"]),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    assert_eq!(agent.next_request(), Request::SignOut { service: None });
}
