//! The link against an agent that speaks the real protocol over a real socket, and knows nothing but roles.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use latchkey_ipc::address::Address;
use latchkey_ipc::messages::Refused;
use latchkey_ipc::server::{ClientId, Incoming, Listener, Outbox, Outgoing};
use tokio::sync::mpsc;

use super::*;

/// Longer than anything here takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Agent {
    orders: mpsc::UnboundedSender<Event>,
    thread: JoinHandle<()>,
}

impl Agent {
    /// An agent whose first view has this revision.
    fn start(address: &Address, revision: u64) -> Self {
        let (orders, mut events) = mpsc::unbounded_channel::<Event>();
        let (ready, listening) = channel();
        let address = address.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (sender, mut incoming) = mpsc::channel(16);
                let serving = tokio::spawn(Listener::bind(&address).unwrap().serve(sender));
                ready.send(()).unwrap();
                let mut clients = HashMap::new();
                let mut roles = HashMap::new();
                loop {
                    tokio::select! {
                        event = events.recv() => match event {
                            Some(event) => clients.values().for_each(|client| tell(client, event.clone())),
                            None => break,
                        },
                        Some(incoming) = incoming.recv() => take(incoming, revision, &mut clients, &mut roles),
                    }
                }
                drop((incoming, clients));
                serving.await.unwrap();
            });
        });
        listening.recv().unwrap();
        Self { orders, thread }
    }

    fn tell(&self, event: Event) {
        self.orders.send(event).unwrap();
    }

    fn end(self) {
        drop(self.orders);
        self.thread.join().unwrap();
    }
}

/// Whoever hung up a moment ago hears nothing; `Incoming::Gone` says so after this.
fn tell(client: &Outbox, event: Event) {
    let _gone = client.send(Outgoing::event(event).unwrap());
}

fn take(
    incoming: Incoming,
    revision: u64,
    clients: &mut HashMap<ClientId, Outbox>,
    roles: &mut HashMap<Role, ClientId>,
) {
    match incoming {
        Incoming::Connected { client, outbox, .. } => drop(clients.insert(client, outbox)),
        Incoming::Gone { client } => drop(clients.remove(&client)),
        Incoming::Call { client, call } => {
            let reply = match call.request {
                Request::Claim { role, show } => {
                    let holder = *roles.entry(role).or_insert(client);
                    if holder != client {
                        tell(&clients[&holder], Event::Show { screen: show });
                    }
                    Reply::Claimed {
                        granted: holder == client,
                    }
                }
                Request::Watch => Reply::View {
                    view: Box::new(view(revision)),
                },
                Request::CancelSignIn => Reply::Done,
                _ => Reply::Refused(Refused {
                    code: 22,
                    problem: "no_products".into(),
                    detail: "none".into(),
                }),
            };
            let _gone = clients[&client].send(Outgoing::answer(call.id, reply).unwrap());
        }
        _ => unreachable!(),
    }
}

fn view(revision: u64) -> View {
    View {
        revision,
        ..View::default()
    }
}

/// A link whose news can be waited for.
fn link(address: &Address, screen: &str) -> (Arc<AgentLink>, Receiver<News>) {
    let (sender, news): (Sender<News>, _) = channel();
    let address = address.clone();
    let reach = move |_: &mut dyn FnMut(News)| Ok(Connection::open_at(&address, Kind::Tray, PATIENCE)?);
    let tell = move |news| drop(sender.send(news));
    (
        AgentLink::start_with(reach, Role::Tray, screen.to_owned(), tell).unwrap(),
        news,
    )
}

/// The revision of the next view, or `None` when the agent cannot be reached.
fn next_revision(news: &Receiver<News>) -> Option<u64> {
    match news.recv_timeout(PATIENCE).unwrap() {
        News::View(view) => view.map(|view| view.revision),
        other => panic!("{other:?}"),
    }
}

fn address() -> (tempfile::TempDir, Address) {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::in_folder(folder.path().join("run")).unwrap();
    (folder, address)
}

#[test]
fn views_are_handed_on_as_they_come() {
    let (_folder, address) = address();
    let agent = Agent::start(&address, 1);
    let (_link, news) = link(&address, "");
    assert_eq!(next_revision(&news), Some(1));
    agent.tell(Event::View {
        view: Box::new(view(2)),
    });
    assert_eq!(next_revision(&news), Some(2));
}

#[test]
fn whoever_comes_second_brings_the_first_forward_and_leaves() {
    let (_folder, address) = address();
    let _agent = Agent::start(&address, 1);
    let (_first, heard) = link(&address, "");
    assert_eq!(next_revision(&heard), Some(1));
    let (_second, news) = link(&address, "reset");
    assert!(matches!(news.recv_timeout(PATIENCE).unwrap(), News::Taken));
    assert!(news.recv_timeout(PATIENCE).is_err(), "the link has ended");
    assert!(matches!(heard.recv_timeout(PATIENCE).unwrap(), News::Show(screen) if screen == "reset"));
}

#[test]
fn whoever_comes_second_in_the_background_leaves_the_first_alone() {
    let (_folder, address) = address();
    let agent = Agent::start(&address, 1);
    let (_first, heard) = link(&address, "");
    assert_eq!(next_revision(&heard), Some(1));
    let (_second, news) = link(&address, screen::NONE);
    assert!(matches!(news.recv_timeout(PATIENCE).unwrap(), News::Taken));
    agent.tell(Event::View {
        view: Box::new(view(2)),
    });
    assert_eq!(next_revision(&heard), Some(2));
}

#[test]
fn another_agent_is_found_when_one_goes() {
    let (_folder, address) = address();
    let agent = Agent::start(&address, 1);
    let (link, news) = link(&address, "");
    assert_eq!(next_revision(&news), Some(1));
    agent.end();
    assert_eq!(next_revision(&news), None);
    let _agent = Agent::start(&address, 2);
    // Somebody who asks does not wait for the next try.
    assert_eq!(link.ask(Request::CancelSignIn), Ok(Reply::Done));
    assert_eq!(
        news.iter()
            .find_map(|news| matches!(news, News::View(Some(view)) if view.revision == 2).then_some(())),
        Some(())
    );
}

#[test]
fn an_agent_that_retires_is_left() {
    let (_folder, address) = address();
    let agent = Agent::start(&address, 1);
    let (_link, news) = link(&address, "");
    assert_eq!(next_revision(&news), Some(1));
    agent.tell(Event::Retiring);
    assert_eq!(next_revision(&news), None);
}

#[test]
fn a_refusal_is_a_failure_with_its_reason() {
    let (_folder, address) = address();
    let _agent = Agent::start(&address, 1);
    let (link, _news) = link(&address, "");
    let refused = link.ask(Request::Check);
    assert_eq!(refused, Err(Failure::new("no_products", "none")));
}
