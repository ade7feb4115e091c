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

/// Both ends of every connection are open in this process, which many systems allow too few of.
#[cfg(target_os = "linux")]
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, most).unwrap();
}

/// As many requests as are worked on at once hold their places: one more is told to come back, which is no refusal, and is
/// served when there is room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_overloaded_service_turns_away_early_and_refuses_nobody() {
    use std::time::{Duration, Instant};

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpStream;

    /// For so long is waited for something that comes soon.
    const BOUNDED: Duration = Duration::from_secs(15);

    allow_many_connections();
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let address = service.url.trim_start_matches("http://").to_owned();
    let attempt = service.attempt(&device);
    // The body does not come.
    let head = format!(
        "POST /v1/check HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\ndpop: {}\r\n\r\n",
        attempt.token,
        attempt.proof()
    );
    let mut slow = Vec::new();
    for _ in 0..512 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    let turned_away = loop {
        let answered = service.attempt(&device).request().send().await.unwrap();
        if answered.status() == StatusCode::SERVICE_UNAVAILABLE {
            break answered;
        }
        assert_eq!(answered.status(), StatusCode::OK, "some are still on their way");
        assert!(began.elapsed() < BOUNDED, "it works on everything at once");
    };
    let pause: u32 = turned_away.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((5..=30).contains(&pause), "{pause}");
    let problem: latchkey_api::problem::Problem = turned_away.json().await.unwrap();
    assert_eq!(problem.code, "overloaded");

    drop(slow);
    let began = Instant::now();
    loop {
        let answered = service.attempt(&device).request().send().await.unwrap();
        if answered.status() == StatusCode::OK {
            break;
        }
        assert_eq!(answered.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(began.elapsed() < BOUNDED, "there is room again");
    }
    service.attempt(&device).send().await.lease(&service, "ATLAS");
}
