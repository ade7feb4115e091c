//! `latchkey-server seat`

use clap::Subcommand;
use latchkey_core::time::Timestamp;

use super::{CliError, Output, email};
use crate::store::Store;
use crate::store::records::Seat as Row;

#[derive(Subcommand)]
pub(super) enum Seat {
    /// Assign a product to a user.
    Assign {
        /// E-mail address.
        #[arg(value_parser = email)]
        email: String,
        /// A product key, or a subscription for every product of it.
        target: String,
    },
    /// Take a product away from a user.
    Unassign {
        /// E-mail address.
        #[arg(value_parser = email)]
        email: String,
        /// A product key, or a subscription for every product of it.
        target: String,
    },
    /// List the seats.
    List,
}

impl Seat {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::Assign { email, target } => {
                let seats = store.assign_seat(email.clone(), target, now).await?;
                Output::new(&seats, format!("{email} has {}.", products(&seats)))
            }
            Self::Unassign { email, target } => {
                let seats = store.unassign_seat(email.clone(), target).await?;
                Output::new(&seats, format!("{email} no longer has {}.", products(&seats)))
            }
            Self::List => Output::table(
                &store.seats().await?,
                ["EMAIL", "PRODUCT", "SUBSCRIPTION"],
                |one| [one.email.clone(), one.product.clone(), one.subscription.clone()],
            ),
        }
    }
}

fn products(seats: &[Row]) -> String {
    seats
        .iter()
        .map(|seat| seat.product.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
