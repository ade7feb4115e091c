//! Where things are kept, by each system's own conventions.

use std::path::PathBuf;

/// Why there is no place to keep anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FoldersError {
    /// The environment names no home.
    #[error("{0} is not set to an absolute path, so there is no place to keep the state")]
    NoHome(&'static str),
}

/// The folders that the agent uses. None of them need exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// State and logs of this user on this machine.
    pub state: PathBuf,
    /// Registrations that this user's programs wrote.
    pub own_products: PathBuf,
    /// Registrations for every user, written by installers; the first wins.
    pub machine_products: Vec<PathBuf>,
}

fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

impl Folders {
    /// By the XDG Base Directory Specification.
    ///
    /// # Errors
    /// When there is no home folder.
    #[cfg(target_os = "linux")]
    pub fn of_user(machine: &str) -> Result<Self, FoldersError> {
        let below_home = |variable: &str, below: &str| {
            absolute(variable)
                .or_else(|| absolute("HOME").map(|home| home.join(below)))
                .ok_or(FoldersError::NoHome("HOME"))
        };
        Ok(Self {
            state: below_home("XDG_STATE_HOME", ".local/state")?
                .join("latchkey")
                .join(machine),
            own_products: below_home("XDG_DATA_HOME", ".local/share")?.join("latchkey/products"),
            machine_products: [
                "/etc/latchkey/products",
                "/usr/local/share/latchkey/products",
                "/usr/share/latchkey/products",
            ]
            .map(PathBuf::from)
            .to_vec(),
        })
    }

    /// By Apple's File System Programming Guide.
    ///
    /// # Errors
    /// When there is no home folder.
    #[cfg(target_os = "macos")]
    pub fn of_user(machine: &str) -> Result<Self, FoldersError> {
        let home = absolute("HOME").ok_or(FoldersError::NoHome("HOME"))?;
        let own = home.join("Library/Application Support/Latchkey");
        Ok(Self {
            state: own.join("State").join(machine),
            own_products: own.join("Products"),
            machine_products: vec![PathBuf::from("/Library/Application Support/Latchkey/Products")],
        })
    }

    /// By the Known Folders: what does not roam stays local.
    ///
    /// # Errors
    /// When there is no local profile.
    #[cfg(windows)]
    pub fn of_user(machine: &str) -> Result<Self, FoldersError> {
        let own = absolute("LOCALAPPDATA")
            .ok_or(FoldersError::NoHome("LOCALAPPDATA"))?
            .join("Latchkey");
        Ok(Self {
            state: own.join("State").join(machine),
            own_products: own.join("Products"),
            machine_products: absolute("PROGRAMDATA")
                .map(|all| all.join(r"Latchkey\Products"))
                .into_iter()
                .collect(),
        })
    }
}
