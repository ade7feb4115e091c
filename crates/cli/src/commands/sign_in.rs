//! `latchkey sign-in`: the agent signs in, and this opens the browser or shows the code, and waits with the user.

use std::time::{Duration, Instant};

use latchkey_core::time::Timestamp;
use latchkey_core::view::{AccountView, SignInMethod, SignInPhase, SignInResult, UserCode, View};
use latchkey_ipc::messages::{Event, Refused, Reply, Request};
use latchkey_words::{Value, Words};

use super::Outcome;
use crate::agent::Agent;
use crate::arguments::SignIn;
use crate::browser::{self, WebAddress};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::inputs::{Input, Inputs};
use crate::output;
use crate::progress::Progress;
use crate::qr;

/// How long the agent may take to find out where to go: longer than its own deadlines.
const ADDRESS: Duration = Duration::from_secs(90);
/// How long it may take to cancel.
const CANCEL: Duration = Duration::from_secs(2);
/// Past the deadline that the agent named, it is not waited for any longer.
const MARGIN: Duration = Duration::from_secs(15);
/// How often the time left is written anew.
const SECOND: Duration = Duration::from_secs(1);

/// A sign-in while it is waited for.
struct Waiting<'a> {
    agent: Agent,
    inputs: Inputs,
    words: &'a Words,
    no_browser: bool,
    /// The attempt, once the agent has named it.
    attempt: Option<u64>,
    /// Whether it is ours: another client's goes on when we leave.
    ours: bool,
    /// Where the user signs in, as far as that is known.
    service: Option<String>,
    view: Box<View>,
    seen_at: Instant,
    progress: Progress,
}

pub(super) fn run(options: &SignIn, words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    super::unlock::before_sign_in(&agent, words)?;
    let inputs = Inputs::new()?;
    let view = agent.watch()?;
    inputs.follow(agent.connection())?;
    let request = Request::SignIn {
        service: options.service.clone(),
        email: options.email.clone(),
        // Without a word for one way or the other, a sign-in that is open is joined, whichever way it goes.
        method: options.device.then_some(SignInMethod::DeviceCode),
    };
    inputs.ask(agent.connection(), request, ADDRESS)?;
    let waiting = Waiting {
        agent,
        inputs,
        words,
        no_browser: options.no_browser,
        attempt: None,
        ours: view.sign_in.is_none(),
        service: options.service.clone(),
        view,
        seen_at: Instant::now(),
        progress: Progress::new(),
    };
    waiting.wait()
}

