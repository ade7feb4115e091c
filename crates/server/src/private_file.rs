//! Files that hold keys: readable by the account that runs the service and by nobody else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use self::os::private;

/// Makes a new folder that only this account can enter. An existing one is left as it is.
///
/// # Errors
/// Those of the file system.
pub fn folder(path: &Path) -> io::Result<()> {
    if path.is_dir() { Ok(()) } else { os::folder(path) }
}

/// Makes a new, empty file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and those of the file system.
pub fn create(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Writes a new file and waits until it is on the disk.
///
/// # Errors
/// As [`create`].
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(unix)]
mod os {
    use std::fs::{DirBuilder, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    use std::path::Path;

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    pub(super) fn folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }
}

/// On Windows a new file inherits the access list of its folder: `docs/server.md` says which folder to choose.
#[cfg(windows)]
mod os {
    use std::fs::{DirBuilder, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).create(path)
    }
}
