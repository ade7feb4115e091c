//! `latchkey-server init`

use clap::Args;
use latchkey_core::registration::is_service;
use latchkey_core::time::Timestamp;
use serde_json::json;

use super::{CliError, Data, Output};
use crate::private_file;
use crate::signer::{RootKey, new_lease_key};
use crate::store::Store as _;
use crate::store::records::NewKeys;
use crate::store::sqlite::{OpenError, SqliteStore};

#[derive(Args)]
pub(super) struct Init {
    /// The public address: https, or http to a literal loopback address, without a trailing slash. Without it the
    /// service takes the loopback address that it listens on.
    #[arg(long, value_parser = service_url)]
    url: Option<String>,
}

impl Init {
    pub(super) async fn run(self, data: &Data, now: Timestamp) -> Result<Output, CliError> {
        private_file::folder(data.folder())?;
        let store = unfinished(data).await?;
        // A root key that is there is taken, never written over: an earlier `init` may have made it, or an administrator.
        let path = data.root_key();
        let root = if path.exists() {
            RootKey::read(&path)?
        } else {
            RootKey::create(&path)?
        };
        let lease_key = new_lease_key(now)?;
        let keys = std::slice::from_ref(&lease_key);
        let document = self
            .url
            .as_ref()
            .map(|url| root.document(url, keys, Vec::new(), 0, now))
            .transpose()?;
        let kid = root.jwk().thumbprint().0;
        let new = NewKeys {
            previous_iat: 0,
            url: self.url.clone(),
            url_derived: false,
            document,
            root: Some(root.jwk()),
            lease_key: Some(lease_key),
            dropped: Vec::new(),
        };
        store.publish(new).await?;
        let folder = data.folder().display();
        let answer = json!({"data": folder.to_string(), "url": self.url, "root_key": kid});
        Output::new(
            &answer,
            format!(
                "The data folder is {folder}. It holds private keys: keep it to this account, and back it up.\n\
                 \n\
                 Next:\n\
                 \x20 latchkey-server issuer add ISSUER --client-id ID     who says who the users are\n\
                 \x20 latchkey-server product add KEY --name NAME --publisher PUBLISHER\n\
                 \x20 latchkey-server organisation add NAME\n\
                 \x20 latchkey-server subscription add --organisation NAME --product KEY\n\
                 \x20 latchkey-server user add EMAIL --organisation NAME\n\
                 \x20 latchkey-server seat assign EMAIL KEY\n\
                 \x20 latchkey-server serve"
            ),
        )
    }
}

/// A new database, or one that an interrupted `init` has left without keys.
async fn unfinished(data: &Data) -> Result<SqliteStore, CliError> {
    match SqliteStore::create(&data.database()) {
        Err(OpenError::Exists(path)) => {
            let store = data.open()?;
            match store.keyring().await? {
                Some(_) => Err(OpenError::Exists(path).into()),
                None => Ok(store),
            }
        }
        made => Ok(made?),
    }
}

/// The address of a licensing service on the command line.
pub(super) fn service_url(text: &str) -> Result<String, String> {
    if is_service(text) {
        Ok(text.to_owned())
    } else {
        Err("must be https, or http to a literal loopback address, without a trailing slash".into())
    }
}
