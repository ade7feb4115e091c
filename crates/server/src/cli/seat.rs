//! `latchkey-server seat`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use latchkey_core::time::Timestamp;

use super::{CliError, Output, email};
use crate::clock::{Clock as _, SystemClock};
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
    /// Make the seats of a subscription those of a list that another system keeps.
    ///
    /// Who is not in it loses the seat. That is nobody's own action: where a fifth of an organisation's active users, and at
    /// least 5, would lose their seats within 10 minutes, it is held back until `hold confirm` or `hold give-back`.
    Import {
        /// The subscription.
        subscription: String,
        /// E-mail addresses, one on each line; `-` reads the standard input. Lines that begin with # are left out.
        file: PathBuf,
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
            Self::Import { subscription, file } => {
                let emails = listed(&file)?;
                // Not when the command began: whoever pipes a list in may be slow, and losses are counted by when they are.
                let read_at = SystemClock.now();
                let imported = store.import_seats(subscription, emails, read_at).await?;
                let changed = format!(
                    "{} assigned, {} lost.",
                    imported.assigned.len(),
                    imported.lost.len()
                );
                let held = imported.held.as_ref().map(|held| {
                    format!(
                        "\nToo many at once: the losses of {held} are held back. See `latchkey-server hold list`, then \
                         `hold confirm` or `hold give-back`."
                    )
                });
                Output::new(&imported, changed + &held.unwrap_or_default())
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

/// The addresses of a list. One that is none is named, and nothing is imported.
fn listed(file: &Path) -> Result<Vec<String>, CliError> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        let unreadable = |error: std::io::Error| CliError::Usage(format!("{}: {error}", file.display()));
        text = std::fs::read_to_string(file).map_err(unreadable)?;
    }
    // Spreadsheets begin a file with a byte-order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut emails = lines
        .map(|(at, line)| {
            email(line).map_err(|why| {
                CliError::Usage(format!("{}, line {}: {line:?} {why}", file.display(), at + 1))
            })
        })
        .collect::<Result<Vec<String>, CliError>>()?;
    if emails.is_empty() {
        return Err(CliError::Usage(format!("{} names nobody", file.display())));
    }
    emails.sort_unstable();
    emails.dedup();
    Ok(emails)
}
