//! Why something that was asked for was not done, as window and toast tell it.

use std::fmt;

use latchkey_ipc::client::CallError;
use latchkey_ipc::launch::LaunchError;
use latchkey_ipc::messages::Refused;
use serde::Serialize;

use crate::browser::BrowserError;

/// A stable key, for which `latchkey-words` has a sentence and a next step, and plain detail for support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    /// The key.
    pub(crate) problem: String,
    /// The detail; never a secret.
    pub(crate) detail: String,
}

impl Failure {
    /// A failure that its key says all about.
    pub(crate) fn of(problem: &str) -> Self {
        Self::new(problem, "")
    }

    /// A failure and what the system said.
    pub(crate) fn new(problem: &str, detail: impl fmt::Display) -> Self {
        Self {
            problem: problem.to_owned(),
            detail: detail.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => f.write_str(&self.problem),
            detail => write!(f, "{}: {detail}", self.problem),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self {
            problem: refused.problem,
            detail: refused.detail,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Timeout => Self::of("timeout"),
            CallError::Request(_) => Self::new("invalid_argument", error),
            _ => Self::new("agent_unreachable", error),
        }
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        Self::new("agent_unreachable", error)
    }
}

impl From<BrowserError> for Failure {
    fn from(error: BrowserError) -> Self {
        Self::new("no_browser", error)
    }
}
