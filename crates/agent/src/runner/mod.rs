//! Carries the engine's effects out, each in a task of its own, and reports what came of it under the attempt's number.
//!
//! | room | concern |
//! | --- | --- |
//! | `mod` | the tasks, and how they are stopped |
//! | `check` | an access token, then one round trip |
//! | `sides` | what a failure shows of either service |
//! | `hindrance` | what stands in the way, where trying again will not mend it |
//! | `sign_in` | a sign-in, until its tokens are in the vault and it is on disk |
//! | `first_start` | the temporary licence of a first start in an outage |
//! | `listen` | the stream of pushes, and the user's own devices |
//! | `ending` | releases, and what is deleted from the vault |

mod check;
mod ending;
mod first_start;
mod hindrance;
mod listen;
mod sides;
mod sign_in;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_core::clock::Clock;
use latchkey_core::code::Code;
use latchkey_core::engine::{Answer, Attempt, Outcome, Ticket};
use latchkey_core::facts::{Facts, first_starts};
use latchkey_core::identity::Identity;
use latchkey_core::registration::Registration;
use latchkey_core::time::Timestamp;
use latchkey_core::vault::{KeyState, VaultKind, VaultTrouble};
use latchkey_ipc::messages::Reply;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::devices::{Device, Slot};
use crate::http::Http;
use crate::identity::session::Sessions;
use crate::identity::{Clock as _, Oidc, problem};
use crate::licensing::Licensing;
use crate::os::{Clocks, Machine};
use crate::secret::SecretText;
use crate::vault::{Vault, VaultError};

pub(crate) use check::usage;
pub(crate) use ending::sign_release;
pub(crate) use listen::{AccountAt, DevicesWish};
pub(crate) use sign_in::Begin;

/// What a task tells the loop.
#[derive(Debug)]
pub(crate) enum Report {
    /// What came of an attempt.
    Outcome(Attempt, Outcome),
    /// A service's device key came out of the vault, or is not there.
    Device(String, Slot),
    /// A check was made with this device key. Meanwhile the service may have another user.
    Used(String, Device),
    /// The vault is otherwise than before.
    Vault(Option<VaultTrouble>),
    /// The answer to a request, and the service where something changed by it.
    Replied(Ticket, Box<Reply>, Option<String>),
    /// What came of unlocking the vault.
    Unlocked(Ticket, Answer),
}

/// What every task needs. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    reports: mpsc::UnboundedSender<Report>,
    pub(crate) vault: Vault,
    pub(crate) licensing: Licensing,
    pub(crate) oidc: Oidc,
    pub(crate) sessions: Sessions,
    pub(crate) machine: Machine,
    http: Http,
    times: Times,
}

/// The time to judge tokens by (rule 16), for tasks that outlive the input they come from.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    clocks: Clocks,
    clock: Arc<Mutex<Clock>>,
}

impl crate::identity::Clock for Times {
    fn now(&self) -> Timestamp {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.for_tokens(&self.clocks.now())
    }

    fn wall(&self) -> Timestamp {
        self.clocks.now().wall
    }

    fn ticks(&self) -> Duration {
        self.clocks.now().ticks
    }
}

impl Times {
    fn is_wall_right(&self) -> bool {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.is_wall_right(&self.clocks.now())
    }
}

impl Tools {
    pub(crate) fn report(&self, attempt: Attempt, outcome: Outcome) {
        let _loop_ended = self.reports.send(Report::Outcome(attempt, outcome));
    }

    /// The time to judge tokens by (rule 16).
    pub(crate) fn token_time(&self) -> Timestamp {
        self.times.now()
    }

    /// Hands the device key to the loop.
    pub(crate) fn hand_over(&self, service: &str, slot: Slot) {
        let _loop_ended = self.reports.send(Report::Device(service.to_owned(), slot));
    }
}

impl Tools {
    /// Tells the loop which device key a check was made with.
    fn used(&self, service: &str, device: Device) {
        let _loop_ended = self.reports.send(Report::Used(service.to_owned(), device));
    }
}

/// The tasks that are under way.
#[derive(Debug)]
pub(crate) struct Runner {
    tools: Tools,
    /// By service: what a reset or a sign-out must stop.
    by_service: BTreeMap<String, Vec<JoinHandle<()>>>,
    sign_in: Option<sign_in::Open>,
    /// The streams of pushes.
    streams: BTreeMap<Attempt, JoinHandle<()>>,
}

impl Runner {
    pub(crate) fn new(
        reports: mpsc::UnboundedSender<Report>,
        vault: Vault,
        machine: Machine,
        clocks: Clocks,
        state: PathBuf,
    ) -> Self {
        let http = Http::default();
        let times = Times {
            clocks,
            clock: Arc::default(),
        };
        let oidc = Oidc::new(http.clone(), Arc::new(times.clone()));
        let sessions = Sessions::new(oidc.clone(), vault.clone(), state, machine.id.clone());
        let licensing = Licensing::new(http.clone());
        let tools = Tools {
            reports,
            vault,
            licensing,
            oidc,
            sessions,
            machine,
            http,
            times,
        };
        Self {
            tools,
            by_service: BTreeMap::new(),
            sign_in: None,
            streams: BTreeMap::new(),
        }
    }

