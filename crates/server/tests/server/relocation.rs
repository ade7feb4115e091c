//! Several issuers: whom each may name, and what becomes of the users of one that was moved.

use latchkey_api::identity::IdentityQuery;
use latchkey_core::code::Code;
use latchkey_server::store::records;
use reqwest::StatusCode;

use crate::issuer::Issuer;
use crate::service::{Answered, Device, MAYA, NOW, Running, vendor};

fn company(issuer: &Issuer) -> records::Issuer {
    records::Issuer {
        domains: vec!["nord.example".into()],
        ..vendor(issuer)
    }
}

/// A check with a token of `issuer` that names `sub`, and an ID token that proves `email`.
async fn check(
    service: &Running,
    device: &Device,
    issuer: &Issuer,
    sub: &str,
    email: Option<&str>,
) -> Answered {
    let attempt = || {
        let mut attempt = service.attempt(device);
        attempt.token = issuer.access_token(sub, NOW);
        attempt.body.id_token = email.map(|email| issuer.id_token(sub, email, NOW));
        attempt.body.issuer = Some(issuer.url.clone());
        attempt
    };
    let answered = attempt().send().await;
    if answered.status == StatusCode::UNAUTHORIZED && answered.code() == "use_dpop_nonce" {
        return attempt().send().await;
    }
    answered
}

async fn named(service: &Running, query: IdentityQuery) -> Result<String, StatusCode> {
    let address = format!("{}/v1/identity", service.url);
    let answer = service.http.post(address).json(&query).send().await.unwrap();
    match answer.status() {
        StatusCode::OK => Ok(answer
            .json::<latchkey_api::discovery::Identity>()
            .await
            .unwrap()
            .issuer),
        status => Err(status),
    }
}

#[tokio::test]
async fn the_vendors_issuer_names_nobody_of_a_companys_domain() {
    let service = Running::start().await;
    let sso = Issuer::start().await;
    service.store.put_issuer(company(&sso)).await.unwrap();
    let (mallory, maya) = (Device::new(1), Device::new(2));
    let by_vendor = check(&service, &mallory, &service.issuer, "mallory", Some(MAYA)).await;
    let refusal = by_vendor.refusal(&service, "ATLAS");
    assert_eq!(refusal.claims().code, Code::NotAssigned);
    let users = service.store.users().await.unwrap();
    let stranger = users
        .iter()
        .find(|user| user.issuers == [service.issuer.url.clone()])
        .unwrap();
    assert_eq!(
        (&stranger.email, &stranger.claims),
        (&None, &None),
        "it proves nothing"
    );
    check(&service, &maya, &sso, "m-1", Some(MAYA))
        .await
        .lease(&service, "ATLAS");
    let elsewhere = check(&service, &maya, &sso, "m-2", Some("noor@home.example")).await;
    elsewhere.refusal(&service, "ATLAS");
    let users = service.store.users().await.unwrap();
    assert!(
        users
            .iter()
            .all(|user| user.email.as_deref() != Some("noor@home.example"))
    );
}

#[tokio::test]
async fn a_company_that_brings_its_issuer_unlinks_whom_the_vendors_had_named() {
    let service = Running::start().await;
    let device = Device::new(1);
    check(&service, &device, &service.issuer, "maya", Some(MAYA))
        .await
        .lease(&service, "ATLAS");
    let sso = Issuer::start().await;
    service.store.put_issuer(company(&sso)).await.unwrap();
    check(&service, &device, &service.issuer, "maya", None)
        .await
        .lease(&service, "ATLAS");
    service.store.unlink_user(MAYA.into()).await.unwrap();
    let asked = check(&service, &device, &service.issuer, "maya", None).await;
    assert_eq!(asked.code(), "id_token_required");
    let refused = check(&service, &device, &service.issuer, "maya", Some(MAYA)).await;
    assert_eq!(
        refused.refusal(&service, "ATLAS").claims().code,
        Code::NotAssigned
    );
    check(&service, &Device::new(2), &sso, "m-1", Some(MAYA))
        .await
        .lease(&service, "ATLAS");
}

#[tokio::test]
async fn a_company_moves_to_another_issuer() {
    let service = Running::start().await;
    let (old, new) = (Issuer::start().await, Issuer::start().await);
    service.store.put_issuer(company(&old)).await.unwrap();
    let (before, after) = (Device::new(1), Device::new(2));
    let first = check(&service, &before, &old, "maya", Some(MAYA))
        .await
        .lease(&service, "ATLAS");

    service
        .store
        .move_issuer(old.url.clone(), vendor(&new))
        .await
        .unwrap();
    let email = |text: &str| IdentityQuery::Email(text.into());
    let issuer = |issuer: &Issuer| IdentityQuery::Issuer(issuer.url.clone());
    assert_eq!(named(&service, email(MAYA)).await, Ok(new.url.clone()));
    assert_eq!(
        named(&service, issuer(&old)).await,
        Ok(old.url.clone()),
        "to go on refreshing there"
    );
    assert_eq!(
        named(&service, email("maya@home.example")).await,
        Ok(service.issuer.url.clone()),
        "an issuer that was moved is not the vendor's"
    );
    check(&service, &before, &old, "maya", None)
        .await
        .lease(&service, "ATLAS");
    let late = check(&service, &Device::new(3), &old, "noor", Some("noor@nord.example")).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (StatusCode::NOT_FOUND, "unknown_issuer")
    );

    let asked = check(&service, &after, &new, "m-1", None).await;
    assert_eq!(asked.code(), "id_token_required");
    let linked = check(&service, &after, &new, "m-1", Some(MAYA))
        .await
        .lease(&service, "ATLAS");
    assert_eq!(linked.claims().seat, first.claims().seat);
    assert_eq!(linked.claims().binding.sub, first.claims().binding.sub);
    check(&service, &after, &new, "m-1", None)
        .await
        .lease(&service, "ATLAS");
    let second = check(&service, &Device::new(4), &new, "m-2", Some(MAYA)).await;
    assert_eq!(
        second.refusal(&service, "ATLAS").claims().code,
        Code::NotAssigned,
        "once"
    );
    check(&service, &before, &old, "maya", None)
        .await
        .lease(&service, "ATLAS");

    service.store.remove_issuer(old.url.clone()).await.unwrap();
    assert_eq!(named(&service, issuer(&old)).await, Err(StatusCode::NOT_FOUND));
    assert_eq!(
        check(&service, &before, &old, "maya", None).await.code(),
        "invalid_token"
    );
    check(&service, &after, &new, "m-1", None)
        .await
        .lease(&service, "ATLAS");
}
