//! The one loop: whatever happens goes through the engine, and what the engine wants done is done in its order.
//!
//! Nothing here waits for the network, the keyring or a browser; only a save is waited for, because what must survive
//! is on disk before anyone is told.

mod requests;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use latchkey_core::engine::{Effect, Engine, Input, NotSigned, Outcome, UseKey};
use latchkey_core::time::Now;
use latchkey_core::vault::VaultKind;
use latchkey_ipc::messages::{Event, Role};
use latchkey_ipc::server::Incoming;
use tokio::sync::mpsc;

use crate::clients::Clients;
use crate::devices::{Devices, Slot, expected};
use crate::os::{Clocks, Machine, Network, Timer};
use crate::registry::Registry;
use crate::runner::{AccountAt, Begin, Report, Runner, sign_release};
use crate::saver::Saver;
use crate::tray;

/// How long the agent stays when nobody needs it: whoever comes next may come soon.
const LINGER: Duration = Duration::from_secs(30);
/// How long a refresh that is under way is waited for when the agent ends.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// Sleep shorter than this is scheduling, not sleep.
const SLEPT: Duration = Duration::from_secs(5);

/// Everything the loop is made of.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) engine: Engine,
    pub(crate) machine: Machine,
    pub(crate) clocks: Clocks,
    pub(crate) registry: Registry,
    pub(crate) saver: Saver,
    pub(crate) runner: Runner,
    pub(crate) devices: Devices,
    pub(crate) clients: Clients,
    pub(crate) timer: Timer,
    /// Notices for which the tray was started.
    pub(crate) tray_started_for: BTreeSet<u64>,
    /// How the last save went.
    pub(crate) saved_well: bool,
    /// For how long the machine had slept when that was last looked at.
    pub(crate) slept: Duration,
}

/// Why the loop goes on or ends.
enum Next {
    Go,
    End,
}

impl Agent {
    /// Runs until nobody needs the agent, a newer one is to take over, or the system says so.
    pub(crate) async fn run(
        mut self,
        mut incoming: mpsc::Receiver<Incoming>,
        mut reports: mpsc::UnboundedReceiver<Report>,
        terminated: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut network = Network::watch()
            .inspect_err(|error| tracing::warn!(%error, "changes of the network are not seen"))
            .ok();
        self.slept = self.clocks.slept();
        self.read_registry().await;
        self.runner.take_up(self.engine.facts(), self.engine.view().vault);
        tokio::pin!(terminated);
        loop {
            let is_needed = self.is_needed();
            let next = tokio::select! {
                Some(happened) = incoming.recv() => self.serve(happened).await,
                Some(report) = reports.recv() => self.report(report).await,
                () = self.timer.rings() => self.handle(Input::Tick).await,
                () = changed(&mut network) => {
                    self.runner.renew();
                    self.handle(Input::NetworkChanged).await
                }
                () = linger(is_needed) => Next::End,
                () = &mut terminated => Next::End,
            };
            self.notice_sleep().await;
            if let Next::End = next {
                break;
            }
        }
        self.clients.retire();
        self.runner.settle(SETTLED_WITHIN).await;
        self.engine.ends(&self.clocks.now());
        self.give_up_keys();
        // To both copies: it may be that something ended which could not be saved until now.
        self.saver.save_last(self.engine.facts()).await;
        Ok(())
    }

    /// Keys that are in this process alone end with it.
    fn give_up_keys(&mut self) {
        if self.engine.view().vault != VaultKind::Memory {
            return;
        }
        let now = self.clocks.now();
        let signed: Vec<_> = self
            .devices
            .held()
            .filter_map(|(service, device)| {
                let release = sign_release(&device.key, service, None, self.engine.time_of(service, &now))?;
                Some((service.to_owned(), release))
            })
            .collect();
        for (service, release) in &signed {
            self.engine.key_ends(service, release.clone());
        }
    }

    fn is_needed(&self) -> bool {
        !self.clients.is_empty() || !self.engine.is_idle()
    }

    async fn handle(&mut self, input: Input) -> Next {
        self.handle_for(input, None).await;
        Next::Go
    }

    /// Handles an input, and says when that was. `asking` is the use whose status its own request is about to bring: as
    /// of then, because at a lease's very end an instant later is an end that nothing was done about yet.
    async fn handle_for(&mut self, input: Input, asking: Option<UseKey>) -> Now {
        self.notice_sleep().await;
        self.work(input, asking).await
    }

    /// Sleep is noticed at whatever happens first after it, and comes before that.
    async fn notice_sleep(&mut self) {
        let slept = self.clocks.slept();
        let since = slept.saturating_sub(self.slept);
        if since > SLEPT {
            self.slept = slept;
            self.runner.renew();
            self.work(Input::Woke { slept: since }, None).await;
        }
    }

