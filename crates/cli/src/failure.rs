//! Why a command did not do what was asked.

use std::fmt;

use latchkey_ipc::client::CallError;
use latchkey_ipc::launch::LaunchError;
use latchkey_ipc::messages::Refused;
use latchkey_words::Words;

use crate::exit::Exit;

/// Why a command ends before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read our output has gone: there is nobody to tell.
    ReaderGone,
    /// To be told.
    Told(Problem),
}

/// What went wrong, as people are told.
#[derive(Debug)]
pub(crate) struct Problem {
    exit: Exit,
    /// A stable key, for which `latchkey-words` has a sentence and a next step.
    key: String,
    /// Plain detail for support; may be empty. Never a secret.
    detail: String,
}

impl Failure {
    /// A failure that ends with `exit`.
    pub(crate) fn new(exit: Exit, key: &str, detail: impl fmt::Display) -> Self {
        Self::Told(Problem {
            exit,
            key: key.to_owned(),
            detail: detail.to_string(),
        })
    }

    /// A failure of this program or this computer.
    pub(crate) fn failed(key: &str, detail: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, key, detail)
    }

    /// The agent answered with a reply that does not belong to the request.
    pub(crate) fn unsupported() -> Self {
        Self::failed("unsupported", "")
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            // `latchkey status --watch | head -1` did what it was asked for.
            Self::ReaderGone => Exit::Done,
            Self::Told(problem) => problem.exit,
        }
    }

    /// Whether the agent could not be reached, or has gone.
    pub(crate) fn is_missing_agent(&self) -> bool {
        matches!(self, Self::Told(problem) if problem.exit == Exit::AGENT_NOT_FOUND)
    }

    /// What to tell: a sentence, the next step, and the detail in brackets.
    pub(crate) fn told(&self, words: &Words) -> Option<Vec<String>> {
        let Self::Told(problem) = self else { return None };
        let sentence = words.problem(&problem.key);
        let detail = (!problem.detail.is_empty()).then(|| format!("({})", problem.detail));
        let first = format!("latchkey: {}", sentence.text);
        Some([first, sentence.next_step].into_iter().chain(detail).collect())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::new(Exit::Status(refused.code), &refused.problem, refused.detail)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Timeout => Self::failed("timeout", ""),
            CallError::Request(_) => Self::new(Exit::Failed, "invalid_argument", error),
            _ => Self::new(Exit::AGENT_NOT_FOUND, "agent_unreachable", error),
        }
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        let key = match error {
            LaunchError::Connect(_) | LaunchError::Waiting => "agent_unreachable",
            _ => "agent_not_found",
        };
        Self::new(Exit::AGENT_NOT_FOUND, key, error)
    }
}
