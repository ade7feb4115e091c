//! The few operations that the store asks of a disk, so that a test can cut the power between any two of them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// A folder of small files.
pub trait Disk {
    /// Makes the folder, for this user alone, and every file that is missing: empty, and known to the folder.
    ///
    /// # Errors
    /// What the system says.
    fn prepare(&mut self) -> io::Result<()>;
    /// A whole file; `None` when there is none.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Replaces a file's content in place. Until it is synced, any part of that may be on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()>;
    /// Returns when the file's content would survive a power cut.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self, name: &str) -> io::Result<()>;
}

/// A real folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Makes a folder that only this user may look into, and its parents.
///
/// # Errors
/// What the system says.
pub fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(unix)]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Elsewhere the folder, which is in the user's profile, keeps others out.
#[cfg(not(unix))]
fn options() -> OpenOptions {
    OpenOptions::new()
}

impl Disk for Folder {
    fn prepare(&mut self) -> io::Result<()> {
        make_private(&self.0)?;
        for name in super::COPIES {
            let path = self.0.join(name);
            if !path.exists() {
                options().create(true).append(true).open(path)?.sync_all()?;
            }
        }
        sync_folder(&self.0)
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match File::open(self.0.join(name)) {
            Ok(file) => {
                let mut content = Vec::new();
                file.take(super::LONGEST as u64 + 1).read_to_end(&mut content)?;
                // Made, and never written: the same as missing.
                Ok(Some(content).filter(|content| !content.is_empty()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        options()
            .create(true)
            .truncate(true)
            .write(true)
            .open(self.0.join(name))?
            .write_all(content)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        options().append(true).open(self.0.join(name))?.sync_all()
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Windows keeps names and files in one journal.
#[cfg(windows)]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
