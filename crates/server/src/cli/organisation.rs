//! `latchkey-server organisation`

use clap::Subcommand;
use latchkey_core::time::Timestamp;

use super::output::optional;
use super::{CliError, Output, email, name};
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum Organisation {
    /// Add an organisation.
    Add {
        /// What people call it.
        #[arg(value_parser = name)]
        name: String,
        /// Whom its users ask when they may not start a product.
        #[arg(long, value_name = "EMAIL", value_parser = email)]
        contact: Option<String>,
    },
    /// List the organisations.
    List,
}

impl Organisation {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::Add { name, contact } => {
                let new = store.add_organisation(name, contact, now).await?;
                Output::new(&new, format!("{} is added.", new.name))
            }
            Self::List => Output::table(&store.organisations().await?, ["NAME", "CONTACT"], |one| {
                [one.name.clone(), optional(one.contact.as_ref())]
            }),
        }
    }
}
