//! A Unix socket that only its owner can open.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tokio::net::UnixListener;

use super::BindError;
use crate::address::{Address, own_uid};

pub(super) type Stream = tokio::net::UnixStream;

#[derive(Debug)]
pub(super) struct Endpoint {
    listener: UnixListener,
    socket: PathBuf,
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
        Ok(Self { listener, socket })
    }

    /// The next client; `None` for one of another user.
    pub(super) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        let (stream, _) = self.listener.accept().await?;
        Ok((stream.peer_cred()?.uid() == own_uid()).then_some(stream))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // The listener's lock is still held, so it cannot be another agent's. A socket that stays is cleared by the next one.
        let _ = fs::remove_file(&self.socket);
    }
}
