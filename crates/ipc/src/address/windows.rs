//! A named pipe whose name is the user's own: `\\.\pipe\latchkey-<SID>`.

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_core::proof;

use super::{AddressError, FOLDER_VARIABLE};
use crate::peer::Sid;

/// Where the agent of this OS user listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pipe: String,
    folder: PathBuf,
}

impl Address {
    /// The address of this OS user's agent.
    ///
    /// # Errors
    /// [`AddressError::NoUser`].
    pub fn of_user() -> Result<Self, AddressError> {
        if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
            return Self::in_folder(folder);
        }
        let local = std::env::var_os("LOCALAPPDATA").map_or_else(std::env::temp_dir, PathBuf::from);
        Ok(Self {
            pipe: format!(r"\\.\pipe\latchkey-{}", own_sid()?),
            folder: local.join("Latchkey").join("run"),
        })
    }

    /// An address for another folder: pipes have none, so the name is made from the folder's.
    ///
    /// # Errors
    /// [`AddressError::NotAbsolute`], [`AddressError::NoUser`].
    pub fn in_folder(folder: impl Into<PathBuf>) -> Result<Self, AddressError> {
        let folder = folder.into();
        if !folder.is_absolute() {
            return Err(AddressError::NotAbsolute { path: folder });
        }
        let name = proof::hash(&folder.to_string_lossy().to_lowercase());
        Ok(Self {
            pipe: format!(r"\\.\pipe\latchkey-{}-{name}", own_sid()?),
            folder,
        })
    }

    /// The folder that holds the lock of those who start the agent.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The pipe's name.
    pub fn pipe(&self) -> &str {
        &self.pipe
    }

    /// Makes the folder where it is missing. It is below the user's own, whose protection it inherits.
    ///
    /// # Errors
    /// What the system says.
    pub fn prepare(&self) -> Result<(), AddressError> {
        fs::create_dir_all(&self.folder).map_err(|source| AddressError::Io {
            path: self.folder.clone(),
            source,
        })
    }
}

fn own_sid() -> Result<String, AddressError> {
    Sid::own()
        .and_then(|sid| sid.to_text())
        .map_err(AddressError::NoUser)
}
