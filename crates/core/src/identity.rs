//! How users prove who they are: the settings of an OpenID Connect issuer, as the licensing service names them, and as a signed
//! registration does (rule 7).

use serde::{Deserialize, Serialize};

/// How users of this service prove who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The OpenID Connect issuer, exactly as its own discovery document names it.
    pub issuer: String,
    /// The public client that the agent signs in as.
    pub client_id: String,
    /// Scopes to ask for. `openid` is always among them.
    pub scopes: Vec<String>,
    /// The resource indicator (RFC 8707) that makes the provider issue a JWT access token for this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The `audience` parameter that some providers want in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whom its ID tokens may name beside the client (OpenID Connect Core section 3.1.3.7, step 3); nobody when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_audiences: Vec<String>,
    /// What the user is asked for where a sign-in in the browser asks for offline access.
    #[serde(default, skip_serializing_if = "Prompt::is_consent")]
    pub prompt: Prompt,
    /// The form of the loopback redirect (RFC 8252 section 7.3).
    #[serde(default)]
    pub redirect: Redirect,
}

/// What a sign-in in the browser has the provider ask the user for, where it asks for `offline_access` (the `prompt` parameter of OpenID
/// Connect Core 1.0 section 3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Their consent, without which section 11 has a provider ignore the scope.
    #[default]
    Consent,
    /// Nothing of ours: the provider has other conditions, which section 11 allows.
    Omit,
}

impl Prompt {
    /// Whether it is the one that is not written down.
    fn is_consent(&self) -> bool {
        *self == Self::Consent
    }
}

/// The loopback redirect that a provider accepts. The path is always `/callback`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// `127.0.0.1` unless the provider wants `localhost`.
    #[serde(default)]
    pub host: RedirectHost,
    /// One exact port; any free one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The host name of the redirect. The agent listens on the loopback address either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedirectHost {
    /// The literal address.
    #[default]
    #[serde(rename = "127.0.0.1")]
    Literal,
    /// The name.
    #[serde(rename = "localhost")]
    Localhost,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents that were signed before there was a choice stay as they were, and the choice outlives them.
    #[test]
    fn what_the_user_is_asked_for_is_written_down_where_it_is_not_the_usual() {
        for (prompt, written) in [(Prompt::Consent, None), (Prompt::Omit, Some("omit"))] {
            let identity = Identity {
                issuer: "https://id.example".into(),
                client_id: "latchkey".into(),
                scopes: Vec::new(),
                resource: None,
                audience: None,
                trusted_audiences: Vec::new(),
                prompt,
                redirect: Redirect::default(),
            };
            let document = serde_json::to_value(&identity).unwrap();
            assert_eq!(
                document.get("prompt").and_then(serde_json::Value::as_str),
                written
            );
            let read: Identity = serde_json::from_value(document).unwrap();
            assert_eq!(read, identity);
        }
    }
}
