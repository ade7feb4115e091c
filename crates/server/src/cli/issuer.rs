//! `latchkey-server issuer`

use clap::{Subcommand, ValueEnum};
use latchkey_api::discovery::{Redirect, RedirectHost};
use serde_json::json;

use super::output::optional;
use super::{CliError, Output};
use crate::identity::fetchable;
use crate::store::{Store, records};

#[derive(Subcommand)]
pub(super) enum Issuer {
    /// Add an issuer, or replace what is known about it.
    Add {
        /// As its own discovery document names it, to the letter.
        #[arg(value_parser = issuer)]
        issuer: String,
        /// The public client that agents sign in as.
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// Scopes to ask for. `openid` is always among them.
        #[arg(long, default_values = ["openid", "email", "profile", "offline_access"])]
        scope: Vec<String>,
        /// The resource indicator (RFC 8707) that makes the issuer give JWT access tokens for this service.
        #[arg(long)]
        resource: Option<String>,
        /// The `audience` parameter that some providers want in its place.
        #[arg(long)]
        audience: Option<String>,
        /// The host of the loopback redirect that the issuer accepts.
        #[arg(long, value_enum, default_value = "127.0.0.1")]
        redirect_host: Host,
        /// The one port of the redirect that the issuer accepts; any free one without it.
        #[arg(long, value_name = "PORT")]
        redirect_port: Option<u16>,
        /// The `aud` of its access tokens, where it is neither the resource nor the audience nor this service's address.
        #[arg(long, value_name = "AUD")]
        token_audience: Option<String>,
        /// An e-mail domain that it owns. The one issuer without any, the vendor's, owns all the others.
        #[arg(long, value_parser = domain)]
        domain: Vec<String>,
    },
    /// List the issuers, the vendor's first.
    List,
    /// Remove an issuer: its tokens are no longer accepted.
    Remove {
        /// The issuer.
        issuer: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Host {
    #[value(name = "127.0.0.1")]
    Literal,
    #[value(name = "localhost")]
    Localhost,
}

impl Issuer {
    pub(super) async fn run(self, store: &dyn Store) -> Result<Output, CliError> {
        match self {
            Self::Add {
                issuer,
                client_id,
                mut scope,
                resource,
                audience,
                redirect_host,
                redirect_port,
                token_audience,
                domain,
            } => {
                if !scope.iter().any(|scope| scope == "openid") {
                    scope.insert(0, "openid".into());
                }
                let host = match redirect_host {
                    Host::Literal => RedirectHost::Literal,
                    Host::Localhost => RedirectHost::Localhost,
                };
                let new = records::Issuer {
                    issuer,
                    client_id,
                    scopes: scope,
                    resource,
                    audience,
                    redirect: Redirect {
                        host,
                        port: redirect_port,
                    },
                    token_audience,
                    domains: domain,
                };
                store.put_issuer(new.clone()).await?;
                Output::new(&new, format!("{} may now say who users are.", new.issuer))
            }
            Self::List => {
                let head = ["ISSUER", "CLIENT", "RESOURCE", "DOMAINS"];
                Output::table(&store.issuers().await?, head, |one| {
                    let domains = if one.domains.is_empty() {
                        "all others".into()
                    } else {
                        one.domains.join(" ")
                    };
                    [
                        one.issuer.clone(),
                        one.client_id.clone(),
                        optional(one.resource.as_ref()),
                        domains,
                    ]
                })
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

fn issuer(text: &str) -> Result<String, String> {
    let plain = fetchable(text).is_some_and(|url| url.query().is_none() && url.fragment().is_none());
    if plain {
        Ok(text.into())
    } else {
        Err("must be https, or http to a literal loopback address".into())
    }
}

fn domain(text: &str) -> Result<String, String> {
    let text = text.to_lowercase();
    let letters = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    if text.is_empty() || !text.chars().all(letters) {
        return Err("must be a domain such as nord.example, without @".into());
    }
    Ok(text)
}
