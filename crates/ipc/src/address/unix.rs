//! A socket in a folder of its own, which nobody else can enter: `$XDG_RUNTIME_DIR/latchkey/agent.sock`.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{AddressError, FOLDER_VARIABLE};

/// The longest socket path that fits `sockaddr_un` on every system, its final NUL counted.
const LONGEST: usize = 104;

/// Where the agent of this OS user listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    folder: PathBuf,
}

impl Address {
    /// The address of this OS user's agent.
    ///
    /// # Errors
    /// [`AddressError`] when the system's conventions give a path that is too long.
    pub fn of_user() -> Result<Self, AddressError> {
        if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
            return Self::in_folder(folder);
        }
        Self::in_folder(runtime_folder())
    }

    /// An address in another folder, which is made when an agent listens there.
    ///
    /// # Errors
    /// [`AddressError::NotAbsolute`], [`AddressError::TooLong`].
    pub fn in_folder(folder: impl Into<PathBuf>) -> Result<Self, AddressError> {
        let address = Self {
            folder: folder.into(),
        };
        let path = address.socket();
        if !path.is_absolute() {
            return Err(AddressError::NotAbsolute { path: address.folder });
        }
        if path.as_os_str().as_bytes().len() >= LONGEST {
            return Err(AddressError::TooLong {
                path,
                limit: LONGEST - 1,
            });
        }
        Ok(address)
    }

    /// The folder that holds the socket, and the locks beside it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("agent.sock")
    }

    /// Makes the folder where it is missing, for this user alone, and checks it.
    ///
    /// # Errors
    /// [`AddressError::Untrusted`] when it belongs to somebody else, and what the system says.
    pub fn prepare(&self) -> Result<(), AddressError> {
        let io = |source| AddressError::Io {
            path: self.folder.clone(),
            source,
        };
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(error)),
        }
        let mine = self.owned()?;
        if mine.mode() & 0o777 != 0o700 {
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700)).map_err(io)?;
        }
        Ok(())
    }

    /// Whether the folder can be trusted: a folder and no link, this user's, and closed to everybody else. `false` when
    /// there is none.
    ///
    /// # Errors
    /// [`AddressError::Untrusted`], and what the system says.
    pub(crate) fn verify(&self) -> Result<bool, AddressError> {
        match self.owned() {
            Ok(folder) if folder.mode() & 0o077 == 0 => Ok(true),
            Ok(_) => Err(self.untrusted("is open to other users")),
            Err(AddressError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn owned(&self) -> Result<fs::Metadata, AddressError> {
        let found = fs::symlink_metadata(&self.folder);
        let found = found.map_err(|source| AddressError::Io {
            path: self.folder.clone(),
            source,
        })?;
        if !found.is_dir() {
            return Err(self.untrusted("is not a folder"));
        }
        if found.uid() != own_uid() {
            return Err(self.untrusted("belongs to another user"));
        }
        Ok(found)
    }

    fn untrusted(&self, problem: &'static str) -> AddressError {
        AddressError::Untrusted {
            path: self.folder.clone(),
            problem,
        }
    }
}

pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The session's runtime folder, also for a process that was not told of it (`cron`, `su`), so that one user has one
/// agent; without any, a folder of this user's own below the temporary one.
#[cfg(not(target_os = "macos"))]
fn runtime_folder() -> PathBuf {
    let uid = own_uid();
    let told = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    let usual = PathBuf::from(format!("/run/user/{uid}"));
    told.into_iter()
        .chain([usual])
        .find(|folder| is_owned_folder(folder, uid))
        .map_or_else(
            || std::env::temp_dir().join(format!("latchkey-{uid}")),
            |folder| folder.join("latchkey"),
        )
}

#[cfg(not(target_os = "macos"))]
fn is_owned_folder(folder: &Path, uid: u32) -> bool {
    fs::metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == uid && found.mode() & 0o022 == 0)
}

/// The user's own temporary folder. It is asked of the system and not of `TMPDIR`, which differs between the programs
/// of one user, so that one user has one agent.
#[cfg(target_os = "macos")]
fn runtime_folder() -> PathBuf {
    user_temporary_folder()
        .unwrap_or_else(std::env::temp_dir)
        .join(format!("latchkey-{}", own_uid()))
}

#[cfg(target_os = "macos")]
#[expect(unsafe_code, reason = "confstr has no safe wrapper")]
fn user_temporary_folder() -> Option<PathBuf> {
    let mut buffer = vec![0_u8; 1024];
    // SAFETY: confstr writes at most `buffer.len()` bytes into `buffer`, the final NUL included.
    let length = unsafe {
        libc::confstr(
            libc::_CS_DARWIN_USER_TEMP_DIR,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    };
    let text = buffer.get(..length.checked_sub(1)?)?;
    let folder = PathBuf::from(std::ffi::OsStr::from_bytes(text));
    folder.is_absolute().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_for_its_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let address = Address::in_folder(parent.path().join("own")).unwrap();
        assert!(!address.verify().unwrap(), "nothing is there yet");
        address.prepare().unwrap();
        assert!(address.verify().unwrap());
        assert_eq!(fs::metadata(address.folder()).unwrap().mode() & 0o777, 0o700);

        fs::set_permissions(address.folder(), Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(address.verify(), Err(AddressError::Untrusted { .. })));
        address.prepare().unwrap();
        assert!(address.verify().unwrap(), "the owner closes it again");
    }

    #[test]
    fn a_link_is_not_followed() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("real")).unwrap();
        std::os::unix::fs::symlink(parent.path().join("real"), parent.path().join("link")).unwrap();
        let address = Address::in_folder(parent.path().join("link")).unwrap();
        assert!(matches!(address.verify(), Err(AddressError::Untrusted { .. })));
        assert!(matches!(address.prepare(), Err(AddressError::Untrusted { .. })));
    }

    #[test]
    fn a_path_that_cannot_be_an_address_is_named() {
        assert!(matches!(
            Address::in_folder("relative"),
            Err(AddressError::NotAbsolute { .. })
        ));
        let long = format!("/{}", "x".repeat(LONGEST));
        assert!(matches!(
            Address::in_folder(long),
            Err(AddressError::TooLong { .. })
        ));
    }

    #[test]
    fn another_users_folder_is_refused() {
        if own_uid() != 0 {
            println!("skipped: only root can give a folder away");
            return;
        }
        let parent = tempfile::tempdir().unwrap();
        let address = Address::in_folder(parent.path().join("theirs")).unwrap();
        address.prepare().unwrap();
        std::os::unix::fs::chown(address.folder(), Some(65_534), None).unwrap();
        assert!(matches!(address.verify(), Err(AddressError::Untrusted { .. })));
        assert!(matches!(address.prepare(), Err(AddressError::Untrusted { .. })));
    }
}
