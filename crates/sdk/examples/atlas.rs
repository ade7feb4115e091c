//! Atlas, a small product that needs a licence: it shows what embedding Latchkey comes to, and stands in for a real product
//! in the demo and in the stories.
//!
//! It starts only where it may, says every change of its status, and saves its document when it is told to stop.
//! Exit status: 0 after a stop, 100 + status code when it was refused, 1 when something else went wrong.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use latchkey_sdk::{Code, Denied, Event, Licence, Permit, Product, Registration, Status};
use serde_json::{Value, json};

/// How long Atlas waits before it asks again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A map maker that runs while it is licensed
#[derive(Parser)]
#[command(name = "atlas", version)]
struct Arguments {
    /// What Atlas says about itself: product key, version, licensing service, root keys
    #[arg(long, value_name = "FILE", env = "ATLAS_REGISTRATION")]
    registration: PathBuf,
    /// Where its document is kept; nowhere, if not given
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// How long a start waits, e.g. for a sign-in
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Where it may not start, ask again every second until it may
    #[arg(long)]
    keep_trying: bool,
    /// Close by itself after this long
    #[arg(long, value_name = "SECONDS")]
    run_for: Option<u64>,
    /// When told to stop, stop as soon as the document is saved, and not at the end of the time that is left
    #[arg(long)]
    stop_at_once: bool,
    /// Write JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// What Atlas reacts to.
enum Happened {
    Decided(Result<Permit, Denied>),
    Told(Event),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("atlas: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = std::fs::read(&arguments.registration)
        .with_context(|| format!("cannot read {}", arguments.registration.display()))?;
    let registration: Registration = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no registration", arguments.registration.display()))?;
    let name = registration.name.clone();
    let product = match Product::from_registration(registration) {
        Ok(product) => product,
        Err(mistake) => {
            eprintln!("atlas: {mistake}");
            return Ok(refused(Code::InvalidArgument.number()));
        }
    };
    let licence = product.open()?;
    let (sender, happened) = channel();
    let told = sender.clone();
    licence.on_change(move |event| drop(told.send(Happened::Told(event))))?;
    let output = Output { json: arguments.json };
    let document = arguments
        .document
        .as_deref()
        .map(|path| Document::open(path, &name))
        .transpose()?;
    let atlas = Atlas {
        arguments,
        licence,
        sender,
        output,
        document,
        permit: None,
        stop_at: None,
        is_asking_again: false,
        said: None,
    };
    atlas.start(Duration::ZERO);
    atlas.live(&happened)
}

/// How Atlas ends where it was refused.
fn refused(code: u16) -> ExitCode {
    ExitCode::from(u8::try_from(100 + code).unwrap_or(u8::MAX))
}

struct Atlas<'a> {
    arguments: &'a Arguments,
    licence: Licence,
    sender: Sender<Happened>,
    output: Output,
    document: Option<Document>,
    /// Kept for as long as Atlas runs.
    permit: Option<Permit>,
    stop_at: Option<Instant>,
    /// It was refused, and goes on asking: nothing to tell while the answer is the same.
    is_asking_again: bool,
    /// The status code that was said last.
    said: Option<u16>,
}

impl Atlas<'_> {
    /// Asks for the permit on a thread of its own, so that what is awaited can be shown meanwhile.
    fn start(&self, after: Duration) {
        let (licence, sender) = (self.licence.clone(), self.sender.clone());
        let wait = Duration::from_secs(self.arguments.wait);
        std::thread::spawn(move || {
            std::thread::sleep(after);
            drop(sender.send(Happened::Decided(licence.authorize(wait))));
        });
    }

