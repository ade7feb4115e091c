//! `POST /v1/check` end to end: leases and refusals, verified by the code that devices use.

use latchkey_api::discovery::Discovery;
use latchkey_core::code::Code;
use latchkey_core::keys::Keys;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use latchkey_server::signer::RootKey;
use reqwest::StatusCode;

use crate::issuer::RESOURCE;
use crate::service::{Device, MAYA, NOW, Running, query};

const DAY: i64 = 86_400;

#[tokio::test]
async fn the_first_check_links_the_user_and_brings_a_lease() {
    let service = Running::start().await;
    let device = Device::new(1);
    assert_eq!(service.attempt(&device).send().await.code(), "use_dpop_nonce");
    let unknown = service.attempt(&device).send().await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (StatusCode::FORBIDDEN, "id_token_required")
    );

    let lease = service.first_check(&device).await.lease(&service, "ATLAS");
    let claims = lease.claims();
    assert_eq!(
        (claims.binding.iat, claims.binding.server_time, claims.nbf),
        (NOW, NOW, NOW)
    );
    assert_eq!((claims.exp, claims.refresh_after), (NOW + 30 * DAY, NOW + DAY));
    assert_eq!(
        (claims.org.as_str(), &claims.policy),
        ("Nord", &Policy::default())
    );
    assert_eq!(claims.entitlements, ["render"]);

    // From now on (iss, sub) alone decides.
    service.set_time(NOW + DAY);
    assert_eq!(
        service.attempt(&device).send().await.code(),
        "use_dpop_nonce",
        "a day later it is stale"
    );
    let next = service.attempt(&device).send().await.lease(&service, "ATLAS");
    assert_eq!(next.claims().binding.sub, claims.binding.sub);
    assert!(next.claims().binding.seq > claims.binding.seq);
    assert_eq!(next.until(), Timestamp::from_secs(NOW + 31 * DAY));
}

#[tokio::test]
async fn each_product_has_its_own_answer() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let mut attempt = service.attempt(&device);
    attempt.body.products = ["ATLAS", "BOREAS", "UNHEARD-OF"].map(query).into();
    let answered = attempt.send().await;
    assert_eq!(answered.answer().products.len(), 3);
    answered.lease(&service, "ATLAS");
    for product in ["BOREAS", "UNHEARD-OF"] {
        let refusal = answered.refusal(&service, product);
        assert_eq!(
            (refusal.claims().code, refusal.claims().save_window),
            (Code::NotAssigned, 600)
        );
        assert_eq!(
            refusal.claims().detail.contact.as_deref(),
            Some("it@nord.example")
        );
    }
    attempt = service.attempt(&device);
    attempt.body.products = vec![];
    let nothing = attempt.send().await.answer();
    assert!(
        nothing.products.is_empty(),
        "somebody is signed in and no product is registered"
    );
}

#[tokio::test]
async fn a_device_too_many_is_told_which_ones_there_are() {
    let service = Running::start_with(Policy {
        device_limit: 1,
        ..Policy::default()
    })
    .await;
    let (first, second) = (Device::new(1), Device::new(2));
    service.first_check(&first).await.lease(&service, "ATLAS");
    let refusal = service.first_check(&second).await.refusal(&service, "ATLAS");
    assert_eq!(refusal.claims().code, Code::DeviceLimit);
    let listed = &refusal.claims().detail.devices;
    assert_eq!(
        (listed.len(), listed[0].name.as_str(), listed[0].last_seen),
        (1, "STUDIO-1", NOW)
    );
    service.attempt(&first).send().await.lease(&service, "ATLAS");
}

#[tokio::test]
async fn the_end_of_a_subscription_ends_its_leases() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let end = Timestamp::from_secs(NOW + 60);
    service
        .store
        .end_subscription(service.subscription.clone(), Some(end))
        .await
        .unwrap();
    let lease = service.attempt(&device).send().await.lease(&service, "ATLAS");
    assert_eq!((lease.until(), lease.claims().refresh_after), (end, NOW + 60));
    service.set_time(NOW + 60);
    let refusal = service.attempt(&device).send().await.refusal(&service, "ATLAS");
    assert_eq!(refusal.claims().code, Code::SubscriptionEnded);
}

