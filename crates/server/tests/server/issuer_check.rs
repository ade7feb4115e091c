//! `latchkey-server issuer check`, against issuers that offer everything, little, and nonsense.

use std::path::Path;

use serde_json::{Value, json};

use crate::issuer::Issuer;
use crate::process::Installation;

/// An issuer that offers everything.
async fn complete() -> Issuer {
    let issuer = Issuer::start().await;
    let at = |path: &str| format!("{}/oauth/{path}", issuer.url);
    let full = json!({
        "issuer": issuer.url,
        "jwks_uri": format!("{}/jwks", issuer.url),
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "device_authorization_endpoint": at("device"),
        "revocation_endpoint": at("revoke"),
        "end_session_endpoint": at("end"),
        "introspection_endpoint": format!("{}/introspect", issuer.url),
        "response_types_supported": ["code"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
        "scopes_supported": ["openid", "email", "offline_access"],
        "claims_supported": ["sub", "email", "email_verified"],
        "claims_parameter_supported": true,
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": ["ES256"],
    });
    *issuer.document.lock().unwrap() = full;
    issuer
}

/// Exit status and text. No data folder is needed.
async fn check(issuer: &Issuer, arguments: &[&str]) -> (i32, String) {
    let url = issuer.url.clone();
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let ran = tokio::task::spawn_blocking(move || {
        let all: Vec<&str> = ["issuer", "check", &url]
            .into_iter()
            .chain(arguments.iter().map(String::as_str))
            .collect();
        let server = Installation::new();
        let mut command = server.command(&all);
        command.env_remove("LATCHKEY_SERVER_DATA").output().unwrap()
    });
    let output = ran.await.unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text.replace(&issuer.url, "ISSUER"))
}

/// The text as it stands beside this file. `LATCHKEY_BLESS=1 cargo test -p latchkey-server issuer_check` writes it anew.
fn as_written(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/issuer_check");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("LATCHKEY_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(
        text,
        std::fs::read_to_string(&path).unwrap(),
        "{}",
        path.display()
    );
}

