//! Looking for what must not be lying about: a secret in any file of the user, or in any log.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Every file below `folder` that contains one of the secrets.
///
/// # Errors
/// A folder cannot be read.
pub fn files_with(folder: &Path, secrets: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    search(folder, secrets, &mut found)?;
    Ok(found)
}

fn search(folder: &Path, secrets: &[&str], found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            search(&entry.path(), secrets, found)?;
        } else if !kind.is_symlink() && !kind.is_fifo() && !kind.is_socket() {
            // A file that a running program has just taken away holds nothing any more.
            let bytes = fs::read(entry.path()).unwrap_or_default();
            if secrets.iter().any(|secret| contains(&bytes, secret.as_bytes())) {
                found.push(entry.path());
            }
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], secret: &[u8]) -> bool {
    !secret.is_empty() && bytes.windows(secret.len()).any(|window| window == secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("log"), b"\0\xfftoken=hush!").unwrap();
        fs::write(folder.path().join("other"), "nothing").unwrap();
        assert_eq!(files_with(folder.path(), &["hush"]).unwrap(), [deep.join("log")]);
        assert_eq!(
            files_with(folder.path(), &["shout", ""]).unwrap(),
            [] as [PathBuf; 0]
        );
    }
}
