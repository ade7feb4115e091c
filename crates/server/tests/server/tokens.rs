//! Access tokens and ID tokens that are not what they should be.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use latchkey_core::policy::Policy;
use latchkey_server::identity::Timing;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::issuer::{self, CLIENT, Issuer, RESOURCE, forge, p256, sign_rsa};
use crate::service::{Answered, Device, MAYA, NOW, Running};

/// An issuer may be asked as often as there is reason to.
const NO_COOLDOWN: Timing = Timing {
    cooldown: Duration::ZERO,
    ..Timing::DEFAULT
};

async fn with_token(service: &Running, device: &Device, token: String) -> Answered {
    let mut attempt = service.attempt(device);
    attempt.token = token;
    attempt.send().await
}

#[tokio::test]
async fn every_algorithm_that_issuers_use_is_accepted() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let claims = service.issuer.access_claims("maya", NOW);
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        with_token(&service, &device, sign_rsa(algorithm, "rs256", &claims))
            .await
            .lease(&service, "ATLAS");
    }
    let by_ed25519 = latchkey_core::jws::sign(&issuer::ed25519(), "JWT", "ed", &claims).unwrap();
    with_token(&service, &device, by_ed25519)
        .await
        .lease(&service, "ATLAS");
    let mut without_kid = Header::new(Algorithm::PS256);
    without_kid.typ = None;
    let token = jsonwebtoken::encode(&without_kid, &claims, &issuer::rsa_private()).unwrap();
    with_token(&service, &device, token)
        .await
        .lease(&service, "ATLAS");
}

