//! An agent that hands out the View it is told to, on a real socket, in the real protocol.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use latchkey_core::view::View;
use latchkey_ipc::address::Address;
use latchkey_ipc::messages::{Call, Event, Reply, Request};
use latchkey_ipc::server::{ClientId, Incoming, Listener, Outbox, Outgoing};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// How many calls may wait; there are two clients at most, which ask little.
const WAITING: usize = 16;

/// The agent. It ends where this does.
pub(crate) struct Agent {
    told: Arc<Mutex<Told>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Told {
    view: View,
    clients: BTreeMap<ClientId, Client>,
}

struct Client {
    outbox: Outbox,
    watches: bool,
}

impl Agent {
    /// Listens at `address`, showing `view`.
    pub(crate) fn start(address: &Address, view: View) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let told = Arc::new(Mutex::new(Told {
            view,
            clients: BTreeMap::new(),
        }));
        let (sender, incoming) = mpsc::channel(WAITING);
        let listener = {
            let _inside = runtime.enter();
            Listener::bind(address).context("the agent that shows Views")?
        };
        runtime.spawn(listener.serve(sender));
        runtime.spawn(answer(incoming, Arc::clone(&told)));
        Ok(Self {
            told,
            _runtime: runtime,
        })
    }

    /// Shows another View from now on, and tells whoever watches.
    pub(crate) fn show(&self, view: &View) -> Result<()> {
        let mut told = lock(&self.told);
        let revision = told.view.revision + 1;
        told.view = View {
            revision,
            ..view.clone()
        };
        let view = Box::new(told.view.clone());
        let event = Outgoing::event(Event::View { view })?;
        for client in told.clients.values().filter(|client| client.watches) {
            // One that has gone needs no telling.
            let _ = client.outbox.send(event.clone());
        }
        Ok(())
    }
}

async fn answer(mut incoming: mpsc::Receiver<Incoming>, told: Arc<Mutex<Told>>) {
    while let Some(incoming) = incoming.recv().await {
        lock(&told).take(incoming);
    }
}

impl Told {
    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected { client, outbox, .. } => {
                let watches = false;
                self.clients.insert(client, Client { outbox, watches });
            }
            Incoming::Gone { client } => drop(self.clients.remove(&client)),
            Incoming::Call { client, call } => self.answer(client, call),
            _ => {}
        }
    }

    fn answer(&mut self, client: ClientId, Call { id, request }: Call) {
        let Some(client) = self.clients.get_mut(&client) else {
            return;
        };
        client.watches |= request == Request::Watch;
        let reply = match request {
            Request::Claim { .. } => Reply::Claimed { granted: true },
            Request::View | Request::Watch => Reply::View {
                view: Box::new(self.view.clone()),
            },
            // A notice that was shown is not shown again.
            Request::Shown { notices } => {
                self.view.notices.retain(|notice| !notices.contains(&notice.id));
                Reply::Done
            }
            _ => Reply::Done,
        };
        if let Ok(reply) = Outgoing::answer(id, reply) {
            let _ = client.outbox.send(reply);
        }
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
