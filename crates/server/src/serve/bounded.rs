//! No more connections than there may be: who comes then is turned away at once, and does not wait in the system's queue for
//! an answer that nobody has room to give.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;

use axum_server::Handle;
use axum_server::accept::Accept;
use futures_util::future::Either;

/// How many connections there may be, and who counts them.
pub(super) struct Bounded {
    handle: Handle<SocketAddr>,
    most: usize,
}

impl Bounded {
    pub(super) const fn new(handle: Handle<SocketAddr>, most: usize) -> Self {
        Self { handle, most }
    }

    /// Looks before `inner` begins, with TLS for one.
    pub(super) fn before<A>(self, inner: A) -> Acceptor<A> {
        Acceptor {
            handle: self.handle,
            most: self.most,
            inner,
        }
    }
}

/// Lets nobody in where it is full.
#[derive(Clone)]
pub(super) struct Acceptor<A> {
    handle: Handle<SocketAddr>,
    most: usize,
    inner: A,
}

impl<I, S, A: Accept<I, S>> Accept<I, S> for Acceptor<A> {
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = Either<Ready<io::Result<(Self::Stream, Self::Service)>>, A::Future>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        // The one that has come is counted already.
        if self.handle.connection_count() > self.most {
            return Either::Left(ready(Err(io::ErrorKind::ConnectionRefused.into())));
        }
        Either::Right(self.inner.accept(stream, service))
    }
}