#[tokio::test]
async fn a_stranger_is_refused_with_a_signature() {
    let service = Running::start().await;
    let device = Device::new(3);
    service.attempt(&device).send().await;
    for (sub, email, verified) in [
        ("noor", "noor@elsewhere.example", true),
        ("imp", MAYA, false),
        ("nobody", "", true),
    ] {
        let mut attempt = service.attempt(&device);
        attempt.token = service.issuer.access_token(sub, NOW);
        let mut claims = service.issuer.id_claims(sub, email, NOW);
        claims["email_verified"] = verified.into();
        attempt.body.id_token = Some(service.issuer.sign("JWT", &claims));
        let refusal = attempt.send().await.refusal(&service, "ATLAS");
        assert_eq!(refusal.claims().code, Code::NotAssigned, "{sub}");
    }
    service
        .first_check(&Device::new(1))
        .await
        .lease(&service, "ATLAS");
}

#[tokio::test]
async fn a_device_that_was_offline_through_a_rotation_still_verifies() {
    let service = Running::start().await;
    let device = Device::new(1);
    let first = service.first_check(&device).await;
    let root = RootKey::read(&service.root_key()).unwrap();
    let rotate = async |now: i64| {
        let keyring = service.store.keyring().await.unwrap().unwrap();
        service
            .store
            .publish(root.rotate(&keyring, Timestamp::from_secs(now)).unwrap())
            .await
            .unwrap();
        service.store.keyring().await.unwrap().unwrap().lease_keys.len()
    };
    assert_eq!(rotate(NOW).await, 2);
    let second = service.attempt(&device).send().await;
    second.lease(&service, "ATLAS");
    // The lease of the old key, by the keys document of today.
    let keys = Keys::verify(&second.answer().keys, &service.roots, &service.url).unwrap();
    let before = Keys::verify(&first.answer().keys, &service.roots, &service.url).unwrap();
    assert!(
        keys.signed_at() > before.signed_at(),
        "newer, though the clock has not moved"
    );
    let lease = first.answer().products[0].lease.clone().unwrap();
    let unverified = latchkey_core::jws::parse(&lease, latchkey_core::lease::LEASE_TYP).unwrap();
    assert!(keys.find(unverified.kid()).is_ok());

    assert_eq!(rotate(NOW + 30 * DAY - 1).await, 3, "its lease may still be good");
    assert_eq!(
        rotate(NOW + 30 * DAY).await,
        2,
        "every lease of the first two has ended"
    );
}

#[tokio::test]
async fn what_the_service_says_about_itself() {
    let service = Running::start().await;
    let fetch = async |path: &str| {
        service
            .http
            .get(format!("{}{path}", service.url))
            .send()
            .await
            .unwrap()
    };
    let discovery: Discovery = fetch("/.well-known/latchkey").await.json().await.unwrap();
    assert_eq!(
        (&discovery.service, discovery.api_min, discovery.api_max),
        (&service.url, 1, 1)
    );
    assert_eq!(discovery.check, format!("{}/v1/check", service.url));
    assert_eq!(discovery.identity.issuer, service.issuer.url);
    assert_eq!(discovery.identity.resource.as_deref(), Some(RESOURCE));

    let keys = fetch("/v1/keys").await;
    assert_eq!(keys.headers()["content-type"], "application/jwt");
    Keys::verify(&keys.text().await.unwrap(), &service.roots, &service.url).unwrap();
    assert_eq!(fetch("/health").await.status(), StatusCode::OK);
    for (path, status, code) in [
        ("/v1/nothing", StatusCode::NOT_FOUND, "not_found"),
        ("/v1/check", StatusCode::METHOD_NOT_ALLOWED, "invalid_request"),
    ] {
        let answer = fetch(path).await;
        assert_eq!(
            (answer.status(), &answer.headers()["content-type"]),
            (status, &"application/problem+json".parse().unwrap())
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

/// Rule 9's table: what it has runs to its end, and is not renewed.
#[tokio::test]
async fn an_agent_older_than_the_service_asks_for_is_told_which_one_it_wants() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let newer = "99.0.0";
    service
        .store
        .require_agent(Some(newer.parse().unwrap()))
        .await
        .unwrap();
    let refusal = service.attempt(&device).send().await.refusal(&service, "ATLAS");
    assert_eq!(refusal.claims().code, Code::ClientOutdated);
    assert_eq!(refusal.claims().detail.minimum_version.as_deref(), Some(newer));
    let devices = service.store.devices(None).await.unwrap();
    assert_eq!(devices[0].products, ["ATLAS"], "its lease keeps its place");

    let mut attempt = service.attempt(&device);
    attempt.body.agent = newer.to_owned();
    attempt.send().await.lease(&service, "ATLAS");
    service.store.require_agent(None).await.unwrap();
    service.attempt(&device).send().await.lease(&service, "ATLAS");
}
