//! Where Latchkey's programs are.

use std::path::{Path, PathBuf};

/// Names the agent's program by its absolute path, where it is neither beside the caller nor installed.
pub const PROGRAM_VARIABLE: &str = "LATCHKEY_AGENT";

/// The agent's file name.
pub const PROGRAM: &str = if cfg!(windows) {
    "latchkey-agent.exe"
} else {
    "latchkey-agent"
};

/// The tray app's file name.
pub(super) const TRAY: &str = if cfg!(windows) {
    "latchkey-tray.exe"
} else {
    "latchkey-tray"
};

/// The program with this file name, or the places that were looked at. The tray is installed beside the agent.
pub(super) fn find(name: &str) -> Result<PathBuf, Vec<PathBuf>> {
    let beside = current_folder().map(|folder| folder.join(name));
    let agent = std::env::var_os(PROGRAM_VARIABLE).map(PathBuf::from);
    let named = agent.map(|agent| {
        if name == PROGRAM {
            agent
        } else {
            agent.with_file_name(name)
        }
    });
    let installed = folders().into_iter().map(|folder| folder.join(name));
    let places: Vec<PathBuf> = beside
        .into_iter()
        .chain(named)
        .chain(installed)
        .filter(|path| path.is_absolute())
        .collect();
    places.iter().find(|path| path.is_file()).cloned().ok_or(places)
}

/// The agent's program, if it is beside the current one.
pub(super) fn beside() -> Option<PathBuf> {
    current_folder()
        .map(|folder| folder.join(PROGRAM))
        .filter(|path| path.is_file())
}

fn current_folder() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}

/// Where Latchkey's packages put it.
fn folders() -> Vec<PathBuf> {
    let below =
        |variable: &str, rest: &str| std::env::var_os(variable).map(|base| PathBuf::from(base).join(rest));
    if cfg!(windows) {
        return [
            below("LOCALAPPDATA", r"Latchkey"),
            below("LOCALAPPDATA", r"Programs\Latchkey"),
            below("ProgramFiles", r"Latchkey"),
        ]
        .into_iter()
        .flatten()
        .collect();
    }
    let (own, system): (_, &[&str]) = if cfg!(target_os = "macos") {
        let system = [
            "/Applications/Latchkey.app/Contents/MacOS",
            "/usr/local/bin",
            "/opt/homebrew/bin",
        ];
        (below("HOME", "Applications/Latchkey.app/Contents/MacOS"), &{
            system
        })
    } else {
        let system = [
            "/usr/bin",
            "/usr/libexec/latchkey",
            "/usr/lib/latchkey",
            "/usr/local/bin",
            "/opt/latchkey/bin",
        ];
        (below("HOME", ".local/bin"), &{ system })
    };
    system.iter().map(PathBuf::from).chain(own).collect()
}
