//! A Unix socket that only its owner can open.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::BindError;
use crate::address::{Address, own_uid};

pub(super) type Stream = tokio::net::UnixStream;

#[derive(Debug)]
pub(super) struct Endpoint {
    listener: UnixListener,
    socket: PathBuf,
    mark: Mark,
}

/// Whether this is the file at the path.
pub(super) fn is_same(file: &fs::File, path: &Path) -> bool {
    let ours = file.metadata().ok().zip(fs::symlink_metadata(path).ok());
    ours.is_some_and(|(ours, found)| (ours.dev(), ours.ino()) == (found.dev(), found.ino()))
}

/// A socket's file: its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64, u64);

impl Mark {
    fn of(socket: &Path) -> io::Result<Self> {
        let file = fs::symlink_metadata(socket)?;
        Ok(Self(file.dev(), file.ino()))
    }

    /// Whether the file at the address is this one.
    pub(super) fn is_there(self, address: &Address) -> bool {
        Self::of(&address.socket()).is_ok_and(|found| found == self)
    }
}

impl Endpoint {
    pub(super) fn bind(address: &Address) -> Result<Self, BindError> {
        let socket = address.socket();
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            mark: Mark::of(&socket)?,
            socket,
        })
    }

    pub(super) const fn mark(&self) -> Mark {
        self.mark
    }

    /// The next client; `None` for one of another user.
    pub(super) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        let (stream, _) = self.listener.accept().await?;
        Ok((stream.peer_cred()?.uid() == own_uid()).then_some(stream))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // Where somebody cleared the folder away, the one of now may be another agent's. A socket that stays is cleared by the next one.
        if Mark::of(&self.socket).is_ok_and(|found| found == self.mark) {
            let _ = fs::remove_file(&self.socket);
        }
    }
}
