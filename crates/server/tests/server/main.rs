//! The service as the outside sees it: over HTTP on a free port, and as a command.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod check;
mod command;
mod format;
mod issuer;
mod limits;
mod process;
mod proofs;
mod release;
mod service;
mod tls;
mod tokens;