impl Waiting<'_> {
    fn wait(mut self) -> Outcome {
        let give_up_at = self.seen_at + ADDRESS + MARGIN;
        loop {
            if let Some(outcome) = self.ended() {
                return outcome;
            }
            self.show();
            if Instant::now() >= self.deadline().unwrap_or(give_up_at) {
                return Err(Failure::failed("timeout", ""));
            }
            match self.inputs.next(SECOND) {
                Some(Input::Event(Event::View { view })) => self.see(view)?,
                Some(Input::Answer(answer)) => match answer? {
                    Reply::SignIn {
                        attempt,
                        url,
                        open,
                        code,
                    } => {
                        self.attempt = Some(attempt);
                        self.ours = open;
                        self.present(&url, code.as_ref(), open)?;
                    }
                    Reply::Done => return self.signed_in("cli-signed-in-already"),
                    Reply::Refused(refused) => return Err(refusal(refused)),
                    _ => return Err(Failure::unsupported()),
                },
                Some(Input::Interrupted) => {
                    self.cancel();
                    output::note(&self.words.problem("cancelled").text);
                    return Ok(Exit::Interrupted);
                }
                Some(Input::AgentGone) => {
                    return Err(Failure::new(Exit::AGENT_NOT_FOUND, "agent_unreachable", ""));
                }
                Some(Input::Event(_) | Input::ReaderGone) | None => {}
            }
        }
    }

    /// Takes in what the agent says now. Another client may have begun our attempt anew, some other way: then that one is
    /// waited for.
    fn see(&mut self, view: Box<View>) -> Result<(), Failure> {
        self.view = view;
        self.seen_at = Instant::now();
        let Some(open) = self.view.sign_in.clone() else {
            return Ok(());
        };
        self.service = Some(open.service);
        let anew = self.attempt.is_some_and(|attempt| open.attempt > attempt);
        if let (true, Some(url)) = (anew, &open.url) {
            self.attempt = Some(open.attempt);
            self.ours = false;
            self.present(url, open.code.as_ref(), false)?;
        }
        Ok(())
    }

    /// How the attempt ended, once it has.
    fn ended(&mut self) -> Option<Outcome> {
        let attempt = self.attempt?;
        let end = self
            .view
            .last_sign_in
            .as_ref()
            .filter(|end| end.attempt >= attempt && self.view.sign_in.is_none())?;
        if end.attempt > attempt {
            // Another one has come and gone since: ours ended with it.
            return Some(Err(Failure::new(Exit::Declined, "abandoned", "")));
        }
        Some(match &end.result {
            SignInResult::SignedIn => self.signed_in("cli-sign-in-done"),
            SignInResult::Cancelled => Err(Failure::new(Exit::Declined, "cancelled", "")),
            SignInResult::Denied => Err(Failure::new(Exit::Declined, "access_denied", "")),
            SignInResult::Expired => Err(Failure::new(Exit::Declined, "expired", "")),
            SignInResult::Abandoned => Err(Failure::new(Exit::Declined, "abandoned", "")),
            SignInResult::Failed { problem, detail } => Err(Failure::failed(problem, detail)),
            _ => Err(Failure::unsupported()),
        })
    }

    /// Opens the address, or shows it to be opened; with a code, both.
    fn present(&mut self, url: &str, code: Option<&UserCode>, open: bool) -> Result<(), Failure> {
        self.progress.clear();
        match code {
            Some(code) => self.present_code(code),
            None => self.present_address(url, open),
        }
    }

    /// Shows the code, where it is typed, and the same for a camera.
    fn present_code(&mut self, code: &UserCode) -> Result<(), Failure> {
        let plain = |id| self.words.message(id, &[]);
        let Some(address) = WebAddress::parse(&code.verification_uri) else {
            self.cancel();
            return Err(Failure::failed("address_refused", &code.verification_uri));
        };
        let complete = code
            .verification_uri_complete
            .as_deref()
            .and_then(WebAddress::parse);
        output::line(&plain("cli-sign-in-code"))?;
        output::line(&format!("    {}", address.as_str()))?;
        output::line(&plain("cli-sign-in-type"))?;
        output::line(&format!("    {}", code.user_code))?;
        if let Some(picture) = complete.and_then(|complete| qr::picture(complete.as_str())) {
            output::note(&picture);
        }
        Ok(())
    }

    fn present_address(&mut self, url: &str, open: bool) -> Result<(), Failure> {
        let plain = |id| self.words.message(id, &[]);
        let Some(address) = WebAddress::parse(url) else {
            self.cancel();
            return Err(Failure::failed("address_refused", url));
        };
        let wanted = open && !self.no_browser && browser::has_display();
        let opened = wanted && address.open().is_ok();
        output::line(&plain(match (open, opened) {
            (false, _) => "cli-sign-in-joined",
            (true, true) => "cli-sign-in-opened",
            (true, false) => "cli-sign-in-open",
        }))?;
        output::line(address.as_str())?;
        if let Some(port) = address
            .callback_port()
            .filter(|_| browser::is_remote() && !opened)
        {
            let port = port.to_string();
            output::note(
                &self
                    .words
                    .message("cli-sign-in-ssh", &[("port", Value::from(&port))]),
            );
            output::note(&self.words.message("cli-sign-in-or-code", &[]));
        }
        Ok(())
    }

    /// Says what is awaited, and for how long.
    fn show(&mut self) {
        let words = self.words;
        let open = self.view.sign_in.as_ref();
        let is_code = open.is_some_and(|open| open.code.is_some());
        let (id, until) = match open.map(|open| (open.phase, open.until)) {
            Some((SignInPhase::WaitingForUser, until)) if is_code => ("cli-waiting-for-code", Some(until)),
            Some((SignInPhase::WaitingForUser, until)) => ("cli-waiting-for-user", Some(until)),
            Some((SignInPhase::Finishing, _)) => ("cli-finishing", None),
            _ => ("cli-starting", None),
        };
        let lasting = words.message(id, &[]);
        let Some(until) = until else {
            return self.progress.show(&lasting, &lasting);
        };
        let (counting, ending) = if is_code {
            ("cli-code-left", "cli-code-until")
        } else {
            ("cli-waiting-left", "cli-waiting-until")
        };
        let seconds = until.since(self.now()).as_secs();
        let (minutes, seconds) = ((seconds / 60).to_string(), format!("{:02}", seconds % 60));
        let args = [
            ("minutes", Value::from(&minutes)),
            ("seconds", Value::from(&seconds)),
        ];
        let now = words.message(counting, &args);
        let time = words.time(until, self.view.at);
        let until = words.message(ending, &[("time", Value::from(&time))]);
        self.progress
            .show(&format!("{lasting} {now}"), &format!("{lasting} {until}"));
    }

    /// Trusted time, counted on from the last view.
    fn now(&self) -> Timestamp {
        self.view.at + self.seen_at.elapsed()
    }

    /// When the agent must have ended the attempt by itself.
    fn deadline(&self) -> Option<Instant> {
        let open = self.view.sign_in.as_ref()?;
        self.seen_at.checked_add(open.until.since(self.view.at) + MARGIN)
    }

    /// Ends the attempt for everyone, where it is ours.
    fn cancel(&mut self) {
        self.progress.clear();
        if self.ours {
            // If it does not arrive, the end of this process ends the attempt (rule 17).
            let _ = self.agent.connection().call(Request::CancelSignIn, CANCEL);
        }
    }

    fn signed_in(&mut self, id: &str) -> Outcome {
        self.progress.clear();
        let is_here =
            |account: &&AccountView| self.service.as_ref().is_none_or(|here| account.service == *here);
        let user = self
            .view
            .accounts
            .iter()
            .filter(is_here)
            .find_map(|account| account.user.as_ref());
        let name = user.map_or("none", |user| user.name.as_str());
        output::line(&self.words.message(id, &[("user", name.into())]))?;
        Ok(Exit::Done)
    }
}

/// An attempt that ended before its address was known.
fn refusal(refused: Refused) -> Failure {
    let declined = [
        "sign_in_cancelled",
        "sign_in_denied",
        "sign_in_expired",
        "sign_in_abandoned",
    ];
    if declined.contains(&refused.problem.as_str()) {
        return Failure::new(Exit::Declined, &refused.problem, refused.detail);
    }
    refused.into()
}
