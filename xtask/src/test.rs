//! Running the tests. Every part runs, whatever became of the one before it; the last line says how it went.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::command::{cargo, program, say, shown};
use crate::{programs, setup, simulate, ui};

/// Which tests; all of them when none is chosen.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Unit tests of the workspace
    #[arg(long)]
    unit: bool,
    /// Tests of the window's pages and of the test provider
    #[arg(long)]
    ui: bool,
    /// The whole product in a private desktop session; only stories whose name contains FILTER
    #[arg(long, value_name = "FILTER", num_args = 0..=1, default_missing_value = "")]
    stories: Option<String>,
}

/// `cargo xtask test`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let all = !options.unit && !options.ui && options.stories.is_none();
    setup::install()?;
    ui::build()?;
    let mut tally = Tally::default();
    if all || options.unit {
        say("unit tests");
        let mut tests = cargo(["test", "--workspace", "--exclude", "stories", "--no-fail-fast"]);
        if all {
            // They are lived through below, optimised, and many more.
            tests.env("SIMULATE_SEEDS", "0..4");
        }
        tally.add(&mut tests)?;
    }
    if all || options.ui {
        for folder in ["ui", "tests/provider"]
            .map(Path::new)
            .into_iter()
            .filter(|f| f.join("package.json").exists())
        {
            say(&format!("tests in {}", folder.display()));
            tally.add(program("npm", ["test", "--silent"]).current_dir(folder))?;
        }
    }
    let stories = options.stories.as_deref().or(all.then_some(""));
    match stories {
        Some(_) if !cfg!(target_os = "linux") => say("the stories need Linux: skipped"),
        Some(filter) => {
            programs::build()?;
            let beside = all.then(|| {
                say("the model of the rules and the simulation: beside the stories, and shown after them");
                Beside::begin(vec![
                    simulate::model(),
                    simulate::histories((0, simulate::TESTED)),
                ])
            });
            say("stories");
            tally.add(&mut cargo(["test", "-pstories", "--no-fail-fast", "--", filter]))?;
            if let Some(beside) = beside {
                beside.end(&mut tally)?;
            }
        }
        None => {}
    }
    tally.close()
}

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    broken: Vec<String>,
}

impl Tally {
    /// Runs a test program, its output shown and its closing lines counted.
    fn add(&mut self, command: &mut Command) -> Result<()> {
        let name = shown(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .env("NO_COLOR", "1")
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let printed = child.stdout.take().context("its output was asked for")?;
        self.count(BufReader::new(printed))?;
        self.ended(name, child.wait()?);
        Ok(())
    }

    /// Shows what a test program prints, and counts by its closing lines.
    fn count(&mut self, printed: impl BufRead) -> Result<()> {
        let mut shown = std::io::stdout().lock();
        for line in printed.split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            writeln!(shown, "{line}")?;
            if let Some((passed, failed)) = closing_line(&line) {
                self.passed += passed;
                self.failed += failed;
            }
        }
        Ok(())
    }

    fn ended(&mut self, name: String, status: ExitStatus) {
        if !status.success() {
            self.broken.push(name);
        }
    }

    fn close(self) -> Result<()> {
        if !self.broken.is_empty() {
            say(&format!("failed: {}", self.broken.join("; ")));
        }
        // A program that broke before it could count is a failure too.
        let failed = if self.broken.is_empty() {
            self.failed
        } else {
            self.failed.max(1)
        };
        writeln!(std::io::stdout(), "{} passed, {failed} failed", self.passed)?;
        if failed > 0 {
            bail!("tests failed");
        }
        Ok(())
    }
}

/// Tests that run one after the other beside others, which leave a processor idle, and make way for them.
struct Beside(JoinHandle<Result<Vec<(String, Output)>>>);

impl Beside {
    fn begin(commands: Vec<Command>) -> Self {
        let run = |command: Command| {
            let name = shown(&command);
            let ended = patient(&command).stdin(Stdio::null()).output();
            let ended = ended.with_context(|| format!("cannot start {name}"))?;
            Ok((name, ended))
        };
        Self(thread::spawn(move || commands.into_iter().map(run).collect()))
    }

    fn end(self, tally: &mut Tally) -> Result<()> {
        let ended = self
            .0
            .join()
            .map_err(|_| anyhow!("what ran beside the stories panicked"))?;
        for (name, output) in ended? {
            say(&name);
            std::io::stderr().write_all(&output.stderr)?;
            tally.count(output.stdout.as_slice())?;
            tally.ended(name, output.status);
        }
        Ok(())
    }
}

/// The same command at the lowest priority.
fn patient(command: &Command) -> Command {
    let mut patient = program("nice", ["-n", "19"]);
    patient.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => patient.env(name, value),
            None => patient.env_remove(name),
        };
    }
    patient
}

/// Reads passed and failed out of the closing lines of libtest, Vitest, and node's test runner.
fn closing_line(line: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || c == ';' || c == '|')
        .filter(|w| !w.is_empty())
        .collect();
    let before = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
    };
    match words.as_slice() {
        ["test", "result:", ..] => Some((before("passed")?, before("failed")?)),
        ["Tests", ..] => Some((before("passed").unwrap_or(0), before("failed").unwrap_or(0))),
        ["#" | "ℹ", "pass", passed] => Some((passed.parse().ok()?, 0)),
        ["#" | "ℹ", "fail", failed] => Some((0, failed.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::closing_line;

    #[test]
    fn closing_lines_are_read() {
        let libtest = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(closing_line(libtest), Some((12, 3)));
        assert_eq!(
            closing_line("      Tests  1 failed | 41 passed (42)"),
            Some((41, 1))
        );
        assert_eq!(closing_line("      Tests  42 passed (42)"), Some((42, 0)));
        assert_eq!(closing_line("# pass 8"), Some((8, 0)));
        assert_eq!(closing_line("ℹ fail 2"), Some((0, 2)));
        assert_eq!(closing_line("test tests::passed ... ok"), None);
    }
}
