//! DPoP proofs that are not what they should be (RFC 9449), and tokens that are bound to a key.

use latchkey_core::jws::Thumbprint;
use reqwest::StatusCode;
use serde_json::json;

use crate::service::{Device, NOW, Running, random};

const FIVE_MINUTES: i64 = 300;

#[tokio::test]
async fn a_proof_without_a_fresh_nonce_is_asked_to_take_one() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let old = device.nonce.lock().unwrap().clone();
    for nonce in [None, Some("made up".into()), Some("A".repeat(32))] {
        let mut attempt = service.attempt(&device);
        attempt.nonce = nonce;
        let answered = attempt.send().await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (StatusCode::UNAUTHORIZED, "use_dpop_nonce")
        );
        let challenge = answered.headers["www-authenticate"].to_str().unwrap();
        assert_eq!(challenge, r#"DPoP error="use_dpop_nonce", algs="ES256""#);
    }
    service.set_time(NOW + FIVE_MINUTES);
    let mut stale = service.attempt(&device);
    stale.nonce = old;
    assert_eq!(stale.send().await.code(), "use_dpop_nonce");
    service.attempt(&device).send().await.lease(&service, "ATLAS");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_proof_good_again() {
    let service = Running::start().await;
    let (device, other) = (Device::new(1), Device::new(2));
    service.first_check(&device).await;
    service.first_check(&other).await;
    let attempt = service.attempt(&device);
    attempt.send().await.lease(&service, "ATLAS");
    for seconds in [60, 120] {
        service.set_time(NOW - seconds);
        service.attempt(&other).send().await.lease(&service, "ATLAS");
    }
    service.set_time(NOW);
    let again = attempt.send().await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_dpop_proof")
    );
}

#[tokio::test]
async fn a_proof_for_another_request_is_refused() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    type Change = fn(&mut crate::service::Attempt<'_>);
    let changes: [(&str, Change); 5] = [
        ("htm", |attempt| attempt.method = "GET"),
        ("htu: another path", |attempt| {
            attempt.url = attempt.url.replace("check", "release")
        }),
        ("htu: another host", |attempt| {
            attempt.url = "https://licence.example/v1/check".into()
        }),
        ("ath: another token", |attempt| {
            attempt.ath = Some("another".into())
        }),
        ("jti: too long", |attempt| attempt.proof_jti = "a".repeat(129)),
    ];
    for (what, change) in changes {
        let mut attempt = service.attempt(&device);
        change(&mut attempt);
        let answered = attempt.send().await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_dpop_proof"),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_proof_counts_once() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let mut attempt = service.attempt(&device);
    attempt.proof_jti = random();
    attempt.send().await.lease(&service, "ATLAS");
    let again = attempt.send().await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_dpop_proof")
    );
    assert_eq!(
        again.problem().detail.as_deref(),
        Some("the proof was used before")
    );
}

#[tokio::test]
async fn the_host_header_says_nothing() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let mut attempt = service.attempt(&device);
    attempt.url = "http://evil.example/v1/check".into();
    let answer = service
        .http
        .post(format!("{}/v1/check", service.url))
        .header("Host", "evil.example")
        .header("X-Forwarded-Host", "evil.example")
        .header("Authorization", format!("Bearer {}", attempt.token))
        .header("DPoP", attempt.proof());
    let answer = answer.json(&attempt.body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_that_key() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let bound_to = |jkt: &Thumbprint| {
        let mut claims = service.issuer.access_claims("maya", NOW);
        claims["cnf"] = json!({"jkt": jkt});
        service.issuer.sign("at+jwt", &claims)
    };
    let (own, foreign) = (device.key.jwk().thumbprint(), Thumbprint("foreign".into()));
    let unbound = service.issuer.access_token("maya", NOW);
    for (token, scheme, good) in [
        (bound_to(&own), "DPoP", true),
        (bound_to(&own), "dpop", true),
        (bound_to(&own), "Bearer", false),
        (bound_to(&foreign), "DPoP", false),
        (bound_to(&foreign), "Bearer", false),
        (unbound.clone(), "DPoP", false),
        (unbound.clone(), "bearer", true),
        (unbound, "Basic", false),
    ] {
        let mut attempt = service.attempt(&device);
        (attempt.token, attempt.scheme) = (token, scheme);
        let answered = attempt.send().await;
        if good {
            answered.lease(&service, "ATLAS");
        } else {
            assert_eq!(
                (answered.status, answered.code().as_str()),
                (StatusCode::UNAUTHORIZED, "invalid_token"),
                "{scheme}"
            );
        }
    }
}

#[tokio::test]
async fn headers_come_once() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let attempt = service.attempt(&device);
    let authorization = format!("Bearer {}", attempt.token);
    let post = || {
        service
            .http
            .post(format!("{}/v1/check", service.url))
            .json(&attempt.body)
    };
    let proof = attempt.proof();
    for (request, code) in [
        (post(), "invalid_token"),
        (
            post().header("Authorization", &authorization),
            "invalid_dpop_proof",
        ),
        (
            post()
                .header("Authorization", &authorization)
                .header("DPoP", &proof)
                .header("DPoP", &proof),
            "invalid_dpop_proof",
        ),
        (
            post()
                .header("Authorization", &authorization)
                .header("Authorization", &authorization)
                .header("DPoP", &proof),
            "invalid_token",
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert!(
            answer.headers().contains_key("www-authenticate") && answer.headers().contains_key("dpop-nonce")
        );
        assert_eq!(
            answer
                .json::<latchkey_api::problem::Problem>()
                .await
                .unwrap()
                .code,
            code
        );
    }
}
