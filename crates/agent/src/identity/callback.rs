//! The loopback listener that the browser comes back to (RFC 8252 section 7.3).
//!
//! It listens until one callback of its own attempt arrives; everything else gets a page with status 400 and ends
//! nothing. The browser that brought the callback waits for its page until it is known how the sign-in ended.

mod page;
mod query;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use latchkey_api::discovery::{Redirect, RedirectHost};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

pub(super) use page::Told;
pub use query::{Callback, CallbackError, read};

use super::IdentityError;

/// Connections at one time. A browser opens a few; more than this is a flood.
const MOST_CONNECTIONS: usize = 32;
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest head, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How long the browser may take to read its page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(3);

/// A listener on a port of its own.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    redirect_uri: String,
}

impl Listener {
    /// Listens on the loopback address, on the port that the provider wants or on any free one.
    ///
    /// # Errors
    /// [`IdentityError::CallbackPort`].
    pub(super) async fn bind(redirect: &Redirect) -> Result<Self, IdentityError> {
        let port = redirect.port.unwrap_or(0);
        let failed = |error: io::Error| IdentityError::CallbackPort {
            port,
            why: error.to_string(),
        };
        let socket = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .await
            .map_err(failed)?;
        let host = match redirect.host {
            RedirectHost::Literal => "127.0.0.1",
            RedirectHost::Localhost => "localhost",
        };
        let port = socket.local_addr().map_err(failed)?.port();
        Ok(Self {
            socket,
            redirect_uri: format!("http://{host}:{port}/callback"),
        })
    }

    /// The address that the browser comes back to.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the callback with this `state`, and stops listening. Dropping the future stops it too.
    pub(super) async fn wait(self, state: &str) -> (Callback, Browser) {
        let (sender, mut arrivals) = mpsc::channel(1);
        let door = Arc::new(Door {
            state: state.to_owned(),
            arrival: Mutex::new(Some(sender)),
        });
        let mut connections = Connections(JoinSet::new());
        loop {
            tokio::select! {
                Some(arrival) = arrivals.recv() => {
                    let Arrival { callback, page, written } = arrival;
                    return (callback, Browser { page, written, connections });
                }
                Some(_ended) = connections.0.join_next() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) if connections.0.len() < MOST_CONNECTIONS => {
                        connections.0.spawn(serve(stream, Arc::clone(&door)));
                    }
                    Ok(_flood) => {}
                    // Out of descriptors, most likely: let some be closed first.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
            }
        }
    }
}

/// A callback, and the browser that waits for its page.
struct Arrival {
    callback: Callback,
    page: oneshot::Sender<Told>,
    /// Ends when the page has been written, or the browser has gone.
    written: oneshot::Receiver<Infallible>,
}

/// What every connection of one attempt shares.
struct Door {
    state: String,
    /// Taken by the first callback of this attempt.
    arrival: Mutex<Option<mpsc::Sender<Arrival>>>,
}

/// The browser that brought the callback, and waits for its page. Dropped without a word, it shows that the sign-in
/// was ended.
#[derive(Debug)]
pub(super) struct Browser {
    page: oneshot::Sender<Told>,
    written: oneshot::Receiver<Infallible>,
    connections: Connections,
}

/// The open connections. They are left to end by themselves, within [`HEAD_TIMEOUT`] and [`PAGE_TIMEOUT`].
#[derive(Debug)]
struct Connections(JoinSet<()>);

impl Drop for Connections {
    fn drop(&mut self) {
        self.0.detach_all();
    }
}

impl Browser {
    /// Tells the user how it ended. A browser that is gone does not matter.
    pub(super) async fn tell(self, told: Told) {
        let _gone = self.page.send(told);
        let _written = tokio::time::timeout(PAGE_TIMEOUT, self.written).await;
        drop(self.connections);
    }
}

async fn serve(stream: TcpStream, door: Arc<Door>) {
    let (_open, written) = oneshot::channel();
    let written = Mutex::new(Some(written));
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request, &door, &written).await) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LONGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the callback ended early");
    }
}

/// The other end of [`Arrival::written`], until the connection's callback takes it along.
type Written = Mutex<Option<oneshot::Receiver<Infallible>>>;

async fn answer(request: Request<Incoming>, door: &Door, written: &Written) -> Response<Full<Bytes>> {
    let language = request
        .headers()
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let told = match arrive(&request, door, written) {
        // Dropped without a word when the sign-in was ended meanwhile.
        Some(page) => page.await.unwrap_or_else(|_| Told::Failed {
            problem: "cancelled".into(),
            detail: String::new(),
        }),
        None => Told::NotOurs,
    };
    page::page(&told, language.unwrap_or_default())
}

/// Hands the callback over if it is the one that is waited for. The page is what becomes of it.
fn arrive(request: &Request<Incoming>, door: &Door, written: &Written) -> Option<oneshot::Receiver<Told>> {
    if request.method() != Method::GET || request.uri().path() != "/callback" {
        return None;
    }
    let callback = query::read(request.uri().query()?, &door.state)?;
    let arrival = take(&door.arrival)?;
    let (page, told) = oneshot::channel();
    let written = take(written)?;
    arrival
        .try_send(Arrival {
            callback,
            page,
            written,
        })
        .ok()?;
    Some(told)
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}
