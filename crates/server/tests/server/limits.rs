//! Bodies that are too large or no JSON, and names that are no names.

use std::time::{Duration, Instant};

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

/// For so long is waited for something that comes soon.
const BOUNDED: Duration = Duration::from_secs(15);

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

/// As many requests as are worked on at once hold their places, here because another process holds the database: one more is told
/// to come back, which is no refusal, and is served when there is room.
#[tokio::test]
async fn an_overloaded_service_turns_away_early_and_refuses_nobody() {
    const PLACES: usize = 16;
    let service = Running::start_small(PLACES).await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let other = rusqlite::Connection::open(service.folder.path().join("latchkey.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let attempt = || tokio::spawn(service.attempt(&device).request().send());
    let mut at_work: Vec<_> = (0..PLACES).map(|_| attempt()).collect();
    // It only reads, and so is answered at once where there is a place for it.
    let keys = async || {
        service
            .http
            .get(format!("{}/v1/keys", service.url))
            .send()
            .await
            .unwrap()
    };
    let began = Instant::now();
    let turned_away = loop {
        let answered = keys().await;
        if answered.status() == StatusCode::SERVICE_UNAVAILABLE {
            break answered;
        }
        assert_eq!(answered.status(), StatusCode::OK, "some are still on their way");
        // On a busy machine the first of them may have been told to come back before the last is there.
        at_work.push(attempt());
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

    other.execute_batch("ROLLBACK").unwrap();
    for one in at_work {
        let status = one.await.unwrap().unwrap().status();
        // The first of them may have waited for the database for as long as it does.
        let expected = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE];
        assert!(expected.contains(&status), "{status}");
    }
    assert_eq!(keys().await.status(), StatusCode::OK);
    service.attempt(&device).send().await.lease(&service, "ATLAS");
}

/// Whoever announces a body and sends none has proven nothing, and keeps nobody from the service.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_slow_body_takes_no_place() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    allow_many_connections();
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let address = service.url.trim_start_matches("http://").to_owned();
    let head = format!("POST /v1/check HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100\r\n\r\n");
    let mut slow = Vec::new();
    for _ in 0..600 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(tokio::spawn(async move {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            answer
        }));
    }
    // Until the last of them has been told that it is too slow, whoever has something to say is heard.
    let began = Instant::now();
    while !slow.iter().all(tokio::task::JoinHandle::is_finished) {
        service.attempt(&device).send().await.lease(&service, "ATLAS");
        assert!(began.elapsed() < BOUNDED, "a slow body is waited for too long");
    }
    for answer in slow {
        assert_eq!(&answer.await.unwrap(), b"HTTP/1.1 408");
    }
}
