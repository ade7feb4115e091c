//! Against real servers on loopback that answer with scripted bytes.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Serves every connection with `answer`, after the request's head has been read.
async fn serve<F, Fut>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).await;
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn get(url: &str, total: Duration) -> Result<Response, HttpError> {
    Http::new(total, Proxy::System)
        .get(&url.parse().unwrap(), HeaderMap::new())
        .await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_plain_answer_arrives() {
    let at = serve(|mut stream| async move {
        let _sent = stream
            .write_all(b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nhi")
            .await;
    })
    .await;
    let answer = get(&format!("http://{at}/"), LONG).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (503, &b"hi"[..])
    );
    assert_eq!(answer.headers["retry-after"], "7");
    assert!(!answer.is_html());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_query_not_told() {
    let at = serve(|mut stream| async move {
        let head = b"HTTP/1.1 307 Away\r\nlocation: https://elsewhere.example/?code=secret\r\ncontent-length: 0\r\n\r\n";
        let _sent = stream.write_all(head).await;
    })
    .await;
    let error = get(&format!("http://{at}/token"), LONG).await.unwrap_err();
    assert_eq!(
        error,
        HttpError::Redirected {
            host: "127.0.0.1".into(),
            to: "https://elsewhere.example".into()
        }
    );
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test]
async fn a_huge_body_is_refused_at_the_cap() {
    let at = serve(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n";
        let _sent = stream.write_all(head).await;
        while stream.write_all(&[b' '; 65536]).await.is_ok() {}
    })
    .await;
    let error = get(&format!("http://{at}/"), LONG).await.unwrap_err();
    assert_eq!(
        error,
        HttpError::TooLarge {
            host: "127.0.0.1".into()
        }
    );
}

#[tokio::test]
async fn a_dripping_body_is_ended_by_the_total_timeout() {
    let at = serve(|mut stream| async move {
        let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let begun = Instant::now();
    let error = get(&format!("http://{at}/"), Duration::from_millis(300))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        HttpError::Unreachable {
            host: "127.0.0.1".into(),
            kind: Unreachable::Timeout
        }
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_from_one_that_is_refused() {
    let at = serve(|mut stream| async move {
        let _sent = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            .await;
    })
    .await;
    let error = get(&format!("http://{at}/"), LONG).await.unwrap_err();
    assert_eq!(
        error,
        HttpError::Unreachable {
            host: "127.0.0.1".into(),
            kind: Unreachable::Broken
        }
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = get(&format!("http://{closed}/"), LONG).await.unwrap_err();
    assert_eq!(
        error,
        HttpError::Unreachable {
            host: "127.0.0.1".into(),
            kind: Unreachable::Refused
        }
    );
}

#[tokio::test]
async fn a_name_that_nobody_knows_looks_offline() {
    let error = get("https://nobody.invalid/", LONG).await.unwrap_err();
    let HttpError::Unreachable { kind, .. } = error else {
        panic!("{error}")
    };
    assert!(kind.looks_offline(), "{kind}");
}

#[tokio::test]
async fn what_does_not_speak_tls_is_a_tls_failure_and_not_the_clock() {
    let at = serve(|mut stream| async move {
        let _sent = stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await;
    })
    .await;
    let error = get(&format!("https://{at}/"), LONG).await.unwrap_err();
    assert!(!error.suspects_clock());
    assert!(
        matches!(
            error,
            HttpError::Unreachable {
                kind: Unreachable::Tls {
                    fault: TlsFault::Other,
                    ..
                },
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn only_https_and_literal_loopback_are_spoken_to() {
    for refused in [
        "http://localhost:1/",
        "http://example.com/?q=secret",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
    ] {
        let error = get(refused, LONG).await.unwrap_err();
        assert!(
            matches!(error, HttpError::NotAllowed { .. }),
            "{refused}: {error:?}"
        );
        assert!(!error.to_string().contains("secret"));
    }
    for (url, allowed) in [
        ("https://example.com/", true),
        ("http://127.0.0.1:4/", true),
        ("http://[::1]/", true),
        ("http://127.0.0.1.example.com/", false),
        ("javascript:alert(1)", false),
    ] {
        assert_eq!(is_allowed(&url.parse().unwrap()), allowed, "{url}");
    }
}

#[tokio::test]
async fn a_web_page_is_recognised() {
    let at = serve(|mut stream| async move {
        let _sent = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n\n <!DOCTYPE html><p>Pay</p>")
            .await;
    })
    .await;
    assert!(get(&format!("http://{at}/"), LONG).await.unwrap().is_html());
}

/// Connections that were open before another network came reach nobody any more.
#[tokio::test]
async fn another_network_begins_with_no_connection_of_before() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                while let Ok(1..) = stream.read(&mut [0; 4096]).await {
                    let _sent = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await;
                }
            });
        }
    });
    let http = Http::new(Duration::from_secs(10), Proxy::Direct);
    let conversation = async || {
        http.follow_settings().await;
        http.get(&url, HeaderMap::new()).await.unwrap();
        connections.load(Ordering::SeqCst)
    };
    assert_eq!((conversation().await, conversation().await), (1, 1));
    http.renew();
    assert_eq!((conversation().await, conversation().await), (2, 2));
}
