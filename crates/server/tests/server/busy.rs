//! Another process that holds the database, and files that are none, or no whole one.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rusqlite::Connection;

use crate::process::Installation;
use crate::service::{Device, Running};

/// For so long is waited for what comes soon.
const BOUNDED: Duration = Duration::from_secs(20);

fn installed() -> (Installation, Connection) {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let other = Connection::open(server.data().join("latchkey.db")).unwrap();
    (server, other)
}

#[test]
fn what_only_reads_waits_for_nobody_and_what_writes_says_that_it_is_busy() {
    let (server, other) = installed();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    server.text(&["organisation", "list"]);
    let (status, message) = server.fails(&["organisation", "add", "Nord"]);
    assert_eq!((status, message.as_str()), (5, "the store is busy: try again"));
    other.execute_batch("ROLLBACK").unwrap();
    server.text(&["organisation", "add", "Nord"]);
}

#[test]
fn a_database_that_is_held_damaged_or_none_is_called_what_it_is() {
    let (server, other) = installed();
    // In this mode it is kept from readers too.
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; PRAGMA user_version = 0;")
        .unwrap();
    let (status, message) = server.fails(&["organisation", "list"]);
    assert_eq!((status, message.as_str()), (5, "the store is busy: try again"));
    other
        .execute_batch("ROLLBACK; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(other);

    let path = server.data().join("latchkey.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // The header of the file stays, the schema goes.
    bytes[100..4096].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let (status, message) = server.fails(&["organisation", "list"]);
    assert_eq!(status, 1);
    assert!(message.contains("is damaged"), "{message}");

    std::fs::write(&path, "a letter that somebody has put here").unwrap();
    let (status, message) = server.fails(&["organisation", "list"]);
    assert_eq!(status, 1);
    assert!(
        message.contains("is not a database of latchkey-server"),
        "{message}"
    );
}

#[tokio::test]
async fn it_is_healthy_only_while_a_check_could_be_written_down() {
    let service = Running::start().await;
    let becomes = async |expected: StatusCode| {
        let began = Instant::now();
        loop {
            let answer = service.http.get(format!("{}/health", service.url)).send().await;
            if answer.unwrap().status() == expected {
                return;
            }
            assert!(began.elapsed() < BOUNDED, "it does not become {expected}");
        }
    };
    becomes(StatusCode::OK).await;
    let other = Connection::open(service.folder.path().join("latchkey.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    other.execute_batch("ROLLBACK").unwrap();
    becomes(StatusCode::OK).await;
}

/// Whoever has to write is told early that the service is busy, and when to come back, however many there are: an answer that comes
/// after the client has given up looks like an outage.
#[tokio::test]
async fn who_waits_for_a_database_that_is_held_is_told_together_to_come_back() {
    const AT_ONCE: usize = 24;
    let service = Running::start().await;
    let device = Device::new(1);
    service.first_check(&device).await;
    let other = Connection::open(service.folder.path().join("latchkey.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let asking: Vec<_> = (0..AT_ONCE)
        .map(|_| tokio::spawn(service.attempt(&device).request().send()))
        .collect();
    for one in asking {
        let answer = one.await.unwrap().unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        let problem: latchkey_api::problem::Problem = answer.json().await.unwrap();
        assert_eq!(problem.code, "overloaded");
    }
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
}
