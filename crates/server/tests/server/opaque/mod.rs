//! Opaque access tokens: the issuer is asked about them (RFC 7662).

mod load;

use latchkey_core::jws;
use latchkey_server::store::records::{self, Introspection, Secret};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::issuer::{CLIENT, Issuer, RESOURCE};
use crate::service::{Answered, Device, MAYA, NOW, Running, vendor};

const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

fn opaque(issuer: &Issuer) -> records::Issuer {
    records::Issuer {
        introspection: Some(Introspection {
            client_id: "the service:1".into(),
            secret: Secret(String::from("h\u{fc}sh & hush").into()),
            audience_optional: false,
        }),
        ..vendor(issuer)
    }
}

/// A service whose issuer gives opaque tokens.
async fn start() -> Running {
    let service = Running::start().await;
    let endpoint = format!("{}/introspect", service.issuer.url);
    service.issuer.document.lock().unwrap()["introspection_endpoint"] = endpoint.into();
    service.store.put_issuer(opaque(&service.issuer)).await.unwrap();
    service.issuer.script.set_token(TOKEN, good(&service.issuer, NOW));
    service
}

/// What the issuer says of a good token.
fn good(issuer: &Issuer, now: i64) -> Value {
    json!({
        "active": true, "iss": issuer.url, "sub": "maya", "aud": [RESOURCE], "client_id": CLIENT, "token_type": "Bearer",
        "iat": now, "exp": now + 3_600,
    })
}

fn with(issuer: &Issuer, changes: &Value) -> Value {
    let mut answer = good(issuer, NOW);
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
        if value.is_null() {
            answer.as_object_mut().unwrap().remove(name);
        }
    }
    answer
}

async fn check(service: &Running, device: &Device, token: &str) -> Answered {
    let mut attempt = service.attempt(device);
    attempt.token = token.into();
    attempt.body.issuer = Some(service.issuer.url.clone());
    attempt.body.id_token = Some(service.issuer.id_token("maya", MAYA, service.now()));
    attempt.send().await
}

/// A device that has a nonce.
async fn device(service: &Running, seed: u8) -> Device {
    let device = Device::new(seed);
    assert_eq!(
        check(service, &device, "no nonce yet").await.code(),
        "use_dpop_nonce"
    );
    device
}

fn refused(answered: &Answered) -> (StatusCode, String) {
    (answered.status, answered.code())
}

fn invalid_token() -> (StatusCode, String) {
    (StatusCode::UNAUTHORIZED, "invalid_token".into())
}

fn unavailable() -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, "identity_unavailable".into())
}

#[tokio::test]
async fn an_opaque_token_is_what_its_issuer_says() {
    let service = start().await;
    let device = device(&service, 1).await;
    assert!(
        service.issuer.script.questions().is_empty(),
        "nobody is asked before the proof is good"
    );
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    let asked = service.issuer.script.questions().remove(0);
    let client = url::form_urlencoded::byte_serialize("the service:1".as_bytes()).collect::<String>();
    let secret = url::form_urlencoded::byte_serialize("h\u{fc}sh & hush".as_bytes()).collect::<String>();
    let encoded = asked.authorization.strip_prefix("Basic ").unwrap();
    let decoded = jws::from_base64url(&encoded.trim_end_matches('=').replace('+', "-").replace('/', "_"));
    assert_eq!(
        String::from_utf8(decoded.unwrap()).unwrap(),
        format!("{client}:{secret}"),
        "client_secret_basic, each part form-encoded"
    );
    assert_eq!(
        (
            asked.form["token"].as_str(),
            asked.form["token_type_hint"].as_str()
        ),
        (TOKEN, "access_token")
    );

    // For a minute it is remembered, and not longer.
    service.set_time(NOW + 59);
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    assert_eq!(service.issuer.script.questions().len(), 1);
    service.issuer.script.set_token(TOKEN, json!({"active": false}));
    service.set_time(NOW + 60);
    assert_eq!(refused(&check(&service, &device, TOKEN).await), invalid_token());
    assert_eq!(service.issuer.script.questions().len(), 2);

    // That it is bad is remembered for ten seconds.
    service.issuer.script.set_token(TOKEN, good(&service.issuer, NOW));
    service.set_time(NOW + 69);
    assert_eq!(refused(&check(&service, &device, TOKEN).await), invalid_token());
    service.set_time(NOW + 70);
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
}

#[tokio::test]
async fn what_is_remembered_ends_with_the_token() {
    let service = start().await;
    let device = device(&service, 1).await;
    let soon = with(&service.issuer, &json!({"exp": NOW + 20}));
    service.issuer.script.set_token(TOKEN, soon);
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    service.issuer.script.set_token(TOKEN, json!({"active": false}));
    service.set_time(NOW + 19);
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    service.set_time(NOW + 20);
    assert_eq!(refused(&check(&service, &device, TOKEN).await), invalid_token());
}

