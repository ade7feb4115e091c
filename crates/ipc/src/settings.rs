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

mod proxy;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use latchkey_core::vault::VaultKind;
use serde::{Deserialize, Serialize};

pub use self::proxy::{Proxy, ProxyAddress, ProxyFault};

/// Names the language that is spoken, above both files.
pub const LANGUAGE_VARIABLE: &str = "LATCHKEY_LANGUAGE";
/// Names where secrets are kept, above both files.
pub const VAULT_VARIABLE: &str = "LATCHKEY_VAULT";
/// Names the proxy, above both files.
pub const PROXY_VARIABLE: &str = "LATCHKEY_PROXY";
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
    /// A setting has a value that this version does not know.
    #[error("{place}: {key} cannot be {value}")]
    UnknownValue {
        /// The file or the variable.
        place: String,
        /// The setting.
        key: &'static str,
        /// Its value there, as it may be shown.
        value: String,
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

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(variable) => f.write_str(variable),
            Self::User(path) | Self::Machine(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A setting that files carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The language that people are spoken to in.
    Language,
    /// Where the secrets of a sign-in are kept.
    Vault,
    /// Which proxy the agent uses.
    Proxy,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Language, Self::Vault, Self::Proxy];

    /// How it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Vault => "vault",
            Self::Proxy => "proxy",
        }
    }

    /// The variable that stands above both files.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Language => LANGUAGE_VARIABLE,
            Self::Vault => VAULT_VARIABLE,
            Self::Proxy => PROXY_VARIABLE,
        }
    }

    /// Whether a value says something. What a language is, the words know.
    pub fn takes(self, value: &str) -> bool {
        match self {
            Self::Language => true,
            Self::Vault => VaultKind::from_name(value).is_some(),
            Self::Proxy => Proxy::from_text(value).is_ok(),
        }
    }

    /// A value as it may be shown: without a password. Of one that says nothing, where it may hold one, what is wrong with it.
    pub fn shown(self, value: &str) -> String {
        match self {
            Self::Language | Self::Vault => value.to_owned(),
            Self::Proxy => {
                Proxy::from_text(value).map_or_else(|fault| fault.to_string(), |proxy| proxy.to_string())
            }
        }
    }
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
    /// Where the secrets of a sign-in are kept ([`VaultKind::name`]); the system's keyring where nobody has chosen.
    pub vault: Option<Setting>,
    /// Which proxy the agent uses ([`Proxy::from_text`]); the system's where nobody has chosen.
    pub proxy: Option<Setting>,
    /// What was left out, and why.
    pub problems: Vec<SettingsError>,
}

/// A settings file. What a newer Latchkey has written there stays.
#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vault: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    #[serde(flatten)]
    newer: serde_json::Map<String, serde_json::Value>,
}

impl Settings {
    /// Reads what holds now. A file that cannot be read is left out: it must not keep anybody from working.
    pub fn read() -> Self {
        Self::of(|key| env::var(key.variable()).ok(), user_file(), machine_file())
    }

    fn of(
        environment: impl Fn(Key) -> Option<String>,
        user: Option<PathBuf>,
        machine: Option<PathBuf>,
    ) -> Self {
        let mut problems = Vec::new();
        let mut file = |path: Option<PathBuf>, source: fn(PathBuf) -> Source| {
            let path = path?;
            let file = File::read(&path);
            let file = file.map_err(|problem| problems.push(problem)).ok()?;
            Some((file, source(path)))
        };
        let files = [file(user, Source::User), file(machine, Source::Machine)];
        let mut setting = |key: Key| {
            let variable = environment(key).filter(|value| !value.is_empty());
            let variable = variable.map(|value| (value, Source::Environment(key.variable())));
            let in_files = files.iter().flatten();
            let in_files = in_files.filter_map(|(file, source)| Some((file.value(key)?, source.clone())));
            let mut set = variable.into_iter().chain(in_files);
            set.find_map(|(value, source)| {
                if !key.takes(&value) {
                    problems.push(SettingsError::UnknownValue {
                        place: source.to_string(),
                        key: key.name(),
                        value: match key {
                            Key::Language | Key::Vault => format!("{value:?}"),
                            Key::Proxy => format!("this: {}", key.shown(&value)),
                        },
                    });
                    return None;
                }
                Some(Setting { value, source })
            })
        };
        let [language, vault, proxy] = Key::ALL.map(&mut setting);
        Self {
            language,
            vault,
            proxy,
            problems,
        }
    }

    /// Where the secrets of a sign-in are kept.
    pub fn vault(&self) -> VaultKind {
        let set = self.vault.as_ref();
        set.and_then(|set| VaultKind::from_name(&set.value))
            .unwrap_or_default()
    }

    /// Which proxy the agent uses.
    pub fn proxy(&self) -> Proxy {
        let set = self.proxy.as_ref();
        set.and_then(|set| Proxy::from_text(&set.value).ok())
            .unwrap_or_default()
    }
}

/// Writes a setting into the user's file, or takes it out of there, and says which file that is.
///
/// # Errors
/// [`SettingsError`]; a malformed file is left as it is.
pub fn set(key: Key, value: Option<String>) -> Result<PathBuf, SettingsError> {
    let path = user_file().ok_or(SettingsError::NoHome)?;
    let mut file = File::read(&path)?;
    match key {
        Key::Language => file.language = value,
        Key::Vault => file.vault = value,
        Key::Proxy => file.proxy = value,
    }
    file.write(&path)?;
    Ok(path)
}

impl File {
    fn value(&self, key: Key) -> Option<String> {
        match key {
            Key::Language => self.language.clone(),
            Key::Vault => self.vault.clone(),
            Key::Proxy => self.proxy.clone(),
        }
    }

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
        write_private(&beside, &text)
            .and_then(|()| fs::rename(&beside, path))
            .map_err(io)
    }
}

/// Writes a file that its owner alone may read: an address of a proxy may hold a password.
fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    use io::Write as _;
    // One that is left of a write that was cut short keeps its own mode.
    let _ = fs::remove_file(path);
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text)
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
