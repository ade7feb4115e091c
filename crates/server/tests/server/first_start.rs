//! First starts in an outage (rule 7): what an administrator signs for them, and by which keys an ID token is verified then.

use jsonwebtoken::Algorithm;
use latchkey_core::id_token::{IdToken, IssuerKey, IssuerKeys};
use latchkey_core::jws::{self, JwsError};
use latchkey_core::keys::Keys;
use latchkey_core::lease::LeaseError;
use latchkey_core::registration::Registration;
use latchkey_core::time::HOUR;
use serde_json::{Value, json};

use crate::command::{now, seed};
use crate::issuer::{CLIENT, Issuer, ed25519, forge, public, rsa, rsa_public_bytes, sign_rsa};
use crate::process::Installation;

fn registration(server: &Installation, policy: &str) -> Registration {
    let printed = server.json(&[
        "product",
        "registration",
        "ATLAS",
        "--version",
        "2026.1",
        "--first-start",
        policy,
    ]);
    let registration: Registration = serde_json::from_value(printed).unwrap();
    registration.validate().unwrap();
    registration
}

fn keys(registration: &Registration) -> Keys {
    let document = registration.keys.as_deref().unwrap();
    Keys::verify(document, &registration.root_keys, &registration.service).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_signed_once_the_root_key_vouches_for_the_issuers() {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let issuer = Issuer::start().await;
    seed(&server, &issuer.url);
    let plain = server.json(&["product", "registration", "ATLAS", "--version", "2026.1"]);
    assert!(
        plain.get("first_start").is_none() && plain.get("keys").is_none(),
        "{plain}"
    );
    let signing = [
        "product",
        "registration",
        "ATLAS",
        "--version",
        "1",
        "--first-start",
        "{}",
    ];
    let (status, message) = server.fails(&signing);
    assert!(
        status == 2 && message.contains("latchkey-server key issuers"),
        "{message}"
    );

    let vouched = server.json(&["key", "issuers"]);
    assert_eq!(vouched[0]["issuer"], issuer.url.as_str());
    assert_eq!(vouched[0]["keys"].as_array().unwrap().len(), 3);
    let registration = registration(&server, r#"{"temporary_for": 3600, "temporary_limit": 5}"#);
    let first = registration.first_start().unwrap();
    let policy = &first.claims().policy;
    assert_eq!((policy.temporary_for, policy.temporary_limit), (HOUR, Some(5)));
    let clients: Vec<_> = first.clients().collect();
    assert_eq!(clients, [(issuer.url.as_str(), CLIENT)]);
    let token = issuer.id_token("maya", "maya@nord.example", now());
    let read = IdToken::verify(&token, keys(&registration).issuers(), first.clients()).unwrap();
    assert_eq!(read.sub, "maya");

    // A registration that somebody has changed is none.
    for (field, value) in [
        ("product", json!("OTHER")),
        ("service", json!("https://other.example")),
    ] {
        let mut changed = serde_json::to_value(&registration).unwrap();
        changed[field] = value;
        let changed: Registration = serde_json::from_value(changed).unwrap();
        assert!(changed.first_start().is_none());
        let error = changed.validate().unwrap_err().to_string();
        assert!(
            error.contains("first_start") && error.contains("product registration"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_keeps_the_issuers_keys_and_renews_them() {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let issuer = Issuer::start().await;
    seed(&server, &issuer.url);
    let company = Issuer::start().await;
    let add = [
        "issuer",
        "add",
        &company.url,
        "--client-id",
        CLIENT,
        "--domain",
        "nord.example",
    ];
    server.text(&add);
    server.text(&["key", "issuers"]);
    let own = keys(&registration(&server, "{}")).issuers().to_vec();
    assert_eq!(
        own.len(),
        1,
        "who is a customer is said by an administrator alone"
    );
    let (status, message) = server.fails(&["key", "issuers", "https://id.example"]);
    assert!(status == 3 && message.contains("https://id.example"), "{message}");
    server.text(&["key", "issuers", &company.url, &issuer.url]);
    server.text(&["key", "rotate"]);
    let rotated = registration(&server, "{}");
    let issuers = keys(&rotated).issuers().to_vec();
    assert_eq!(
        issuers.len(),
        2,
        "the lease key is another, and the issuers' stay"
    );
    let signed = rotated.first_start().unwrap();
    let clients: Vec<&str> = signed.clients().map(|(issuer, _)| issuer).collect();
    assert_eq!(clients, [&issuer.url, &company.url], "the vendor's own first");

    // An issuer that is out is named, and what is written of it stays.
    company.out.store(true, std::sync::atomic::Ordering::SeqCst);
    let (status, message) = server.fails(&["key", "issuers", &company.url]);
    assert!(status == 1 && message.contains(&company.url), "{message}");
    assert_eq!(keys(&registration(&server, "{}")).issuers(), issuers);

    // A service that has its root key renews them by itself.
    let new = json!({"keys": [public(&ed25519(), "another")]});
    *issuer.jwks.lock().unwrap() = new;
    let serving = server.serve(&["--listen", "127.0.0.1:0"]);
    let begun = std::time::Instant::now();
    let renewed = loop {
        let issuers = keys(&registration(&server, "{}")).issuers().to_vec();
        if issuers
            .iter()
            .any(|one| one.issuer == issuer.url && one.keys.len() == 1)
        {
            break issuers;
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(30),
            "they are not renewed"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let of = |all: &[IssuerKeys], url: &str| all.iter().find(|one| one.issuer == url).cloned();
    assert_eq!(
        of(&renewed, &issuer.url).unwrap().keys[0].kid.as_deref(),
        Some("another")
    );
    assert_eq!(
        of(&renewed, &company.url),
        of(&issuers, &company.url),
        "it cannot be asked"
    );
    drop(serving);
}

/// A provider that publishes too much: nothing private, nothing symmetric, nothing for encryption is written down.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_public_and_verifies_is_written_down() {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let issuer = Issuer::start().await;
    seed(&server, &issuer.url);
    let mut careless = public(&ed25519(), "careless");
    careless["d"] = "c2VjcmV0LXNlY3JldA".into();
    let mut encrypts = rsa("encrypts");
    encrypts["use"] = "enc".into();
    let mut short = rsa("short");
    short["n"] = jws::base64url([0xc5_u8; 128]).into();
    *issuer.jwks.lock().unwrap() = json!({"keys": [
        careless, encrypts, short, {"kty": "oct", "k": "c2VjcmV0LXNlY3JldA", "kid": "secret"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "unknown"}, 7,
    ]});
    let vouched = server.json(&["key", "issuers"]);
    assert_eq!(vouched[0]["keys"].as_array().unwrap().len(), 1);
    let document = registration(&server, "{}").keys.unwrap();
    let claims = jws::from_base64url(document.split('.').nth(1).unwrap()).unwrap();
    assert!(!String::from_utf8(claims).unwrap().contains("c2VjcmV0LXNlY3JldA"));
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "sub": "maya", "aud": [CLIENT], "iat": 1, "exp": 2})
}

fn issuer_keys(keys: Vec<Value>) -> IssuerKeys {
    IssuerKeys {
        issuer: "https://id.example".into(),
        keys: keys
            .into_iter()
            .map(|key| serde_json::from_value::<IssuerKey>(key).unwrap())
            .collect(),
    }
}

fn verify(token: &str, keys: Vec<Value>) -> Result<IdToken, LeaseError> {
    IdToken::verify(token, &[issuer_keys(keys)], [("https://id.example", CLIENT)])
}

/// Signed by another implementation.
#[test]
fn id_tokens_of_every_rsa_algorithm_are_verified() {
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        let token = sign_rsa(algorithm, "one", &claims());
        assert_eq!(
            verify(&token, vec![rsa("one")]).unwrap().sub,
            "maya",
            "{algorithm:?}"
        );
        // A key that says what it is for is used for nothing else.
        let mut other = rsa("one");
        other["alg"] = if algorithm == Algorithm::RS256 {
            "PS256"
        } else {
            "RS256"
        }
        .into();
        assert!(verify(&token, vec![other]).is_err(), "{algorithm:?}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = jws::from_base64url(signature).unwrap();
        bytes[9] ^= 1;
        let tampered = format!("{message}.{}", jws::base64url(bytes));
        let refused = verify(&tampered, vec![rsa("one")]);
        assert_eq!(
            refused.unwrap_err(),
            JwsError::BadSignature.into(),
            "{algorithm:?}"
        );
    }
}

#[test]
fn id_tokens_that_nobody_signed_are_not_verified() {
    let key = ed25519();
    let good = jws::sign(&key, "JWT", "ed", &claims()).unwrap();
    let ed = public(&key, "ed");
    assert!(verify(&good, vec![ed.clone()]).is_ok());
    let unnamed = jws::base64url(json!({"alg": "EdDSA"}).to_string());
    assert!(
        verify(
            &format!("{unnamed}.{}", good.split_once('.').unwrap().1),
            vec![ed.clone()]
        )
        .is_err()
    );
    let access = jws::sign(&key, "at+jwt", "ed", &claims()).unwrap();
    let secret = rsa_public_bytes();
    let hmac = forge(&json!({"alg": "HS256", "kid": "one"}), &claims(), Some(&secret));
    let none = forge(&json!({"alg": "none", "kid": "one"}), &claims(), None);
    let critical = forge(
        &json!({"alg": "EdDSA", "kid": "ed", "crit": ["b64"]}),
        &claims(),
        None,
    );
    for (what, token) in [
        ("an access token", access),
        ("a public key as a secret", hmac),
        ("no signature", none),
        ("something critical", critical),
        ("no token", "a.b".to_owned()),
    ] {
        assert!(verify(&token, vec![ed.clone(), rsa("one")]).is_err(), "{what}");
    }
    let (mut other_curve, mut other_kid) = (ed.clone(), ed);
    other_curve["kty"] = "EC".into();
    other_kid["kid"] = "other".into();
    assert!(verify(&good, vec![other_curve]).is_err());
    assert!(verify(&good, vec![other_kid]).is_err());
}
