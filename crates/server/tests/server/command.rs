//! `latchkey-server` on the command line, alone and while it serves.

use latchkey_api::check::{CheckAnswer, CheckRequest, DeviceDescription};
use latchkey_api::dpop;
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, LEASE_TYP, Lease};
use latchkey_core::registration::Registration;
use latchkey_server::clock::{Clock as _, SystemClock};

use crate::issuer::{CLIENT, Issuer, RESOURCE, p256};
use crate::process::{Installation, stored_sequence};
use crate::service::{MAYA, query, random};

/// Everything that Maya needs to start ATLAS.
pub(crate) fn seed(server: &Installation, issuer: &str) {
    server.text(&[
        "issuer",
        "add",
        issuer,
        "--client-id",
        CLIENT,
        "--resource",
        RESOURCE,
    ]);
    server.text(&[
        "organisation",
        "add",
        "Studio Nord",
        "--contact",
        "it@nord.example",
    ]);
    server.text(&[
        "product",
        "add",
        "ATLAS",
        "--name",
        "Atlas",
        "--publisher",
        "Vendor",
    ]);
    server.text(&[
        "subscription",
        "add",
        "--organisation",
        "Studio Nord",
        "--product",
        "ATLAS",
        "--seats",
        "1",
    ]);
    server.text(&[
        "user",
        "add",
        "Maya@Nord.Example",
        "--organisation",
        "Studio Nord",
    ]);
    server.text(&["seat", "assign", MAYA, "ATLAS"]);
}

pub(crate) fn now() -> i64 {
    SystemClock.now().as_secs()
}

/// One check, by a device that takes the nonce that it is given.
async fn check(url: &str, issuer: &Issuer, key: &SigningKey) -> (CheckRequest, CheckAnswer) {
    let token = issuer.access_token("maya", now());
    check_with(url, issuer, key, token).await
}

/// The same with another access token.
pub(crate) async fn check_with(
    url: &str,
    issuer: &Issuer,
    key: &SigningKey,
    token: String,
) -> (CheckRequest, CheckAnswer) {
    let body = question(issuer, "maya", MAYA);
    let answer = ask(url, key, &token, &body).await;
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    (body, answer.json().await.unwrap())
}

/// What the device of someone asks about ATLAS.
pub(crate) fn question(issuer: &Issuer, sub: &str, email: &str) -> CheckRequest {
    CheckRequest {
        jti: random(),
        agent: "0.1.0".into(),
        device: DeviceDescription {
            name: "STUDIO-1".into(),
            system: "Linux".into(),
        },
        products: vec![query("ATLAS")],
        id_token: Some(issuer.id_token(sub, email, now())),
        issuer: Some(issuer.url.clone()),
        usage: vec![],
    }
}

/// The answer to a check, whatever it is, to a device that takes the nonce that it is given.
pub(crate) async fn ask(url: &str, key: &SigningKey, token: &str, body: &CheckRequest) -> reqwest::Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let address = format!("{url}/v1/check");
    let mut nonce: Option<String> = None;
    loop {
        let proof = dpop::make(
            key,
            "POST",
            &address,
            nonce.as_deref(),
            Some(token),
            now(),
            &random(),
        )
        .unwrap();
        let request = http
            .post(&address)
            .bearer_auth(token)
            .header("DPoP", proof)
            .json(body);
        let answer = request.send().await.unwrap();
        match answer.headers().get("DPoP-Nonce") {
            Some(given) if nonce.is_none() && !answer.status().is_success() => {
                nonce = Some(given.to_str().unwrap().to_owned());
            }
            _ => return answer,
        }
    }
}

