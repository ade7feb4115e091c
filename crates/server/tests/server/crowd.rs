//! More connections than there may be.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use latchkey_server::serve::{Listener, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// For so long is waited for what comes soon.
const SOON: Duration = Duration::from_secs(10);

/// Asks on a connection of its own, which stays open. Nothing where it was turned away.
async fn ask(address: std::net::SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await;
    let mut answer = [0; 12];
    let answered = tokio::time::timeout(SOON, stream.read_exact(&mut answer)).await;
    let answered = answered.expect("it is answered or turned away, and not left waiting");
    (asked.is_ok() && answered.is_ok() && &answer == b"HTTP/1.1 200").then_some(stream)
}

#[tokio::test]
async fn more_connections_than_there_may_be_are_turned_away_at_once() {
    let listener = Listener::open("127.0.0.1:0".parse().unwrap(), &Transport::Loopback).unwrap();
    let address = listener.address();
    let router = Router::new().route("/", get(async || "here"));
    tokio::spawn(listener.at_most(2).serve(router, std::future::pending()));
    let first = ask(address).await.expect("there is room");
    let _second = ask(address).await.expect("there is room");
    assert!(ask(address).await.is_none(), "there is no room");
    drop(first);
    let began = Instant::now();
    while ask(address).await.is_none() {
        assert!(began.elapsed() < SOON, "there is room again");
    }
}

/// A service begins with few descriptors for the sake of old programs, and may have as many as it says it needs.
#[cfg(unix)]
#[tokio::test]
async fn a_low_limit_of_open_files_is_raised() {
    let server = crate::process::Installation::new();
    server.text(&["init"]);
    let serving = server.serve_with_descriptors(48, &["--listen", "127.0.0.1:0"]);
    let address = serving.ready["listen"].as_str().unwrap();
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(SOON)
        .build()
        .unwrap();
    let answer = http.get(format!("http://{address}/health")).send().await.unwrap();
    assert!(answer.status().is_success());
}
