//! One client: hello, then requests one way and frames the other, in one task.

use std::io;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::{ClientId, FLUSH_TIMEOUT, HELLO_TIMEOUT, Incoming, OUTBOX, Outbox, Outgoing, Stream};
use crate::frame::{self, Decoder, FrameError};
use crate::hello::{Hello, Kind};
use crate::messages::{Call, Refused, Reply, Request};

/// Why no more is read from a client.
enum Ended {
    /// It closed, or the connection broke, or the agent ends.
    Gone,
    /// It sent what is no request, and is told so.
    Malformed(FrameError),
}

/// Serves one client until either side ends it.
pub(super) async fn serve(stream: Stream, client: ClientId, incoming: mpsc::Sender<Incoming>) {
    // Who hears that a client has gone must not be able to tell it anything: first all of the connection is over.
    if converse(stream, client, &incoming).await {
        // Only the agent's end makes this fail.
        let _ = incoming.send(Incoming::Gone { client }).await;
    }
}

/// The whole of a connection; whether the agent heard of it.
async fn converse(stream: Stream, client: ClientId, incoming: &mpsc::Sender<Incoming>) -> bool {
    let mut reader = Reader {
        stream: &stream,
        decoder: Decoder::new(frame::REQUEST_LIMIT),
    };
    let (sender, frames) = mpsc::channel(OUTBOX);
    let mut writer = Writer {
        stream: &stream,
        frames,
        current: None,
    };

    let Ok(Ok(hello)) = timeout(HELLO_TIMEOUT, reader.hello()).await else {
        return false;
    };
    let own = Hello::new(Kind::Agent);
    let Ok(greeting) = Outgoing::encode(&own) else {
        return false;
    };
    writer.current = Some((greeting, 0));
    if own.agree(&hello).is_none() {
        // The client reads from our hello which of the two must be updated.
        let _ = timeout(FLUSH_TIMEOUT, writer.flush()).await;
        return false;
    }

    let overrun = Arc::new(Notify::new());
    let own_frames = sender.downgrade();
    let outbox = Outbox {
        frames: sender,
        overrun: Arc::clone(&overrun),
    };
    if incoming
        .send(Incoming::Connected {
            client,
            hello,
            outbox,
        })
        .await
        .is_err()
    {
        return false;
    }
    let ended = tokio::select! {
        ended = reader.requests(client, incoming, &own_frames) => ended,
        _ = writer.run() => Ended::Gone,
        () = overrun.notified() => Ended::Gone,
        () = incoming.closed() => Ended::Gone,
    };
    if let Ended::Malformed(error) = ended {
        let reply = refused("malformed_frame", error.to_string());
        if let (Some(frames), Ok(frame)) = (own_frames.upgrade(), Outgoing::answer(UNREADABLE, reply)) {
            let _ = frames.try_send(frame);
        }
    }
    let _ = timeout(FLUSH_TIMEOUT, writer.flush()).await;
    true
}

/// The number in an answer to a frame whose own number could not be read. No client uses it.
const UNREADABLE: u64 = 0;

fn refused(problem: &str, detail: String) -> Reply {
    Reply::Refused(Refused {
        code: INVALID_ARGUMENT,
        problem: problem.to_owned(),
        detail,
    })
}

const INVALID_ARGUMENT: u16 = latchkey_core::code::Code::InvalidArgument.number();

struct Reader<'a> {
    stream: &'a Stream,
    decoder: Decoder,
}

impl Reader<'_> {
    /// The body of the next frame; `None` at the end of the stream.
    async fn body(&mut self) -> Result<Option<Vec<u8>>, Ended> {
        loop {
            match self.decoder.frame() {
                Ok(Some(body)) => return Ok(Some(body.to_vec())),
                Ok(None) => {}
                Err(error) => return Err(Ended::Malformed(error)),
            }
            self.stream.readable().await.map_err(|_| Ended::Gone)?;
            match fill(self.stream, &mut self.decoder) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Ended::Gone),
            }
        }
    }

    async fn hello(&mut self) -> Result<Hello, Ended> {
        let body = self.body().await?.ok_or(Ended::Gone)?;
        frame::decode(&body).map_err(Ended::Malformed)
    }

    async fn requests(
        &mut self,
        client: ClientId,
        incoming: &mpsc::Sender<Incoming>,
        own_frames: &mpsc::WeakSender<Outgoing>,
    ) -> Ended {
        loop {
            let body = match self.body().await {
                Ok(Some(body)) => body,
                Ok(None) => return Ended::Gone,
                Err(ended) => return ended,
            };
            let (id, reply) = match read(&body) {
                Ok(call) if call.request == Request::Unknown => (call.id, Reply::Unsupported),
                Ok(call) => match incoming.send(Incoming::Call { client, call }).await {
                    Ok(()) => continue,
                    Err(_) => return Ended::Gone,
                },
                Err((Some(id), error)) => (id, refused("malformed_request", error.to_string())),
                Err((None, error)) => return Ended::Malformed(error),
            };
            let Some(frames) = own_frames.upgrade() else {
                return Ended::Gone;
            };
            if Outgoing::answer(id, reply).is_ok_and(|frame| frames.try_send(frame).is_err()) {
                return Ended::Gone;
            }
        }
    }
}

/// Reads a request. With an error comes the request's number where that much can be read: then the client can be told
/// which of its requests it was, and the stream is still in step.
fn read(body: &[u8]) -> Result<Call, (Option<u64>, FrameError)> {
    #[derive(Deserialize)]
    struct Numbered {
        id: u64,
    }
    frame::decode::<Call>(body).map_err(|error| {
        let numbered = frame::decode::<Numbered>(body).ok();
        (
            numbered
                .map(|numbered| numbered.id)
                .filter(|id| *id != UNREADABLE),
            error,
        )
    })
}

/// Takes what there is. Not `async`, so that the buffer is on the stack only for the moment, and not once for each of
/// thousands of idle clients.
fn fill(stream: &Stream, decoder: &mut Decoder) -> io::Result<usize> {
    let mut buffer = [0; 16 * 1024];
    let read = stream.try_read(&mut buffer)?;
    decoder.push(&buffer[..read]);
    Ok(read)
}

/// Writes frames. It can be dropped at any await and taken up again: how far a frame has gone is kept.
struct Writer<'a> {
    stream: &'a Stream,
    frames: mpsc::Receiver<Outgoing>,
    current: Option<(Outgoing, usize)>,
}

impl Writer<'_> {
    /// Writes until every outbox is dropped or the connection breaks.
    async fn run(&mut self) -> io::Result<()> {
        loop {
            self.write_current().await?;
            let Some(frame) = self.frames.recv().await else {
                return Ok(());
            };
            self.current = Some((frame, 0));
        }
    }

    /// Writes what waits now, and sees it on its way.
    async fn flush(&mut self) -> io::Result<()> {
        self.write_current().await?;
        while let Ok(frame) = self.frames.try_recv() {
            self.current = Some((frame, 0));
            self.write_current().await?;
        }
        // A named pipe writes behind the caller's back, and drops what it has not written when it is closed.
        self.stream.writable().await
    }

    async fn write_current(&mut self) -> io::Result<()> {
        while let Some((Outgoing(frame), written)) = &mut self.current {
            if *written == frame.len() {
                self.current = None;
                break;
            }
            self.stream.writable().await?;
            match self.stream.try_write(&frame[*written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => *written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
