//! Bodies that are too large or no JSON, and names that are no names.

use reqwest::StatusCode;

use crate::service::{Device, Running, query};

#[tokio::test]
async fn a_body_is_bounded_and_must_be_what_it_should() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let post = async |body: Vec<u8>| {
        let attempt = service.attempt(&device);
        let request = service
            .http
            .post(format!("{}/v1/check", service.url))
            .header("Authorization", format!("Bearer {}", attempt.token))
            .header("DPoP", attempt.proof());
        let answer = request.body(body).send().await.unwrap();
        (
            answer.status(),
            answer
                .json::<latchkey_api::problem::Problem>()
                .await
                .unwrap()
                .code,
        )
    };
    let invalid = "invalid_request".to_owned();
    assert_eq!(
        post(vec![b' '; 64 * 1024 + 1]).await,
        (StatusCode::PAYLOAD_TOO_LARGE, invalid.clone())
    );
    assert_eq!(
        post(b"{}".to_vec()).await,
        (StatusCode::BAD_REQUEST, invalid.clone())
    );
    assert_eq!(post(b"\xff".to_vec()).await, (StatusCode::BAD_REQUEST, invalid));
}

#[tokio::test]
async fn each_field_of_a_check_is_bounded() {
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    type Change = fn(&mut latchkey_api::check::CheckRequest);
    let changes: [Change; 4] = [
        |body| body.jti = "short".into(),
        |body| body.products = vec![query("lower")],
        |body| body.products = vec![query("ATLAS"), query("ATLAS")],
        |body| body.products = (0..101).map(|n| query(&format!("P{n}"))).collect(),
    ];
    for change in changes {
        let mut attempt = service.attempt(&device);
        change(&mut attempt.body);
        let answered = attempt.send().await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request")
        );
    }
    let mut attempt = service.attempt(&device);
    attempt.body.device.name = format!("\u{1b}[31mSTUDIO{}", "x".repeat(500));
    attempt.send().await.lease(&service, "ATLAS");
    let name = service.store.devices(None).await.unwrap().remove(0).name;
    assert!(
        name.starts_with("[31mSTUDIO") && name.len() == 100,
        "{name:?}: a list is no place for escapes"
    );
}
