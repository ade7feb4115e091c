//! The user's tokens, as they lie in the keyring, and what their provider says of them.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::bus::Bus;
use crate::keyring;

/// One of the tokens: `access_token`, `refresh_token`, `id_token`.
///
/// # Errors
/// Nobody is signed in, or the keyring is locked.
pub fn held(bus: &Bus, name: &str) -> Result<String> {
    let items = keyring::items(bus)?;
    let mut tokens = items.iter().filter_map(|item| {
        let secrets: Value = serde_json::from_slice(&item.secret).ok()?;
        secrets["tokens"][name].as_str().map(str::to_owned)
    });
    tokens
        .next()
        .with_context(|| format!("there is no {name} in the keyring"))
}

/// Who asks a provider about tokens: a confidential client.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The introspection endpoint.
    pub endpoint: &'a str,
    /// The client.
    pub client: &'a str,
    /// Its secret.
    pub secret: &'a str,
}

impl Asker<'_> {
    /// Whether the provider takes a token (RFC 7662).
    ///
    /// # Errors
    /// It does not answer, or not this client.
    pub fn is_active(&self, token: &str) -> Result<bool> {
        let credentials = STANDARD.encode(format!("{}:{}", self.client, self.secret));
        let mut answer = ureq::post(self.endpoint)
            .header("authorization", &format!("Basic {credentials}"))
            .send_form([("token", token)])?;
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        answer["active"]
            .as_bool()
            .with_context(|| format!("the provider answers {answer}"))
    }
}

/// Revokes a token as an admin of the provider would, behind the agent's back (RFC 7009).
///
/// # Errors
/// The provider does not.
pub fn revoke(endpoint: &str, client: &str, token: &str) -> Result<()> {
    ureq::post(endpoint).send_form([("client_id", client), ("token", token)])?;
    Ok(())
}
