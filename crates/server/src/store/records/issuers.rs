//! Issuers: who may say who users are, and how their tokens are judged.

use latchkey_api::discovery::{Identity, Prompt, Redirect};
use serde::Serialize;
use zeroize::Zeroizing;

/// An OpenID Connect issuer whose users may come here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issuer {
    /// As its own discovery document names it.
    pub issuer: String,
    /// The public client that agents sign in as.
    pub client_id: String,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// Resource indicator (RFC 8707).
    pub resource: Option<String>,
    /// The `audience` parameter that some providers want.
    pub audience: Option<String>,
    /// Whom its ID tokens may name beside the agents' client.
    pub trusted_audiences: Vec<String>,
    /// What its sign-ins in the browser ask the user for.
    pub prompt: Prompt,
    /// The form of the loopback redirect.
    pub redirect: Redirect,
    /// The `aud` of its access tokens, where it is neither `resource` nor `audience` nor the service's address.
    pub token_audience: Option<String>,
    /// The claim of its ID tokens that holds a user's address, where its word alone is enough. Without it the address is `email`, and
    /// counts where `email_verified` says so.
    pub address_claim: Option<String>,
    /// How the issuer is asked about its access tokens, where they are opaque. Without it they are JWTs.
    pub introspection: Option<Introspection>,
    /// The e-mail domains that it owns; empty for the vendor's, which owns all the others, and for one that was moved.
    pub domains: Vec<String>,
    /// The issuer that took its place. Whom it has named before may still come; it names nobody else.
    pub moved_to: Option<String>,
}

impl Issuer {
    /// What agents need to know, to sign in there.
    pub fn identity(&self) -> Identity {
        Identity {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            scopes: self.scopes.clone(),
            resource: self.resource.clone(),
            audience: self.audience.clone(),
            trusted_audiences: self.trusted_audiences.clone(),
            prompt: self.prompt,
            redirect: self.redirect.clone(),
        }
    }
}

/// How an issuer is asked about a token that nobody else can read (RFC 7662).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Introspection {
    /// The confidential client that this service is there.
    pub client_id: String,
    /// The client's secret. Nobody is shown it.
    #[serde(skip)]
    pub secret: Secret,
    /// Whether an answer without `aud` will do, if it names the agents' client.
    pub audience_optional: bool,
}

/// A secret text. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_text() {
        let introspection = Introspection {
            client_id: "service".into(),
            secret: Secret(Zeroizing::new("hush".into())),
            audience_optional: false,
        };
        let json = serde_json::to_string(&introspection).unwrap();
        assert_eq!(json, r#"{"client_id":"service","audience_optional":false}"#);
        assert!(!format!("{introspection:?}").contains("hush"));
    }
}
