//! A LaunchAgent of the user's (`launchd.plist(5)`).

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::{ARGUMENT, Autostart};

const LABEL: &str = "dev.latchkey.tray";

pub(super) fn state() -> Autostart {
    let Some(text) = file().ok().and_then(|file| fs::read_to_string(file).ok()) else {
        return Autostart::Undecided;
    };
    let words: String = text.split_whitespace().collect();
    if words.contains("<key>RunAtLoad</key><true/>") {
        Autostart::On
    } else {
        Autostart::Off
    }
}

pub(super) fn set(on: bool, program: &Path) -> io::Result<()> {
    let file = file()?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let program = program
        .to_str()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the program's path is not Unicode"))?
        .replace('&', "&amp;")
        .replace('<', "&lt;");
    fs::write(
        file,
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>{LABEL}</string>
  <key>ProgramArguments</key><array><string>{program}</string><string>{ARGUMENT}</string></array>
  <key>LimitLoadToSessionType</key><string>Aqua</string>
  <key>ProcessType</key><string>Interactive</string>
  <key>RunAtLoad</key><{on}/>
</dict>
</plist>
"#
        ),
    )
}

fn file() -> io::Result<PathBuf> {
    let home = env::var_os("HOME")
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no home folder"))?;
    Ok(Path::new(&home)
        .join("Library/LaunchAgents")
        .join(format!("{LABEL}.plist")))
}
