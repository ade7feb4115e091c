//! What the user, or an admin of this machine, has set for every Latchkey program.
//!
//! | | the user's file | the machine's file |
//! | --- | --- | --- |
//! | Linux | `$XDG_CONFIG_HOME/latchkey/config.json`, by default below `~/.config` | `/etc/latchkey/config.json` |
//! | macOS | `~/Library/Application Support/Latchkey/config.json` | `/Library/Application Support/Latchkey/config.json` |
//! | Windows | `%APPDATA%\Latchkey\config.json` | `%PROGRAMDATA%\Latchkey\config.json` |
//!
//! The environment stands above the user's file, and that one above the machine's. Which program is started and where it
//! listens is never read from a file: on Windows anybody may write what nobody has made yet below `%PROGRAMDATA%`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

/// Names the language that is spoken, above both files.
pub const LANGUAGE_VARIABLE: &str = "LATCHKEY_LANGUAGE";
/// More than any settings take, and little enough to read at every start.
const LONGEST: u64 = 64 * 1024;

/// Why settings were not read or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no settings file.
    #[error("{} is no settings file: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// There is no folder for a user's settings.
    #[error("there is no home folder to keep settings in")]
    NoHome,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This environment variable.
    Environment(&'static str),
    /// The user's file.
    User(PathBuf),
    /// The machine's file.
    Machine(PathBuf),
}

/// A setting that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What was set.
    pub value: String,
    /// By whom.
    pub source: Source,
}

/// The settings that hold.
#[derive(Debug, Default)]
pub struct Settings {
    /// The language that people are spoken to in (BCP 47); the system's where nobody has set one.
    pub language: Option<Setting>,
    /// Files that were left out, and why.
    pub problems: Vec<SettingsError>,
}

/// A settings file. What a newer Latchkey has written there stays.
#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(flatten)]
    newer: serde_json::Map<String, serde_json::Value>,
}

impl Settings {
    /// Reads what holds now. A file that cannot be read is left out: it must not keep anybody from working.
    pub fn read() -> Self {
        Self::of(env::var(LANGUAGE_VARIABLE).ok(), user_file(), machine_file())
    }

    fn of(environment: Option<String>, user: Option<PathBuf>, machine: Option<PathBuf>) -> Self {
        let mut problems = Vec::new();
        let mut language_in = |path: Option<PathBuf>, source: fn(PathBuf) -> Source| {
            let path = path?;
            let file = File::read(&path).unwrap_or_else(|problem| {
                problems.push(problem);
                File::default()
            });
            let value = file.language?;
            Some(Setting {
                value,
                source: source(path),
            })
        };
        let user = language_in(user, Source::User);
        let machine = language_in(machine, Source::Machine);
        let environment = environment
            .filter(|value| !value.is_empty())
            .map(|value| Setting {
                value,
                source: Source::Environment(LANGUAGE_VARIABLE),
            });
        Self {
            language: environment.or(user).or(machine),
            problems,
        }
    }
}

/// Writes the language into the user's file, or takes it out of there, and says which file that is.
///
/// # Errors
/// [`SettingsError`]; a malformed file is left as it is.
pub fn set_language(value: Option<String>) -> Result<PathBuf, SettingsError> {
    let path = user_file().ok_or(SettingsError::NoHome)?;
    let mut file = File::read(&path)?;
    file.language = value;
    file.write(&path)?;
    Ok(path)
}

impl File {
    fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = match read_bounded(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(SettingsError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        serde_json::from_slice(&text).map_err(|source| SettingsError::Malformed {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes beside the file and takes its place, so that nobody ever reads half of it.
    fn write(&self, path: &Path) -> Result<(), SettingsError> {
        let io = |source| SettingsError::Io {
            path: path.to_owned(),
            source,
        };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| io(error.into()))?;
        text.push(b'\n');
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let beside = path.with_extension("json.new");
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, path))
            .map_err(io)
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut text = Vec::new();
    fs::File::open(path)?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

#[cfg(not(any(windows, target_os = "macos")))]
fn user_file() -> Option<PathBuf> {
    let folder = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    folder.map(|folder| folder.join("latchkey/config.json"))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn machine_file() -> Option<PathBuf> {
    Some("/etc/latchkey/config.json".into())
}

#[cfg(target_os = "macos")]
fn user_file() -> Option<PathBuf> {
    folder("HOME").map(|home| home.join("Library/Application Support/Latchkey/config.json"))
}

#[cfg(target_os = "macos")]
fn machine_file() -> Option<PathBuf> {
    Some("/Library/Application Support/Latchkey/config.json".into())
}

#[cfg(windows)]
fn user_file() -> Option<PathBuf> {
    folder("APPDATA").map(|folder| folder.join(r"Latchkey\config.json"))
}

#[cfg(windows)]
fn machine_file() -> Option<PathBuf> {
    folder("PROGRAMDATA").map(|folder| folder.join(r"Latchkey\config.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(environment: Option<&str>, user: &Path, machine: &Path) -> Option<String> {
        let settings = Settings::of(
            environment.map(str::to_owned),
            Some(user.to_owned()),
            Some(machine.to_owned()),
        );
        settings.language.map(|language| language.value)
    }

    #[test]
    fn the_environment_stands_above_the_user_and_the_user_above_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let [user, machine] = ["user", "machine"].map(|name| folder.path().join(name));
        assert_eq!(language(None, &user, &machine), None);
        fs::write(&machine, r#"{"language": "de"}"#).unwrap();
        assert_eq!(language(None, &user, &machine).as_deref(), Some("de"));
        fs::write(&user, r#"{"language": "en"}"#).unwrap();
        assert_eq!(language(None, &user, &machine).as_deref(), Some("en"));
        assert_eq!(language(Some("de-AT"), &user, &machine).as_deref(), Some("de-AT"));
        assert_eq!(language(Some(""), &user, &machine).as_deref(), Some("en"));
    }

    #[test]
    fn a_broken_file_is_named_and_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let [user, machine] = ["user", "machine"].map(|name| folder.path().join(name));
        fs::write(&user, "{").unwrap();
        fs::write(&machine, r#"{"language": "de"}"#).unwrap();
        let settings = Settings::of(None, Some(user.clone()), Some(machine));
        assert_eq!(settings.language.unwrap().value, "de");
        let problem = settings.problems[0].to_string();
        assert!(problem.starts_with(&user.display().to_string()), "{problem}");
    }

    #[test]
    fn what_is_written_reads_back_and_leaves_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey").join("config.json");
        let mut file = File::read(&path).unwrap();
        file.newer.insert("later".to_owned(), true.into());
        file.language = Some("de".to_owned());
        file.write(&path).unwrap();
        let mut again = File::read(&path).unwrap();
        assert_eq!(again.language.as_deref(), Some("de"));
        again.language = None;
        again.write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"later\": true\n}\n");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
