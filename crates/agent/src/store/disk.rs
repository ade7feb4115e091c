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

/// Whether a file could not be locked because nothing can be there: some file systems know no locks (SMB, FUSE), and others need a
/// service for them that does not run (NFS).
pub fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let has_no_service = error.raw_os_error() == Some(libc::ENOLCK);
    #[cfg(not(unix))]
    let has_no_service = false;
    has_no_service || error.kind() == io::ErrorKind::Unsupported
}

/// Makes a folder that only this user may look into, and its parents.
///
/// # Errors
/// What the system says; [`io::ErrorKind::PermissionDenied`] where root would make or use it in another user's home, as `sudo` that keeps
/// `HOME` would: that user could not even read it then.
pub fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    is_ours(path, rustix::process::geteuid().as_raw())?;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether a folder, or what is there of its parents, belongs to whom it is for.
#[cfg(unix)]
fn is_ours(path: &Path, user: u32) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let Some((folder, owner)) = path
        .ancestors()
        .find_map(|folder| Some((folder, std::fs::metadata(folder).ok()?.uid())))
    else {
        return Ok(());
    };
    if user != 0 || owner == 0 {
        return Ok(());
    }
    let message = format!(
        "{} belongs to another user (uid {owner}): run this as that user, or with root's own HOME",
        folder.display()
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// As `sudo` with the user's `HOME` would.
    #[test]
    fn root_keeps_nothing_in_the_home_of_another_user() {
        let home = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(home.path(), Some(65_534), None).unwrap();
        }
        let state = home.path().join(".local/state/latchkey");
        let error = is_ours(&state, 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("belongs to another user"), "{error}");
        assert!(is_ours(&state, 65_534).is_ok());
        assert!(is_ours(Path::new("/latchkey/is/not/there"), 0).is_ok());
    }

    #[test]
    fn a_file_system_without_locks_is_known_by_its_answer() {
        for errno in [libc::ENOLCK, libc::ENOTSUP, libc::EOPNOTSUPP, libc::ENOSYS] {
            assert!(has_no_locks(&io::Error::from_raw_os_error(errno)), "{errno}");
        }
        assert!(!has_no_locks(&io::Error::from_raw_os_error(libc::EACCES)));
    }
}
