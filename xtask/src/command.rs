//! Running other programs.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Goes to the workspace's root, where every path of this program begins.
pub(crate) fn at_root() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in the workspace")?;
    std::env::set_current_dir(root).with_context(|| format!("cannot go to {}", root.display()))
}

/// One line of progress. It goes to the error stream, so that what a task prints can be piped.
pub(crate) fn say(line: &str) {
    eprintln!("xtask: {line}");
}

/// Cargo, as the one that runs this program.
pub(crate) fn cargo<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(arguments: I) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// A program with its arguments.
pub(crate) fn program<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(name: &str, arguments: I) -> Command {
    // npm is a script with another extension there, which only the shell's search finds.
    let mut command = if cfg!(windows) && name == "npm" {
        Command::new("npm.cmd")
    } else {
        Command::new(name)
    };
    command.args(arguments);
    command
}

/// Runs a program to its end, its output shown, and fails as it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a program to its end and returns what it printed; fails as it fails, with what it complained.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} failed ({}): {}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", shown(command)))
}

/// Whether a program is there and ends well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_stem()
        .unwrap_or(command.get_program())
        .to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(name)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
