//! Who is connected: what each is waiting for, who watches, and who holds a role.

use std::collections::BTreeMap;

use latchkey_core::engine::{Answer, ClientId, Ticket, UseKey};
use latchkey_core::view::View;
use latchkey_ipc::hello::Kind;
use latchkey_ipc::messages::{Event, Refused, Reply, Role};
use latchkey_ipc::server::{Outbox, Outgoing};

/// One connection.
#[derive(Debug)]
struct Client {
    kind: Kind,
    outbox: Outbox,
    watches: bool,
    /// The challenge of each open use.
    nonces: BTreeMap<u64, String>,
}

/// Everyone who is connected.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    all: BTreeMap<ClientId, Client>,
    roles: BTreeMap<Role, ClientId>,
    /// Requests whose answer comes later: whose, and the request's number there.
    tickets: BTreeMap<Ticket, (ClientId, u64)>,
    last_ticket: Ticket,
}

impl Clients {
    pub(crate) fn connected(&mut self, client: ClientId, kind: Kind, outbox: Outbox) {
        self.all.insert(
            client,
            Client {
                kind,
                outbox,
                watches: false,
                nonces: BTreeMap::new(),
            },
        );
    }

    pub(crate) fn gone(&mut self, client: ClientId) {
        self.all.remove(&client);
        self.roles.retain(|_, holder| *holder != client);
        self.tickets.retain(|_, (asker, _)| *asker != client);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Answers a request. A client that does not take its answers is dropped by the socket's side.
    pub(crate) fn reply(&self, client: ClientId, call: u64, reply: Reply) {
        self.send(client, Outgoing::answer(call, reply));
    }

    /// Tells one client something unasked.
    pub(crate) fn tell(&self, client: ClientId, event: Event) {
        self.send(client, Outgoing::event(event));
    }

    fn send(&self, client: ClientId, frame: Result<Outgoing, latchkey_ipc::frame::FrameError>) {
        let Some(to) = self.all.get(&client) else { return };
        match frame {
            Ok(frame) => {
                let _gone = to.outbox.send(frame);
            }
            Err(error) => tracing::error!(client, kind = ?to.kind, %error, "a frame could not be made"),
        }
    }

    /// A number under which the answer to this request will come.
    pub(crate) fn ticket(&mut self, client: ClientId, call: u64) -> Ticket {
        self.last_ticket += 1;
        self.tickets.insert(self.last_ticket, (client, call));
        self.last_ticket
    }

    /// Answers the request behind a ticket, if whoever asked is still there.
    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        let reply = match answer {
            Answer::Done => Reply::Done,
            Answer::SignIn {
                attempt,
                url,
                open,
                code,
            } => Reply::SignIn {
                attempt,
                url,
                open,
                code,
            },
            Answer::Checked { until } => Reply::Checked { until },
            Answer::Refused { code, problem } => Reply::Refused(Refused {
                code: code.number(),
                problem,
                detail: String::new(),
            }),
        };
        self.reply_to(ticket, reply);
    }

    /// The same, with the reply as it is.
    pub(crate) fn reply_to(&mut self, ticket: Ticket, reply: Reply) {
        if let Some((client, call)) = self.tickets.remove(&ticket) {
            self.reply(client, call, reply);
        }
    }

    pub(crate) fn watch(&mut self, client: ClientId) {
        if let Some(client) = self.all.get_mut(&client) {
            client.watches = true;
        }
    }

    /// Sends the View to everyone who watches, encoded once.
    pub(crate) fn publish(&self, view: &View) {
        if !self.all.values().any(|client| client.watches) {
            return;
        }
        match Outgoing::event(Event::View {
            view: Box::new(view.clone()),
        }) {
            Ok(frame) => {
                for client in self.all.values().filter(|client| client.watches) {
                    let _gone = client.outbox.send(frame.clone());
                }
            }
            Err(error) => tracing::error!(%error, "the View could not be sent"),
        }
    }

    /// Grants a role, or asks its holder to show itself.
    pub(crate) fn claim(&mut self, client: ClientId, role: Role, screen: String) -> bool {
        let holder = *self.roles.entry(role).or_insert(client);
        if holder != client {
            self.tell(holder, Event::Show { screen });
        }
        holder == client
    }

    pub(crate) fn holder(&self, role: Role) -> Option<ClientId> {
        self.roles.get(&role).copied()
    }

    pub(crate) fn challenge(&mut self, key: UseKey, nonce: String) {
        if let Some(client) = self.all.get_mut(&key.client) {
            client.nonces.insert(key.use_id, nonce);
        }
    }

    pub(crate) fn nonce(&self, key: UseKey) -> Option<&str> {
        self.all
            .get(&key.client)?
            .nonces
            .get(&key.use_id)
            .map(String::as_str)
    }

    pub(crate) fn released(&mut self, key: UseKey) {
        if let Some(client) = self.all.get_mut(&key.client) {
            client.nonces.remove(&key.use_id);
        }
    }

    /// Every open use, for when something changed that all of them depend on.
    pub(crate) fn uses(&self) -> Vec<UseKey> {
        let of_client = |(client, entry): (&ClientId, &Client)| {
            let client = *client;
            entry
                .nonces
                .keys()
                .map(move |use_id| UseKey {
                    client,
                    use_id: *use_id,
                })
                .collect::<Vec<_>>()
        };
        self.all.iter().flat_map(of_client).collect()
    }

    /// Tells everyone that the agent ends.
    pub(crate) fn retire(&self) {
        for client in self.all.keys() {
            self.tell(*client, Event::Retiring);
        }
    }
}
