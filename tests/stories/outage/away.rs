//! The ways in which a service is out: its process has ended, or somebody in its place answers every request with 503.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use stories::prelude::*;
use stories::provider::Provider;

/// How it is out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Nobody listens at its address.
    Gone,
    /// Somebody does, and has only this to say: a proxy before a provider that is down, or one that is too busy.
    Unavailable,
}

/// An identity service that is out.
#[derive(Debug)]
pub(crate) struct Away {
    answers: Option<Unavailable>,
}

impl Away {
    /// Ends the provider's process. Where it is to answer 503, somebody else does at its port.
    pub(crate) fn take(provider: &mut Provider, way: Way) -> Result<Self> {
        provider.stop()?;
        let answers = match way {
            Way::Gone => None,
            Way::Unavailable => Some(Unavailable::listen(provider.port())?),
        };
        Ok(Self { answers })
    }

    /// Brings it back, with all that it knew.
    ///
    /// # Errors
    /// Nobody had asked it anything: then the story has told nothing of a 503.
    pub(crate) fn end(self, provider: &mut Provider) -> Result<()> {
        self.answers.map_or(Ok(()), Unavailable::end)?;
        provider.resume()
    }
}

/// Answers 503, whatever is asked.
#[derive(Debug)]
pub(crate) struct Unavailable {
    port: u16,
    closed: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    listening: Option<thread::JoinHandle<()>>,
}

impl Unavailable {
    /// # Errors
    /// The port is taken.
    pub(crate) fn listen(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let (closed, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (is_closed, count) = (Arc::clone(&closed), Arc::clone(&asked));
        let listening = thread::spawn(move || {
            for stream in listener.incoming().map_while(io::Result::ok) {
                if is_closed.load(Ordering::SeqCst) {
                    return;
                }
                // Who leaves without an answer has asked nothing.
                if answer(stream).is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Ok(Self {
            port,
            closed,
            asked,
            listening: Some(listening),
        })
    }

    /// Leaves the port.
    ///
    /// # Errors
    /// Nobody had asked it anything: then the story has told nothing of a 503.
    pub(crate) fn end(self) -> Result<()> {
        let asked = self.asked.load(Ordering::SeqCst);
        ensure!(asked > 0, "nobody asked the service, which answered 503");
        Ok(())
    }
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(stories::wait::SOON))?;
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

impl Drop for Unavailable {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // It looks whether it is closed when somebody comes; only then is the port free.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}
