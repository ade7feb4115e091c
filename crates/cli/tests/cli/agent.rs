//! An agent that says what a test wants it to, on a real socket, in the real protocol.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use latchkey_core::view::View;
use latchkey_ipc::address::Address;
use latchkey_ipc::messages::{Call, Event, Reply, Request};
use latchkey_ipc::server::{Incoming, Listener, Outbox, Outgoing};
use tokio::sync::mpsc;

/// Longer than anything here takes, and short enough that a hang fails the test.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// What the agent answers; `None` leaves the request without an answer.
type Answer = dyn FnMut(&Request) -> Option<Reply> + Send;

/// The agent of one test.
pub(crate) struct Agent {
    folder: tempfile::TempDir,
    view: Arc<Mutex<View>>,
    events: Option<mpsc::UnboundedSender<Event>>,
    requests: Receiver<Request>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// An agent that shows `view`, does whatever it is asked, and says so.
    pub(crate) fn showing(view: View) -> Self {
        Self::answering(view, |_| Some(Reply::Done))
    }

    /// An agent that shows `view` and answers everything else with `answer`.
    pub(crate) fn answering(
        view: View,
        answer: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::in_folder(folder.path().join("run")).unwrap();
        let view = Arc::new(Mutex::new(view));
        let (events, pushed) = mpsc::unbounded_channel();
        let (log, requests) = channel();
        let (bound, is_bound) = channel();
        let serve = Serve {
            view: Arc::clone(&view),
            answer: Box::new(answer),
            log,
            clients: BTreeMap::new(),
            watchers: Vec::new(),
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (sender, incoming) = mpsc::channel(64);
                let listening = tokio::spawn(Listener::bind(&address).unwrap().serve(sender));
                bound.send(()).unwrap();
                serve.run(incoming, pushed).await;
                listening.await.unwrap();
            });
        });
        is_bound.recv_timeout(SOON).unwrap();
        Self {
            folder,
            view,
            events: Some(events),
            requests,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub(crate) fn socket_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("run")
    }

    /// A folder of this test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Shows another state from now on, and tells whoever watches.
    pub(crate) fn show(&self, view: View) {
        *self.view.lock().unwrap() = view.clone();
        let event = Event::View { view: Box::new(view) };
        self.events.as_ref().unwrap().send(event).unwrap();
    }

    /// Waits until it is asked something else than its state, and says what.
    pub(crate) fn next_request(&self) -> Request {
        loop {
            match self.requests.recv_timeout(SOON).expect("a request comes") {
                Request::View | Request::Watch => {}
                request => return request,
            }
        }
    }

    /// Waits until somebody watches.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(crate) fn wait_for_watcher(&self) {
        while self.requests.recv_timeout(SOON).expect("a watcher comes") != Request::Watch {}
    }

    /// Whether it was asked nothing but its state since the last request that the test took.
    pub(crate) fn was_asked_nothing_more(&self) -> bool {
        self.requests
            .try_iter()
            .all(|request| matches!(request, Request::View | Request::Watch))
    }

    /// Ends, as an agent that dies.
    pub(crate) fn end(&mut self) {
        self.events = None;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}

struct Serve {
    view: Arc<Mutex<View>>,
    answer: Box<Answer>,
    log: std::sync::mpsc::Sender<Request>,
    clients: BTreeMap<u64, Outbox>,
    watchers: Vec<u64>,
}

impl Serve {
    async fn run(
        mut self,
        mut incoming: mpsc::Receiver<Incoming>,
        mut pushed: mpsc::UnboundedReceiver<Event>,
    ) {
        loop {
            tokio::select! {
                event = pushed.recv() => match event {
                    Some(event) => self.tell(&event),
                    None => return,
                },
                happened = incoming.recv() => match happened {
                    Some(Incoming::Connected { client, outbox, .. }) => drop(self.clients.insert(client.0, outbox)),
                    Some(Incoming::Call { client, call }) => self.take(client.0, call),
                    Some(Incoming::Gone { client }) => drop(self.clients.remove(&client.0)),
                    Some(_) => {}
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, client: u64, Call { id, request }: Call) {
        let reply = match &request {
            Request::View => Some(self.shown()),
            Request::Watch => {
                self.watchers.push(client);
                Some(self.shown())
            }
            other => (self.answer)(other),
        };
        if let (Some(reply), Some(outbox)) = (reply, self.clients.get(&client)) {
            let _ = outbox.send(Outgoing::answer(id, reply).unwrap());
        }
        // The test may have seen all it wants.
        let _ = self.log.send(request);
    }

    fn shown(&self) -> Reply {
        let view = Box::new(self.view.lock().unwrap().clone());
        Reply::View { view }
    }

    fn tell(&self, event: &Event) {
        for outbox in self.watchers.iter().filter_map(|client| self.clients.get(client)) {
            let _ = outbox.send(Outgoing::event(event.clone()).unwrap());
        }
    }
}
