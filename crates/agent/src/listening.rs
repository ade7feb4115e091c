//! Where the agent listens: at the address that its starter gave, and wherever else a program of this user looks for it.

use std::future;
use std::io;

use latchkey_ipc::address::Address;
use latchkey_ipc::server::{BindError, Incoming, Listener, Place};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::os::Wanted;

/// Every address at which the agent listens.
#[derive(Debug)]
pub(crate) struct Listening {
    requests: mpsc::Sender<Incoming>,
    places: Vec<Place>,
    serving: JoinSet<()>,
}

impl Listening {
    /// Begins with the first one.
    pub(crate) fn begin(address: &Address, first: Listener, requests: mpsc::Sender<Incoming>) -> Self {
        let mut listening = Self {
            requests,
            places: Vec::new(),
            serving: JoinSet::new(),
        };
        listening.serve(address, first);
        listening
    }

    /// Serves clients until nobody takes their requests any more, also where else the agent is `wanted`.
    pub(crate) async fn run(mut self, mut wanted: Option<Wanted>) {
        loop {
            tokio::select! {
                () = self.requests.closed() => break,
                // It ends with the requests.
                Some(_) = self.serving.join_next() => {}
                next = next(&mut wanted) => match next {
                    Ok(address) => self.also_at(&address),
                    Err(error) => {
                        tracing::warn!(%error, "nobody can say any more where else the agent is wanted");
                        wanted = None;
                    }
                },
            }
        }
        while self.serving.join_next().await.is_some() {}
    }

    fn also_at(&mut self, address: &Address) {
        // Where nobody can find us any more, nobody new is waited for.
        for gone in self
            .places
            .extract_if(.., |place| !place.is_there() && !place.is_at(address))
        {
            gone.leave();
        }
        let folder = address.folder().display();
        match self.listener(address) {
            Ok(Some(listener)) => {
                tracing::info!(%folder, "somebody looked for the agent where it did not listen: it does now");
                self.serve(address, listener);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, %folder, "wanted where it cannot listen"),
        }
    }

    /// `None` where it listens already.
    fn listener(&mut self, address: &Address) -> Result<Option<Listener>, BindError> {
        let Some(at) = self.places.iter().position(|place| place.is_at(address)) else {
            return Listener::bind(address).map(Some);
        };
        if self.places[at].is_there() {
            return Ok(None);
        }
        let gone = self.places.swap_remove(at);
        let again = gone.again();
        gone.leave();
        again.map(Some)
    }

    fn serve(&mut self, address: &Address, listener: Listener) {
        self.places.push(listener.place(address));
        self.serving.spawn(listener.serve(self.requests.clone()));
    }
}

async fn next(wanted: &mut Option<Wanted>) -> io::Result<Address> {
    match wanted {
        Some(wanted) => wanted.next().await,
        None => future::pending().await,
    }
}
