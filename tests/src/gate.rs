//! A door before one of the services: every request goes through it, and those that a story names are held there, so
//! that somebody can die at that very step.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Result;

use crate::wait::{SOON, until};

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    /// Where the door leads.
    port: Option<u16>,
    /// The path of requests that are held.
    hold: Option<&'static str>,
    /// How many are held now.
    held: usize,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared(Mutex<State>, Condvar);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.1.notify_all();
    }

    /// Waits while requests for this path are held, and says where it goes then.
    fn pass(&self, path: &str) -> Option<u16> {
        let is_held = |state: &mut State| state.hold == Some(path) && !state.closed;
        let mut state = self.state();
        if is_held(&mut state) {
            state.held += 1;
            state = self
                .1
                .wait_while(state, is_held)
                .unwrap_or_else(PoisonError::into_inner);
            state.held -= 1;
        }
        state.port.filter(|_| !state.closed)
    }
}

/// The door.
#[derive(Debug)]
pub struct Gate {
    shared: Arc<Shared>,
    port: u16,
}

impl Gate {
    /// A door that leads nowhere yet.
    ///
    /// # Errors
    /// Nobody can listen.
    pub fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::<Shared>::default();
        let door = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(io::Result::ok) {
                if door.state().closed {
                    return;
                }
                let door = Arc::clone(&door);
                // A connection that ends early is what stories are about.
                thread::spawn(move || drop(serve(&door, stream)));
            }
        });
        Ok(Self { shared, port })
    }

    /// Its address: the one that the service behind it is known by.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it leads from now on.
    pub fn lead_to(&self, port: u16) {
        self.shared.change(|state| state.port = Some(port));
    }

    /// Holds requests for this path from now on.
    pub fn hold(&self, path: &'static str) {
        self.shared.change(|state| state.hold = Some(path));
    }

    /// Waits until a request is held.
    ///
    /// # Errors
    /// None comes within 20 s.
    pub fn wait_until_held(&self) -> Result<()> {
        until("a request at the gate", SOON, || {
            Ok((self.shared.state().held > 0).then_some(()))
        })
    }

    /// Lets everything through again.
    pub fn release(&self) {
        self.shared.change(|state| state.hold = None);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.change(|state| state.closed = true);
        // It looks whether it is closed when somebody comes.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// One request for each connection: so it is known where each begins.
fn serve(door: &Shared, mut client: TcpStream) -> io::Result<()> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 2;
        }
        let mut buffer = [0; 4096];
        let count = client.read(&mut buffer)?;
        if count == 0 || read.len() > LONGEST_HEAD {
            return Ok(());
        }
        read.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let Some(port) = door.pass(path) else {
        return Ok(());
    };
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    let kept = head
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head: String = kept.map(|line| format!("{line}\r\n")).collect();
    server.write_all(head.as_bytes())?;
    server.write_all(b"connection: close\r\n")?;
    server.write_all(&read[end..])?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}
