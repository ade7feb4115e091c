//! Exit codes: a part of the interface, like the status codes (`latchkey help exit-codes`).

use std::fmt::Write as _;
use std::process::ExitCode;

use latchkey_core::code::Code;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;
use latchkey_words::Words;

/// How the command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; of a product: it may run.
    Done,
    /// It failed, and the message says why.
    Failed,
    /// The command line asks for what cannot be done so. The same number that clap ends with.
    Usage,
    /// A person said no, or nobody said anything in time.
    Declined,
    /// Where a product stands, or why the agent refused.
    Status(u16),
    /// Ctrl-C.
    Interrupted,
}

/// The first number of those that stand for a status code.
const STATUS: u16 = 100;
/// The last status code that has an exit code: above 125 shells have meanings of their own.
const LAST: u16 = 25;

impl Exit {
    /// Of the agent that could be neither reached nor started.
    pub(crate) const AGENT_NOT_FOUND: Self = Self::Status(Code::AgentNotFound.number());

    const fn number(self) -> u8 {
        match self {
            Self::Done | Self::Status(0) => 0,
            Self::Status(code @ 1..=LAST) => (STATUS + code) as u8,
            Self::Failed | Self::Status(_) => 1,
            Self::Usage => 2,
            Self::Declined => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.number().into()
    }
}

/// Every exit code, to be read in a terminal.
pub(crate) fn table() -> String {
    let mut table = String::from("Exit codes:\n");
    for (number, meaning) in rows() {
        let _ = writeln!(table, "  {number:<4} {meaning}");
    }
    table.push_str("\nFrom 101 on: 100 + the status code of the product, or of why the agent refused.\n");
    table
}

/// Every exit code and what it means.
pub(crate) fn rows() -> Vec<(String, String)> {
    let words = Words::for_locale("en");
    let state = |code: Code| {
        let status = StatusView {
            code: code.number(),
            ..StatusView::default()
        };
        // Of a status only dates depend on the time, and these have none.
        format!("{}: {}", code.name(), words.state(&status, Timestamp::default()))
    };
    let statuses = Code::ALL.iter().filter(|code| **code != Code::Ok);
    let statuses = statuses.map(|code| (Exit::Status(code.number()), state(*code)));
    let fixed = [
        (Exit::Done, "done; `status PRODUCT`: the product may run"),
        (Exit::Failed, "it failed; the message says why, and what to do"),
        (
            Exit::Usage,
            "the command line is not understood, or needs --yes because nobody can be asked",
        ),
        (
            Exit::Declined,
            "somebody said no, or did not finish signing in in time",
        ),
    ];
    fixed
        .map(|(exit, meaning)| (exit, meaning.to_owned()))
        .into_iter()
        .chain(statuses)
        .chain([(Exit::Interrupted, "Ctrl-C".to_owned())])
        .map(|(exit, meaning)| (exit.number().to_string(), meaning))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_code_has_a_number_of_its_own() {
        let mut numbers: Vec<u8> = Code::ALL
            .iter()
            .map(|code| Exit::Status(code.number()).number())
            .collect();
        let fixed = [Exit::Failed, Exit::Usage, Exit::Declined, Exit::Interrupted];
        numbers.extend(fixed.map(Exit::number));
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
        assert_eq!(Exit::AGENT_NOT_FOUND.number(), 120);
        assert_eq!(
            Exit::Status(9_999).number(),
            1,
            "a code that this version does not know"
        );
    }
}
