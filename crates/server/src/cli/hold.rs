//! `latchkey-server hold`: losses of seats that wait for an administrator (rule 18).

use clap::Subcommand;
use latchkey_core::time::Timestamp;
use serde_json::json;

use super::output::time;
use super::{CliError, Output};
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum Hold {
    /// List the organisations whose losses are held back.
    List,
    /// The seats are lost indeed: who lost one is told so.
    Confirm {
        /// The organisation.
        organisation: String,
    },
    /// It was a mistake: the seats are given back.
    GiveBack {
        /// The organisation.
        organisation: String,
    },
}

impl Hold {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::List => Output::table(
                &store.holds(now).await?,
                ["ORGANISATION", "SINCE", "WOULD LOSE SEATS", "OF ACTIVE USERS"],
                |one| {
                    let (organisation, since) = (one.organisation.clone(), time(one.since));
                    [organisation, since, one.lost.to_string(), one.active.to_string()]
                },
            ),
            Self::Confirm { organisation } => {
                let lost = store.end_hold(organisation.clone(), false).await?;
                let (number, users) = (lost.len(), lost.join(", "));
                let text = format!(
                    "The lost seats of {organisation} are lost. Users who have lost one: {number}.\n{users}"
                );
                Output::new(
                    &json!({ "confirmed": organisation, "lost": lost }),
                    text.trim_end(),
                )
            }
            Self::GiveBack { organisation } => {
                let without = store.end_hold(organisation.clone(), true).await?;
                let mut text = format!("The lost seats of {organisation} are given back.");
                if !without.is_empty() {
                    let (users, others) = (without.join(", "), "others were assigned the seats meanwhile");
                    text = format!("{text}\nNot to {users}: {others}, and the subscription has no more.");
                }
                Output::new(
                    &json!({ "given_back": organisation, "without_seat": without }),
                    text,
                )
            }
        }
    }
}
