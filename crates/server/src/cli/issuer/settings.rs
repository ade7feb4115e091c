//! What `issuer add` and `issuer move` can say about an issuer.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use latchkey_api::discovery::{Prompt, RedirectHost};

use super::super::CliError;
use super::secret;
use crate::store::records::{Introspection, Issuer};

#[derive(Args)]
pub(super) struct Settings {
    /// A scope to ask for. `openid` is always among them. [default: openid email profile offline_access]
    #[arg(long)]
    scope: Vec<String>,
    /// The resource indicator (RFC 8707) that makes the issuer give JWT access tokens for this service.
    #[arg(long)]
    resource: Option<String>,
    /// The `audience` parameter that some providers want in its place.
    #[arg(long)]
    audience: Option<String>,
    /// The host of the loopback redirect that the issuer accepts. [default: 127.0.0.1]
    #[arg(long, value_enum)]
    redirect_host: Option<Host>,
    /// The one port of the redirect that the issuer accepts; any free one without it.
    #[arg(long, value_name = "PORT")]
    redirect_port: Option<u16>,
    /// The `aud` of its access tokens, where it is neither the resource nor the audience nor this service's address.
    #[arg(long, value_name = "AUD")]
    token_audience: Option<String>,
    /// Whom its ID tokens may name beside the agents' client, where they name others: Zitadel names every client of a project.
    #[arg(long, value_name = "AUD")]
    trusted_audience: Vec<String>,
    /// What a sign-in in the browser asks the user for where it asks for offline access. `omit` where an admin consents for everybody
    /// and users may not (Entra ID). [default: consent]
    #[arg(long, value_enum)]
    prompt: Option<Ask>,
    /// The claim of its ID tokens that holds a user's address, believed without `email_verified`. For the directory of a company
    /// that says no such thing (Entra ID: `email`, or `preferred_username`), and only with `--domain`.
    #[arg(long, value_name = "CLAIM")]
    address_claim: Option<String>,
    /// What its access tokens are. Opaque ones cannot be read: the issuer is asked about each (RFC 7662). [default: jwt]
    #[arg(long, value_enum)]
    token: Option<Token>,
    /// The confidential client that this service asks as, where tokens are opaque.
    #[arg(long, value_name = "ID")]
    introspection_client: Option<String>,
    /// A file that holds the secret of that client. Without it: the environment variable
    /// LATCHKEY_SERVER_INTROSPECTION_SECRET.
    #[arg(long, value_name = "FILE")]
    introspection_secret_file: Option<PathBuf>,
    /// Believe an answer without `aud`, if it says that the token was issued to the agents' client.
    #[arg(long)]
    introspection_audience_optional: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Host {
    #[value(name = "127.0.0.1")]
    Literal,
    #[value(name = "localhost")]
    Localhost,
}

#[derive(Clone, Copy, ValueEnum)]
enum Ask {
    Consent,
    Omit,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Token {
    Jwt,
    Opaque,
}

impl Settings {
    /// The issuer with what was said. What was not said stays as it is, but for the secret: it belongs to one client at one
    /// issuer, and no other issuer is shown it.
    pub(super) fn of(self, mut issuer: Issuer) -> Result<Issuer, CliError> {
        if !self.scope.is_empty() {
            issuer.scopes = self.scope;
            if !issuer.scopes.iter().any(|scope| scope == "openid") {
                issuer.scopes.insert(0, "openid".into());
            }
        }
        issuer.resource = self.resource.or(issuer.resource);
        issuer.audience = self.audience.or(issuer.audience);
        issuer.token_audience = self.token_audience.or(issuer.token_audience);
        if self.address_claim.is_some() && issuer.domains.is_empty() {
            return Err(usage(
                "--address-claim goes with --domain: the vendor's issuer would be believed about everybody's address",
            ));
        }
        issuer.address_claim = self.address_claim.or(issuer.address_claim);
        if !self.trusted_audience.is_empty() {
            issuer.trusted_audiences = self.trusted_audience;
        }
        match self.prompt {
            Some(Ask::Consent) => issuer.prompt = Prompt::Consent,
            Some(Ask::Omit) => issuer.prompt = Prompt::Omit,
            None => {}
        }
        issuer.redirect.port = self.redirect_port.or(issuer.redirect.port);
        match self.redirect_host {
            Some(Host::Literal) => issuer.redirect.host = RedirectHost::Literal,
            Some(Host::Localhost) => issuer.redirect.host = RedirectHost::Localhost,
            None => {}
        }
        let before = issuer.introspection.take();
        let token = self.token.unwrap_or(match before {
            Some(_) => Token::Opaque,
            None => Token::Jwt,
        });
        let introspects = self.introspection_client.is_some()
            || self.introspection_secret_file.is_some()
            || self.introspection_audience_optional;
        issuer.introspection = match token {
            Token::Jwt if introspects => {
                return Err(usage("--introspection-… goes with --token opaque"));
            }
            Token::Jwt => None,
            Token::Opaque => Some(Introspection {
                client_id: self
                    .introspection_client
                    .or(before.as_ref().map(|before| before.client_id.clone()))
                    .ok_or_else(|| usage("--token opaque needs --introspection-client"))?,
                secret: secret::read(self.introspection_secret_file.as_deref())?,
                audience_optional: self.introspection_audience_optional
                    || before.is_some_and(|before| before.audience_optional),
            }),
        };
        Ok(issuer)
    }
}

fn usage(text: &str) -> CliError {
    CliError::Usage(text.to_owned())
}
