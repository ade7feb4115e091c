//! Cases 1, 2, 5.

use latchkey_api::discovery::Prompt;
use serde_json::{Value, json};

use super::provider::{Idp, Raw};
use super::*;
use crate::http::{HttpError, Unreachable};

const DOCUMENT: &str = "/.well-known/openid-configuration";

async fn refusal(idp: &Idp) -> IdentityError {
    idp.oidc()
        .begin(&idp.identity(), Wish::default(), WITHIN)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn case_1_another_issuer_even_by_a_slash() {
    let idp = Idp::start().await;
    for other in [format!("{}/", idp.issuer), "https://id.example".into()] {
        let found = other.clone();
        idp.script().discovery = Box::new(move |document| document["issuer"] = other.clone().into());
        let expected = idp.issuer.clone();
        assert_eq!(
            refusal(&idp).await,
            IdentityError::WrongIssuer { expected, found }
        );
    }
}

#[tokio::test]
async fn case_1_a_redirect_or_a_web_page_is_the_network_asking_for_a_sign_in() {
    let idp = Idp::start().await;
    for answer in [Raw::redirect("https://portal.example/login"), Raw::html()] {
        idp.script().raw = vec![(DOCUMENT, answer)];
        let error = refusal(&idp).await;
        assert_eq!(
            error,
            IdentityError::CaptivePortal {
                host: "127.0.0.1".into()
            }
        );
        assert_eq!(error.problem(), "network_sign_in");
    }
}

#[tokio::test]
async fn an_outage_is_told_from_a_service_that_is_not_set_up() {
    let idp = Idp::start().await;
    let mut busy = Raw::json(503, &json!({}));
    busy.headers.push(("retry-after", "7".into()));
    idp.script().raw = vec![(DOCUMENT, busy)];
    let error = refusal(&idp).await;
    assert_eq!(
        error,
        IdentityError::Unavailable {
            status: 503,
            retry_after: Some(Duration::from_secs(7))
        }
    );
    assert_eq!(error.side(), latchkey_core::engine::Side::Silent);

    for answer in [
        Raw::json(404, &json!({})),
        Raw::json(200, &json!({"issuer": idp.issuer})),
        Raw::json(200, &json!([])),
    ] {
        idp.script().raw = vec![(DOCUMENT, answer)];
        assert!(matches!(refusal(&idp).await, IdentityError::Misconfigured { .. }));
    }
    idp.script().raw.clear();
    idp.script().discovery =
        Box::new(|document| document["code_challenge_methods_supported"] = json!(["plain"]));
    assert!(matches!(refusal(&idp).await, IdentityError::Misconfigured { .. }));
}

#[tokio::test]
async fn what_need_not_be_there_may_be_anything() {
    let idp = Idp::start().await;
    for nothing in [Value::Null, json!(""), json!("yes"), json!(7), json!({})] {
        idp.script().discovery = Box::new(move |document| {
            for optional in [
                "device_authorization_endpoint",
                "revocation_endpoint",
                "authorization_response_iss_parameter_supported",
                "claims_parameter_supported",
                "code_challenge_methods_supported",
            ] {
                document[optional] = nothing.clone();
            }
        });
        sign_in(&idp).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let gone = Idp::start().await;
    let mut identity = gone.identity();
    identity.issuer = "http://127.0.0.1:1".into();
    let error = gone
        .oidc()
        .begin(&identity, Wish::default(), WITHIN)
        .await
        .unwrap_err();
    let refused = HttpError::Unreachable {
        host: "127.0.0.1".into(),
        kind: Unreachable::Refused,
    };
    assert_eq!(error, IdentityError::Http(refused));
    identity.issuer = "http://id.example".into();
    let error = gone
        .oidc()
        .begin(&identity, Wish::default(), WITHIN)
        .await
        .unwrap_err();
    assert!(
        matches!(error, IdentityError::Http(HttpError::NotAllowed { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn case_2_an_endpoint_of_another_scheme_is_not_opened() {
    let idp = Idp::start().await;
    for (endpoint, url) in [
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "file:///etc/passwd"),
        ("authorization_endpoint", "http://id.example/authorize"),
        ("authorization_endpoint", "vscode://open"),
        ("token_endpoint", "http://id.example/token"),
        ("jwks_uri", "http://localhost/keys"),
        ("revocation_endpoint", "ftp://id.example"),
    ] {
        idp.script().discovery = Box::new(move |document| document[endpoint] = url.into());
        let error = refusal(&idp).await;
        assert!(
            matches!(&error, IdentityError::UnsafeEndpoint { endpoint: named, .. } if *named == endpoint),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn case_5_a_huge_document_is_refused() {
    let idp = Idp::start().await;
    idp.script().discovery = Box::new(|document| document["padding"] = "x".repeat(2 * 1024 * 1024).into());
    assert!(matches!(
        refusal(&idp).await,
        IdentityError::Http(HttpError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn the_address_asks_for_what_is_configured() {
    let idp = Idp::start().await;
    idp.script().discovery = Box::new(|document| document["claims_parameter_supported"] = Value::Bool(true));
    let mut identity = idp.identity();
    identity.scopes = vec![
        "email".into(),
        "openid".into(),
        "offline_access".into(),
        "email".into(),
    ];
    identity.audience = Some("latchkey-api".into());
    identity.redirect.host = latchkey_api::discovery::RedirectHost::Localhost;
    let attempt = idp
        .oidc()
        .begin(&identity, Wish::default(), WITHIN)
        .await
        .unwrap();
    let query = |name: &str| {
        attempt
            .url()
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(query("scope").unwrap(), "openid email offline_access");
    assert_eq!(query("prompt").unwrap(), "consent");
    assert_eq!(query("resource").unwrap(), "https://licences.example");
    assert_eq!(query("audience").unwrap(), "latchkey-api");
    assert_eq!(query("code_challenge_method").unwrap(), "S256");
    assert!(query("claims").unwrap().contains("email_verified"));
    assert!(query("redirect_uri").unwrap().starts_with("http://localhost:"));
    assert!(query("state").unwrap().len() >= 20 && query("nonce").unwrap().len() >= 20);
    identity.scopes.clear();
    let attempt = idp
        .oidc()
        .begin(&identity, Wish::default(), WITHIN)
        .await
        .unwrap();
    assert!(!attempt.url().as_str().contains("prompt"));
}

/// At an Entra tenant whose users may not consent, `consent` is answered with an error, and so are two values.
#[tokio::test]
async fn consent_is_asked_for_unless_the_issuer_has_other_conditions() {
    let idp = Idp::start().await;
    for (prompt, anew, sent) in [
        (Prompt::Consent, false, Some("consent")),
        (Prompt::Consent, true, Some("login consent")),
        (Prompt::Omit, false, None),
        (Prompt::Omit, true, Some("login")),
    ] {
        let identity = Identity {
            prompt,
            ..idp.identity()
        };
        let wish = Wish { email: None, anew };
        let attempt = idp.oidc().begin(&identity, wish, WITHIN).await.unwrap();
        let mut query = attempt.url().query_pairs();
        let found = query.find(|(name, _)| name == "prompt");
        let found = found.map(|(_, value)| value.into_owned());
        assert_eq!(found.as_deref(), sent, "{prompt:?}, anew: {anew}");
    }
}

#[tokio::test]
async fn one_exact_port_is_used_or_named() {
    let idp = Idp::start().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut identity = idp.identity();
    identity.redirect.port = Some(port);
    let error = idp
        .oidc()
        .begin(&identity, Wish::default(), WITHIN)
        .await
        .unwrap_err();
    assert!(
        matches!(error, IdentityError::CallbackPort { port: named, .. } if named == port),
        "{error:?}"
    );
    drop(taken);
    let attempt = idp
        .oidc()
        .begin(&identity, Wish::default(), WITHIN)
        .await
        .unwrap();
    assert!(
        attempt
            .url()
            .as_str()
            .contains(&format!("127.0.0.1%3A{port}%2Fcallback")),
        "{}",
        attempt.url()
    );
}
