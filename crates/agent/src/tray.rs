//! Starts the tray when there is something to tell and nobody to tell it.

use std::path::PathBuf;
use std::process::Stdio;

/// The tray app, installed beside the agent.
fn program() -> Option<PathBuf> {
    let name = if cfg!(windows) {
        "latchkey-tray.exe"
    } else {
        "latchkey-tray"
    };
    let path = std::env::current_exe().ok()?.parent()?.join(name);
    path.is_file().then_some(path)
}

/// Whether there is a desktop that it could show itself on.
fn has_desktop() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Starts the tray, if it is installed and there is a desktop. It looks for another tray itself, and leaves to it.
pub(crate) fn start() {
    let Some(program) = program().filter(|_| has_desktop()) else {
        return;
    };
    let mut command = tokio::process::Command::new(program);
    command
        .arg("--background")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    match command.spawn() {
        Ok(mut child) => {
            tokio::spawn(async move {
                let _ended = child.wait().await;
            });
        }
        Err(error) => tracing::warn!(%error, "the tray could not be started"),
    }
}
