//! `latchkey-server agent`

use clap::Subcommand;
use semver::Version;
use serde_json::json;

use super::{CliError, Output};
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum Agent {
    /// Say which agents are given leases.
    Show,
    /// Give leases to agents of a version or a newer one alone. Older ones run to the end of the lease that they have.
    Require {
        /// The oldest version, like 1.4.0.
        #[arg(value_parser = version, required_unless_present = "any")]
        version: Option<Version>,
        /// Any version.
        #[arg(long, conflicts_with = "version")]
        any: bool,
    },
}

impl Agent {
    pub(super) async fn run(self, store: &dyn Store) -> Result<Output, CliError> {
        let minimum = match self {
            Self::Show => store.minimum_agent().await?,
            Self::Require { version, any: _ } => {
                store.require_agent(version.clone()).await?;
                version
            }
        };
        let text = match &minimum {
            Some(minimum) => format!("Agents from {minimum} on are given leases."),
            None => "Agents of any version are given leases.".to_owned(),
        };
        Output::new(
            &json!({"minimum_version": minimum.map(|minimum| minimum.to_string())}),
            text,
        )
    }
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|why| format!("{why}: a version is three numbers, like 1.4.0"))
}