    fn live(mut self, happened: &Receiver<Happened>) -> anyhow::Result<ExitCode> {
        loop {
            match self.next(happened)? {
                Some(Happened::Decided(Ok(permit))) => {
                    self.output.started(&permit)?;
                    self.permit = Some(permit);
                    self.is_asking_again = false;
                    let run_for = self.arguments.run_for.map(Duration::from_secs);
                    self.stop_at = run_for.map(|run_for| Instant::now() + run_for);
                }
                Some(Happened::Decided(Err(denied))) if self.arguments.keep_trying => {
                    self.is_asking_again = true;
                    self.say(&denied.status)?;
                    self.start(TRY_AGAIN);
                }
                Some(Happened::Decided(Err(denied))) => {
                    self.output.status("refused", &denied.status)?;
                    return Ok(refused(denied.code()));
                }
                Some(Happened::Told(Event::Changed(status))) => {
                    if status.may_run() && self.arguments.run_for.is_none() {
                        self.stop_at = None;
                    }
                    self.say(&status)?;
                }
                Some(Happened::Told(Event::MustStop { code, at, left })) => {
                    self.output.must_stop(code, at.as_millis(), left)?;
                    self.save()?;
                    let left = if self.arguments.stop_at_once {
                        Duration::ZERO
                    } else {
                        left
                    };
                    self.stop_at = Some(Instant::now() + left);
                }
                Some(Happened::Told(_)) => {}
                None => {
                    self.save()?;
                    self.output.line("stopped", "stopped", json!({}))?;
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
    }

    fn say(&mut self, status: &Status) -> anyhow::Result<()> {
        let asks = (Code::Connecting.number()..=Code::PendingLicensing.number()).contains(&status.code);
        if self.is_asking_again && (asks || self.said == Some(status.code)) {
            return Ok(());
        }
        self.said = Some(status.code);
        self.output.status("status", status)
    }

    /// What happens next; nothing when it is time to stop.
    fn next(&self, happened: &Receiver<Happened>) -> anyhow::Result<Option<Happened>> {
        let Some(stop_at) = self.stop_at else {
            return Ok(Some(happened.recv()?));
        };
        match happened.recv_timeout(stop_at.saturating_duration_since(Instant::now())) {
            Ok(happened) => Ok(Some(happened)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(error @ RecvTimeoutError::Disconnected) => Err(error.into()),
        }
    }

    fn save(&mut self) -> anyhow::Result<()> {
        let Some(document) = &mut self.document else {
            return Ok(());
        };
        document.save()?;
        let path = document.path.display().to_string();
        self.output
            .line("saved", &format!("saved {path}"), json!({ "document": path }))
    }
}

/// What would be lost.
struct Document {
    path: PathBuf,
    title: String,
    saves: u64,
}

impl Document {
    fn open(path: &Path, title: &str) -> anyhow::Result<Self> {
        let saves = std::fs::read_to_string(path).map_or(0, |text| text.lines().count() as u64);
        Ok(Self {
            path: path.to_owned(),
            title: title.to_owned(),
            saves,
        })
    }

    fn save(&mut self) -> anyhow::Result<()> {
        self.saves += 1;
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.path)?;
        writeln!(file, "{} saved for the {}. time", self.title, self.saves)?;
        file.sync_all()
            .with_context(|| format!("cannot save {}", self.path.display()))
    }
}

/// Plain lines for people, or one JSON object a line for programs.
struct Output {
    json: bool,
}

impl Output {
    fn status(&self, kind: &str, status: &Status) -> anyhow::Result<()> {
        let Status {
            code,
            name,
            message,
            next_step,
            detail,
            view,
            ..
        } = status;
        let plain = format!("{kind} {code} {name}: {message} {next_step}");
        let fields = json!({
            "code": code, "name": name, "message": message, "next_step": next_step, "detail": detail, "view": view,
        });
        self.line(kind, &plain, fields)
    }

    fn started(&self, permit: &Permit) -> anyhow::Result<()> {
        let until = permit.until().as_millis();
        let plain = match permit.organisation() {
            // Nobody knows it at a first start in an outage.
            "" => "started".to_owned(),
            organisation => format!("started, for {organisation}"),
        };
        let fields = json!({
            "until": until, "organisation": permit.organisation(), "entitlements": permit.entitlements(),
        });
        self.line("started", &plain, fields)
    }

    fn must_stop(&self, code: u16, at: i64, left: Duration) -> anyhow::Result<()> {
        let seconds = left.as_secs();
        let plain = format!("must stop within {seconds} s (code {code})");
        self.line(
            "must_stop",
            &plain,
            json!({ "code": code, "at": at, "left": seconds }),
        )
    }

    fn line(&self, kind: &str, plain: &str, mut fields: Value) -> anyhow::Result<()> {
        let mut output = std::io::stdout().lock();
        if self.json {
            fields["event"] = kind.into();
            writeln!(output, "{fields}")?;
        } else {
            writeln!(output, "{plain}")?;
        }
        Ok(output.flush()?)
    }
}
