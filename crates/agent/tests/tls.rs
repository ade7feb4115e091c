//! What the HTTP client makes of certificates: a machine whose clock is wrong is told from one that is lied to.
//!
//! The test's own authority is made known by `SSL_CERT_FILE`, which only Linux reads; each test runs itself again with it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use http::HeaderMap;
use latchkey_agent::http::{Http, HttpError, TlsFault};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate's years, and the name it is for.
type Leaf = (i32, i32, &'static str);

const INSIDE: &str = "LATCHKEY_TEST_PORT";

/// Asks a server with this certificate, whose authority this machine knows or does not know.
fn asked(test: &str, known: bool, leaf: Leaf, check: impl Fn(Result<u16, HttpError>)) {
    if let Ok(port) = std::env::var(INSIDE) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let url = format!("https://127.0.0.1:{port}/").parse().unwrap();
        let answer = runtime.block_on(async { Http::default().get(&url, HeaderMap::new()).await });
        return check(answer.map(|answer| answer.status.as_u16()));
    }
    let (authority, port) = serve(leaf);
    let stranger = authority_named("Stranger").pem();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), if known { authority } else { stranger }).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, port.to_string())
        .env("SSL_CERT_FILE", file.path())
        .env_remove("SSL_CERT_DIR")
        .status();
    assert!(status.unwrap().success(), "{test}");
}

fn authority_named(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Serves with such a certificate until the test ends. Returns the authority's certificate and the port.
fn serve((from, to, name): Leaf) -> (String, u16) {
    let authority = authority_named("Authority");
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate: CertificateDer<'static> = params.signed_by(&key, &authority).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, stream.unwrap());
            let _request = tls.read(&mut [0; 4096]);
            let _sent = tls.write_all(b"HTTP/1.1 204 Fine\r\nconnection: close\r\n\r\n");
            tls.conn.send_close_notify();
            let _flushed = tls.flush();
        }
    });
    (authority.pem(), port)
}

fn fault(answer: Result<u16, HttpError>) -> Option<TlsFault> {
    answer.unwrap_err().tls_fault()
}

#[test]
fn a_good_certificate_is_accepted() {
    asked(
        "a_good_certificate_is_accepted",
        true,
        (2020, 2100, "127.0.0.1"),
        |answer| {
            assert_eq!(answer, Ok(204));
        },
    );
}

#[test]
fn an_expired_certificate_makes_the_clock_suspect() {
    asked(
        "an_expired_certificate_makes_the_clock_suspect",
        true,
        (2000, 2001, "127.0.0.1"),
        |answer| {
            assert_eq!(fault(answer), Some(TlsFault::Clock));
        },
    );
}

#[test]
fn a_certificate_of_the_future_makes_the_clock_suspect() {
    asked(
        "a_certificate_of_the_future_makes_the_clock_suspect",
        true,
        (2099, 2100, "127.0.0.1"),
        |answer| {
            assert_eq!(fault(answer), Some(TlsFault::Clock));
        },
    );
}

#[test]
fn a_stranger_is_an_unknown_authority_and_not_the_clock() {
    asked(
        "a_stranger_is_an_unknown_authority_and_not_the_clock",
        false,
        (2020, 2100, "127.0.0.1"),
        |answer| {
            assert_eq!(fault(answer), Some(TlsFault::Authority));
        },
    );
}

#[test]
fn another_name_is_not_the_clock() {
    asked(
        "another_name_is_not_the_clock",
        true,
        (2020, 2100, "portal.example"),
        |answer| {
            assert_eq!(fault(answer), Some(TlsFault::Other));
        },
    );
}
