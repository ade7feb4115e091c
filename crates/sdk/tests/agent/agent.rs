//! An agent on a real socket that answers as a test says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use latchkey_core::view::StatusView;
use latchkey_ipc::address::Address;
use latchkey_ipc::messages::{Event, Reply, Request};
use latchkey_ipc::server::{ClientId, Incoming, Listener, Outbox, Outgoing};
use latchkey_sdk::{Licence, Product, RootKeys};
use tokio::runtime::Runtime;

use crate::vendor::{self, Offer, PRODUCT, SERVICE};

/// Longer than anything here takes, and short enough that a hang fails the test.
pub(crate) const SOON: Duration = Duration::from_secs(20);

type Script = Box<dyn FnMut(&Request) -> Option<Reply> + Send>;
type Clients = Arc<Mutex<BTreeMap<ClientId, Outbox>>>;

/// Dropped, it dies as a killed process does: sockets close, nothing is said.
pub(crate) struct Agent {
    runtime: Option<Runtime>,
    clients: Clients,
    heard: mpsc::Receiver<Heard>,
}

/// What the agent saw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Request(Request),
    Gone,
}

impl Agent {
    /// Listens in `folder`; `script` answers each request, or leaves it without an answer.
    pub(crate) fn start(
        folder: &Path,
        script: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let clients = Clients::default();
        let (sender, heard) = mpsc::channel();
        let entered = runtime.enter();
        let address = Address::in_folder(folder).unwrap();
        let listener = Listener::bind(&address).unwrap();
        drop(entered);
        let (incoming, received) = tokio::sync::mpsc::channel(8);
        runtime.spawn(listener.serve(incoming));
        runtime.spawn(answer(received, Box::new(script), Arc::clone(&clients), sender));
        Self {
            runtime: Some(runtime),
            clients,
            heard,
        }
    }

    /// Changes what is present, and tells everyone.
    pub(crate) fn change(&self, present: &Present, status: Option<StatusView>) {
        present.lock().unwrap().clone_from(&status);
        let told = status.unwrap_or_else(|| vendor::ok(vendor::NOW));
        let frame = Outgoing::event(Event::Use {
            use_id: 1,
            status: told,
            grant: None,
        })
        .unwrap();
        for outbox in self.clients.lock().unwrap().values() {
            outbox.send(frame.clone()).unwrap();
        }
    }

    /// Waits for what it has heard to be what is looked for.
    pub(crate) fn wait_for(&self, wanted: impl Fn(&Heard) -> bool) -> Heard {
        loop {
            let heard = self.heard.recv_timeout(SOON).expect("heard in time");
            if wanted(&heard) {
                return heard;
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(SOON);
        }
    }
}

async fn answer(
    mut incoming: tokio::sync::mpsc::Receiver<Incoming>,
    mut script: Script,
    clients: Clients,
    heard: mpsc::Sender<Heard>,
) {
    while let Some(happened) = incoming.recv().await {
        match happened {
            Incoming::Connected { client, outbox, .. } => {
                clients.lock().unwrap().insert(client, outbox);
            }
            Incoming::Call { client, call } => {
                let reply = script(&call.request);
                let _ = heard.send(Heard::Request(call.request));
                if let (Some(reply), Some(outbox)) = (reply, clients.lock().unwrap().get(&client)) {
                    let _ = outbox.send(Outgoing::answer(call.id, reply).unwrap());
                }
            }
            Incoming::Gone { client } => {
                clients.lock().unwrap().remove(&client);
                let _ = heard.send(Heard::Gone);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The challenge of a request that wants a grant.
pub(crate) fn nonce(request: &Request) -> Option<&str> {
    match request {
        Request::Authorize { nonce, .. } | Request::Prove { nonce, .. } => Some(nonce),
        _ => None,
    }
}

/// The product's status at the agent, which a test may change; a good lease when there is none.
pub(crate) type Present = Arc<Mutex<Option<StatusView>>>;

/// Answers with what is present.
pub(crate) fn as_is(present: &Present) -> impl FnMut(&Request) -> Option<Reply> + Send + 'static {
    let present = Arc::clone(present);
    grants(move |nonce| match &*present.lock().unwrap() {
        Some(status) => vendor::says(status.clone()),
        None => Offer::honest(nonce).reply(),
    })
}

/// Answers whoever wants a grant.
pub(crate) fn grants(
    mut reply: impl FnMut(&str) -> Reply + Send + 'static,
) -> impl FnMut(&Request) -> Option<Reply> + Send + 'static {
    move |request| Some(nonce(request).map_or(Reply::Done, &mut reply))
}

/// The product, as its vendor built it.
pub(crate) fn product(folder: &Path) -> Product {
    let roots = RootKeys::new(vendor::root_keys()).unwrap();
    let product = Product::new(PRODUCT, "2026.1", roots, SERVICE).unwrap();
    product
        .named("Atlas")
        .in_language("en")
        .with_agent_in(folder)
        .unwrap()
}

pub(crate) fn open(folder: &Path) -> Licence {
    product(folder).open().unwrap()
}

/// Answers as an honest agent with a good lease does.
pub(crate) fn honest() -> impl FnMut(&Request) -> Option<Reply> + Send + 'static {
    grants(|nonce| Offer::honest(nonce).reply())
}

pub(crate) fn is_authorize(heard: &Heard) -> bool {
    matches!(heard, Heard::Request(Request::Authorize { .. }))
}
