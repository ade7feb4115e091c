//! Files laid over the system's own, where only this story's namespaces see them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// A file that stands in the place of one of the system's, until this is dropped.
#[derive(Debug)]
pub struct Laid {
    over: PathBuf,
    file: PathBuf,
}

impl Laid {
    /// Lays a copy of a file of the system's over it, kept in `folder`: what is written there is read by everybody here.
    ///
    /// # Errors
    /// There is no such file, or the system does not let it.
    pub fn copy_of(over: &str, folder: &Path) -> Result<Self> {
        let over = PathBuf::from(over);
        let file = folder.join(over.file_name().context("a file has a name")?);
        fs::create_dir_all(folder)?;
        fs::copy(&over, &file).with_context(|| format!("cannot read {}", over.display()))?;
        let status = Command::new("mount")
            .arg("--bind")
            .args([&file, &over])
            .status()?;
        ensure!(
            status.success(),
            "cannot lay a file over {} ({status})",
            over.display()
        );
        Ok(Self { over, file })
    }

    /// What stands there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.file)?)
    }

    /// Writes it anew, in its place: what is laid there is this very file, and not its name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, text: &str) -> Result<()> {
        Ok(fs::write(&self.file, text)?)
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        // The namespace ends soon, and with it whatever is left in it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.over).status();
    }
}
