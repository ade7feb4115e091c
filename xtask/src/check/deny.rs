//! Licences, banned crates and sources, by cargo-deny; known vulnerabilities where their database is at hand.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::command::{self, cargo, say, succeeds};

/// Fails where `deny.toml` is not kept.
pub(crate) fn check(fast: bool) -> Result<()> {
    if !succeeds(&mut cargo(["deny", "--version"])) {
        if fast {
            say("skipped: cargo-deny is not installed");
            return Ok(());
        }
        say("installing cargo-deny, which takes some minutes");
        command::run(&mut cargo([
            "install",
            "cargo-deny",
            "--locked",
            "--debug",
            "--quiet",
        ]))?;
    }
    command::run(&mut cargo([
        "deny",
        "--all-features",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    // The database is a git clone, which not every machine can make; a run without it must say so.
    if has_advisories() {
        return command::run(&mut cargo([
            "deny",
            "--all-features",
            "--offline",
            "check",
            "advisories",
        ]));
    }
    say("skipped: no advisory database here (cargo deny fetch db brings it)");
    Ok(())
}

/// Whether a clone of the advisory database is there, and is more than the folder of one that failed.
fn has_advisories() -> bool {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let clones = cargo.and_then(|folder| fs::read_dir(folder.join("advisory-dbs")).ok());
    clones
        .into_iter()
        .flatten()
        .flatten()
        .any(|clone| clone.path().join("crates").exists())
}