    /// The agent ends: what a refresh brings that is under way is stored.
    pub(crate) async fn settle(&self, within: Duration) {
        self.tools.sessions.settle(within).await;
    }

    /// The machine has slept, or is in another network.
    pub(crate) fn renew(&self) {
        self.tools.http.renew();
    }

    /// Passes a report of the loop's own on to the loop.
    pub(crate) fn report(&self, report: Report) {
        let _loop_ended = self.tools.reports.send(report);
    }

    /// The registered products: what their vendors have signed of issuers is known even while their services are out.
    pub(crate) fn registered(&self, registry: &[Registration]) {
        let mut identities: BTreeMap<String, Vec<Identity>> = BTreeMap::new();
        for entry in registry {
            let signed = first_starts(registry, &entry.service, &entry.product);
            let known = identities.entry(entry.service.clone()).or_default();
            for identity in signed.iter().flat_map(|first| &first.claims().identities) {
                if !known.contains(identity) {
                    known.push(identity.clone());
                }
            }
        }
        self.tools.licensing.registered(identities);
    }

    /// Trusted time as it is known now.
    pub(crate) fn tell_time(&self, clock: &Clock) {
        *self
            .tools
            .times
            .clock
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = clock.clone();
    }

    /// Unlocks the vault: with a passphrase, or by asking the user again.
    pub(crate) fn unlock(&self, ticket: Ticket, passphrase: Option<SecretText>, first: bool) {
        let tools = self.tools.clone();
        tokio::spawn(async move {
            let unlocked = match passphrase {
                Some(passphrase) => tools.vault.unlock(passphrase, first).await,
                None => {
                    tools.vault.ask_again();
                    tools.vault.make_ready().await
                }
            };
            let answer = match unlocked {
                Ok(()) => Answer::Done,
                Err(error) => {
                    tracing::info!(%error, "the vault stays as it is");
                    Answer::Refused {
                        code: error
                            .trouble()
                            .map_or(Code::InvalidArgument, |_| Code::AuthPending),
                        problem: problem::of_vault(&error).to_owned(),
                    }
                }
            };
            let _loop_ended = tools.reports.send(Report::Unlocked(ticket, answer));
        });
    }

    fn spawn(&mut self, service: &str, task: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.by_service.entry(service.to_owned()).or_default();
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(task));
    }

    /// Stops everything that is under way for a service: its outcome would be dropped, and it must not write what is
    /// about to be deleted.
    fn stop(&mut self, service: &str) {
        for task in self.by_service.remove(service).unwrap_or_default() {
            task.abort();
        }
    }

    /// Takes up what the stored facts name: each account's issuer, and the device key of every service that has one. A keyring
    /// that is locked is waited for.
    pub(crate) fn take_up(&mut self, facts: &Facts, vault: VaultKind) {
        tokio::spawn(watch_the_vault(self.tools.clone()));
        if vault == VaultKind::File {
            // Nobody is asked, and everyone can see whether the passphrase is still to come.
            let tools = self.tools.clone();
            tokio::spawn(async move { tools.vault.make_ready().await });
        }
        for (name, service) in &facts.services {
            if let Some(account) = &service.account {
                self.tools.licensing.remember_issuer(name, &account.issuer);
            }
        }
        let services = facts
            .services
            .iter()
            .filter(|(_, service)| service.device.is_some());
        for service in services.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            let tools = self.tools.clone();
            let name = service.clone();
            self.spawn(&name, async move { load_device(&tools, &service).await });
        }
    }
}

async fn load_device(tools: &Tools, service: &str) {
    let mut access = tools.vault.access();
    loop {
        access.mark_unchanged();
        let loaded = tools.vault.load(&tools.sessions.entry(service)).await;
        let key = loaded.and_then(|secrets| {
            secrets
                .map(|secrets| secrets.device_key.signing_key())
                .transpose()
        });
        match key {
            Ok(Some(key)) => return tools.hand_over(service, Slot::Held(Device::new(key))),
            Ok(None) => return tools.hand_over(service, Slot::Without(KeyState::Gone)),
            Err(error @ (VaultError::Corrupt { .. } | VaultError::TooNew { .. })) => {
                tracing::warn!(%error, "the device key cannot be read");
                let trouble = error.trouble().unwrap_or(VaultTrouble::Damaged);
                return tools.hand_over(service, Slot::Without(KeyState::Unreadable(trouble)));
            }
            Err(error) => {
                tracing::warn!(%error, "the device key is not to be had yet");
                tools.hand_over(service, Slot::Without(KeyState::Awaited));
            }
        }
        // Somebody unlocks the keyring, or its service comes back.
        loop {
            if access.changed().await.is_err() {
                return;
            }
            if access.borrow_and_update().is_open() {
                break;
            }
        }
    }
}

/// Tells the loop whenever the vault is otherwise than before.
async fn watch_the_vault(tools: Tools) {
    let mut access = tools.vault.access();
    while access.changed().await.is_ok() {
        let seen = *access.borrow_and_update();
        let _loop_ended = tools.reports.send(Report::Vault(seen.trouble()));
    }
}
