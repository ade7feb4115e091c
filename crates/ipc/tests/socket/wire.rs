//! A real listener on a real socket, and raw clients that need not keep to the protocol.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use latchkey_ipc::address::Address;
use latchkey_ipc::client::Connection;
use latchkey_ipc::frame::{self, Decoder};
use latchkey_ipc::hello::{Hello, Kind};
use latchkey_ipc::server::{Incoming, Listener, Outbox};
use tokio::sync::mpsc;

/// Longer than anything here takes, and short enough that a hang fails the test.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Runs blocking client code beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A client of this crate, and the server's end of it.
pub(crate) async fn connected(wire: &mut Wire, kind: Kind) -> (Connection, Outbox) {
    let address = wire.address.clone();
    let connection = blocking(move || Connection::open_at(&address, kind, SOON))
        .await
        .unwrap();
    match wire.next().await {
        Incoming::Connected { hello, outbox, .. } => {
            assert_eq!(hello.kind, kind);
            (connection, outbox)
        }
        other => panic!("{other:?}"),
    }
}

/// A listener in a folder of its own.
pub(crate) struct Wire {
    pub(crate) address: Address,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    pub(crate) served: tokio::task::JoinHandle<()>,
    pub(crate) folder: tempfile::TempDir,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self::with_connections(latchkey_ipc::server::CONNECTIONS)
    }

    pub(crate) fn with_connections(connections: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::in_folder(folder.path().join("run")).unwrap();
        let listener = Listener::bind(&address).unwrap().with_connections(connections);
        let (sender, incoming) = mpsc::channel(64);
        let served = tokio::spawn(listener.serve(sender));
        Self {
            address,
            incoming,
            served,
            folder,
        }
    }

    pub(crate) async fn next(&mut self) -> Incoming {
        tokio::time::timeout(SOON, self.incoming.recv())
            .await
            .expect("something happens")
            .expect("still serving")
    }

    /// The outbox of the client that connects next. Its connection lasts as long as this is kept.
    pub(crate) async fn connected(&mut self) -> Outbox {
        match self.next().await {
            Incoming::Connected { outbox, .. } => outbox,
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(unix)]
type RawStream = std::os::unix::net::UnixStream;
#[cfg(windows)]
type RawStream = std::fs::File;

/// A bare stream to the listener.
#[cfg(unix)]
pub(crate) fn raw_stream(address: &Address) -> RawStream {
    let stream = RawStream::connect(address.socket()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    stream
}

/// A bare stream to the listener.
#[cfg(windows)]
pub(crate) fn raw_stream(address: &Address) -> RawStream {
    let began = std::time::Instant::now();
    loop {
        match std::fs::File::options()
            .read(true)
            .write(true)
            .open(address.pipe())
        {
            Ok(stream) => return stream,
            // The listener is about to make the next instance.
            Err(_) if began.elapsed() < SOON => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A client that writes what it likes.
pub(crate) struct Raw {
    stream: RawStream,
    decoder: Decoder,
}

impl Raw {
    pub(crate) fn connect(address: &Address) -> Self {
        let stream = raw_stream(address);
        Self {
            stream,
            decoder: Decoder::new(frame::MESSAGE_LIMIT),
        }
    }

    /// Connects and exchanges hellos.
    pub(crate) fn greeted(address: &Address) -> Self {
        let mut raw = Self::connect(address);
        raw.write(&frame::encode(&Hello::new(Kind::Other), frame::REQUEST_LIMIT).unwrap());
        raw.read().expect("the agent's hello");
        raw
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, json: &serde_json::Value) {
        self.write(&frame::encode(json, frame::REQUEST_LIMIT).unwrap());
    }

    /// The next frame; `None` when the other side has closed.
    pub(crate) fn read(&mut self) -> Option<serde_json::Value> {
        loop {
            if let Some(body) = self.decoder.frame().unwrap() {
                return Some(frame::decode(body).unwrap());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.decoder.push(&buffer[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    return None;
                }
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }
}
