//! Many questions, and issuers that do not answer.

use std::time::Duration;

use latchkey_core::policy::Policy;
use latchkey_server::identity::Timing;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{TOKEN, check, device, good, opaque, refused, start, unavailable};
use crate::issuer::Issuer;
use crate::script::dripping;
use crate::service::{NOW, Running};

#[tokio::test]
async fn many_who_ask_at_once_cost_one_question() {
    let service = start().await;
    let mut devices = vec![];
    for seed in 1..=8 {
        devices.push(device(&service, seed).await);
    }
    let script = &service.issuer.script;
    let held = script.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let checks = async {
        let mut answers = vec![];
        let (first, rest) = devices.split_at(4);
        let ask = |device| check(&service, device, TOKEN);
        let (a, b, c, d) = tokio::join!(ask(&first[0]), ask(&first[1]), ask(&first[2]), ask(&first[3]));
        answers.extend([a, b, c, d]);
        for device in rest {
            answers.push(ask(device).await);
        }
        answers
    };
    let release = async {
        let asked = async {
            while script.questions().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked)
            .await
            .expect("a question comes");
        // Time for the others to ask too, if they would: they are on their way already.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(script.questions().len(), 1);
        script.gate.add_permits(held);
    };
    let (answers, ()) = tokio::join!(checks, release);
    assert!(answers.iter().all(|answered| answered.status == StatusCode::OK));
    assert_eq!(script.questions().len(), 1);
}

#[tokio::test]
async fn one_issuer_is_asked_so_many_questions_at_once() {
    let service = start().await;
    let script = &service.issuer.script;
    let held = script.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let mut devices = vec![];
    for seed in 1..=20 {
        devices.push(device(&service, seed).await);
    }
    let tokens: Vec<_> = (0..20).map(|number| format!("made-up-{number}")).collect();
    let requests: Vec<_> = devices
        .iter()
        .zip(&tokens)
        .map(|(device, token)| {
            let mut attempt = service.attempt(device);
            attempt.token = token.clone();
            attempt.body.issuer = Some(service.issuer.url.clone());
            attempt.request()
        })
        .map(|request| tokio::spawn(async move { request.send().await.unwrap().status() }))
        .collect();
    let waited = async {
        while requests.iter().filter(|request| request.is_finished()).count() < 4 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waited)
        .await
        .expect("four find no turn");
    assert_eq!(script.questions().len(), 16);
    script.gate.add_permits(held);
    let (mut overloaded, mut judged) = (0, 0);
    for request in requests {
        match request.await.unwrap() {
            StatusCode::SERVICE_UNAVAILABLE => overloaded += 1,
            StatusCode::UNAUTHORIZED => judged += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((overloaded, judged), (4, 16));
}

#[tokio::test]
async fn an_issuer_that_is_out_makes_no_token_bad() {
    let service = start().await;
    let device = device(&service, 1).await;
    let script = &service.issuer.script;
    check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    script.set_token("new", good(&service.issuer, NOW));
    let elsewhere = Issuer::start().await;
    let there: &'static str = format!("{}/introspect", elsewhere.url).leak();
    elsewhere.script.set_token("new", good(&service.issuer, NOW));
    let large = format!(r#"{{"active": true, "x": "{}"}}"#, "x".repeat(1024 * 1024));
    for (what, status, location, body) in [
        ("500", 500, "", r#"{"active": false}"#.to_owned()),
        ("429", 429, "", String::new()),
        (
            "our secret is wrong",
            401,
            "",
            r#"{"error": "invalid_client"}"#.into(),
        ),
        ("a redirect", 307, there, String::new()),
        ("a web page", 200, "", "<html>".into()),
        ("no introspection", 200, "", "{}".into()),
        ("a text", 200, "", r#"{"active": "false"}"#.into()),
        ("a list", 200, "", "[]".into()),
        ("too much", 200, "", large),
    ] {
        *script.instead.lock().unwrap() = Some((status, location, body));
        let answered = check(&service, &device, "new").await;
        assert_eq!(refused(&answered), unavailable(), "{what}");
        assert!(answered.wants_a_pause());
        let detail = answered.problem().detail.unwrap();
        assert!(
            detail.contains("cannot be asked about a token") && !detail.contains("hush"),
            "{detail}"
        );
        check(&service, &device, TOKEN).await.lease(&service, "ATLAS");
    }
    assert!(
        elsewhere.script.questions().is_empty(),
        "token and secret go nowhere else"
    );
    *script.instead.lock().unwrap() = None;
    check(&service, &device, "new").await.lease(&service, "ATLAS");
}

#[tokio::test]
async fn an_endpoint_that_is_absent_unsafe_or_slow_is_an_outage_too() {
    let timing = Timing {
        patience: Duration::from_millis(500),
        ..Timing::DEFAULT
    };
    let dripping = dripping().await;
    for endpoint in [
        Value::Null,
        json!(7),
        "http://id.example/introspect".into(),
        dripping.into(),
    ] {
        let service = Running::start_all(Policy::default(), timing).await;
        service.issuer.document.lock().unwrap()["introspection_endpoint"] = endpoint.clone();
        service.store.put_issuer(opaque(&service.issuer)).await.unwrap();
        let device = device(&service, 1).await;
        assert_eq!(
            refused(&check(&service, &device, TOKEN).await),
            unavailable(),
            "{endpoint}"
        );
    }
}
