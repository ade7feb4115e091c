//! An XDG autostart entry (Desktop Application Autostart Specification 0.5).

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::{ARGUMENT, Autostart};

const FILE: &str = "autostart/latchkey-tray.desktop";

pub(super) fn state() -> Autostart {
    let system = env::var("XDG_CONFIG_DIRS").ok().filter(|dirs| !dirs.is_empty());
    let system: Vec<_> = env::split_paths(system.as_deref().unwrap_or("/etc/xdg")).collect();
    user_folder().map_or(Autostart::Undecided, |user| read(&user, &system))
}

pub(super) fn set(on: bool, program: &Path) -> io::Result<()> {
    let user =
        user_folder().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no home folder"))?;
    write(&user, on, program)
}

fn user_folder() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
}

/// The user's entry stands in place of the system's one of the same name.
fn read(user: &Path, system: &[PathBuf]) -> Autostart {
    std::iter::once(user)
        .chain(system.iter().map(PathBuf::as_path))
        .find_map(|folder| fs::read_to_string(folder.join(FILE)).ok())
        .map_or(Autostart::Undecided, |entry| {
            // GNOME's own key is how its tools switched entries off before `Hidden` was usual.
            let off = ["Hidden=true", "X-GNOME-Autostart-enabled=false"];
            let off = entry
                .lines()
                .any(|line| off.contains(&line.split_whitespace().collect::<String>().as_str()));
            if off { Autostart::Off } else { Autostart::On }
        })
}

fn write(user: &Path, on: bool, program: &Path) -> io::Result<()> {
    let file = user.join(FILE);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let exec = quoted(program)?;
    let hidden = !on;
    fs::write(
        file,
        format!(
            "[Desktop Entry]\nType=Application\nName=Latchkey\nExec={exec} {ARGUMENT}\nHidden={hidden}\n"
        ),
    )
}

/// A path as one argument of `Exec` (Desktop Entry Specification, "The Exec key"): quoted, and escaped once for the
/// quotes and once more for the string.
fn quoted(program: &Path) -> io::Result<String> {
    let path = program.to_str().filter(|path| !path.contains(char::is_control));
    let path = path.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the program's path cannot be written in a desktop entry",
        )
    })?;
    let mut quoted = String::from("\"");
    for character in path.chars() {
        match character {
            '"' | '`' | '$' => quoted.extend(["\\\\", character.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str(r"\\\\"),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_reads_back() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read(home.path(), &[]), Autostart::Undecided);
        write(home.path(), true, Path::new("/opt/latchkey/latchkey-tray")).unwrap();
        assert_eq!(read(home.path(), &[]), Autostart::On);
        write(home.path(), false, Path::new("/opt/latchkey/latchkey-tray")).unwrap();
        assert_eq!(read(home.path(), &[]), Autostart::Off);
    }

    #[test]
    fn a_users_no_stands_above_a_packages_yes() {
        let (user, package) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(package.path(), true, Path::new("/usr/bin/latchkey-tray")).unwrap();
        let system = [package.path().to_owned()];
        assert_eq!(read(user.path(), &system), Autostart::On);
        write(user.path(), false, Path::new("/usr/bin/latchkey-tray")).unwrap();
        assert_eq!(read(user.path(), &system), Autostart::Off);
    }

    #[test]
    fn other_tools_switch_it_off_in_their_own_hand() {
        for line in ["Hidden = true", "X-GNOME-Autostart-enabled=false"] {
            let user = tempfile::tempdir().unwrap();
            fs::create_dir(user.path().join("autostart")).unwrap();
            fs::write(user.path().join(FILE), format!("[Desktop Entry]\n{line}\n")).unwrap();
            assert_eq!(read(user.path(), &[]), Autostart::Off, "{line}");
        }
    }

    #[test]
    fn a_path_is_one_argument_whatever_is_in_it() {
        let exec = |path: &str| quoted(Path::new(path)).unwrap();
        assert_eq!(exec("/opt/My Apps/x"), r#""/opt/My Apps/x""#);
        assert_eq!(exec(r#"/a"b$c`d\e%f"#), r#""/a\\"b\\$c\\`d\\\\e%%f""#);
        assert!(quoted(Path::new("/a\nExec=evil")).is_err());
    }
}
