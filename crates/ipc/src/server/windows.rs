//! A named pipe that only its owner can open. One instance always waits for the next client.

use std::io;

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_PIPE_BUSY};

use super::BindError;
use crate::address::Address;
use crate::peer::{OwnerOnly, Sid, client_of};

pub(super) type Stream = NamedPipeServer;

#[derive(Debug)]
pub(super) struct Endpoint {
    pipe: String,
    /// Waits for the next client. There is one as long as we live, so the name stays ours.
    waiting: NamedPipeServer,
}

/// Nobody can clear away the file of a lock that is held.
pub(super) const fn is_same(_file: &std::fs::File, _path: &std::path::Path) -> bool {
    true
}

/// A pipe is there for as long as whoever made it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark;

impl Mark {
    pub(super) const fn is_there(self, _address: &Address) -> bool {
        true
    }
}

impl Endpoint {
    pub(super) fn bind(address: &Address) -> Result<Self, BindError> {
        let pipe = address.pipe().to_owned();
        match instance(&pipe, true) {
            Ok(waiting) => Ok(Self { pipe, waiting }),
            Err(error) if is_taken(&error) => Err(BindError::AlreadyRunning),
            Err(error) => Err(error.into()),
        }
    }

    #[expect(clippy::unused_self, reason = "as the other systems")]
    pub(super) const fn mark(&self) -> Mark {
        Mark
    }

    /// The next client; `None` for one of another user.
    pub(super) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        self.waiting.connect().await?;
        let next = instance(&self.pipe, false)?;
        let client = std::mem::replace(&mut self.waiting, next);
        Ok((client_of(&client)? == Sid::own()?).then_some(client))
    }
}

/// One end of the pipe.
#[expect(unsafe_code, reason = "tokio takes security attributes as a raw pointer")]
fn instance(pipe: &str, first: bool) -> io::Result<NamedPipeServer> {
    let owner_only = OwnerOnly::new(&Sid::own()?)?;
    let mut attributes = owner_only.attributes();
    // SAFETY: `attributes` and what it points to outlive the call.
    unsafe {
        ServerOptions::new()
            .first_pipe_instance(first)
            .reject_remote_clients(true)
            .create_with_security_attributes_raw(pipe, (&raw mut attributes).cast())
    }
}

fn is_taken(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0).cast_unsigned();
    matches!(code, ERROR_ACCESS_DENIED | ERROR_PIPE_BUSY)
}