fn sequence(answer: &CheckAnswer) -> u64 {
    let lease = answer.products[0].lease.as_deref().unwrap();
    let payload = lease.split('.').nth(1).and_then(jws::from_base64url).unwrap();
    serde_json::from_slice::<serde_json::Value>(&payload).unwrap()["seq"]
        .as_u64()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_folder_to_a_lease() {
    let _once = rustls::crypto::ring::default_provider().install_default();
    let server = Installation::new();
    let next = server.text(&["init"]);
    assert!(next.contains("latchkey-server issuer add"), "{next}");
    let issuer = Issuer::start().await;
    seed(&server, &issuer.url);
    let (status, message) = server.fails(&["product", "registration", "ATLAS", "--version", "2026.1"]);
    assert_eq!(status, 2);
    assert!(message.contains("run `latchkey-server serve` once"), "{message}");

    let serving = server.serve(&["--listen", "127.0.0.1:0"]);
    let key = p256(1);
    let (request, answer) = check(&serving.url(), &issuer, &key).await;
    let registration = server.json(&["product", "registration", "ATLAS", "--version", "2026.1"]);
    let registration: Registration = serde_json::from_value(registration).unwrap();
    registration.validate().unwrap();
    assert_eq!(registration.service, serving.url());
    let keys = Keys::verify(&answer.keys, &registration.root_keys, &registration.service).unwrap();
    let expected = Expected {
        service: &registration.service,
        product: "ATLAS",
        device: Some(&key.jwk().thumbprint()),
        user: None,
        request: Some(&request.jti),
    };
    let lease = Lease::verify(answer.products[0].lease.as_deref().unwrap(), &keys, &expected).unwrap();

    // While it serves.
    let devices = server.json(&["device", "list", MAYA]);
    assert_eq!(
        (&devices[0]["name"], &devices[0]["products"][0]),
        (&"STUDIO-1".into(), &"ATLAS".into())
    );
    assert_eq!(
        server.json(&["user", "list"])[0]["sub"],
        lease.claims().binding.sub.as_str()
    );
    server.text(&["key", "rotate"]);
    let keys_now = server.json(&["key", "list"]);
    assert_eq!(keys_now.as_array().unwrap().len(), 2);
    assert_eq!(keys_now[1]["last_exp"], lease.claims().exp);
    let (_, answer) = check(&serving.url(), &issuer, &key).await;
    let by = jws::parse(answer.products[0].lease.as_deref().unwrap(), LEASE_TYP).unwrap();
    assert_eq!(
        by.kid(),
        keys_now[0]["kid"].as_str(),
        "the new key signs, without a restart"
    );
    server.text(&["seat", "unassign", MAYA, "ATLAS"]);
    let (_, answer) = check(&serving.url(), &issuer, &key).await;
    assert!(answer.products[0].refusal.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_goes_back_when_the_service_is_killed() {
    let _once = rustls::crypto::ring::default_provider().install_default();
    let server = Installation::new();
    server.text(&["init"]);
    let issuer = Issuer::start().await;
    seed(&server, &issuer.url);
    let mut last = 0;
    for _ in 0..3 {
        let serving = server.serve(&["--listen", "127.0.0.1:0"]);
        let answered = sequence(&check(&serving.url(), &issuer, &p256(1)).await.1);
        serving.kill();
        assert!(answered > last);
        assert_eq!(
            stored_sequence(&server.data()),
            i64::try_from(answered).unwrap(),
            "stored before it was answered"
        );
        last = answered;
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_ends_in_order_and_has_logged_no_secret() {
    let _once = rustls::crypto::ring::default_provider().install_default();
    let server = Installation::new();
    server.text(&["init"]);
    let issuer = Issuer::start().await;
    seed(&server, &issuer.url);
    let serving = server.serve(&["--listen", "127.0.0.1:0"]);
    check(&serving.url(), &issuer, &p256(1)).await;
    let (status, log) = serving.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(
        log.contains("\"message\":\"lease\"") && log.contains("/v1/check"),
        "{log}"
    );
    assert!(
        !log.contains("eyJ") && !log.contains(MAYA),
        "no token and no address: {log}"
    );
}

#[test]
fn each_failure_has_its_exit_status() {
    let server = Installation::new();
    let (status, message) = server.fails(&["user", "list"]);
    assert_eq!(status, 3);
    assert!(message.contains("latchkey-server init"), "{message}");
    server.text(&["init", "--url", "https://licence.example"]);
    for (arguments, status, says) in [
        (&["init"][..], 4, "a database"),
        (&["nonsense"], 2, "unrecognized subcommand"),
        (
            &["product", "add", "atlas", "--name", "A", "--publisher", "P"],
            2,
            "A-Z",
        ),
        (
            &["issuer", "add", "http://id.example", "--client-id", "c"],
            2,
            "https",
        ),
        (
            &["user", "add", "maya", "--organisation", "Nord"],
            2,
            "no e-mail address",
        ),
        (
            &["user", "add", MAYA, "--organisation", "Nobody"],
            3,
            "there is no organisation \"Nobody\"",
        ),
        (&["serve", "--listen", "0.0.0.0:0"], 1, "--behind-tls-proxy"),
        (&["serve", "--url", "http://licence.example"], 2, "loopback"),
        (
            &["product", "registration", "ATLAS", "--version", "1"],
            3,
            "there is no product \"ATLAS\"",
        ),
    ] {
        let (found, message) = server.fails(arguments);
        assert_eq!(found, status, "{arguments:?}: {message}");
        assert!(message.contains(says), "{arguments:?}: {message}");
    }
    let mut command = server.command(&["user", "list"]);
    let output = command.env_remove("LATCHKEY_SERVER_DATA").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--data DIR"));
}

#[test]
fn an_address_that_was_given_stands_and_a_derived_one_follows() {
    let given = Installation::new();
    given.text(&["init", "--url", "http://127.0.0.1:1"]);
    assert_eq!(
        given.serve(&["--listen", "127.0.0.1:0"]).url(),
        "http://127.0.0.1:1"
    );
    let elsewhere = given.serve(&["--listen", "127.0.0.1:0", "--url", "https://licence.example"]);
    assert_eq!(elsewhere.url(), "https://licence.example");

    let derived = Installation::new();
    derived.text(&["init"]);
    for _ in 0..2 {
        let serving = derived.serve(&["--listen", "127.0.0.1:0"]);
        assert_eq!(
            serving.url(),
            format!("http://{}", serving.ready["listen"].as_str().unwrap())
        );
    }
}

#[test]
fn a_rotation_works_with_a_root_key_that_is_kept_elsewhere() {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let offline = tempfile::tempdir().unwrap();
    let elsewhere = offline.path().join("root.key");
    std::fs::rename(server.data().join("root.key"), &elsewhere).unwrap();
    let (status, message) = server.fails(&["key", "rotate"]);
    assert_eq!(status, 1);
    assert!(message.contains("root.key"), "{message}");
    server.text(&["key", "rotate", "--root-key", elsewhere.to_str().unwrap()]);
    server.serve(&["--listen", "127.0.0.1:0"]);

    let other = Installation::new();
    other.text(&["init", "--url", "https://other.example"]);
    let foreign = other.data().join("root.key");
    let (_, message) = server.fails(&["key", "rotate", "--root-key", foreign.to_str().unwrap()]);
    assert!(message.contains("not one of this service"), "{message}");
}

#[test]
fn an_interrupted_init_is_finished_by_the_next_one() {
    let server = Installation::new();
    let made = server.json(&["init", "--url", "https://licence.example"]);
    // As if it had died before the keys were published: the root key stays the one that products may pin already.
    for file in ["latchkey.db", "latchkey.db-wal", "latchkey.db-shm"] {
        let _gone = std::fs::remove_file(server.data().join(file));
    }
    drop(latchkey_server::store::sqlite::SqliteStore::create(&server.data().join("latchkey.db")).unwrap());
    let (status, message) = server.fails(&["key", "list"]);
    assert_eq!(status, 3);
    assert!(message.contains("`latchkey-server init` once more"), "{message}");
    assert_eq!(
        server.json(&["init", "--url", "https://licence.example"])["root_key"],
        made["root_key"]
    );
}

#[test]
fn the_lists_read_as_tables() {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    assert_eq!(server.text(&["seat", "list"]), "None.\n");
    seed(&server, "https://id.example");
    let subscription = server.json(&["subscription", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ended = server.text(&["subscription", "end", &subscription, "--at", "2030-12-31"]);
    assert_eq!(
        ended,
        format!("{subscription}: ATLAS for Studio Nord, ends 2031-01-01T00:00:00Z.\n")
    );
    let seats = server.text(&["seat", "list"]);
    let lines: Vec<_> = seats.lines().collect();
    assert_eq!(lines[0], "EMAIL              PRODUCT  SUBSCRIPTION");
    assert_eq!(lines[1], format!("maya@nord.example  ATLAS    {subscription}"));
    let policy = server.json(&[
        "subscription",
        "policy",
        "set",
        &subscription,
        r#"{"device_limit": 5}"#,
    ]);
    assert_eq!(policy["policy"]["device_limit"], 5);
    assert_eq!(policy["ends_at"], 1_924_992_000_i64);
    assert_eq!(server.json(&["issuer", "list"])[0]["scopes"][0], "openid");
}

#[test]
fn how_old_agents_may_be_is_said_and_shown() {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    let minimum = |args: &[&str]| server.json(args)["minimum_version"].clone();
    assert_eq!(minimum(&["agent", "show"]), serde_json::Value::Null);
    assert_eq!(minimum(&["agent", "require", "1.4.0"]), "1.4.0");
    assert_eq!(
        server.text(&["agent", "show"]),
        "Agents from 1.4.0 on are given leases.\n"
    );
    // Keys are published anew, and it stands.
    server.text(&["key", "rotate"]);
    assert_eq!(minimum(&["agent", "show"]), "1.4.0");
    assert_eq!(minimum(&["agent", "require", "--any"]), serde_json::Value::Null);
    for wrong in [
        &["agent", "require", "1.4"][..],
        &["agent", "require"],
        &["agent", "require", "1.4.0", "--any"],
    ] {
        assert_eq!(server.fails(wrong).0, 2, "{wrong:?}");
    }
    assert_eq!(minimum(&["agent", "show"]), serde_json::Value::Null);
}