    async fn work(&mut self, input: Input, asking: Option<UseKey>) -> Now {
        let now = self.clocks.now();
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let effects = self.engine.handle(&now, input);
            self.runner.tell_time(&self.engine.facts().clock);
            let saves = effects.iter().any(|effect| matches!(effect, Effect::Save { .. }));
            let was_well = self.saved_well;
            for effect in effects {
                self.perform(effect, asking).await;
            }
            let news = saves && !(was_well && self.saved_well);
            next = news.then_some(Input::Saved(self.saved_well));
        }
        now
    }

    async fn perform(&mut self, effect: Effect, asking: Option<UseKey>) {
        match effect {
            Effect::Save { both } => {
                self.saved_well = self.saver.save(self.engine.facts(), both).await;
            }
            Effect::Answer { ticket, answer } => self.clients.answer(ticket, answer),
            Effect::UseChanged(key) if Some(key) == asking => {}
            Effect::UseChanged(key) => self.tell_use(key),
            Effect::Publish => self.publish(),
            Effect::WakeAt(at) => {
                if let Err(error) = self.timer.set(at) {
                    tracing::error!(%error, "the timer could not be set");
                }
            }
            Effect::Forget {
                attempt,
                service,
                what,
            } => {
                if what == latchkey_core::facts::Forget::Everything {
                    self.devices.forget(&service);
                }
                self.runner.forget(attempt, service, what);
            }
            Effect::SignRelease {
                attempt,
                service,
                product,
                at,
            } => {
                let device = self.devices.device(&service).cloned();
                self.runner.sign_release(attempt, service, product, at, device);
            }
            Effect::SignTemporary {
                attempt,
                service,
                claims,
                identify: None,
            } => {
                let signed = self.devices.sign_temporary(&self.engine, &service, &claims);
                let outcome = Outcome::TemporarySigned(signed.ok_or(NotSigned::OutOfReach));
                self.runner.report(Report::Outcome(attempt, outcome));
            }
            Effect::SignTemporary {
                attempt,
                service,
                claims,
                identify: Some(issuer),
            } => self.runner.sign_first_start(attempt, service, issuer, *claims),
            Effect::Check { attempt, order } => self.runner.check(attempt, *order),
            Effect::Listen {
                attempt,
                service,
                issuer,
            } => self.runner.listen(attempt, AccountAt { service, issuer }),
            Effect::StopListening { attempt } => self.runner.stop_listening(attempt),
            Effect::Probe {
                attempt,
                service,
                issuer,
                strange,
            } => self.runner.probe(attempt, service, issuer, strange),
            Effect::BeginSignIn {
                attempt,
                service,
                email,
                method,
                anew,
                within,
            } => self.runner.begin_sign_in(
                attempt,
                Begin {
                    service,
                    email,
                    method,
                    anew,
                    within,
                },
            ),
            Effect::SignInKept { attempt } => self.runner.sign_in_kept(attempt),
            Effect::CancelSignIn { attempt } => self.runner.cancel_sign_in(attempt),
            Effect::SendRelease {
                attempt,
                service,
                release,
            } => self.runner.send_release(attempt, service, release),
        }
    }

    async fn report(&mut self, report: Report) -> Next {
        match report {
            Report::Outcome(attempt, outcome) => {
                return self.handle(Input::Outcome { attempt, outcome }).await;
            }
            Report::Vault(trouble) => return self.handle(Input::Vault(trouble)).await,
            Report::Unlocked(ticket, answer) => self.clients.answer(ticket, answer),
            Report::Replied(ticket, reply, changed) => {
                if let Some(service) = changed {
                    self.handle(Input::Changed(service)).await;
                }
                self.clients.reply_to(ticket, *reply);
            }
            Report::Used(service, device) => {
                // Where somebody else has signed in meanwhile, it is theirs no more than its answer is.
                if expected(&self.engine, &service) == Some(&device.thumbprint) {
                    self.key_came(service, Slot::Held(device)).await;
                }
            }
            Report::Device(service, slot) => {
                let is_known = expected(&self.engine, &service).is_some();
                // Somebody has signed in while the old key was awaited.
                let is_late = slot.is_awaited() && self.devices.device(&service).is_some();
                // A sign-in hands its key over before the engine hears of it; an old key after a reset is of no use.
                if !is_late && (is_known || self.engine.view().sign_in.is_some()) {
                    self.key_came(service, slot).await;
                }
            }
        }
        Next::Go
    }

    /// What the vault has of a service's device key is known: what is open can be proven by it.
    async fn key_came(&mut self, service: String, slot: Slot) {
        let key = slot.state();
        self.devices.put(service.clone(), slot);
        self.handle(Input::Key { service, key }).await;
        for key in self.clients.uses() {
            self.tell_use(key);
        }
    }

    fn publish(&mut self) {
        self.clients.publish(self.engine.view());
        let untold: BTreeSet<u64> = self
            .engine
            .view()
            .notices
            .iter()
            .map(|notice| notice.id)
            .collect();
        if self.clients.holder(Role::Tray).is_none() && !untold.is_subset(&self.tray_started_for) {
            tray::start();
        }
        self.tray_started_for = untold;
    }

    fn tell_use(&mut self, key: UseKey) {
        let Some(nonce) = self.clients.nonce(key) else {
            return;
        };
        let (status, grant) = self.devices.answer(&self.engine, &self.clocks.now(), key, nonce);
        self.clients.tell(
            key.client,
            Event::Use {
                use_id: key.use_id,
                status,
                grant,
            },
        );
    }

    async fn serve(&mut self, happened: Incoming) -> Next {
        match happened {
            Incoming::Connected {
                client,
                hello,
                outbox,
            } => {
                tracing::debug!(client = client.0, kind = ?hello.kind, version = hello.version, "connected");
                self.clients.connected(client.0, hello.kind, outbox);
                Next::Go
            }
            Incoming::Gone { client } => {
                self.clients.gone(client.0);
                self.handle(Input::ClientGone(client.0)).await
            }
            Incoming::Call { client, call } => self.call(client.0, call).await,
            _ => Next::Go,
        }
    }

    async fn read_registry(&mut self) {
        let registered = self.registry.read();
        self.runner.registered(&registered);
        self.handle(Input::Registry(registered)).await;
    }
}

async fn changed(network: &mut Option<Network>) {
    match network {
        Some(network) => network.changed().await,
        None => std::future::pending().await,
    }
}

async fn linger(is_needed: bool) {
    if is_needed {
        std::future::pending().await
    } else {
        tokio::time::sleep(LINGER).await;
    }
}
