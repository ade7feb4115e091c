//! The environment's proxy is used for hosts out there, and never for this machine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use http::HeaderMap;
use latchkey_agent::http::{Http, HttpError, Response, Unreachable};
use latchkey_ipc::settings::Proxy;

const INSIDE: &str = "LATCHKEY_TEST_INSIDE_PROXY";

/// Runs `test` again where a proxy is set that answers every request with `answer`.
fn behind_a_proxy(test: &str, answer: &'static str, check: impl AsyncFn(Http)) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(check(Http::default()));
    }
    let proxy = format!("http://127.0.0.1:{}", serve(answer));
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .envs([
            ("HTTPS_PROXY", &proxy),
            ("HTTP_PROXY", &proxy),
            ("ALL_PROXY", &proxy),
        ])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .status();
    assert!(status.unwrap().success(), "{test}");
}

fn serve(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _request = stream.read(&mut [0; 4096]);
            let _sent = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// A proxy that was set by hand stands above the environment's, and another network's counts without a restart.
#[test]
fn a_proxy_set_by_hand_is_used_and_none_where_none_is_wanted() {
    let environments = "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n";
    let name = "a_proxy_set_by_hand_is_used_and_none_where_none_is_wanted";
    behind_a_proxy(name, environments, async |_| {
        let (port, asked) = counting();
        let total = Duration::from_secs(10);
        let http = Http::new(
            total,
            Proxy::from_text(&format!("http://127.0.0.1:{port}")).unwrap(),
        );
        for _ in 0..2 {
            get(&http, "https://id.example/").await.unwrap_err();
            http.renew();
            http.follow_settings().await;
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 2);
        let direct = Http::new(total, Proxy::Direct);
        let error = get(&direct, "https://id.invalid/").await.unwrap_err();
        let HttpError::Unreachable { kind, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(
            !matches!(kind, Unreachable::Proxy { .. } | Unreachable::ProxyPassword),
            "no proxy is asked: {error:?}"
        );
    });
}

/// A proxy that says no, and counts how often.
fn counting() -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _request = stream.read(&mut [0; 4096]);
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _sent = stream.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (port, asked)
}

async fn get(http: &Http, url: &str) -> Result<Response, HttpError> {
    http.get(&url.parse().unwrap(), HeaderMap::new()).await
}

fn kind(error: HttpError) -> Option<Unreachable> {
    match error {
        HttpError::Unreachable { host, kind } if host == "id.example" => Some(kind),
        _ => None,
    }
}

#[test]
fn a_proxy_that_wants_a_password_is_named() {
    let refusal = "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n";
    behind_a_proxy("a_proxy_that_wants_a_password_is_named", refusal, async |http| {
        let error = get(&http, "https://id.example/").await.unwrap_err();
        assert!(error.wants_proxy_password());
        assert_eq!(kind(error), Some(Unreachable::ProxyPassword));
    });
}

/// It may not want to, or the host may be out: it does not say.
#[test]
fn a_proxy_that_does_not_connect_is_told_from_one_that_wants_a_password() {
    let refusal = "HTTP/1.1 502 Nobody there\r\ncontent-length: 0\r\n\r\n";
    let name = "a_proxy_that_does_not_connect_is_told_from_one_that_wants_a_password";
    behind_a_proxy(name, refusal, async |http| {
        let error = get(&http, "https://id.example/").await.unwrap_err();
        let kind = kind(error).unwrap();
        assert!(matches!(kind, Unreachable::Proxy { .. }), "{kind:?}");
        assert!(!kind.looks_offline());
    });
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_from_a_host_that_is_not() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (proxy, expected, offline) in [
        (format!("http://{nobody}"), Unreachable::Refused, false),
        (format!("socks5h://{nobody}"), Unreachable::Refused, false),
        ("socks5h://proxy.invalid".to_owned(), Unreachable::Dns, true),
        ("http://proxy.invalid:3128".to_owned(), Unreachable::Dns, true),
    ] {
        let http = Http::new(Duration::from_secs(10), Proxy::from_text(&proxy).unwrap());
        let kind = kind(get(&http, "https://id.example/").await.unwrap_err()).unwrap();
        assert_eq!(kind, Unreachable::ProxyUnreachable(Box::new(expected)));
        assert_eq!(kind.looks_offline(), offline, "{kind}");
    }
}

#[test]
fn this_machine_is_asked_directly() {
    let proxys = "HTTP/1.1 502 The proxy was asked\r\ncontent-length: 0\r\n\r\n";
    behind_a_proxy("this_machine_is_asked_directly", proxys, async |http| {
        let own = serve("HTTP/1.1 204 Fine\r\n\r\n");
        let answer = get(&http, &format!("http://127.0.0.1:{own}/")).await.unwrap();
        assert_eq!(answer.status, 204);
    });
}
