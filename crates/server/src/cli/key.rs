//! `latchkey-server key`

use std::path::PathBuf;

use clap::Subcommand;
use latchkey_core::time::Timestamp;
use serde_json::{Value, json};

use super::output::optional_time;
use super::{CliError, Data, Output, keyring};
use crate::signer::{RootKey, RootKeyError};
use crate::store::Store as _;
use crate::store::records::{Keyring, LeaseKey};
use crate::vouch;

#[derive(Subcommand)]
pub(super) enum Key {
    /// Sign with a new lease key from now on. Leases that the old one signed stay good.
    Rotate {
        /// The root key's file, where it is not kept in the data folder.
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
    /// List the lease keys, the one that signs first.
    List,
    /// Vouch for the keys that issuers publish now: first starts in an outage are verified by them. While the root key is in the data
    /// folder the service renews them by itself from then on.
    Issuers {
        /// These issuers, and no others; the vendor's own where none is named. The document is public: who is named in it is known to be
        /// a customer.
        issuers: Vec<String>,
        /// The root key's file, where it is not kept in the data folder.
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
}

impl Key {
    pub(super) async fn run(self, data: &Data, now: Timestamp) -> Result<Output, CliError> {
        let store = data.open()?;
        match self {
            Self::Rotate { root_key } => {
                let before = keyring(&store).await?;
                let root = root_of(&before, data, root_key)?;
                store.publish(root.rotate(&before, now)?).await?;
                let after = keyring(&store).await?;
                let keys: Vec<_> = after.lease_keys.iter().map(row).collect();
                let signing = after
                    .lease_keys
                    .first()
                    .map(|key| key.kid.as_str())
                    .unwrap_or_default();
                Output::new(&keys, format!("{signing} signs from now on."))
            }
            Self::Issuers { issuers, root_key } => {
                let root = root_of(&keyring(&store).await?, data, root_key)?;
                let _already_installed = rustls::crypto::ring::default_provider().install_default();
                let named = vouch::named(&store.issuers().await?, &issuers)?;
                if named.is_empty() {
                    return Err(CliError::Usage(
                        "the vendor has no issuer of its own: name those that count, see `latchkey-server issuer list`".into(),
                    ));
                }
                let issuers = vouch::renew(&store, &root, &named, false, now).await?;
                Output::table(&issuers, ["ISSUER", "KEYS"], |one| {
                    [one.issuer.clone(), one.keys.len().to_string()]
                })
            }
            Self::List => {
                let keyring = keyring(&store).await?;
                let rows: Vec<_> = keyring.lease_keys.iter().map(row).collect();
                let text = |name: &str, row: &Value| row[name].as_str().unwrap_or("-").to_owned();
                let when =
                    |name: &str, row: &Value| optional_time(row[name].as_i64().map(Timestamp::from_secs));
                Output::table(&rows, ["KEY", "MADE", "RETIRED", "LAST LEASE ENDS"], |row| {
                    [
                        text("kid", row),
                        when("created_at", row),
                        when("retired_at", row),
                        when("last_exp", row),
                    ]
                })
            }
        }
    }
}

/// The root key of this service, from its file.
pub(super) fn root_of(keyring: &Keyring, data: &Data, file: Option<PathBuf>) -> Result<RootKey, CliError> {
    let path = file.unwrap_or_else(|| data.root_key());
    let root = RootKey::read(&path)?;
    let thumbprint = root.jwk().thumbprint();
    if keyring.roots.iter().any(|known| known.thumbprint() == thumbprint) {
        Ok(root)
    } else {
        Err(RootKeyError::Foreign(path.display().to_string()).into())
    }
}

/// What may be shown of a key.
fn row(key: &LeaseKey) -> Value {
    let last_exp = Some(key.last_exp).filter(|at| *at > Timestamp::default());
    json!({
        "kid": key.kid,
        "created_at": key.created_at.as_secs(),
        "retired_at": key.retired_at.map(Timestamp::as_secs),
        "last_exp": last_exp.map(Timestamp::as_secs),
    })
}
