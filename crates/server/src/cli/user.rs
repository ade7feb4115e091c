//! `latchkey-server user`

use clap::Subcommand;
use latchkey_core::time::Timestamp;
use serde_json::json;

use super::output::optional;
use super::{CliError, Output, email};
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum User {
    /// Add a user to an organisation.
    Add {
        /// E-mail address.
        #[arg(value_parser = email)]
        email: String,
        /// The organisation.
        #[arg(long)]
        organisation: String,
    },
    /// List the users.
    List,
    /// Give a user another address. Seats, devices and the account at the issuer stay.
    Rename {
        /// E-mail address.
        #[arg(value_parser = email)]
        email: String,
        /// The new one.
        #[arg(value_parser = email)]
        to: String,
    },
    /// Take a user's seats and organisation away.
    Remove {
        /// E-mail address.
        #[arg(value_parser = email)]
        email: String,
    },
    /// Forget which account at the issuer the user is, so that the next sign-in with the same address counts.
    Unlink {
        /// E-mail address.
        #[arg(value_parser = email)]
        email: String,
    },
}

impl User {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::Add { email, organisation } => {
                let user = store.add_user(email.clone(), organisation.clone(), now).await?;
                Output::new(&user, format!("{email} belongs to {organisation}."))
            }
            Self::List => {
                let head = ["EMAIL", "ORGANISATION", "SUB", "SIGNED IN WITH"];
                Output::table(&store.users().await?, head, |one| {
                    let email = match (&one.email, &one.claims) {
                        (None, Some(claims)) => format!("- (claims {claims})"),
                        (email, _) => optional(email.as_ref()),
                    };
                    let organisation = optional(one.organisation.as_ref());
                    let issuers = if one.issuers.is_empty() {
                        "never".into()
                    } else {
                        one.issuers.join(" ")
                    };
                    [email, organisation, optional(one.sub.as_ref()), issuers]
                })
            }
            Self::Rename { email, to } => {
                let user = store.rename_user(email.clone(), to.clone()).await?;
                Output::new(&user, format!("{email} is {to} from now on."))
            }
            Self::Remove { email } => {
                store.remove_user(email.clone(), now).await?;
                Output::new(
                    &json!({"removed": email}),
                    format!("{email} has no seat any more."),
                )
            }
            Self::Unlink { email } => {
                store.unlink_user(email.clone()).await?;
                Output::new(
                    &json!({"unlinked": email}),
                    format!("{email} is linked anew at the next sign-in."),
                )
            }
        }
    }
}
