//! `latchkey-server product`

use clap::Subcommand;
use latchkey_core::registration::{Registration, VERSION, is_product_key};
use latchkey_core::time::Timestamp;

use super::{CliError, Output, keyring, name};
use crate::store::{Store, StoreError, records};

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
    },
}

impl Product {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::Add { key, name, publisher } => {
                let new = records::Product { key, name, publisher };
                store.add_product(new.clone(), now).await?;
                Output::new(&new, format!("{} is added.", new.key))
            }
            Self::List => Output::table(&store.products().await?, ["KEY", "NAME", "PUBLISHER"], |one| {
                [one.key.clone(), one.name.clone(), one.publisher.clone()]
            }),
            Self::Registration { key, version } => registration(store, key, version).await,
        }
    }
}

async fn registration(store: &dyn Store, key: String, version: String) -> Result<Output, CliError> {
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
    let registration = Registration {
        registration: VERSION,
        product: product.key,
        version,
        name: product.name,
        publisher: product.publisher,
        service,
        root_keys: keyring.roots,
    };
    registration
        .validate()
        .map_err(|error| CliError::Usage(error.to_string()))?;
    let text = serde_json::to_string_pretty(&registration).map_err(std::io::Error::from)?;
    Output::new(&registration, text)
}

/// A product key on the command line.
pub(super) fn product_key(text: &str) -> Result<String, String> {
    if is_product_key(text) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 of A-Z, 0-9, - and _".into())
    }
}
