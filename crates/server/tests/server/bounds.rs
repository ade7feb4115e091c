//! What issuers publish, where it is too much, too slow, elsewhere or nonsense.

use std::sync::atomic::Ordering;
use std::time::Duration;

use latchkey_core::policy::Policy;
use latchkey_server::identity::Timing;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::issuer::{self, Issuer, p256};
use crate::script::{dripping, silent};
use crate::service::{Device, MAYA, NOW, Running};

const IMPATIENT: Timing = Timing {
    patience: Duration::from_millis(500),
    ..Timing::DEFAULT
};

/// A service that has not asked its issuer yet.
async fn start() -> Running {
    Running::start_all(Policy::default(), IMPATIENT).await
}

async fn first_check(service: &Running) -> (StatusCode, String) {
    let answered = service.first_check(&Device::new(1)).await;
    let detail = match answered.status {
        StatusCode::OK => String::new(),
        _ => answered.problem().detail.unwrap(),
    };
    (answered.status, detail)
}

#[tokio::test]
async fn documents_are_bounded_in_size_and_time_and_come_from_where_they_should() {
    let elsewhere = Issuer::start().await;
    let large = Issuer::start().await;
    large.jwks.lock().unwrap()["x"] = "x".repeat(1024 * 1024).into();
    let moved = Issuer::start().await;
    let there: &'static str = format!("{}/jwks", elsewhere.url).leak();
    *moved.script.instead.lock().unwrap() = Some((302, there, String::new()));
    let dripping = dripping().await;
    for (what, jwks_uri, says) in [
        ("too large", format!("{}/jwks", large.url), "more than 1 MiB"),
        ("never ends", dripping, "timed out"),
        ("a redirect", format!("{}/instead", moved.url), "answers 302"),
        ("nobody there", "http://127.0.0.1:9/jwks".into(), "127.0.0.1:9"),
        ("in the clear", "http://id.example/jwks".into(), "must be https"),
        ("a file", "file:///etc/passwd".into(), "must be https"),
        ("nothing", format!("{}/nothing", elsewhere.url), "answers 404"),
        (
            "no keys",
            format!("{}/.well-known/openid-configuration", elsewhere.url),
            "not what it should be",
        ),
    ] {
        let service = start().await;
        service.issuer.document.lock().unwrap()["jwks_uri"] = jwks_uri.into();
        let (status, detail) = first_check(&service).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {detail}");
        assert!(detail.contains(says), "{what}: {detail}");
    }
    assert_eq!(
        elsewhere.fetches.load(Ordering::SeqCst),
        0,
        "a redirect is not followed"
    );
}

#[tokio::test]
async fn a_discovery_document_speaks_for_its_own_issuer() {
    for issuer in [json!("https://id.example"), json!(null), json!(7)] {
        let service = start().await;
        service.issuer.document.lock().unwrap()["issuer"] = issuer.clone();
        let (status, _) = first_check(&service).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{issuer}");
    }
    let service = start().await;
    let with_slash = format!("{}/", service.issuer.url);
    service.issuer.document.lock().unwrap()["issuer"] = with_slash.into();
    let (_, detail) = first_check(&service).await;
    assert!(detail.contains("names the issuer"), "{detail}");
}

#[tokio::test]
async fn of_keys_a_hundred_are_looked_at_and_no_symmetric_one() {
    let filler = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|number| issuer::rsa(&format!("filler-{number}")))
            .collect()
    };
    for (before, accepted) in [(99, true), (100, false)] {
        let service = start().await;
        let mut keys = filler(before);
        keys.push(issuer::public(&p256(9), "es256"));
        *service.issuer.jwks.lock().unwrap() = json!({"keys": keys});
        let (status, detail) = first_check(&service).await;
        assert_eq!(status.is_success(), accepted, "{before}: {detail}");
    }

    let service = start().await;
    let secret = latchkey_core::jws::base64url("secret");
    *service.issuer.jwks.lock().unwrap() =
        json!({"keys": [{"kty": "oct", "k": secret, "kid": "oct", "alg": "HS256"}]});
    let device = Device::new(1);
    service.attempt(&device).send().await;
    let mut attempt = service.attempt(&device);
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "oct"});
    attempt.token = issuer::forge(
        &header,
        &service.issuer.access_claims("maya", NOW),
        Some(b"secret"),
    );
    attempt.body.id_token = Some(service.issuer.id_token("maya", MAYA, NOW));
    assert_eq!(attempt.send().await.code(), "invalid_token");
}

#[tokio::test]
async fn whoever_waits_for_an_issuer_that_hangs_is_told_so_together() {
    let timing = Timing {
        patience: Duration::from_secs(2),
        retry: Duration::from_secs(1),
        ..Timing::DEFAULT
    };
    let service = Running::start_all(Policy::default(), timing).await;
    let (jwks_uri, questions) = silent().await;
    service.issuer.document.lock().unwrap()["jwks_uri"] = jwks_uri.into();
    let devices: Vec<_> = (1..=8).map(Device::new).collect();
    for device in &devices {
        assert_eq!(service.attempt(device).send().await.code(), "use_dpop_nonce");
    }
    let checks = devices.iter().map(async |device| {
        let answered = service.attempt(device).send().await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "identity_unavailable")
        );
        assert!(answered.wants_a_pause());
    });
    futures_util::future::join_all(checks).await;
    assert_eq!(
        questions.load(Ordering::SeqCst),
        1,
        "for all of them it is asked once"
    );
}