#[tokio::test]
async fn a_key_is_used_with_its_own_algorithm_only() {
    let service = Running::start().await;
    let mut key = issuer::rsa("rs256");
    key["alg"] = "RS256".into();
    let mut encryption = issuer::rsa("enc");
    encryption["use"] = "enc".into();
    service.issuer.jwks.lock().unwrap()["keys"] = json!([key, encryption, issuer::public(&p256(9), "es256")]);
    let device = Device::new(1);
    service.first_check(&device).await;
    let claims = service.issuer.access_claims("maya", NOW);
    for (algorithm, kid, accepted) in [
        (Algorithm::RS256, "rs256", true),
        (Algorithm::RS512, "rs256", false),
        (Algorithm::PS256, "rs256", false),
        (Algorithm::RS256, "enc", false),
    ] {
        let answered = with_token(&service, &device, sign_rsa(algorithm, kid, &claims)).await;
        assert_eq!(answered.status.is_success(), accepted, "{algorithm:?} with {kid}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_fetched_once_and_not_again_and_again() {
    for (timing, fetches, accepted) in [(NO_COOLDOWN, 3, true), (Timing::DEFAULT, 1, false)] {
        let service = Running::start_all(Policy::default(), timing).await;
        let device = Device::new(1);
        service.first_check(&device).await;
        let next = p256(78);
        let claims = service.issuer.access_claims("maya", NOW);
        let by_next = || latchkey_core::jws::sign(&next, "at+jwt", "next", &claims).unwrap();
        assert_eq!(
            with_token(&service, &device, by_next()).await.code(),
            "invalid_token"
        );
        *service.issuer.jwks.lock().unwrap() = json!({"keys": [issuer::public(&next, "next")]});
        let answered = with_token(&service, &device, by_next()).await;
        assert_eq!(
            answered.status.is_success(),
            accepted,
            "the issuer has rotated its keys"
        );
        assert_eq!(service.issuer.fetches.load(Ordering::SeqCst), fetches);
    }
}

/// Nor is a token bad that nobody can judge: the issuer may have rotated its keys, and cannot be asked.
#[tokio::test]
async fn an_unknown_key_is_no_bad_token_while_the_issuer_cannot_be_asked() {
    let service = Running::start_all(Policy::default(), NO_COOLDOWN).await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let next = p256(78);
    let claims = service.issuer.access_claims("maya", NOW);
    let by_next = || latchkey_core::jws::sign(&next, "at+jwt", "next", &claims).unwrap();
    service.issuer.out.store(true, Ordering::SeqCst);
    // Also in the pause after the question that has failed.
    for _ in 0..2 {
        let answered = with_token(&service, &device, by_next()).await;
        assert_eq!(answered.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answered.code(), "identity_unavailable");
    }
    service.attempt(&device).send().await.lease(&service, "ATLAS");

    let newcomer = Device::new(2);
    assert_eq!(service.attempt(&newcomer).send().await.code(), "use_dpop_nonce");
    let mut attempt = service.attempt(&newcomer);
    attempt.token = service.issuer.access_token("noa", NOW);
    let id_claims = service.issuer.id_claims("noa", "noa@nord.example", NOW);
    attempt.body.id_token = Some(latchkey_core::jws::sign(&next, "JWT", "next", &id_claims).unwrap());
    let answered = attempt.send().await;
    assert_eq!(
        (answered.status, answered.code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "identity_unavailable"),
        "no sign-in would help"
    );
}

#[tokio::test]
async fn an_issuer_that_publishes_no_key_for_a_moment_has_not_withdrawn_them_all() {
    let timing = Timing {
        retry: Duration::ZERO,
        ..NO_COOLDOWN
    };
    let service = Running::start_all(Policy::default(), timing).await;
    let device = Device::new(1);
    service.first_check(&device).await;
    *service.issuer.jwks.lock().unwrap() = json!({"keys": []});
    let claims = service.issuer.access_claims("maya", NOW);
    let made_up = latchkey_core::jws::sign(&p256(78), "at+jwt", "made up", &claims).unwrap();
    let answered = with_token(&service, &device, made_up).await;
    assert_eq!(answered.code(), "identity_unavailable");
    service.attempt(&device).send().await.lease(&service, "ATLAS");
}

/// `kid` is a hint, and neither a token nor a key need have one.
#[tokio::test]
async fn names_of_keys_are_hints() {
    let service = Running::start().await;
    let device = Device::new(1);
    for key in service.issuer.jwks.lock().unwrap()["keys"]
        .as_array_mut()
        .unwrap()
    {
        key.as_object_mut().unwrap().remove("kid");
    }
    service.first_check(&device).await;
    service.attempt(&device).send().await.lease(&service, "ATLAS");
    let other = p256(78);
    let claims = service.issuer.access_claims("maya", NOW);
    let forged = latchkey_core::jws::sign(&other, "at+jwt", "es256", &claims).unwrap();
    assert_eq!(
        with_token(&service, &device, forged).await.code(),
        "invalid_token"
    );
}

/// An issuer that rotates a key without a name, or under the old one, is asked again as soon as a signature does not fit.
#[tokio::test]
async fn a_key_that_is_replaced_without_a_new_name_is_found() {
    for kid in [None, Some("es256")] {
        let service = Running::start_all(Policy::default(), NO_COOLDOWN).await;
        let device = Device::new(1);
        service.first_check(&device).await;
        let next = p256(78);
        let claims = service.issuer.access_claims("maya", NOW);
        let by_next = latchkey_core::jws::sign(&next, "at+jwt", "es256", &claims).unwrap();
        assert_eq!(
            with_token(&service, &device, by_next.clone()).await.code(),
            "invalid_token"
        );
        let mut key = issuer::public(&next, "es256");
        if kid.is_none() {
            key.as_object_mut().unwrap().remove("kid");
        }
        *service.issuer.jwks.lock().unwrap() = json!({"keys": [key]});
        with_token(&service, &device, by_next)
            .await
            .lease(&service, "ATLAS");
    }
}

#[tokio::test]
async fn keys_that_are_not_fresh_are_renewed_while_they_are_used() {
    let timing = Timing {
        fresh: Duration::ZERO,
        cooldown: Duration::ZERO,
        ..Timing::DEFAULT
    };
    let service = Running::start_all(Policy::default(), timing).await;
    let device = Device::new(1);
    service.first_check(&device).await;
    service.issuer.out.store(true, Ordering::SeqCst);
    let before = service.issuer.fetches.load(Ordering::SeqCst);
    service.attempt(&device).send().await.lease(&service, "ATLAS");
    let renewed = async {
        while service.issuer.fetches.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), renewed)
        .await
        .expect("it tries in the background");
    service.attempt(&device).send().await.lease(&service, "ATLAS");
}

#[tokio::test]
async fn a_token_that_is_wrong_in_any_way_is_refused() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let good = service.issuer.access_claims("maya", NOW);
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        service.issuer.sign("at+jwt", &claims)
    };
    let stranger = Issuer::start().await;
    let header = |alg: &str, kid: &str| json!({"alg": alg, "typ": "at+jwt", "kid": kid});
    let public = issuer::rsa_public_bytes();
    let own_key = p256(77);
    let with_jwk = json!({"alg": "ES256", "typ": "at+jwt", "jwk": own_key.jwk()});
    for (what, token) in [
        ("alg none", forge(&header("none", "rs256"), &good, None)),
        ("alg None", forge(&header("None", "rs256"), &good, None)),
        (
            "HS256 with the public key",
            forge(&header("HS256", "rs256"), &good, Some(&public)),
        ),
        (
            "HS256 with an empty key",
            forge(&header("HS256", "rs256"), &good, Some(b"")),
        ),
        (
            "an algorithm of another key",
            forge(&header("RS256", "es256"), &good, Some(b"x")),
        ),
        ("a key of its own", forge(&with_jwk, &good, Some(b"x"))),
        (
            "signed by another key",
            latchkey_core::jws::sign(&own_key, "at+jwt", "es256", &good).unwrap(),
        ),
        (
            "an unknown kid",
            latchkey_core::jws::sign(&own_key, "at+jwt", "nobody", &good).unwrap(),
        ),
        ("another audience", changed("aud", "https://other.example".into())),
        ("the client as audience", changed("aud", CLIENT.into())),
        ("no audience", changed("aud", json!([]))),
        ("expired", changed("exp", (NOW - 61).into())),
        ("not good yet", changed("nbf", (NOW + 61).into())),
        ("from tomorrow", changed("iat", (NOW + 86_400).into())),
        ("an issuer that is not known", stranger.access_token("maya", NOW)),
        (
            "an issuer that claims to be ours",
            changed("iss", format!("{}/", service.issuer.url).into()),
        ),
        ("lives a day", changed("exp", (NOW + 86_400).into())),
        ("an ID token", service.issuer.id_token("maya", MAYA, NOW)),
        (
            "a crit header",
            forge(
                &json!({"alg": "ES256", "crit": ["x"], "kid": "es256"}),
                &good,
                Some(b"x"),
            ),
        ),
        ("another kind of token", service.issuer.sign("logout+jwt", &good)),
        ("opaque", "2YotnFZFEjr1zCsicMWpAA".into()),
        ("too long", "a".repeat(20_000)),
    ] {
        let answered = with_token(&service, &device, token).await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_token"),
            "{what}"
        );
        assert!(
            answered.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer"),
            "{what}"
        );
    }
    service.attempt(&device).send().await.lease(&service, "ATLAS");
    assert_eq!(
        stranger.fetches.load(Ordering::SeqCst),
        0,
        "nobody makes us fetch from where they like"
    );
    assert!(service.issuer.fetches.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn an_id_token_that_is_wrong_links_nobody() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.attempt(&device).send().await;
    let good = service.issuer.id_claims("maya", MAYA, NOW);
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        service.issuer.sign("JWT", &claims)
    };
    for (what, token) in [
        ("another client's", changed("aud", "another-client".into())),
        ("another user's", changed("sub", "mallory".into())),
        ("expired", changed("exp", (NOW - 61).into())),
        ("another issuer's", changed("iss", "https://id.example".into())),
        ("alg none", forge(&json!({"alg": "none"}), &good, None)),
        ("an access token", service.issuer.access_token("maya", NOW)),
        ("garbage", "garbage".into()),
    ] {
        let mut attempt = service.attempt(&device);
        attempt.body.id_token = Some(token);
        let answered = attempt.send().await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (StatusCode::FORBIDDEN, "id_token_required"),
            "{what}"
        );
        assert!(
            answered
                .problem()
                .detail
                .unwrap()
                .starts_with("the ID token that was sent"),
            "{what}"
        );
    }
    service.first_check(&device).await.lease(&service, "ATLAS");
    let mut attempt = service.attempt(&device);
    attempt.body.id_token = Some("garbage".into());
    attempt.send().await.lease(&service, "ATLAS");
}

