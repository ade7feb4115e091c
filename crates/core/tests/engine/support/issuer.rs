//! The identity service that everybody here signs in at, as far as its ID tokens are concerned.

use std::time::Duration;

use latchkey_core::id_token::{IssuerKey, IssuerKeys};
use latchkey_core::identity::{Identity, Redirect};
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::time::{MINUTE, Timestamp};
use serde_json::json;

/// Its name.
pub(crate) const ISSUER: &str = "https://identity.example";
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

/// How the agent signs in there.
pub(crate) fn identity() -> Identity {
    Identity {
        issuer: ISSUER.to_owned(),
        client_id: "latchkey".to_owned(),
        scopes: Vec::new(),
        resource: None,
        audience: None,
        trusted_audiences: Vec::new(),
        prompt: Default::default(),
        redirect: Redirect::default(),
    }
}

/// An ID token of `subject`, issued at `at`.
pub(crate) fn id_token(subject: &str, at: Timestamp) -> String {
    let key = key();
    let claims = json!({
        "iss": ISSUER, "sub": subject, "aud": "latchkey",
        "iat": at.as_secs(), "exp": (at + ID_TOKEN_FOR).as_secs(),
    });
    jws::sign(&key, "JWT", &key.jwk().thumbprint().0, &claims).unwrap()
}