#[tokio::test]
async fn an_answer_that_is_wrong_in_any_way_is_no_token() {
    let service = start().await;
    let device = device(&service, 1).await;
    let wrong = [
        json!({"active": false}),
        json!({"iss": "https://id.example"}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"aud": null}),
        json!({"aud": ["https://other.example"]}),
        json!({"aud": []}),
        json!({"exp": null}),
        json!({"exp": NOW - 60}),
        json!({"exp": "soon"}),
        json!({"exp": NOW + 7_200, "iat": NOW}),
        json!({"iat": NOW + 61}),
        json!({"nbf": NOW + 61}),
        json!({"token_type": "refresh_token"}),
        json!({"token_type": "DPoP"}),
        json!({"cnf": {"x5t#S256": "certificate"}}),
        json!({"cnf": {"jkt": "another key"}}),
    ];
    for (number, changes) in wrong.into_iter().enumerate() {
        let token = format!("token-{number}");
        service
            .issuer
            .script
            .set_token(&token, with(&service.issuer, &changes));
        assert_eq!(
            refused(&check(&service, &device, &token).await),
            invalid_token(),
            "{changes}"
        );
    }
    for (number, changes) in [
        json!({"iss": null}),
        json!({"iat": null}),
        json!({"token_type": null}),
        json!({"token_type": "bearer", "aud": RESOURCE}),
        json!({"client_id": "another"}),
        json!({"something": {"else": true}}),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("good-{number}");
        service
            .issuer
            .script
            .set_token(&token, with(&service.issuer, &changes));
        let answered = check(&service, &device, &token).await;
        assert_eq!(answered.status, StatusCode::OK, "{changes}");
    }
}

