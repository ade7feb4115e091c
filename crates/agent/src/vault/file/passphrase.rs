//! The passphrase of a machine that nobody sits at: a file of its own, which only this user may read.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::secret::SecretText;
use crate::vault::VaultError;

/// Fewer characters than this are guessed, whatever a guess costs.
const SHORTEST: usize = 8;
/// More bytes than any passphrase has.
const LONGEST: u64 = 4096;

/// Whether a passphrase may be chosen.
///
/// # Errors
/// [`VaultError::PassphraseTooShort`].
pub(super) fn is_long_enough(passphrase: &SecretText) -> Result<(), VaultError> {
    if passphrase.expose().chars().count() < SHORTEST {
        return Err(VaultError::PassphraseTooShort);
    }
    Ok(())
}

/// Reads the passphrase, which is all of the file but a line break at its end. It must not lie in `state`, beside what it
/// opens.
///
/// # Errors
/// [`VaultError::PassphraseFile`].
pub(super) fn read(path: &Path, state: &Path) -> Result<SecretText, VaultError> {
    let refused = |why: &str| VaultError::PassphraseFile {
        why: format!("{}: {why}", path.display()),
    };
    if !path.is_absolute() {
        return Err(refused("its path is not absolute"));
    }
    let failed = |error: std::io::Error| refused(&error.to_string());
    if is_within(path, state).map_err(failed)? {
        return Err(refused("it lies beside what it opens"));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(refused("it is no file"));
    }
    if !is_private(&metadata) {
        return Err(refused("others may read it (chmod 600)"));
    }
    let mut text = Zeroizing::new(String::new());
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    if read.map_err(failed)? as u64 > LONGEST {
        return Err(refused("it is too long"));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(refused("it is empty"));
    }
    Ok(SecretText::new(line.to_owned()))
}

/// Whatever links there are on the way.
fn is_within(path: &Path, folder: &Path) -> std::io::Result<bool> {
    let path: PathBuf = path.canonicalize()?;
    Ok(path.starts_with(folder.canonicalize()?))
}

#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = metadata.uid();
    let mine = owner == rustix::process::geteuid().as_raw() || owner == 0;
    mine && metadata.mode() & 0o077 == 0
}

/// Elsewhere the folder that it lies in keeps others out, or does not: that is for whoever put it there.
#[cfg(not(unix))]
fn is_private(_: &Metadata) -> bool {
    true
}
