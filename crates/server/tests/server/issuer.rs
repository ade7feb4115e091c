//! A tiny OpenID Connect issuer: real HTTP, real keys, and nobody who signs in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use latchkey_core::jws::{self, SigningKey};
use serde_json::{Value, json};

use crate::script::{self, Script};

pub(crate) const CLIENT: &str = "latchkey-agent";
pub(crate) const RESOURCE: &str = "https://licence.example/api";

const RSA: &[u8] = include_bytes!("rsa.der");
const RSA_N: &str = include_str!("rsa.n");

pub(crate) fn p256(seed: u8) -> SigningKey {
    SigningKey::P256(Box::new(
        p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap(),
    ))
}

pub(crate) fn ed25519() -> SigningKey {
    SigningKey::Ed25519(Box::new([5; 32].into()))
}

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) key: SigningKey,
    /// What it serves; changed while it runs.
    pub(crate) jwks: Arc<Mutex<Value>>,
    /// What it says of itself; changed while it runs.
    pub(crate) document: Arc<Mutex<Value>>,
    /// How often its keys were fetched.
    pub(crate) fetches: Arc<AtomicUsize>,
    /// Whether it answers at all.
    pub(crate) out: Arc<std::sync::atomic::AtomicBool>,
    /// What its other endpoints answer.
    pub(crate) script: Arc<Script>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = p256(9);
        let jwks = Arc::new(Mutex::new(
            json!({"keys": [public(&key, "es256"), rsa("rs256"), public(&ed25519(), "ed")]}),
        ));
        let (fetches, out) = (
            Arc::<AtomicUsize>::default(),
            Arc::<std::sync::atomic::AtomicBool>::default(),
        );
        let document = Arc::new(Mutex::new(
            json!({"issuer": url, "jwks_uri": format!("{url}/jwks")}),
        ));
        let script = Arc::<Script>::default();
        let (served, count, down) = (Arc::clone(&jwks), Arc::clone(&fetches), Arc::clone(&out));
        let discovery = Arc::clone(&document);
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async move || Json(discovery.lock().unwrap().clone())),
            )
            .route(
                "/jwks",
                get(async move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    if down.load(Ordering::SeqCst) {
                        return StatusCode::BAD_GATEWAY.into_response();
                    }
                    Json(served.lock().unwrap().clone()).into_response()
                }),
            )
            .merge(script::router(Arc::clone(&script)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            key,
            jwks,
            document,
            fetches,
            out,
            script,
        }
    }

    /// The claims of a good access token at `now`.
    pub(crate) fn access_claims(&self, sub: &str, now: i64) -> Value {
        json!({"iss": self.url, "sub": sub, "aud": RESOURCE, "iat": now, "exp": now + 3_600, "client_id": CLIENT})
    }

    /// The claims of a good ID token at `now`.
    pub(crate) fn id_claims(&self, sub: &str, email: &str, now: i64) -> Value {
        json!({
            "iss": self.url, "sub": sub, "aud": CLIENT, "iat": now, "exp": now + 3_600,
            "email": email, "email_verified": true,
        })
    }

    pub(crate) fn access_token(&self, sub: &str, now: i64) -> String {
        self.sign("at+jwt", &self.access_claims(sub, now))
    }

    pub(crate) fn id_token(&self, sub: &str, email: &str, now: i64) -> String {
        self.sign("JWT", &self.id_claims(sub, email, now))
    }

    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> String {
        jws::sign(&self.key, typ, "es256", claims).unwrap()
    }
}

pub(crate) fn public(key: &SigningKey, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(key.jwk()).unwrap();
    jwk["kid"] = kid.into();
    jwk
}

pub(crate) fn rsa(kid: &str) -> Value {
    json!({"kty": "RSA", "n": RSA_N, "e": "AQAB", "kid": kid, "use": "sig"})
}

/// Signs with the RSA key.
pub(crate) fn sign_rsa(algorithm: Algorithm, kid: &str, claims: &Value) -> String {
    let header = Header {
        kid: Some(kid.into()),
        ..Header::new(algorithm)
    };
    jsonwebtoken::encode(&header, claims, &rsa_private()).unwrap()
}

pub(crate) fn rsa_private() -> EncodingKey {
    EncodingKey::from_rsa_der(RSA)
}

/// A token with any header at all, signed by nothing or by a secret.
pub(crate) fn forge(header: &Value, claims: &Value, secret: Option<&[u8]>) -> String {
    use hmac::{KeyInit as _, Mac as _};
    let message = format!(
        "{}.{}",
        jws::base64url(header.to_string()),
        jws::base64url(claims.to_string())
    );
    let signature = secret.map_or_else(Vec::new, |secret| {
        let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
        mac.chain_update(&message).finalize().into_bytes().to_vec()
    });
    format!("{message}.{}", jws::base64url(signature))
}

pub(crate) fn rsa_public_bytes() -> Vec<u8> {
    jws::from_base64url(RSA_N).unwrap()
}
