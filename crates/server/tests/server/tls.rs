//! The service with a certificate of its own.

use reqwest::tls::Certificate;

use crate::process::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_certificate() {
    let _once = rustls::crypto::ring::default_provider().install_default();
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let made = rcgen::generate_simple_self_signed(vec!["licence.example".into()]).unwrap();
    let (certificate, key) = (server.data().join("tls.pem"), server.data().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let with = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let serving = server.serve(&[&["--listen", "0.0.0.0:0"], &with[..]].concat());
    let listen: std::net::SocketAddr = serving.ready["listen"].as_str().unwrap().parse().unwrap();
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], listen.port()));
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()])
        .resolve("licence.example", at)
        .build()
        .unwrap();
    let answer = http
        .get(format!("https://licence.example:{}/health", at.port()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"ok"}"#);
    drop(serving);

    std::fs::write(&key, "nothing").unwrap();
    let (status, message) = server.fails(&[&["serve", "--listen", "127.0.0.1:0"], &with[..]].concat());
    assert_eq!(status, 1);
    assert!(message.contains("tls.key"), "{message}");
}
