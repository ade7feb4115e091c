//! The file: a line that says what it is and what its checksum is, then JSON. Each entry is encrypted by itself, so that one
//! can be deleted without the passphrase.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::key::{Lock, Sealed, corrupt};
use crate::vault::VaultError;

/// The first word of the file.
const MAGIC: &str = "latchkey-vault";
/// What is beside the file while it is written, and what could not be read, by extension.
const NEW: &str = "new";
const DAMAGED: &str = "damaged";
/// The version that this build writes.
const VERSION: u64 = 1;
/// A file longer than this is not ours.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    /// How the passphrase becomes the key.
    pub(super) lock: Lock,
    /// By the entry's name, which says nothing but which service and machine it is for.
    pub(super) entries: BTreeMap<String, Sealed>,
}

impl Document {
    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`], [`VaultError::TooNew`], and [`VaultError::Unavailable`] when it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) => Self::from_bytes(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let damaged = || corrupt("its first line is not readable");
        let end = bytes.iter().take(128).position(|byte| *byte == b'\n');
        let (header, body) = bytes.split_at(end.ok_or_else(damaged)?);
        let body = body.get(1..).unwrap_or_default();
        let header = std::str::from_utf8(header).map_err(|_| damaged())?;
        let mut words = header.split(' ');
        if words.next() != Some(MAGIC) {
            return Err(damaged());
        }
        let version = words.next().and_then(|word| word.parse().ok());
        let version: u64 = version.ok_or_else(damaged)?;
        if version > VERSION {
            return Err(VaultError::TooNew { version });
        }
        if words.next() != Some(checksum(body).as_str()) {
            return Err(corrupt("its checksum does not fit"));
        }
        serde_json::from_slice(body).map_err(|_| corrupt("it is not readable"))
    }

    /// Writes beside the file and takes its place: whatever happens, the old one or the new one is there.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`]; then the old one is there.
    pub(super) fn write(&self, path: &Path) -> Result<(), VaultError> {
        let body = serde_json::to_vec(self).map_err(|_| corrupt("it does not serialise"))?;
        let mut bytes = format!("{MAGIC} {VERSION} {}\n", checksum(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        replace(path, &bytes).map_err(|error| unavailable(&error))
    }
}

fn checksum(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unavailable(error: &io::Error) -> VaultError {
    VaultError::Unavailable {
        why: error.to_string(),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(NEW);
    // Left by an agent that died, and perhaps with another mode.
    remove_if_there(&beside)?;
    let mut file = private().create_new(true).write(true).open(&beside)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, path))
        .and_then(|()| sync_folder_of(path));
    if written.is_err() {
        let _left = remove_if_there(&beside);
    }
    written
}

/// Removes the file, and what was left beside it: of a write that was cut off, and what could not be read.
///
/// # Errors
/// [`VaultError::Unavailable`].
pub(super) fn remove(path: &Path) -> Result<(), VaultError> {
    let beside = [NEW, DAMAGED].map(|name| remove_if_there(&path.with_extension(name)));
    remove_if_there(path)
        .and(beside.into_iter().collect())
        .and_then(|()| sync_folder_of(path))
        .map_err(|error| unavailable(&error))
}

/// Keeps what cannot be read, under another name.
///
/// # Errors
/// [`VaultError::Unavailable`].
pub(super) fn set_aside(path: &Path) -> Result<(), VaultError> {
    match std::fs::rename(path, path.with_extension(DAMAGED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(&error)),
        _ => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Elsewhere the folder, which is in the user's profile, keeps others out.
#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Windows keeps names and files in one journal.
#[cfg(not(unix))]
fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}
