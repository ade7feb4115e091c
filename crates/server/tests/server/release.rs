//! `POST /v1/release`: a device gives its place up without any token.

use latchkey_api::release::{ReleaseClaims, ReleaseRequest, TYP};
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::policy::Policy;
use reqwest::StatusCode;

use crate::service::{Device, NOW, Running, random};

fn signed(service: &Running, key: &SigningKey, products: Option<&[&str]>) -> ReleaseRequest {
    signed_at(service, key, products, NOW)
}

fn signed_at(service: &Running, key: &SigningKey, products: Option<&[&str]>, iat: i64) -> ReleaseRequest {
    let claims = ReleaseClaims {
        aud: service.url.clone(),
        jti: random(),
        iat,
        products: products.map(|all| all.iter().map(|&one| one.to_owned()).collect()),
    };
    let jwk = key.jwk();
    ReleaseRequest {
        release: jws::sign(key, TYP, &jwk.thumbprint().0, &claims).unwrap(),
        jwk,
    }
}

async fn send(service: &Running, request: &ReleaseRequest) -> StatusCode {
    let address = format!("{}/v1/release", service.url);
    service
        .http
        .post(address)
        .json(request)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn a_release_frees_the_place_however_often_and_late_it_comes() {
    let service = Running::start_with(Policy {
        device_limit: 1,
        ..Policy::default()
    })
    .await;
    let (first, second) = (Device::new(1), Device::new(2));
    service.first_check(&first).await.lease(&service, "ATLAS");
    service.first_check(&second).await.refusal(&service, "ATLAS");

    let release = signed(&service, &first.key, Some(&["BOREAS"]));
    assert_eq!(send(&service, &release).await, StatusCode::NO_CONTENT);
    service.attempt(&second).send().await.refusal(&service, "ATLAS");
    // Signed before the lease was: it says nothing about it.
    let release = signed_at(&service, &first.key, Some(&["ATLAS"]), NOW - 100 * 86_400);
    assert_eq!(send(&service, &release).await, StatusCode::NO_CONTENT);
    service.attempt(&second).send().await.refusal(&service, "ATLAS");
    let release = signed(&service, &first.key, Some(&["ATLAS"]));
    assert_eq!(send(&service, &release).await, StatusCode::NO_CONTENT);
    service.attempt(&second).send().await.lease(&service, "ATLAS");

    // The key is given up for ever, whenever that was signed.
    let release = signed_at(&service, &second.key, None, NOW - 100 * 86_400);
    for _ in 0..2 {
        assert_eq!(send(&service, &release).await, StatusCode::NO_CONTENT);
    }
    service.attempt(&first).send().await.lease(&service, "ATLAS");
    let unknown = signed(&service, &Device::new(9).key, None);
    assert_eq!(send(&service, &unknown).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn only_the_device_itself_releases_it() {
    let service = Running::start_with(Policy {
        device_limit: 1,
        ..Policy::default()
    })
    .await;
    let (mine, other) = (Device::new(1), Device::new(2));
    service.first_check(&mine).await.lease(&service, "ATLAS");
    let theirs = signed(&service, &other.key, None);
    let forged = ReleaseRequest {
        jwk: mine.key.jwk(),
        release: theirs.release.clone(),
    };
    assert_eq!(send(&service, &forged).await, StatusCode::BAD_REQUEST);
    let kid = mine.key.jwk().thumbprint().0;
    let claims = ReleaseClaims {
        aud: service.url.clone(),
        jti: random(),
        iat: NOW,
        products: None,
    };
    let forged = ReleaseRequest {
        jwk: mine.key.jwk(),
        release: jws::sign(&other.key, TYP, &kid, &claims).unwrap(),
    };
    assert_eq!(send(&service, &forged).await, StatusCode::BAD_REQUEST);
    let elsewhere = ReleaseClaims {
        aud: "https://other.example".into(),
        ..claims.clone()
    };
    let other_typ = jws::sign(&mine.key, "latchkey-lease+jwt", &kid, &claims).unwrap();
    let other_kid = jws::sign(&mine.key, TYP, "another", &claims).unwrap();
    for release in [
        jws::sign(&mine.key, TYP, &kid, &elsewhere).unwrap(),
        other_typ,
        other_kid,
    ] {
        let request = ReleaseRequest {
            jwk: mine.key.jwk(),
            release,
        };
        assert_eq!(send(&service, &request).await, StatusCode::BAD_REQUEST);
    }
    service.first_check(&other).await.refusal(&service, "ATLAS");
}
