//! `latchkey-server key`

use std::path::PathBuf;

use clap::Subcommand;
use latchkey_core::time::Timestamp;
use serde_json::{Value, json};

use super::output::optional_time;
use super::{CliError, Data, Output, keyring};
use crate::signer::{RootKey, RootKeyError};
use crate::store::Store as _;
use crate::store::records::LeaseKey;

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
}

impl Key {
    pub(super) async fn run(self, data: &Data, now: Timestamp) -> Result<Output, CliError> {
        let store = data.open()?;
        match self {
            Self::Rotate { root_key } => {
                let path = root_key.unwrap_or_else(|| data.root_key());
                let root = RootKey::read(&path)?;
                let before = keyring(&store).await?;
                if !before
                    .roots
                    .iter()
                    .any(|known| known.thumbprint() == root.jwk().thumbprint())
                {
                    return Err(RootKeyError::Foreign(path.display().to_string()).into());
                }
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
