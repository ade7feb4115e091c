//! `issuer add`, `issuer move` and `user rename` on the command line: what is carried, and what nobody is shown.

use std::path::PathBuf;

use serde_json::json;

use crate::command::seed;
#[cfg(unix)]
use crate::command::{check_with, now};
use crate::issuer::{CLIENT, RESOURCE};
#[cfg(unix)]
use crate::issuer::{Issuer, p256};
use crate::process::Installation;
use crate::service::MAYA;

const SECRET: &str = "hush-Zq8PJw3r";
const OLD: &str = "https://id.example";
const NEW: &str = "https://new.example";

fn installation() -> Installation {
    let server = Installation::new();
    server.text(&["init", "--url", "https://licence.example"]);
    server
}

fn file(server: &Installation, name: &str, content: &str) -> PathBuf {
    let path = server.data().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn a_secret_comes_from_a_file_or_the_environment_and_is_shown_to_nobody() {
    let server = installation();
    let secret = file(&server, "secret", &format!("{SECRET}\n"));
    let add = [
        "issuer",
        "add",
        OLD,
        "--client-id",
        CLIENT,
        "--token",
        "opaque",
        "--introspection-client",
        "service",
    ];
    let from_file = [
        &add[..],
        &["--introspection-secret-file", secret.to_str().unwrap()],
    ]
    .concat();
    let said = server.json(&from_file);
    assert_eq!(
        said["introspection"],
        json!({"client_id": "service", "audience_optional": false})
    );
    for shown in [
        said.to_string(),
        server.text(&from_file),
        server.text(&["issuer", "list"]),
        server.json(&["issuer", "list"]).to_string(),
    ] {
        assert!(!shown.contains("hush"), "{shown}");
    }
    let list = server.text(&["issuer", "list"]);
    assert!(list.contains("TOKENS") && list.contains("opaque"), "{list}");

    let from_environment = server
        .command(&[&add[..], &["--introspection-audience-optional"]].concat())
        .env("LATCHKEY_SERVER_INTROSPECTION_SECRET", SECRET)
        .output()
        .unwrap();
    assert!(from_environment.status.success());
    let list = server.json(&["issuer", "list"]);
    assert_eq!(list[0]["introspection"]["audience_optional"], true);

    server.text(&["issuer", "add", OLD, "--client-id", CLIENT]);
    assert_eq!(
        server.json(&["issuer", "list"])[0]["introspection"],
        json!(null),
        "add replaces"
    );
    let (status, message) = server.fails(&add);
    assert_eq!(status, 2);
    assert!(message.contains("--introspection-secret-file"), "{message}");
}

#[test]
fn what_does_not_go_together_is_said() {
    let server = installation();
    let good = file(&server, "good", SECRET);
    let empty = file(&server, "empty", "\n");
    let two_lines = file(&server, "two", "one\ntwo\n");
    let long = file(&server, "long", &"x".repeat(4 * 1024 + 1));
    let name = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let add = |more: &[&str]| server.fails(&[&["issuer", "add", OLD, "--client-id", CLIENT], more].concat());
    for (more, says) in [
        (&["--token", "opaque"][..], "--introspection-client"),
        (&["--introspection-client", "service"], "goes with --token opaque"),
        (
            &["--token", "jwt", "--introspection-audience-optional"],
            "goes with --token opaque",
        ),
        (&["--address-claim", "email"], "goes with --domain"),
        (&["--token", "saml"], "possible values: jwt, opaque"),
    ] {
        let (status, message) = add(more);
        assert_eq!(status, 2, "{more:?}");
        assert!(message.contains(says), "{more:?}: {message}");
    }
    let opaque = [
        "--token",
        "opaque",
        "--introspection-client",
        "service",
        "--introspection-secret-file",
    ];
    for (path, says) in [
        (name(&empty), "must hold one line"),
        (name(&two_lines), "must hold one line"),
        (name(&long), "must hold one line"),
        ("/no/such/file".to_owned(), "/no/such/file"),
    ] {
        let (status, message) = add(&[&opaque[..], &[&path]].concat());
        assert_eq!(status, 2, "{path}");
        assert!(message.contains(says), "{path}: {message}");
    }
    server.text(
        &[
            &["issuer", "add", OLD, "--client-id", CLIENT],
            &opaque[..],
            &[&name(&good)],
        ]
        .concat(),
    );
    let (status, message) = server.fails(&[
        "issuer",
        "add",
        NEW,
        "--client-id",
        "c",
        "--domain",
        "nord example",
    ]);
    assert_eq!(status, 2);
    assert!(message.contains("nord.example, without @"), "{message}");
}

#[test]
fn a_move_carries_all_but_the_secret() {
    let server = installation();
    let secret = file(&server, "secret", SECRET);
    let with_secret = ["--introspection-secret-file", secret.to_str().unwrap()];
    server.text(&[
        "issuer",
        "add",
        "https://vendor.example",
        "--client-id",
        "vendors",
    ]);
    let more = [
        "--domain",
        "N\u{d6}RD.example",
        "--domain",
        "sued.example",
        "--scope",
        "email",
        "--resource",
        RESOURCE,
    ];
    let opaque = [
        "--trusted-audience",
        "neighbour",
        "--prompt",
        "omit",
        "--address-claim",
        "preferred_username",
        "--redirect-port",
        "7777",
        "--token",
        "opaque",
        "--introspection-client",
        "service",
    ];
    server.text(
        &[
            &["issuer", "add", OLD, "--client-id", CLIENT],
            &more[..],
            &opaque,
            &with_secret,
        ]
        .concat(),
    );

    let (status, message) = server.fails(&["issuer", "move", OLD, NEW]);
    assert_eq!(
        status, 2,
        "the old issuer's secret is none of the new one's business"
    );
    assert!(message.contains("--introspection-secret-file"), "{message}");
    let moved = server.json(
        &[
            &["issuer", "move", OLD, NEW, "--client-id", "another"],
            &with_secret[..],
        ]
        .concat(),
    );
    assert_eq!(
        moved,
        json!({
            "issuer": NEW, "client_id": "another", "scopes": ["openid", "email"], "resource": RESOURCE, "audience": null,
            "redirect": {"host": "127.0.0.1", "port": 7777}, "token_audience": null, "address_claim": "preferred_username", "trusted_audiences": ["neighbour"], "prompt": "omit",
            "introspection": {"client_id": "service", "audience_optional": false},
            "domains": ["sued.example", "xn--nrd-sna.example"], "moved_to": null,
        })
    );
    let list = server.text(&["issuer", "list"]);
    let last = list.lines().last().unwrap();
    assert!(
        last.starts_with(OLD) && last.ends_with(&format!("moved to {NEW}")),
        "{list}"
    );
    assert!(
        list.contains("all others") && list.contains("sued.example xn--nrd-sna.example"),
        "{list}"
    );

    let (status, message) = server.fails(&["issuer", "move", OLD, "https://x.example", "--token", "jwt"]);
    assert_eq!(status, 4);
    assert!(
        message.contains(&format!("was moved to {NEW} already")),
        "{message}"
    );
    assert_eq!(server.fails(&["issuer", "move", "https://x.example", OLD]).0, 3);
    let back = server.text(&["issuer", "move", NEW, "https://x.example", "--token", "jwt"]);
    assert!(back.contains(&format!("issuer remove {NEW}`")), "{back}");
    let (status, _) = server.fails(&["issuer", "move", "https://x.example", "https://vendor.example"]);
    assert_eq!(status, 4);
}

#[test]
fn a_user_is_renamed() {
    let server = installation();
    seed(&server, OLD);
    let renamed = server.json(&["user", "rename", "MAYA@nord.example", "Maya.Berg@NORD.example"]);
    assert_eq!(renamed["email"], "maya.berg@nord.example");
    assert_eq!(
        server.json(&["seat", "list"])[0]["email"],
        "maya.berg@nord.example"
    );
    assert_eq!(server.fails(&["user", "rename", MAYA, "x@nord.example"]).0, 3);
    server.text(&["user", "add", MAYA, "--organisation", "Studio Nord"]);
    rusqlite::Connection::open(server.data().join("latchkey.db"))
        .unwrap()
        .execute(
            "INSERT INTO users (id, created_at, claimed_email) VALUES ('usr_x', 1, 'maya@nord.example')",
            [],
        )
        .unwrap();
    let list = server.text(&["user", "list"]);
    assert!(list.contains("- (claims maya@nord.example)"), "{list}");
    assert_eq!(
        server
            .fails(&["user", "rename", MAYA, "maya.berg@nord.example"])
            .0,
        4
    );
}

/// Not even where everything is logged.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn neither_secret_nor_token_is_logged() {
    let _once = rustls::crypto::ring::default_provider().install_default();
    let server = Installation::new();
    server.text(&["init"]);
    let issuer = Issuer::start().await;
    let endpoint = format!("{}/introspect", issuer.url);
    issuer.document.lock().unwrap()["introspection_endpoint"] = endpoint.into();
    seed(&server, &issuer.url);
    let secret = file(&server, "secret", SECRET);
    let add = [
        "issuer",
        "add",
        &issuer.url,
        "--client-id",
        CLIENT,
        "--resource",
        RESOURCE,
        "--token",
        "opaque",
    ];
    let client = [
        "--introspection-client",
        "service",
        "--introspection-secret-file",
        secret.to_str().unwrap(),
    ];
    server.text(&[&add[..], &client].concat());
    let serving = server.serve_logging(&["--listen", "127.0.0.1:0"], "trace");
    let token = "opaque-Wm4xT9sK".to_owned();
    let good = json!({
        "active": true, "sub": "maya", "aud": RESOURCE, "iat": now(), "exp": now() + 3_600, "token_type": "Bearer",
    });
    issuer.script.set_token(&token, good);
    let (_, answer) = check_with(&serving.url(), &issuer, &p256(1), token.clone()).await;
    assert!(answer.products[0].lease.is_some());
    let asked = issuer.script.questions().remove(0).authorization;
    let basic = asked.strip_prefix("Basic ").unwrap();
    let (status, log) = serving.terminate();
    assert_eq!(status, Some(0));
    assert!(log.contains("/v1/check"), "{log}");
    for hidden in [SECRET, basic, &token, "eyJ"] {
        assert!(!log.contains(hidden), "{hidden} is in the log: {log}");
    }
}
