//! `latchkey-server session` and `latchkey-server usage`

use clap::{Args, Subcommand};

use super::output::{optional, time};
use super::{CliError, Output};
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum Session {
    /// List the sessions: who uses a subscription, where and since when.
    List,
    /// List devices of one user that ran at once, where the policy only reports it.
    Overlaps,
}

impl Session {
    pub(super) async fn run(self, store: &dyn Store) -> Result<Output, CliError> {
        match self {
            Self::List => Output::table(
                &store.sessions().await?,
                ["EMAIL", "DEVICE", "SUBSCRIPTION", "SINCE", "LAST HEARD OF"],
                |one| {
                    let email = optional(one.email.as_ref());
                    let (device, subscription) = (one.device.clone(), one.subscription.clone());
                    [email, device, subscription, time(one.since), time(one.heard_at)]
                },
            ),
            Self::Overlaps => Output::table(
                &store.overlaps().await?,
                ["EMAIL", "SUBSCRIPTION", "DEVICE", "AND", "BEGAN", "LAST SEEN"],
                |one| {
                    let [device, other] = one.devices.each_ref().map(|name| optional(name.as_ref()));
                    let (email, subscription) = (optional(one.email.as_ref()), one.subscription.clone());
                    [
                        email,
                        subscription,
                        device,
                        other,
                        time(one.began_at),
                        time(one.seen_at),
                    ]
                },
            ),
        }
    }
}

/// Minutes that products were used online, by day, user, device and version.
#[derive(Args)]
pub(super) struct Usage {
    /// From this day on, in UTC.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    since: Option<String>,
}

impl Usage {
    pub(super) async fn run(self, store: &dyn Store) -> Result<Output, CliError> {
        Output::table(
            &store.usage(self.since).await?,
            ["DAY", "EMAIL", "DEVICE", "PRODUCT", "VERSION", "MINUTES"],
            |one| {
                let (day, email, device) =
                    (one.day.clone(), optional(one.email.as_ref()), one.device.clone());
                let (product, version) = (one.product.clone(), one.version.clone());
                [day, email, device, product, version, one.minutes.to_string()]
            },
        )
    }
}

fn day(text: &str) -> Result<String, String> {
    let day: jiff::civil::Date = text
        .parse()
        .map_err(|_| "is no day: write YYYY-MM-DD".to_owned())?;
    Ok(day.to_string())
}
