//! What clients ask for, by each request's kind.

use latchkey_api::devices::ReleaseDevice;
use latchkey_core::code::Code;
use latchkey_core::engine::{Ask, Input, SignInWish, UseKey};
use latchkey_core::registration::is_product_key;
use latchkey_ipc::messages::{Call, Refused, Reply, Request, ResetScope, Role};

use super::{Agent, Next};
use crate::privacy;
use crate::runner::{AccountAt, DevicesWish};
use crate::secret::SecretText;

impl Agent {
    pub(super) async fn call(&mut self, client: u64, call: Call) -> Next {
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
                fields: privacy::sent_fields(&self.engine, &self.clocks.now(), &self.machine),
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
