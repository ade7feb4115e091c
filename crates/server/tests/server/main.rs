//! The service as the outside sees it: over HTTP on a free port, and as a command.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod bounds;
mod busy;
mod check;
mod command;
mod crowd;
mod devices;
mod first_start;
mod format;
mod identity;
mod issuer;
mod issuer_check;
mod limits;
mod mass_loss;
mod opaque;
mod process;
mod proofs;
mod release;
mod relocation;
mod script;
mod service;
mod settings;
mod tls;
mod tokens;
