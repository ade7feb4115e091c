//! A named pipe in the state folder: a line for each address, its folder.
//!
//! A program that was not told of the session, or that begins after the runtime folder was made anew, looks for the agent where it does
//! not listen, and starts another one. That one may not run beside it, and says where it was wanted.

use std::ffi::{CString, OsStr};
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use latchkey_ipc::address::Address;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::net::unix::pipe::{OpenOptions, Receiver};

/// So much is written in one piece on every system (`_POSIX_PIPE_BUF`), and an address is shorter.
const LONGEST: usize = 512;

/// What others say, while this lives.
#[derive(Debug)]
pub struct Wanted {
    pipe: PathBuf,
    receiver: Receiver,
    read: Vec<u8>,
}

impl Wanted {
    /// Begins to listen, in a folder that is this user's alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen(state: &Path) -> io::Result<Self> {
        let pipe = pipe(state);
        match fs::symlink_metadata(&pipe) {
            Ok(found) if found.file_type().is_fifo() => {}
            Ok(_) => {
                fs::remove_file(&pipe)?;
                make(&pipe)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => make(&pipe)?,
            Err(error) => return Err(error),
        }
        Ok(Self {
            receiver: OpenOptions::new().open_receiver(&pipe)?,
            pipe,
            read: Vec::new(),
        })
    }

    /// The next address at which somebody looks for the agent. Can be dropped at any await.
    ///
    /// # Errors
    /// What the system says; nothing more will come.
    pub async fn next(&mut self) -> io::Result<Address> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                match Address::in_folder(OsStr::from_bytes(&line[..end])) {
                    Ok(address) => return Ok(address),
                    Err(error) => tracing::warn!(%error, "wanted where nobody can listen"),
                }
            }
            self.receiver.readable().await?;
            let mut some = [0; LONGEST];
            match self.receiver.try_read(&mut some) {
                // Whoever wrote has closed it: a pipe that is opened anew waits for the next one.
                Ok(0) => {
                    self.read.clear();
                    self.receiver = OpenOptions::new().open_receiver(&self.pipe)?;
                }
                Ok(read) => self.read.extend_from_slice(&some[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            self.read.truncate(8 * LONGEST);
        }
    }

    /// Says to the agent that runs that it is wanted at this address too. Does nothing where none listens: it may just be ending.
    ///
    /// # Errors
    /// What the system says.
    pub fn tell(state: &Path, address: &Address) -> io::Result<()> {
        let mut line = address.folder().as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        let opened = rustix::fs::open(pipe(state), OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
        match opened.map_err(io::Error::from) {
            Ok(pipe) => fs::File::from(pipe).write_all(&line),
            // There is no pipe, or nobody reads.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn pipe(state: &Path) -> PathBuf {
    state.join("wanted")
}

#[expect(unsafe_code, reason = "mkfifo has no safe wrapper on every Unix")]
fn make(pipe: &Path) -> io::Result<()> {
    let path = CString::new(pipe.as_os_str().as_bytes())?;
    // SAFETY: `path` is a C string that outlives the call.
    match unsafe { libc::mkfifo(path.as_ptr(), 0o600) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn next(wanted: &mut Wanted) -> PathBuf {
        let next = tokio::time::timeout(Duration::from_secs(20), wanted.next()).await;
        next.unwrap().unwrap().folder().to_owned()
    }

    #[tokio::test]
    async fn whoever_may_not_run_says_where_it_was_wanted() {
        let state = tempfile::tempdir().unwrap();
        let at = |folder: &str| Address::in_folder(folder).unwrap();
        Wanted::tell(state.path(), &at("/run/nobody/listens")).unwrap();

        let mut wanted = Wanted::listen(state.path()).unwrap();
        for folder in ["/run/one", "/run/two"] {
            Wanted::tell(state.path(), &at(folder)).unwrap();
        }
        assert_eq!(next(&mut wanted).await, Path::new("/run/one"));
        assert_eq!(next(&mut wanted).await, Path::new("/run/two"));
        // Everybody has closed it: nothing comes, and nothing is done about that.
        let busy = || {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec.try_into().unwrap())
        };
        let before = busy();
        let nothing = tokio::time::timeout(Duration::from_millis(500), wanted.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        assert!(busy() - before < Duration::from_millis(100), "it spins");
        // What is no address is passed over.
        fs::write(state.path().join("wanted"), "relative\nhalf a li").unwrap();
        Wanted::tell(state.path(), &at("/run/three")).unwrap();
        Wanted::tell(state.path(), &at("/run/four")).unwrap();
        assert_eq!(next(&mut wanted).await, Path::new("/run/four"));

        drop(wanted);
        Wanted::tell(state.path(), &at("/run/nobody/listens")).unwrap();
        let mut wanted = Wanted::listen(state.path()).unwrap();
        Wanted::tell(state.path(), &at("/run/again")).unwrap();
        assert_eq!(next(&mut wanted).await, Path::new("/run/again"));
    }
}
