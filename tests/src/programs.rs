//! Where the product's programs are.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// Names the folder that the programs are taken from.
pub const VARIABLE: &str = "STORIES_PROGRAMS";

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The folder that the programs are taken from: `target/release`, or what `STORIES_PROGRAMS` names.
pub fn folder() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| root().join("target/release"), PathBuf::from)
}

/// One of the product's programs.
///
/// # Errors
/// It was not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = folder().join(name);
    ensure!(
        path.exists(),
        "{} is not built: cargo xtask test --stories builds it",
        path.display()
    );
    Ok(path)
}
