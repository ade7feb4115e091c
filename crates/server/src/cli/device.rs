//! `latchkey-server device`

use clap::Subcommand;
use latchkey_core::time::Timestamp;
use serde_json::json;

use super::output::{optional, time};
use super::{CliError, Output, email};
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum Device {
    /// List the devices, last seen first.
    List {
        /// Only this user's.
        #[arg(value_parser = email)]
        email: Option<String>,
    },
    /// Release a device: its place is free at once.
    Release {
        /// The device, as `device list` names it.
        id: String,
    },
}

impl Device {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::List { email } => {
                let head = ["ID", "EMAIL", "NAME", "SYSTEM", "AGENT", "LAST SEEN", "PRODUCTS"];
                Output::table(&store.devices(email).await?, head, |one| {
                    let products = if one.released_at.is_some() {
                        "released".into()
                    } else {
                        one.products.join(" ")
                    };
                    let (id, email) = (one.id.clone(), optional(one.email.as_ref()));
                    [
                        id,
                        email,
                        one.name.clone(),
                        one.system.clone(),
                        one.agent.clone(),
                        time(one.last_seen),
                        products,
                    ]
                })
            }
            Self::Release { id } => {
                store.release_device(id.clone(), now).await?;
                Output::new(&json!({"released": id}), format!("{id} is released."))
            }
        }
    }
}
