//! Reading a QR code as a phone's camera does: off a picture of the screen.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What the one QR code on a picture says.
///
/// # Errors
/// There is none that can be read, or more than one.
pub fn read(picture: &Path) -> Result<String> {
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw"])
        .arg(picture)
        .output()
        .context("cannot start zbarimg (package zbar-tools)")?;
    let text = String::from_utf8(output.stdout)?;
    let codes: Vec<&str> = text.lines().collect();
    ensure!(codes.len() == 1, "{} shows {codes:?}", picture.display());
    Ok(codes[0].to_owned())
}
