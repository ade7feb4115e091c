//! The identity service, as far as its ID tokens are concerned. One key signs them all: what it is, decides nothing.

use std::time::Duration;

use latchkey_core::id_token::{IssuerKey, IssuerKeys};
use latchkey_core::identity::{Identity, Redirect};
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::time::{MINUTE, Timestamp};
use serde_json::json;

pub(crate) const ISSUER: &str = "https://identity.example";
pub(crate) const CLIENT: &str = "latchkey";
/// Its ID tokens are short-lived, as those of many are.
const ID_TOKEN_FOR: Duration = Duration::from_secs(5 * MINUTE.as_secs());

fn key() -> SigningKey {
    SigningKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&[77; 32])))
}

/// The keys that it publishes.
pub(crate) fn keys() -> IssuerKeys {
    let jwk = serde_json::to_value(key().jwk()).unwrap();
    IssuerKeys {
        issuer: ISSUER.to_owned(),
        keys: vec![serde_json::from_value::<IssuerKey>(jwk).unwrap()],
    }
}

/// How the agent signs in there, as a signed registration says it.
pub(crate) fn settings() -> Identity {
    Identity {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        scopes: Vec::new(),
        resource: None,
        audience: None,
        trusted_audiences: Vec::new(),
        prompt: Default::default(),
        redirect: Redirect::default(),
    }
}

pub(crate) fn subject_of(user: usize) -> String {
    format!("subject-{user}")
}

/// An ID token of a user, issued at `at`.
pub(crate) fn id_token(user: usize, at: Timestamp) -> String {
    let key = key();
    let claims = json!({
        "iss": ISSUER, "sub": subject_of(user), "aud": CLIENT,
        "iat": at.as_secs(), "exp": (at + ID_TOKEN_FOR).as_secs(),
    });
    jws::sign(&key, "JWT", &key.jwk().thumbprint().0, &claims).unwrap()
}