#[tokio::test]
async fn while_the_issuer_is_out_tokens_are_judged_by_the_keys_of_before() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    service.issuer.out.store(true, Ordering::SeqCst);
    service.attempt(&device).send().await.lease(&service, "ATLAS");

    let fresh = Running::start().await;
    fresh.issuer.out.store(true, Ordering::SeqCst);
    let device = Device::new(1);
    fresh.attempt(&device).send().await;
    let answered = fresh.attempt(&device).send().await;
    assert_eq!(
        (answered.status, answered.code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "identity_unavailable")
    );
    assert!(answered.wants_a_pause());
}

#[tokio::test]
async fn the_audience_is_what_the_administrator_said() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let mut issuer = crate::service::vendor(&service.issuer);
    let audience = async |issuer: &latchkey_server::store::records::Issuer, aud: &str| {
        service.store.put_issuer(issuer.clone()).await.unwrap();
        let mut claims = service.issuer.access_claims("maya", NOW);
        claims["aud"] = aud.into();
        with_token(&service, &device, service.issuer.sign("JWT", &claims))
            .await
            .status
    };
    issuer.token_audience = Some("told".into());
    issuer.audience = Some("audience".into());
    assert_eq!(audience(&issuer, "told").await, StatusCode::OK);
    assert_eq!(audience(&issuer, RESOURCE).await, StatusCode::UNAUTHORIZED);
    issuer.token_audience = None;
    assert_eq!(audience(&issuer, RESOURCE).await, StatusCode::OK);
    issuer.resource = None;
    assert_eq!(audience(&issuer, "audience").await, StatusCode::OK);
    issuer.audience = None;
    assert_eq!(audience(&issuer, &service.url).await, StatusCode::OK);
}