fn set(issuer: &Issuer, changes: Value) {
    let mut document = issuer.document.lock().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            document.as_object_mut().unwrap().remove(name);
        } else {
            document[name] = value.clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_offers_everything() {
    let issuer = complete().await;
    let (status, text) = check(&issuer, &[]).await;
    as_written("complete", &text);
    assert_eq!(status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_says_little() {
    let issuer = complete().await;
    let full = issuer.document.lock().unwrap().clone();
    let needed = ["issuer", "jwks_uri", "authorization_endpoint", "token_endpoint"];
    issuer
        .document
        .lock()
        .unwrap()
        .as_object_mut()
        .unwrap()
        .retain(|name, _| needed.contains(&name.as_str()));
    let (status, text) = check(&issuer, &[]).await;
    as_written("little", &text);
    assert_eq!(status, 0, "nothing that is needed is missing");

    *issuer.document.lock().unwrap() = full;
    set(
        &issuer,
        json!({
            "grant_types_supported": ["authorization_code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
            "scopes_supported": ["openid"],
            "claims_supported": ["sub"],
        }),
    );
    let (status, text) = check(&issuer, &[]).await;
    as_written("limited", &text);
    assert_eq!(status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_cannot_be_used() {
    let issuer = complete().await;
    set(
        &issuer,
        json!({
            "issuer": format!("{}/", issuer.url),
            "revocation_endpoint": "http://id.example/revoke",
            "response_types_supported": ["id_token"],
            "code_challenge_methods_supported": ["plain"],
            "id_token_signing_alg_values_supported": ["HS256", "none"],
        }),
    );
    let secret = json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"});
    *issuer.jwks.lock().unwrap() =
        json!({"keys": [secret, {"kty": "EC", "crv": "secp256k1", "x": "", "y": ""}]});
    let (status, text) = check(&issuer, &[]).await;
    as_written("unusable", &text);
    assert_eq!(status, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_needed_decides_the_exit_status() {
    for (changes, about) in [
        (json!({"issuer": null}), "issuer"),
        (json!({"token_endpoint": null}), "endpoints"),
        (
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            "endpoints",
        ),
        (
            json!({"end_session_endpoint": "http://id.example/end"}),
            "endpoints",
        ),
        (json!({"grant_types_supported": ["implicit"]}), "code flow"),
        (json!({"response_types_supported": ["token"]}), "code flow"),
        (json!({"code_challenge_methods_supported": []}), "PKCE"),
        (
            json!({"id_token_signing_alg_values_supported": ["HS256"]}),
            "ID tokens",
        ),
        (json!({"id_token_signing_alg_values_supported": ["PS384"]}), ""),
        (
            json!({"id_token_signing_alg_values_supported": ["ES384"]}),
            "keys",
        ),
        (json!({"jwks_uri": "http://127.0.0.1:9/"}), "keys"),
    ] {
        let issuer = complete().await;
        set(&issuer, changes.clone());
        let (status, text) = check(&issuer, &["--json"]).await;
        let report: Value = serde_json::from_str(&text).unwrap();
        let missing: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["verdict"] == "missing")
            .map(|finding| finding["about"].as_str().unwrap())
            .collect();
        let expected: Vec<_> = [about].into_iter().filter(|about| !about.is_empty()).collect();
        assert_eq!(missing, expected, "{changes}: {text}");
        assert_eq!(
            (status == 0, report["fits"] == true),
            (missing.is_empty(), missing.is_empty())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_tried_without_a_secret() {
    let issuer = complete().await;
    let answer = |endpoint: &str, status: u16, answer: Value| {
        issuer
            .script
            .endpoints
            .lock()
            .unwrap()
            .insert(endpoint.to_owned(), (status, answer));
    };
    for (token, device, verdicts) in [
        (
            (400, json!({"error": "invalid_grant"})),
            (200, json!({"device_code": "x"})),
            ["ok", "ok"],
        ),
        (
            (401, json!({"error": "invalid_client"})),
            (400, json!({"error": "unauthorized_client"})),
            ["missing", "limited"],
        ),
        (
            (400, json!({"error": "unauthorized_client"})),
            (404, json!("x")),
            ["missing", "limited"],
        ),
        (
            (400, json!({"error": "invalid_request"})),
            (200, json!({})),
            ["limited", "ok"],
        ),
        ((500, json!("x")), (500, json!("x")), ["limited", "limited"]),
        (
            (200, json!({"access_token": "x"})),
            (200, json!({})),
            ["missing", "ok"],
        ),
    ] {
        answer("token", token.0, token.1.clone());
        answer("device", device.0, device.1);
        let (_, text) = check(&issuer, &["--client-id", "agent", "--json"]).await;
        let report: Value = serde_json::from_str(&text).unwrap();
        let verdict = |about: &str| {
            let findings = report["findings"].as_array().unwrap();
            findings.iter().find(|finding| finding["about"] == about).unwrap()["verdict"].clone()
        };
        assert_eq!(
            [verdict("public client"), verdict("device code")],
            verdicts,
            "{}: {text}",
            token.1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_token_tells_who_may_revoke() {
    let issuer = complete().await;
    for (status, answer, verdict) in [
        (200, json!({}), "ok"),
        (400, json!({"error": "invalid_token"}), "ok"),
        (401, json!({"error": "invalid_client"}), "limited"),
        (400, json!({"error": "unauthorized_client"}), "limited"),
    ] {
        let script = || issuer.script.endpoints.lock().unwrap();
        script().insert("revoke".to_owned(), (status, answer.clone()));
        let (_, text) = check(&issuer, &["--client-id", "agent", "--json"]).await;
        let report: Value = serde_json::from_str(&text).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["about"] == "revocation");
        assert_eq!(found.unwrap()["verdict"], verdict, "{answer}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_or_nobody_at_all() {
    let issuer = complete().await;
    *issuer.document.lock().unwrap() = json!("<html>");
    let (status, text) = check(&issuer, &[]).await;
    assert_eq!(
        text,
        "missing  discovery  ISSUER/.well-known/openid-configuration is no discovery document.\n\n\
         It cannot be used as it is. Missing: discovery.\n"
    );
    assert_eq!(status, 6);
    let nothing = Issuer {
        url: format!("{}/nothing", issuer.url),
        ..Issuer::start().await
    };
    let (status, text) = check(&nothing, &[]).await;
    assert!(text.contains("answers 404"), "{text}");
    assert_eq!(status, 6);
    let rude = complete().await;
    set(
        &rude,
        json!({"issuer": format!("\u{1b}[2J{}", "x".repeat(10_000))}),
    );
    let (_, text) = check(&rude, &[]).await;
    assert!(!text.contains('\u{1b}') && text.len() < 4_000, "{text:?}");
    let server = Installation::new();
    let (status, message) = server.fails(&["issuer", "check", "http://id.example"]);
    assert_eq!(status, 2);
    assert!(message.contains("must be https"), "{message}");
}