#[tokio::test]
async fn an_answer_without_an_audience_must_name_the_agents_client() {
    let service = start().await;
    let device = device(&service, 1).await;
    let script = &service.issuer.script;
    let mut issuer = opaque(&service.issuer);
    issuer.introspection.as_mut().unwrap().audience_optional = true;
    service.store.put_issuer(issuer.clone()).await.unwrap();
    script.set_token("ours", with(&service.issuer, &json!({"aud": null})));
    script.set_token(
        "another's",
        with(&service.issuer, &json!({"aud": null, "client_id": "another"})),
    );
    script.set_token(
        "nobody's",
        with(&service.issuer, &json!({"aud": null, "client_id": null})),
    );
    script.set_token(
        "elsewhere",
        with(&service.issuer, &json!({"aud": "https://other.example"})),
    );
    check(&service, &device, "ours").await.lease(&service, "ATLAS");
    for token in ["another's", "nobody's", "elsewhere"] {
        assert_eq!(
            refused(&check(&service, &device, token).await),
            invalid_token(),
            "{token}"
        );
    }
    // What was judged by other settings is judged anew.
    let another = records::Issuer {
        client_id: "another".into(),
        ..issuer.clone()
    };
    service.store.put_issuer(another).await.unwrap();
    let mut attempt = service.attempt(&device);
    attempt.token = "ours".into();
    attempt.body.issuer = Some(service.issuer.url.clone());
    assert_eq!(refused(&attempt.send().await), invalid_token());
    service.store.put_issuer(opaque(&service.issuer)).await.unwrap();
    assert_eq!(refused(&check(&service, &device, "ours").await), invalid_token());
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_that_key() {
    let service = start().await;
    let (mine, other) = (device(&service, 1).await, device(&service, 2).await);
    let jkt = mine.key.jwk().thumbprint();
    for token_type in ["DPoP", "Bearer"] {
        let changes = json!({"cnf": {"jkt": jkt.0}, "token_type": token_type});
        service
            .issuer
            .script
            .set_token(token_type, with(&service.issuer, &changes));
        for (device, scheme, accepted) in [
            (&mine, "DPoP", true),
            (&mine, "Bearer", false),
            (&other, "DPoP", false),
        ] {
            let mut attempt = service.attempt(device);
            attempt.token = token_type.into();
            attempt.scheme = scheme;
            attempt.body.issuer = Some(service.issuer.url.clone());
            attempt.body.id_token = Some(service.issuer.id_token("maya", MAYA, NOW));
            let answered = attempt.send().await;
            assert_eq!(answered.status.is_success(), accepted, "{token_type} by {scheme}");
        }
    }
}

#[tokio::test]
async fn the_kinds_of_tokens_are_never_mixed() {
    let service = start().await;
    let device = device(&service, 1).await;
    let jwt = service.issuer.access_token("maya", NOW);
    assert_eq!(
        refused(&check(&service, &device, &jwt).await),
        invalid_token(),
        "a good signature, and the issuer does not say that it is active"
    );
    assert_eq!(service.issuer.script.questions().len(), 1);
    service.issuer.script.set_token(&jwt, good(&service.issuer, NOW));
    service.set_time(NOW + 10);
    let mut attempt = service.attempt(&device);
    attempt.token = jwt.clone();
    attempt.body.id_token = Some(service.issuer.id_token("maya", MAYA, NOW));
    attempt.send().await.lease(&service, "ATLAS");

    // A hint chooses among issuers that are asked, and is believed for nothing else.
    let hinted = async |hint: Option<&str>| {
        let mut attempt = service.attempt(&device);
        attempt.token = TOKEN.into();
        attempt.body.issuer = hint.map(str::to_owned);
        attempt.send().await
    };
    hinted(Some(&service.issuer.url)).await.lease(&service, "ATLAS");
    let asked = service.issuer.script.questions().len();
    assert_eq!(
        refused(&check(&service, &device, &"a".repeat(20_000)).await),
        invalid_token(),
        "nobody is asked about what is no token"
    );
    for hint in [None, Some("https://id.example"), Some("")] {
        assert_eq!(refused(&hinted(hint).await), invalid_token(), "{hint:?}");
    }
    service.store.put_issuer(vendor(&service.issuer)).await.unwrap();
    assert_eq!(refused(&hinted(Some(&service.issuer.url)).await), invalid_token());
    let mut attempt = service.attempt(&device);
    attempt.token = jwt;
    attempt.body.issuer = Some(service.issuer.url.clone());
    attempt.send().await.lease(&service, "ATLAS");
    assert_eq!(
        service.issuer.script.questions().len(),
        asked,
        "JWTs are not asked about"
    );
}

#[tokio::test]
async fn a_token_goes_to_the_issuer_that_it_names_whatever_the_hint() {
    let service = start().await;
    let device = device(&service, 1).await;
    let company = Issuer::start().await;
    let settings = records::Issuer {
        domains: vec!["sued.example".into()],
        ..vendor(&company)
    };
    service.store.put_issuer(settings).await.unwrap();
    let mut attempt = service.attempt(&device);
    attempt.token = company.access_token("sue", NOW);
    attempt.body.issuer = Some(service.issuer.url.clone());
    attempt.body.id_token = Some(company.id_token("sue", "sue@sued.example", NOW));
    attempt.send().await.refusal(&service, "ATLAS");
    assert!(
        service.issuer.script.questions().is_empty(),
        "its token is none of their business"
    );
    let unknown = Issuer::start().await.access_token("sue", NOW);
    assert_eq!(
        refused(&check(&service, &device, &unknown).await),
        invalid_token()
    );
    assert_eq!(
        service.issuer.script.questions().len(),
        1,
        "the hint serves where the name is not known"
    );
    let mut attempt = service.attempt(&device);
    attempt.token = unknown;
    attempt.body.issuer = Some(company.url.clone());
    let detail = attempt.send().await.problem().detail.unwrap();
    assert!(
        detail.contains("knows no issuer"),
        "a hint at keys counts for nothing: {detail}"
    );
}

#[tokio::test]
async fn new_settings_count_at_once() {
    let service = start().await;
    let device = device(&service, 1).await;
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    let told = records::Issuer {
        token_audience: Some("told".into()),
        ..opaque(&service.issuer)
    };
    service.store.put_issuer(told).await.unwrap();
    assert_eq!(refused(&check(&service, &device, TOKEN).await), invalid_token());
    let mut secret = opaque(&service.issuer);
    secret.introspection.as_mut().unwrap().secret = Secret(String::from("new").into());
    service.store.put_issuer(secret).await.unwrap();
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    let asked = service.issuer.script.questions();
    assert_eq!(asked.len(), 3);
    assert_ne!(asked[1].authorization, asked[2].authorization);
}

/// They bring no issuer along: it is that of the device's last check.
#[tokio::test]
async fn the_other_requests_of_a_device_need_no_name_of_the_issuer() {
    let service = start().await;
    let device = device(&service, 1).await;
    let answer = other(&service, &device, "POST", "/v1/devices").await;
    assert_eq!(answer, StatusCode::UNAUTHORIZED, "nobody knows whom to ask");
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    for (method, path) in [("POST", "/v1/devices"), ("GET", "/v1/events")] {
        assert_eq!(
            other(&service, &device, method, path).await,
            StatusCode::OK,
            "{path}"
        );
    }
    service.issuer.script.set_token(TOKEN, json!({"active": false}));
    service.set_time(NOW + 60);
    let answer = other(&service, &device, "GET", "/v1/events").await;
    assert_eq!(answer, StatusCode::UNAUTHORIZED);
}

async fn other(service: &Running, device: &Device, method: &'static str, path: &str) -> StatusCode {
    let request = service.request_with(device, TOKEN, method, path);
    request.send().await.unwrap().status()
}
