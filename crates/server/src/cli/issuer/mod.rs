//! `latchkey-server issuer`

mod check;
mod secret;
mod settings;

use clap::{Args, Subcommand};
use serde_json::json;

pub(super) use self::check::Check;
use self::settings::Settings;
use super::output::optional;
use super::{CliError, Output};
use crate::address;
use crate::identity::fetchable;
use crate::store::{Store, records};

#[derive(Subcommand)]
pub(super) enum Issuer {
    /// Add an issuer, or replace all that is known about it.
    Add(Add),
    /// Ask an issuer what it offers, and say what will not work. Exit status 6: something that is needed is missing.
    Check(Check),
    /// List the issuers, the vendor's first.
    List,
    /// Put a new issuer in the place of another: it takes over the domains. Tokens of the old one are accepted until it is
    /// removed, from users that it has named before.
    Move(Move),
    /// Remove an issuer: its tokens are no longer accepted.
    Remove {
        /// The issuer.
        issuer: String,
    },
}

#[derive(Args)]
pub(super) struct Add {
    /// As its own discovery document names it, to the letter.
    #[arg(value_parser = issuer)]
    issuer: String,
    /// The public client that agents sign in as.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// An e-mail domain that it owns. The one issuer without any, the vendor's, owns all the others.
    #[arg(long, value_parser = domain)]
    domain: Vec<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args)]
pub(super) struct Move {
    /// The issuer that goes.
    old: String,
    /// The issuer that comes, as its own discovery document names it. What is not said about it is as it was with the old
    /// one, but for secrets.
    #[arg(value_parser = issuer)]
    new: String,
    /// The public client that agents sign in as.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

impl Issuer {
    pub(super) async fn run(self, store: &dyn Store) -> Result<Output, CliError> {
        match self {
            Self::Add(add) => {
                let new = add.settings.of(records::Issuer {
                    issuer: add.issuer,
                    client_id: add.client_id,
                    scopes: ["openid", "email", "profile", "offline_access"]
                        .map(str::to_owned)
                        .into(),
                    resource: None,
                    audience: None,
                    redirect: Default::default(),
                    token_audience: None,
                    introspection: None,
                    domains: add.domain,
                    moved_to: None,
                    address_claim: None,
                    trusted_audiences: Vec::new(),
                    prompt: Default::default(),
                })?;
                store.put_issuer(new.clone()).await?;
                Output::new(&new, format!("{} may now say who users are.", new.issuer))
            }
            Self::Check(check) => check.run().await,
            Self::List => {
                let head = ["ISSUER", "CLIENT", "RESOURCE", "TOKENS", "DOMAINS"];
                Output::table(&store.issuers().await?, head, |one| {
                    let tokens = if one.introspection.is_some() {
                        "opaque"
                    } else {
                        "jwt"
                    };
                    [
                        one.issuer.clone(),
                        one.client_id.clone(),
                        optional(one.resource.as_ref()),
                        tokens.into(),
                        domains(one),
                    ]
                })
            }
            Self::Move(relocation) => {
                let known = store.issuers().await?;
                let old = known.into_iter().find(|issuer| issuer.issuer == relocation.old);
                let old = old.ok_or_else(|| missing(&relocation.old))?;
                let carried = records::Issuer {
                    issuer: relocation.new,
                    client_id: relocation.client_id.unwrap_or_else(|| old.client_id.clone()),
                    ..old
                };
                let new = relocation.settings.of(carried)?;
                let new = store.move_issuer(relocation.old.clone(), new).await?;
                let text = format!(
                    "{} has taken the place of {old}. Who signs in there with the verified address of a user is that user. \
                     Tokens of {old} are accepted until you say `latchkey-server issuer remove {old}`.",
                    new.issuer,
                    old = relocation.old
                );
                Output::new(&new, text)
            }
            Self::Remove { issuer } => {
                store.remove_issuer(issuer.clone()).await?;
                Output::new(
                    &json!({"removed": issuer}),
                    format!("Tokens of {issuer} are no longer accepted."),
                )
            }
        }
    }
}

fn missing(issuer: &str) -> CliError {
    let name = issuer.to_owned();
    crate::store::StoreError::NotFound { what: "issuer", name }.into()
}

fn domains(issuer: &records::Issuer) -> String {
    match &issuer.moved_to {
        Some(new) => format!("moved to {new}"),
        None if issuer.domains.is_empty() => "all others".into(),
        None => issuer.domains.join(" "),
    }
}

fn issuer(text: &str) -> Result<String, String> {
    let plain = fetchable(text).is_some_and(|url| url.query().is_none() && url.fragment().is_none());
    if plain {
        Ok(text.into())
    } else {
        Err("must be https, or http to a literal loopback address".into())
    }
}

fn domain(text: &str) -> Result<String, String> {
    address::domain(text).ok_or_else(|| "must be a domain such as nord.example, without @".into())
}
