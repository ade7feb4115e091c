//! Licences, banned crates and sources, by cargo-deny; known vulnerabilities where their database is at hand.

use std::path::PathBuf;

use anyhow::Result;

use crate::command::{cargo, run, say, succeeds};

/// Fails where `deny.toml` is not kept.
pub(crate) fn check(fast: bool) -> Result<()> {
    if !succeeds(&mut cargo(["deny", "--version"])) {
        if fast {
            say("skipped: cargo-deny is not installed");
            return Ok(());
        }
        say("installing cargo-deny, which takes some minutes");
        run(&mut cargo([
            "install",
            "cargo-deny",
            "--locked",
            "--debug",
            "--quiet",
        ]))?;
    }
    run(&mut cargo([
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
    if advisories().is_some_and(|folder| folder.exists()) {
        return run(&mut cargo([
            "deny",
            "--all-features",
            "check",
            "--disable-fetch",
            "advisories",
        ]));
    }
    say("skipped: no advisory database here (cargo deny fetch brings it)");
    Ok(())
}

fn advisories() -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    Some(cargo.join("advisory-dbs"))
}
