//! `latchkey-server product`

use std::path::PathBuf;

use clap::Subcommand;
use latchkey_core::first_start::FirstStartClaims;
use latchkey_core::policy::Policy;
use latchkey_core::registration::{LONGEST_SIGNED, Registration, VERSION, is_product_key};
use latchkey_core::time::Timestamp;

use super::key::root_of;
use super::subscription::policy;
use super::{CliError, Data, Output, keyring, name};
use crate::signer::RootKey;
use crate::store::records::{self, Issuer};
use crate::store::{Store, StoreError};
use crate::vouch;

#[derive(Subcommand)]
pub(super) enum Product {
    /// Add a product.
    Add {
        /// Product key: 1 to 64 of A-Z, 0-9, - and _.
        #[arg(value_parser = product_key)]
        key: String,
        /// What people call it.
        #[arg(long, value_parser = name)]
        name: String,
        /// Who publishes it.
        #[arg(long, value_parser = name)]
        publisher: String,
    },
    /// List the products.
    List,
    /// Print the registration that the product's installer puts on each machine.
    Registration {
        /// Product key.
        key: String,
        /// The version that is installed.
        #[arg(long, value_parser = name)]
        version: String,
        /// Sign that it may start for the first time while the service is out, and what of that differs from the default policy
        /// (`temporary_for`, `temporary_limit`, `save_window`): JSON, or @FILE; `{}` for nothing. Run `key issuers` before.
        #[arg(long, value_parser = policy, value_name = "JSON")]
        first_start: Option<Policy>,
        /// The root key's file, where it is not kept in the data folder.
        #[arg(long, value_name = "FILE", requires = "first_start")]
        root_key: Option<PathBuf>,
    },
}

impl Product {
    pub(super) async fn run(self, data: &Data, now: Timestamp) -> Result<Output, CliError> {
        let store = &data.open()?;
        match self {
            Self::Add { key, name, publisher } => {
                let new = records::Product { key, name, publisher };
                store.add_product(new.clone(), now).await?;
                Output::new(&new, format!("{} is added.", new.key))
            }
            Self::List => Output::table(&store.products().await?, ["KEY", "NAME", "PUBLISHER"], |one| {
                [one.key.clone(), one.name.clone(), one.publisher.clone()]
            }),
            Self::Registration {
                key,
                version,
                first_start,
                root_key,
            } => {
                let mut registration = registration(store, key, version).await?;
                if let Some(policy) = first_start {
                    let root = root_of(&keyring(store).await?, data, root_key)?;
                    sign(store, &root, &mut registration, policy, now).await?;
                }
                registration
                    .validate()
                    .map_err(|error| CliError::Usage(error.to_string()))?;
                let text = serde_json::to_string_pretty(&registration).map_err(std::io::Error::from)?;
                Output::new(&registration, text)
            }
        }
    }
}

async fn registration(store: &dyn Store, key: String, version: String) -> Result<Registration, CliError> {
    let known = store
        .products()
        .await?
        .into_iter()
        .find(|product| product.key == key);
    let product = known.ok_or(StoreError::NotFound {
        what: "product",
        name: key,
    })?;
    let keyring = keyring(store).await?;
    let service = keyring.url.ok_or_else(|| {
        CliError::Usage(
            "the service has no address yet: run `latchkey-server serve` once, or give --url to init".into(),
        )
    })?;
    Ok(Registration {
        registration: VERSION,
        product: product.key,
        version,
        name: product.name,
        publisher: product.publisher,
        service,
        root_keys: keyring.roots,
        first_start: None,
        keys: None,
    })
}

/// Signs that the product may start for the first time in an outage (rule 7).
async fn sign(
    store: &dyn Store,
    root: &RootKey,
    registration: &mut Registration,
    policy: Policy,
    now: Timestamp,
) -> Result<(), CliError> {
    let keyring = keyring(store).await?;
    let vouched = vouch::vouched(&store.issuers().await?, &keyring);
    if vouched.is_empty() {
        return Err(CliError::Usage(
            "the keys document vouches for no issuer, so that no first start could be verified: run \
             `latchkey-server key issuers` before"
                .into(),
        ));
    }
    let claims = FirstStartClaims {
        iss: registration.service.clone(),
        aud: registration.product.clone(),
        iat: now.as_secs(),
        identities: vouched.iter().map(Issuer::identity).collect(),
        policy,
    };
    let first_start = root.first_start(&claims)?;
    let document = keyring.document.unwrap_or_default();
    if first_start.len() + document.len() > LONGEST_SIGNED {
        return Err(CliError::Usage(
            "the registration would be too long for agents to read: vouch for fewer issuers with `latchkey-server key issuers`"
                .into(),
        ));
    }
    registration.first_start = Some(first_start);
    registration.keys = Some(document);
    Ok(())
}

/// A product key on the command line.
pub(super) fn product_key(text: &str) -> Result<String, String> {
    if is_product_key(text) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 of A-Z, 0-9, - and _".into())
    }
}
