//! `POST /v1/devices` and `/v1/devices/release`, and the stream of pushes at `GET /v1/events`.

use std::time::Duration;

use latchkey_api::devices::{OwnDevices, ReleaseDevice};
use latchkey_core::code::Code;
use latchkey_core::policy::{Policy, SessionPolicy};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::service::{Device, NOW, Running};

/// Nothing here waits for longer.
const SOON: Duration = Duration::from_secs(10);

async fn one_place() -> Running {
    Running::start_with(Policy {
        device_limit: 1,
        session_policy: SessionPolicy::Takeover,
        ..Policy::default()
    })
    .await
}

async fn listed(service: &Running, device: &Device) -> OwnDevices {
    let answer = service
        .request(device, "POST", "/v1/devices")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn release(service: &Running, device: &Device, id: &str) -> Response {
    let wanted = ReleaseDevice {
        device: id.into(),
        same_machine: false,
    };
    let request = service.request(device, "POST", "/v1/devices/release");
    request.json(&wanted).send().await.unwrap()
}

async fn code(answer: Response) -> (StatusCode, String) {
    let status = answer.status();
    let problem: Value = answer.json().await.unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_device_without_a_place_frees_one_and_goes_on() {
    let service = one_place().await;
    let (first, second) = (Device::new(1), Device::new(2));
    service.first_check(&first).await.lease(&service, "ATLAS");
    service.first_check(&second).await.refusal(&service, "ATLAS");
    let devices = listed(&service, &second).await;
    let other = devices.devices.iter().find(|device| !device.this).unwrap();
    assert!(other.holds_place);
    let answer = release(&service, &second, &other.id).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    service.attempt(&second).send().await.lease(&service, "ATLAS");
    let refusal = service.attempt(&first).send().await.refusal(&service, "ATLAS");
    assert_eq!(refusal.claims().code, Code::DeviceReleased);

    let unknown = release(&service, &second, "dev_nobody").await;
    assert_eq!(
        code(unknown).await,
        (StatusCode::NOT_FOUND, "unknown_device".into())
    );
    let released = service
        .request(&first, "POST", "/v1/devices")
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(released).await,
        (StatusCode::FORBIDDEN, "check_first".into())
    );
}

#[tokio::test]
async fn a_proof_for_another_path_or_none_is_not_enough() {
    let service = one_place().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let for_a_check = service.attempt(&device);
    let answer = service
        .http
        .post(format!("{}/v1/devices", service.url))
        .header("Authorization", format!("Bearer {}", for_a_check.token))
        .header("DPoP", for_a_check.proof())
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(answer).await,
        (StatusCode::UNAUTHORIZED, "invalid_dpop_proof".into())
    );
    let bare = service
        .http
        .get(format!("{}/v1/events", service.url))
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert!(bare.headers().contains_key("dpop-nonce"), "the way to a good one");
    let stranger = Device::new(7);
    service.attempt(&stranger).send().await;
    let answer = service
        .request(&stranger, "GET", "/v1/events")
        .send()
        .await
        .unwrap();
    assert_eq!(code(answer).await, (StatusCode::FORBIDDEN, "check_first".into()));
}

/// What a stream says next, without its keep-alives.
async fn says(stream: &mut Response) -> Option<String> {
    let chunk = tokio::time::timeout(SOON, stream.chunk())
        .await
        .expect("the stream is silent");
    let text = String::from_utf8(chunk.unwrap()?.to_vec()).unwrap();
    let event = text.lines().find_map(|line| line.strip_prefix("event: "));
    Some(event.unwrap_or_else(|| panic!("no event in {text:?}")).to_owned())
}

async fn listen(service: &Running, device: &Device) -> Response {
    let mut stream = service.request(device, "GET", "/v1/events").send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(says(&mut stream).await.as_deref(), Some("ready"));
    stream
}

#[tokio::test]
async fn a_device_that_listens_hears_of_what_concerns_it() {
    let service = one_place().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let mut stream = listen(&service, &device).await;
    // Another process's change: only the database knows of it.
    service
        .store
        .unassign_seat("maya@nord.example".into(), "ATLAS".into())
        .await
        .unwrap();
    assert_eq!(says(&mut stream).await.as_deref(), Some("check"));

    // Not connected when it happened, and told as soon as it is.
    drop(stream);
    service.attempt(&device).send().await.refusal(&service, "ATLAS");
    let at = latchkey_core::time::Timestamp::from_secs(service.now());
    service
        .store
        .assign_seat("maya@nord.example".into(), "ATLAS".into(), at)
        .await
        .unwrap();
    let mut stream = listen(&service, &device).await;
    assert_eq!(says(&mut stream).await.as_deref(), Some("check"));

    // A second stream takes the place of the first.
    let _second = listen(&service, &device).await;
    let ends = async { while says(&mut stream).await.is_some() {} };
    tokio::time::timeout(SOON, ends).await.expect("the first goes on");
}

#[tokio::test]
async fn a_takeover_reaches_the_other_device_at_once() {
    let service = Running::start().await;
    let (first, second) = (Device::new(1), Device::new(2));
    service.first_check(&first).await;
    service.first_check(&second).await;
    let open = async |device: &Device, wish| {
        let mut attempt = service.attempt(device);
        attempt.body.products[0].open = true;
        attempt.body.products[0].session = wish;
        attempt.send().await
    };
    open(&first, None).await.lease(&service, "ATLAS");
    let mut stream = listen(&service, &first).await;
    let refusal = open(&second, None).await.refusal(&service, "ATLAS");
    assert_eq!(refusal.claims().code, Code::SessionInUse);
    assert_eq!(says(&mut stream).await.as_deref(), Some("check"), "somebody asks");
    open(&second, Some(latchkey_api::check::SessionWish::TakeOver))
        .await
        .lease(&service, "ATLAS");
    assert_eq!(says(&mut stream).await.as_deref(), Some("check"));
    let lost = open(&first, None).await.refusal(&service, "ATLAS");
    assert_eq!(lost.claims().code, Code::SessionInUse);
    assert!(lost.claims().detail.holder_since.is_some());
}

#[tokio::test]
async fn a_stream_ends_with_what_is_left_of_its_token() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    // Of its hour two seconds are left, by a clock that may be a minute behind.
    let mut claims = service.issuer.access_claims("maya", NOW);
    claims["iat"] = (NOW - 3_658).into();
    claims["exp"] = (NOW - 58).into();
    let url = format!("{}/v1/events", service.url);
    let mut attempt = service.attempt(&device);
    (attempt.method, attempt.url) = ("GET", url.clone());
    attempt.token = service.issuer.sign("at+jwt", &claims);
    let request = service.http.get(url).header("DPoP", attempt.proof());
    let request = request.header("Authorization", format!("Bearer {}", attempt.token));
    let mut stream = request.send().await.unwrap();
    assert_eq!(says(&mut stream).await.as_deref(), Some("ready"));
    assert_eq!(says(&mut stream).await, None, "it has ended");
}
