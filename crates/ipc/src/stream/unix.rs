//! A Unix socket. Nothing here raises `SIGPIPE`, which would end a product that does not ignore it.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, sockopt};

use crate::address::{Address, own_uid};
use crate::client::ConnectError;
use crate::peer;

#[cfg(target_os = "macos")]
const SEND: SendFlags = SendFlags::empty();
#[cfg(not(target_os = "macos"))]
const SEND: SendFlags = SendFlags::NOSIGNAL;

pub(crate) struct Stream(UnixStream);

impl Stream {
    /// Connects, and makes sure that folder and listener belong to this user.
    pub(crate) fn connect(address: &Address, deadline: Instant) -> Result<Self, ConnectError> {
        if !address.verify()? {
            return Err(ConnectError::NotRunning);
        }
        let socket =
            rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).map_err(io::Error::from)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).map_err(io::Error::from)?;
        #[cfg(target_os = "macos")]
        sockopt::set_socket_nosigpipe(&socket, true).map_err(io::Error::from)?;
        let path = SocketAddrUnix::new(address.socket()).map_err(io::Error::from)?;
        loop {
            // A listener whose queue is full makes `connect` wait, for as long as a send may.
            let left = left(deadline).ok_or(ConnectError::Timeout)?;
            sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(left))
                .map_err(io::Error::from)?;
            match rustix::net::connect(&socket, &path) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::TIMEDOUT) => return Err(ConnectError::Timeout),
                Err(Errno::NOENT | Errno::CONNREFUSED) => return Err(ConnectError::NotRunning),
                Err(error) => return Err(ConnectError::Io(error.into())),
            }
        }
        let stream = Self(socket.into());
        if peer::uid(&stream.0)? != own_uid() {
            return Err(ConnectError::Foreign);
        }
        Ok(stream)
    }

    /// Reads what there is; zero bytes when the agent has closed. Waits until `deadline`, or without one until the
    /// stream is shut down.
    pub(crate) fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let timeout = deadline
            .map(|deadline| left(deadline).ok_or(io::ErrorKind::TimedOut))
            .transpose()?;
        self.0.set_read_timeout(timeout)?;
        loop {
            match rustix::net::recv(&self.0, &mut *buffer, RecvFlags::empty()) {
                Ok((read, _)) => return Ok(read),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all of `bytes` before `deadline`. After an error the stream is out of step.
    pub(crate) fn write_all(&self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            self.0
                .set_write_timeout(Some(left(deadline).ok_or(io::ErrorKind::TimedOut)?))?;
            match rustix::net::send(&self.0, bytes, SEND) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Ends both directions, and with them every read and write that waits.
    pub(crate) fn shutdown(&self) {
        // It fails only when the agent was first.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// Time until `deadline`, or `None` when it has passed: a socket takes no timeout of zero.
fn left(deadline: Instant) -> Option<Duration> {
    Some(deadline.saturating_duration_since(Instant::now())).filter(|left| *left >= Duration::from_micros(1))
}
