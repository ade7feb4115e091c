//! A named pipe. On a handle for synchronous use a read that waits would hold up every write, so this one is for
//! overlapped use, and each operation waits for itself.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_FILE_NOT_FOUND, ERROR_IO_PENDING, ERROR_NO_DATA, ERROR_OPERATION_ABORTED,
    ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED, ERROR_SEM_TIMEOUT, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_OVERLAPPED, ReadFile, SECURITY_IDENTIFICATION, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects};

use crate::address::Address;
use crate::client::ConnectError;
use crate::peer::Sid;

pub(crate) struct Stream {
    pipe: File,
    /// Set once, when the stream is shut down: ends every operation that waits, and every one to come.
    ended: OwnedHandle,
}

impl Stream {
    /// Connects, and makes sure that the pipe belongs to this user. The server may learn who we are, and no more: it
    /// cannot act in our name.
    pub(crate) fn connect(address: &Address, deadline: Instant) -> Result<Self, ConnectError> {
        let name: Vec<u16> = address.pipe().encode_utf16().chain([0]).collect();
        let pipe = loop {
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(FILE_FLAG_OVERLAPPED)
                .security_qos_flags(SECURITY_IDENTIFICATION)
                .open(address.pipe());
            match opened {
                Ok(pipe) => break pipe,
                Err(error) => match code(&error) {
                    ERROR_FILE_NOT_FOUND => return Err(ConnectError::NotRunning),
                    ERROR_PIPE_BUSY => wait_for_pipe(&name, deadline)?,
                    _ => return Err(ConnectError::Io(error)),
                },
            }
        };
        if Sid::owner_of(&pipe)? != Sid::own()? {
            return Err(ConnectError::Foreign);
        }
        Ok(Self {
            pipe,
            ended: event()?,
        })
    }

    /// Reads what there is; zero bytes when the agent has closed. Waits until `deadline`, or without one until the
    /// stream is shut down.
    #[expect(unsafe_code, reason = "overlapped reads have no safe form")]
    pub(crate) fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let read = self.overlapped(deadline, |overlapped| {
            // SAFETY: `buffer` is as long as is said and, like `overlapped`, outlives the operation: `overlapped()`
            // does not return before it has ended.
            unsafe {
                ReadFile(
                    self.pipe.as_raw_handle(),
                    buffer.as_mut_ptr(),
                    length,
                    null_mut(),
                    overlapped,
                )
            }
        });
        match read {
            Err(error) if is_end(&error) => Ok(0),
            read => read,
        }
    }

    /// Writes all of `bytes` before `deadline`. After an error the stream is out of step.
    #[expect(unsafe_code, reason = "overlapped writes have no safe form")]
    pub(crate) fn write_all(&self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let written = self.overlapped(Some(deadline), |overlapped| {
                // SAFETY: as for reads.
                unsafe {
                    WriteFile(
                        self.pipe.as_raw_handle(),
                        bytes.as_ptr(),
                        length,
                        null_mut(),
                        overlapped,
                    )
                }
            });
            match written {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if is_end(&error) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends both directions, and with them every read and write that waits.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    pub(crate) fn shutdown(&self) {
        // SAFETY: the event is ours and open.
        unsafe { SetEvent(self.ended.as_raw_handle()) };
    }

    /// Runs one operation to its end, which is its own, the deadline's or the stream's.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    fn overlapped(
        &self,
        deadline: Option<Instant>,
        start: impl FnOnce(*mut OVERLAPPED) -> i32,
    ) -> io::Result<usize> {
        let done = event()?;
        let mut overlapped = OVERLAPPED {
            hEvent: done.as_raw_handle(),
            ..OVERLAPPED::default()
        };
        let pipe = self.pipe.as_raw_handle();
        if start(&raw mut overlapped) == 0 {
            let error = io::Error::last_os_error();
            if code(&error) != ERROR_IO_PENDING {
                return Err(error);
            }
        }
        let events = [done.as_raw_handle(), self.ended.as_raw_handle()];
        let timeout = deadline.map_or(INFINITE, milliseconds_until);
        // SAFETY: both events are open, and there are two.
        let woken = unsafe { WaitForMultipleObjects(2, events.as_ptr(), 0, timeout) };
        if woken != WAIT_OBJECT_0 {
            // SAFETY: the operation is one of this handle. It may have just ended, and then nothing is cancelled.
            unsafe { CancelIoEx(pipe, &raw const overlapped) };
        }
        let mut moved = 0;
        // SAFETY: waits until the operation has ended, cancelled or not; until then buffer and `overlapped` stay.
        if unsafe { GetOverlappedResult(pipe, &raw const overlapped, &raw mut moved, 1) } != 0 {
            return Ok(usize::try_from(moved).unwrap_or(0));
        }
        let error = io::Error::last_os_error();
        Err(match code(&error) {
            ERROR_OPERATION_ABORTED if woken == WAIT_OBJECT_0 + 1 => io::ErrorKind::BrokenPipe.into(),
            ERROR_OPERATION_ABORTED => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

/// Waits until the server has a free end for us.
#[expect(unsafe_code, reason = "Win32 has no safe form of this")]
fn wait_for_pipe(name: &[u16], deadline: Instant) -> Result<(), ConnectError> {
    // Zero would mean the server's default.
    let timeout = milliseconds_until(deadline).max(1);
    if Instant::now() >= deadline {
        return Err(ConnectError::Timeout);
    }
    // SAFETY: `name` ends with a zero.
    if unsafe { WaitNamedPipeW(name.as_ptr(), timeout) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match code(&error) {
        ERROR_SEM_TIMEOUT => Err(ConnectError::Timeout),
        ERROR_FILE_NOT_FOUND => Err(ConnectError::NotRunning),
        _ => Err(ConnectError::Io(error)),
    }
}

/// An event that is set by hand and not yet set.
#[expect(unsafe_code, reason = "Win32 has no safe form of this")]
fn event() -> io::Result<OwnedHandle> {
    // SAFETY: takes nothing of ours and gives a handle or null.
    let event = unsafe { CreateEventW(null(), 1, 0, null()) };
    if event.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has just made this handle, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(event) })
}

fn milliseconds_until(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
    u32::try_from(left.as_millis())
        .unwrap_or(INFINITE - 1)
        .min(INFINITE - 1)
}

fn code(error: &io::Error) -> u32 {
    error.raw_os_error().unwrap_or(0).cast_unsigned()
}

fn is_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
        || matches!(
            code(error),
            ERROR_BROKEN_PIPE | ERROR_PIPE_NOT_CONNECTED | ERROR_NO_DATA
        )
}
