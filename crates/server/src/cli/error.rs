//! Why a command failed, and with which exit status.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::identity::FetchError;
use crate::random::NoEntropy;
use crate::serve::ServeError;
use crate::signer::{RootKeyError, SignError};
use crate::store::StoreError;
use crate::store::sqlite::OpenError;
use crate::vouch::VouchError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("where is the data? Give --data DIR or set LATCHKEY_SERVER_DATA")]
    NoDataFolder,
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Root(#[from] RootKeyError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Vouch(#[from] VouchError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl CliError {
    /// The exit status and its name.
    const fn kind(&self) -> (u8, &'static str) {
        match self {
            Self::NoDataFolder | Self::Usage(_) => (2, "usage"),
            Self::Open(OpenError::Missing(_)) | Self::Store(StoreError::NotFound { .. }) => (3, "not_found"),
            Self::Open(OpenError::Exists(_))
            | Self::Store(StoreError::Exists { .. } | StoreError::Conflict(_)) => (4, "conflict"),
            Self::Open(OpenError::Store(StoreError::Busy)) | Self::Store(StoreError::Busy) => (5, "busy"),
            Self::Open(_)
            | Self::Store(_)
            | Self::Root(_)
            | Self::Sign(_)
            | Self::Vouch(_)
            | Self::Serve(_)
            | Self::Fetch(_)
            | Self::Entropy(_)
            | Self::Io(_) => (1, "failed"),
        }
    }

    /// Prints it on the standard error.
    pub(super) fn print(&self, json: bool) -> ExitCode {
        let (status, name) = self.kind();
        let text = if json {
            json!({"error": {"code": name, "message": self.to_string()}}).to_string()
        } else {
            format!("latchkey-server: {self}")
        };
        let _nobody_reads = writeln!(std::io::stderr(), "{text}");
        ExitCode::from(status)
    }
}
