//! `POST /v1/identity`: who says who a user is.

use latchkey_api::discovery::{Discovery, Identity};
use latchkey_api::identity::IdentityQuery;
use latchkey_api::problem::Problem;
use latchkey_server::store::records;
use reqwest::StatusCode;

use crate::issuer::RESOURCE;
use crate::service::{MAYA, Running, vendor};

/// The issuer that is named, or status and code of the problem.
type Named = Result<Identity, (StatusCode, String)>;

async fn post(service: &Running, body: Vec<u8>) -> Named {
    let address = format!("{}/v1/identity", service.url);
    let answer = service.http.post(address).body(body).send().await.unwrap();
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(answer.json().await.unwrap());
    }
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    Err((status, answer.json::<Problem>().await.unwrap().code))
}

async fn ask(service: &Running, query: &IdentityQuery) -> Named {
    post(service, serde_json::to_vec(query).unwrap()).await
}

async fn by_email(service: &Running, email: &str) -> Named {
    ask(service, &IdentityQuery::Email(email.into())).await
}

async fn by_issuer(service: &Running, issuer: &str) -> Named {
    ask(service, &IdentityQuery::Issuer(issuer.into())).await
}

fn company(service: &Running) -> records::Issuer {
    records::Issuer {
        issuer: "https://sso.nord.example".into(),
        client_id: "nord-client".into(),
        domains: vec!["nord.example".into(), "xn--nrd-sna.example".into()],
        ..vendor(&service.issuer)
    }
}

fn problem(status: StatusCode, code: &str) -> Named {
    Err((status, code.to_owned()))
}

#[tokio::test]
async fn the_domain_alone_decides() {
    let service = Running::start().await;
    service.store.put_issuer(company(&service)).await.unwrap();
    let discovery: Discovery = service
        .http
        .get(format!("{}/.well-known/latchkey", service.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(discovery.identities, Some(format!("{}/v1/identity", service.url)));
    assert_eq!(discovery.identity.issuer, service.issuer.url);

    let nord = company(&service);
    for email in [
        MAYA,
        "nobody@nord.example",
        "Maya@NORD.Example",
        "maya@nord.example.",
        "maya@n\u{f6}rd.example",
        "maya@NO\u{308}RD.example",
        "maya@xn--nrd-sna.example",
    ] {
        let named = by_email(&service, email).await.unwrap();
        assert_eq!(
            (&named.issuer, &named.client_id),
            (&nord.issuer, &nord.client_id),
            "{email}"
        );
    }
    for email in [
        "maya@home.example",
        "maya@sub.nord.example",
        "maya@ord.example",
        "maya@nord.example.evil",
        "nord.example@home.example",
    ] {
        assert_eq!(
            by_email(&service, email).await.unwrap(),
            discovery.identity,
            "{email}"
        );
    }
    assert_eq!(discovery.identity.resource.as_deref(), Some(RESOURCE));
}

#[tokio::test]
async fn an_issuer_is_known_by_its_exact_name() {
    let service = Running::start().await;
    service.store.put_issuer(company(&service)).await.unwrap();
    for known in [&service.issuer.url, "https://sso.nord.example"] {
        assert_eq!(by_issuer(&service, known).await.unwrap().issuer, *known);
    }
    for unknown in ["https://sso.nord.example/", "https://id.example", ""] {
        assert_eq!(
            by_issuer(&service, unknown).await,
            problem(StatusCode::NOT_FOUND, "unknown_issuer"),
            "{unknown:?}"
        );
    }
}

#[tokio::test]
async fn without_the_vendors_issuer_an_unknown_domain_is_told_so() {
    let service = Running::start().await;
    let vendor = service.issuer.url.clone();
    service.store.remove_issuer(vendor).await.unwrap();
    assert_eq!(
        by_email(&service, MAYA).await,
        problem(StatusCode::SERVICE_UNAVAILABLE, "not_configured")
    );
    service.store.put_issuer(company(&service)).await.unwrap();
    assert!(by_email(&service, "anybody@nord.example").await.is_ok());
    let discovery = async || -> Discovery {
        let address = format!("{}/.well-known/latchkey", service.url);
        service
            .http
            .get(address)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(
        discovery().await.identity.issuer,
        "https://sso.nord.example",
        "somebody has to be named"
    );
    let next = records::Issuer {
        issuer: "https://zzz.example".into(),
        ..company(&service)
    };
    service
        .store
        .move_issuer("https://sso.nord.example".into(), next)
        .await
        .unwrap();
    assert_eq!(discovery().await.identity.issuer, "https://zzz.example");
    service
        .store
        .remove_issuer("https://zzz.example".into())
        .await
        .unwrap();
    let address = format!("{}/.well-known/latchkey", service.url);
    let nobody = service.http.get(address).send().await.unwrap().status();
    assert_eq!(
        nobody,
        StatusCode::SERVICE_UNAVAILABLE,
        "one that was moved names nobody new"
    );
    assert_eq!(
        by_email(&service, "maya@home.example").await,
        problem(StatusCode::NOT_FOUND, "unknown_domain")
    );
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let service = Running::start().await;
    let invalid = || problem(StatusCode::BAD_REQUEST, "invalid_request");
    for bad in [
        "maya",
        "maya@",
        "@nord.example",
        "maya@127.0.0.1",
        "ma ya@nord.example",
        "",
        "maya@nord%2eexample",
    ] {
        assert_eq!(by_email(&service, bad).await, invalid(), "{bad:?}");
    }
    assert_eq!(
        by_email(&service, &format!("{}@nord.example", "a".repeat(300))).await,
        invalid()
    );
    for body in [
        "",
        "{}",
        "[]",
        r#"{"email": 1}"#,
        r#"{"email": "a@b.example", "issuer": "x"}"#,
        "\u{0}",
    ] {
        assert_eq!(post(&service, body.into()).await, invalid(), "{body:?}");
    }
    assert_eq!(
        post(&service, vec![b' '; 4 * 1024 + 1]).await,
        problem(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request")
    );
    let answer = service
        .http
        .get(format!("{}/v1/identity", service.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// Nothing of an answer depends on who is a user: it is the same bytes, before and after.
#[tokio::test]
async fn nobody_learns_who_is_a_user() {
    let service = Running::start().await;
    let body = serde_json::to_vec(&IdentityQuery::Email("noor@elsewhere.example".into())).unwrap();
    let answer = async || {
        let address = format!("{}/v1/identity", service.url);
        let answer = service
            .http
            .post(address)
            .body(body.clone())
            .send()
            .await
            .unwrap();
        let mut headers: Vec<_> = answer
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        headers.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        (answer.status(), headers, answer.bytes().await.unwrap())
    };
    let before = answer().await;
    let at = latchkey_core::time::Timestamp::from_secs(crate::service::NOW);
    service
        .store
        .add_user("noor@elsewhere.example".into(), "Nord".into(), at)
        .await
        .unwrap();
    assert_eq!(answer().await, before);
}
