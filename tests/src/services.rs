//! The two services behind the product: an identity provider, and a licensing service with one organisation, one
//! product, and one user who has a seat.

use std::cell::{RefCell, RefMut};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::company::Company;
use crate::gate::Gate;
use crate::provider::{Account, Provider, RESOURCE};
use crate::service::Service;

/// The organisation that pays.
pub const ORGANISATION: &str = "Northwind";
/// The product's key.
pub const PRODUCT: &str = "ATLAS";
/// The version that is installed.
pub const VERSION: &str = "2026.1";

/// The name of the identity provider in the company's network.
pub const PROVIDER: &str = "id.northwind.example";
/// The name of the licensing service there.
pub const LICENSING: &str = "licences.northwind.example";

/// Both services, running.
#[derive(Debug)]
pub struct Services {
    maya: Account,
    provider: RefCell<Provider>,
    licensing: RefCell<Service>,
}

impl Services {
    /// Starts both, filled. `policy` is the subscription's, as far as it departs from the defaults:
    /// `{"offline_for": 86400}`.
    ///
    /// # Errors
    /// One does not come up, or the policy is nonsense.
    pub fn seeded(folder: &Path, logs: &Path, policy: &Value) -> Result<Self> {
        Self::seeded_by(folder, logs, policy, &json!({}))
    }

    /// The same, with further settings of the provider (tests/provider/configuration.mjs).
    ///
    /// # Errors
    /// One does not come up, or a setting is nonsense.
    pub fn seeded_by(folder: &Path, logs: &Path, policy: &Value, provider: &Value) -> Result<Self> {
        let licensing = Service::init(&folder.join("service"), logs.to_owned())?;
        Self::with(licensing, folder, logs, policy, provider)
    }

    /// Both as usual, the licensing service behind a gate.
    ///
    /// # Errors
    /// One does not come up.
    pub fn behind(gate: &Gate, folder: &Path, logs: &Path) -> Result<Self> {
        let licensing = Service::init_behind(gate, &folder.join("service"), logs.to_owned())?;
        Self::with(licensing, folder, logs, &json!({}), &json!({}))
    }

    fn with(
        licensing: Service,
        folder: &Path,
        logs: &Path,
        policy: &Value,
        provider: &Value,
    ) -> Result<Self> {
        let maya = Account::new("maya@northwind.example", "Maya Lindqvist", "a quiet harbour");
        let accounts = std::slice::from_ref(&maya);
        let provider = Provider::start(folder.join("provider"), logs.to_owned(), accounts, provider)?;
        Self::filled(maya, provider, licensing, policy)
    }

    /// Both at a company: each has a name that its network knows, and a certificate of its own authority.
    ///
    /// # Errors
    /// One does not come up.
    pub fn at(company: Rc<Company>, folder: &Path, logs: &Path) -> Result<Self> {
        let maya = Account::new("maya@northwind.example", "Maya Lindqvist", "a quiet harbour");
        let certificate = company.certificate(PROVIDER)?;
        let tls = json!({ "name": PROVIDER, "certificate": certificate.chain, "key": certificate.key });
        let provider = Provider::start(
            folder.join("provider"),
            logs.to_owned(),
            std::slice::from_ref(&maya),
            &json!({ "tls": tls }),
        )?;
        let licensing = Service::init_at(company, LICENSING, &folder.join("service"), logs.to_owned())?;
        Self::filled(maya, provider, licensing, &json!({}))
    }

    fn filled(maya: Account, provider: Provider, mut licensing: Service, policy: &Value) -> Result<Self> {
        seed(&licensing, provider.issuer(), &maya, policy).context("filling the licensing service")?;
        licensing.serve()?;
        Ok(Self {
            maya,
            provider: RefCell::new(provider),
            licensing: RefCell::new(licensing),
        })
    }

    /// The user, who can sign in and has a seat.
    pub fn maya(&self) -> &Account {
        &self.maya
    }

    /// The identity provider.
    pub fn provider(&self) -> RefMut<'_, Provider> {
        self.provider.borrow_mut()
    }

    /// The licensing service.
    pub fn licensing(&self) -> RefMut<'_, Service> {
        self.licensing.borrow_mut()
    }

    /// The registration that a version of the product brings along when it is installed.
    ///
    /// # Errors
    /// The service refuses.
    pub fn registration(&self, version: &str) -> Result<String> {
        let registration =
            self.licensing()
                .tell(["product", "registration", PRODUCT, "--version", version])?;
        Ok(registration.to_string())
    }
}

fn seed(service: &Service, issuer: &str, maya: &Account, policy: &Value) -> Result<()> {
    service.tell([
        "issuer",
        "add",
        issuer,
        "--client-id",
        "latchkey",
        "--resource",
        RESOURCE,
    ])?;
    service.tell(["organisation", "add", ORGANISATION])?;
    service.tell([
        "product",
        "add",
        PRODUCT,
        "--name",
        "Atlas",
        "--publisher",
        "Northwind Maps",
    ])?;
    let policy = policy.to_string();
    let subscription = [
        "subscription",
        "add",
        "--organisation",
        ORGANISATION,
        "--product",
        PRODUCT,
        "--policy",
        &policy,
    ];
    service.tell(subscription)?;
    service.tell(["user", "add", &maya.email, "--organisation", ORGANISATION])?;
    service.tell(["seat", "assign", &maya.email, PRODUCT])?;
    Ok(())
}
