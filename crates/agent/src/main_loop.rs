//! The one loop: whatever happens goes through the engine, and what the engine wants done is done in its order.
//!
//! Nothing here waits for the network, the keyring or a browser; only a save is waited for, because what must survive
//! is on disk before anyone is told.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use latchkey_api::devices::ReleaseDevice;
use latchkey_core::code::Code;
use latchkey_core::engine::{Ask, Effect, Engine, Input, NotSigned, Outcome, SignInWish, UseKey};
use latchkey_core::registration::is_product_key;
use latchkey_core::time::Now;
use latchkey_core::vault::VaultKind;
use latchkey_ipc::messages::{Call, Event, Refused, Reply, Request, ResetScope, Role};
use latchkey_ipc::server::Incoming;
use tokio::sync::mpsc;

use crate::clients::Clients;
use crate::devices::Devices;
use crate::os::{Clocks, Machine, Network, Timer};
use crate::registry::Registry;
use crate::runner::{AccountAt, Begin, DevicesWish, Report, Runner, sign_release};
use crate::saver::Saver;
use crate::secret::SecretText;
use crate::{privacy, tray};

/// How long the agent stays when nobody needs it: whoever comes next may come soon.
const LINGER: Duration = Duration::from_secs(30);
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
        let ends = self.give_up_keys();
        self.saver.save(self.engine.facts(), ends).await;
        Ok(())
    }

    /// Keys that are in this process alone end with it. Says whether there were any.
    fn give_up_keys(&mut self) -> bool {
        if self.engine.view().vault != VaultKind::Memory {
            return false;
        }
        let at = self.engine.trusted(&self.clocks.now());
        let signed: Vec<_> = self
            .devices
            .held()
            .filter_map(|(service, device)| {
                let release = sign_release(&device.key, service, None, at)?;
                Some((service.to_owned(), release))
            })
            .collect();
        for (service, release) in &signed {
            self.engine.key_ends(service, release.clone());
        }
        !signed.is_empty()
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
        let effects = self.engine.handle(&now, input);
        self.runner.tell_time(&self.engine.facts().clock);
        for effect in effects {
            self.perform(effect, asking).await;
        }
        now
    }

    async fn perform(&mut self, effect: Effect, asking: Option<UseKey>) {
        match effect {
            Effect::Save { both } => {
                let saved = self.saver.save(self.engine.facts(), both).await;
                if saved != self.saved_well {
                    self.saved_well = saved;
                    self.runner.report(Report::Saved(saved));
                }
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
                let signed = self.devices.sign_temporary(&service, &claims);
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
            Effect::Probe { attempt, service } => self.runner.probe(attempt, service),
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
            Report::Saved(saved) => return self.handle(Input::Saved(saved)).await,
            Report::Vault(trouble) => return self.handle(Input::Vault(trouble)).await,
            Report::Unlocked(ticket, answer) => self.clients.answer(ticket, answer),
            Report::Replied(ticket, reply, changed) => {
                if let Some(service) = changed {
                    self.handle(Input::Changed(service)).await;
                }
                self.clients.reply_to(ticket, *reply);
            }
            Report::Device(service, slot) => {
                let expected = self
                    .engine
                    .facts()
                    .services
                    .get(&service)
                    .and_then(|known| known.device.clone());
                // Somebody has signed in while the old key was awaited.
                if slot.is_awaited() && self.devices.device(&service).is_some() {
                    return Next::Go;
                }
                // A sign-in hands its key over before the engine hears of it; an old key after a reset is of no use.
                if expected.is_some() || self.engine.view().sign_in.is_some() {
                    let key = slot.state();
                    self.devices.put(service.clone(), slot);
                    self.handle(Input::Key { service, key }).await;
                    for key in self.clients.uses() {
                        self.tell_use(key);
                    }
                }
            }
        }
        Next::Go
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

    async fn call(&mut self, client: u64, call: Call) -> Next {
        let Call { id, request } = call;
        let ask = match request {
            Request::SignIn {
                service,
                email,
                method,
            } => {
                // An address that has a domain, or none: what is no address must not go to the service.
                if email.as_deref().is_some_and(|email| !is_address(email)) {
                    self.clients.reply(client, id, wrong("bad_email", String::new()));
                    return Next::Go;
                }
                Ask::SignIn(SignInWish {
                    service,
                    email,
                    method,
                })
            }
            Request::CancelSignIn => Ask::CancelSignIn,
            Request::SignOut { service } => Ask::SignOut(service),
            Request::Check | Request::PrepareOffline => Ask::Check,
            Request::Reset {
                scope: ResetScope::All,
            } => Ask::Reset(None),
            Request::Reset {
                scope: ResetScope::Product(product),
            } => Ask::Reset(Some(product)),
            Request::Session { product, wish } => Ask::Session { product, wish },
            Request::Devices { service } => return self.devices(client, id, service, DevicesWish::List),
            Request::ReleaseDevice {
                service,
                device,
                same_machine,
            } => {
                let wish = DevicesWish::Release(ReleaseDevice { device, same_machine });
                return self.devices(client, id, service, wish);
            }
            Request::Unlock { passphrase, first } => {
                let ticket = self.clients.ticket(client, id);
                let passphrase = passphrase.map(|typed| SecretText::new(typed.expose().to_owned()));
                self.runner.unlock(ticket, passphrase, first);
                return Next::Go;
            }
            Request::Retire => {
                self.clients.reply(client, id, Reply::Done);
                return Next::End;
            }
            request => {
                let reply = self.answer_at_once(client, request).await;
                self.clients.reply(client, id, reply);
                return Next::Go;
            }
        };
        let ticket = self.clients.ticket(client, id);
        let signs_in = matches!(ask, Ask::SignIn(_));
        self.handle(Input::Ask { ticket, client, ask }).await;
        // The window may be closed while the browser is open: the tray stays, and waits in its place.
        if let Some(tray) = self.clients.holder(Role::Tray).filter(|_| signs_in) {
            self.engine.adopt_sign_in(tray);
        }
        Next::Go
    }

    /// What is asked of the user's devices goes to the service where they are signed in.
    fn devices(&mut self, client: u64, id: u64, service: Option<String>, wish: DevicesWish) -> Next {
        let services = self.engine.facts().services.iter();
        let mut accounts = services.filter_map(|(name, known)| {
            let account = known.account.as_ref()?;
            service
                .as_ref()
                .is_none_or(|service| service == name)
                .then(|| AccountAt {
                    service: name.clone(),
                    issuer: account.issuer.clone(),
                })
        });
        match (accounts.next(), accounts.next()) {
            (Some(at), None) => {
                let ticket = self.clients.ticket(client, id);
                self.runner.devices(ticket, at, wish);
            }
            (None, _) => {
                let refused = Refused {
                    code: Code::SignInRequired.number(),
                    problem: "not_signed_in".to_owned(),
                    detail: String::new(),
                };
                self.clients.reply(client, id, Reply::Refused(refused));
            }
            (Some(_), Some(_)) => self
                .clients
                .reply(client, id, wrong("several_services", String::new())),
        }
        Next::Go
    }

    /// Requests whose answer is in memory, or on this machine's disk.
    async fn answer_at_once(&mut self, client: u64, request: Request) -> Reply {
        match request {
            Request::Authorize {
                use_id,
                product,
                version,
                nonce,
                running,
            } => {
                let key = UseKey { client, use_id };
                self.authorize(key, product, &version, nonce, running).await
            }
            Request::Prove { use_id, nonce } => {
                let key = UseKey { client, use_id };
                if self.clients.nonce(key).is_none() {
                    return wrong("unknown_use", String::new());
                }
                if !is_nonce(&nonce) {
                    return wrong("bad_nonce", String::new());
                }
                self.clients.challenge(key, nonce.clone());
                // It may be due to hear of an end before the timer rings.
                let now = self.handle_for(Input::Tick, Some(key)).await;
                let (status, grant) = self.devices.answer(&self.engine, &now, key, &nonce);
                Reply::Authorized { status, grant }
            }
            Request::Release { use_id } => {
                let key = UseKey { client, use_id };
                self.clients.released(key);
                self.handle(Input::Release(key)).await;
                Reply::Done
            }
            Request::Status { product } => Reply::Status {
                status: self.engine.product_status(&self.clocks.now(), &product),
            },
            Request::View => Reply::View {
                view: Box::new(self.engine.view().clone()),
            },
            Request::Watch => {
                self.clients.watch(client);
                Reply::View {
                    view: Box::new(self.engine.view().clone()),
                }
            }
            Request::Register { registration } => match self.registry.register(&registration) {
                Ok(()) => {
                    self.read_registry().await;
                    Reply::Done
                }
                Err(error) => wrong("registration_refused", error.to_string()),
            },
            Request::Deregister { product, version } => {
                match self.registry.deregister(&product, version.as_deref()) {
                    Ok(true) => {
                        self.read_registry().await;
                        Reply::Done
                    }
                    Ok(false) => wrong("unknown_product", product),
                    Err(error) => wrong("registration_refused", error.to_string()),
                }
            }
            Request::Privacy => Reply::Privacy {
                fields: privacy::sent_fields(&self.engine, &self.machine),
            },
            Request::Claim { role, show } => Reply::Claimed {
                granted: self.clients.claim(client, role, show),
            },
            Request::Shown { notices } => {
                self.handle(Input::Shown(notices)).await;
                Reply::Done
            }
            _ => Reply::Unsupported,
        }
    }

    async fn authorize(
        &mut self,
        key: UseKey,
        product: String,
        version: &str,
        nonce: String,
        running: bool,
    ) -> Reply {
        if !is_product_key(&product) {
            return wrong("bad_product_key", product);
        }
        if version.is_empty() || version.len() > 64 {
            return wrong("bad_version", String::new());
        }
        if !is_nonce(&nonce) {
            return wrong("bad_nonce", String::new());
        }
        if !self
            .engine
            .registry()
            .iter()
            .any(|entry| entry.product == product)
        {
            // An installer may have registered it since.
            self.read_registry().await;
        }
        self.clients.challenge(key, nonce.clone());
        let now = self
            .handle_for(
                Input::Authorize {
                    key,
                    product,
                    version: version.to_owned(),
                    running,
                },
                Some(key),
            )
            .await;
        let (status, grant) = self.devices.answer(&self.engine, &now, key, &nonce);
        Reply::Authorized { status, grant }
    }

    async fn read_registry(&mut self) {
        let registered = self.registry.read();
        self.runner.registered(&registered);
        self.handle(Input::Registry(registered)).await;
    }
}

fn wrong(problem: &str, detail: String) -> Reply {
    let code = Code::InvalidArgument.number();
    Reply::Refused(Refused {
        code,
        problem: problem.to_owned(),
        detail,
    })
}

/// Whether a text can be an e-mail address: something, an @, and a domain.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    text.len() <= 254
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

fn is_nonce(text: &str) -> bool {
    (16..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
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
