//! The programs in the profile that people get.

use anyhow::Result;

use crate::command::{self, cargo, say};

/// What stories and bench run. One command: two would unite features differently, and build half of everything twice.
const PROGRAMS: [&str; 9] = [
    "build",
    "--release",
    "-platchkey-tray",
    "-platchkey-agent",
    "-platchkey-cli",
    "-platchkey-server",
    "-platchkey-sdk",
    "--bins",
    "--examples",
];

/// Builds them into `target/release`.
pub(crate) fn build() -> Result<()> {
    say("building the programs as they are shipped (some minutes, the first time)");
    command::run(&mut cargo(PROGRAMS))
}
