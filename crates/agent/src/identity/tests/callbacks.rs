//! Cases 6 to 9, and what the browser sees.

use http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::provider::{Idp, get, send};
use super::*;
use crate::identity::Attempt;

struct Open {
    idp: Idp,
    attempt: Attempt,
    redirect: String,
    state: String,
}

async fn open() -> Open {
    open_with(|_| {}).await
}

async fn open_with(discovery: impl FnMut(&mut Value) + Send + 'static) -> Open {
    let idp = Idp::start().await;
    idp.script().discovery = Box::new(discovery);
    let attempt = idp
        .oidc()
        .begin(&idp.identity(), Wish::default(), WITHIN)
        .await
        .unwrap();
    let query = |name: &str| {
        attempt
            .url()
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap()
    };
    let (redirect, state) = (query("redirect_uri"), query("state"));
    drop(idp.visit(attempt.url()));
    Open {
        idp,
        attempt,
        redirect,
        state,
    }
}

#[tokio::test]
async fn case_6_what_is_not_the_callback_gets_400_and_ends_nothing() {
    let Open {
        idp,
        attempt,
        redirect,
        state,
    } = open().await;
    let waiting = tokio::spawn(attempt.returned());
    let good = format!("{redirect}?code=c1&state={state}");
    for (method, url) in [
        (Method::GET, redirect.clone()),
        (Method::GET, format!("{redirect}?code=c1")),
        (Method::GET, format!("{redirect}?code=c1&state=x{state}")),
        (Method::GET, format!("{redirect}?state={state}")),
        (Method::GET, format!("{redirect}?code=&state={state}")),
        (Method::GET, format!("{redirect}?code=c1&code=c2&state={state}")),
        (
            Method::GET,
            format!("{redirect}?code=c1&state={state}&state={state}"),
        ),
        (Method::GET, format!("{redirect}?error=access_denied")),
        (Method::GET, good.replace("/callback", "/elsewhere")),
        (Method::POST, good.clone()),
        (Method::HEAD, good.clone()),
    ] {
        let answer = send(method.clone(), &url).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{method} {url}: {answer}");
    }
    let browser = tokio::spawn(async move { get(&good).await });
    let (signed_in, page) = waiting.await.unwrap().unwrap().exchange().await.unwrap();
    page.signed_in().await;
    assert!(browser.await.unwrap().starts_with("HTTP/1.1 200 "));
    assert_eq!(signed_in.email.as_deref(), Some("maya@example.com"));
    assert_eq!(idp.asked("/token"), 1);
}

#[tokio::test]
async fn case_7_another_issuers_callback_ends_it_without_an_exchange() {
    for (advertised, iss) in [
        (true, None),
        (true, Some("https://evil.example")),
        (false, Some("https://evil.example")),
    ] {
        let Open {
            idp,
            attempt,
            redirect,
            state,
        } = open_with(move |document| {
            document["authorization_response_iss_parameter_supported"] = advertised.into();
        })
        .await;
        let iss = iss.map(|iss| format!("&iss={iss}")).unwrap_or_default();
        let browser =
            tokio::spawn(async move { get(&format!("{redirect}?code=c1&state={state}{iss}")).await });
        let error = attempt.returned().await.unwrap_err();
        assert!(matches!(error, IdentityError::CallbackIssuer { .. }), "{error:?}");
        assert!(browser.await.unwrap().contains("cannot be trusted"));
        assert_eq!(idp.asked("/token"), 0);
    }
    let Open {
        idp,
        attempt,
        redirect,
        state,
    } = open_with(|document| document["authorization_response_iss_parameter_supported"] = true.into()).await;
    let back = format!("{redirect}?code=c1&state={state}&iss={}", idp.issuer);
    let browser = tokio::spawn(async move { get(&back).await });
    attempt
        .returned()
        .await
        .unwrap()
        .exchange()
        .await
        .unwrap()
        .1
        .signed_in()
        .await;
    browser.await.unwrap();
}

#[tokio::test]
async fn case_8_a_refusal_is_told_in_words_and_its_script_is_text() {
    let Open {
        idp,
        attempt,
        redirect,
        state,
    } = open().await;
    let description = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let back = format!("{redirect}?error=access_denied&error_description={description}&state={state}");
    let browser = tokio::spawn(async move { get(&back).await });
    let error = attempt.returned().await.unwrap_err();
    assert_eq!(
        error,
        IdentityError::Denied {
            description: "<script>alert(1)</script>".into()
        }
    );
    let page = browser.await.unwrap();
    assert!(
        page.contains("The sign-in was declined.") && page.contains("You can close this page."),
        "{page}"
    );
    assert!(
        !page.contains("<script") && page.contains("&lt;script&gt;"),
        "{page}"
    );
    assert_eq!(idp.asked("/token"), 0);
}

#[tokio::test]
async fn case_8_another_error_keeps_its_name() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    tokio::spawn(async move { get(&format!("{redirect}?error=server_error&state={state}")).await });
    let error = attempt.returned().await.unwrap_err();
    assert_eq!(
        error,
        IdentityError::Provider {
            error: "server_error".into(),
            description: String::new()
        }
    );
}

#[tokio::test]
async fn case_9_after_the_callback_nobody_listens() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    let back = format!("{redirect}?code=c1&state={state}");
    let browser = tokio::spawn({
        let back = back.clone();
        async move { get(&back).await }
    });
    let returned = attempt.returned().await.unwrap();
    assert_eq!(get(&back).await, "", "the listener is closed");
    returned.exchange().await.unwrap().1.signed_in().await;
    assert!(browser.await.unwrap().contains("You are signed in."));
}

#[tokio::test]
async fn case_9_nothing_of_one_attempt_is_good_for_another() {
    let idp = Idp::start().await;
    let one = idp
        .oidc()
        .begin(&idp.identity(), Wish::default(), WITHIN)
        .await
        .unwrap();
    let two = idp
        .oidc()
        .begin(&idp.identity(), Wish::default(), WITHIN)
        .await
        .unwrap();
    for name in ["state", "nonce", "code_challenge", "redirect_uri"] {
        let value = |attempt: &Attempt| {
            attempt
                .url()
                .query_pairs()
                .find(|(key, _)| key == name)
                .unwrap()
                .1
                .into_owned()
        };
        assert_ne!(value(&one), value(&two), "{name}");
    }
    // The provider has bound the code to the first attempt's challenge; the second one's verifier does not fit.
    let visit = idp.visit(two.url());
    drop(idp.visit(one.url()));
    let browser = tokio::spawn(visit);
    let error = two.returned().await.unwrap().exchange().await.unwrap_err();
    assert!(
        matches!(error, IdentityError::Provider { ref error, .. } if error == "invalid_grant"),
        "{error:?}"
    );
    assert!(browser.await.unwrap().contains("The sign-in did not work."));
}

#[tokio::test]
async fn the_page_says_signed_in_only_when_the_tokens_are_stored() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    let mut browser = tokio::spawn(async move { get(&format!("{redirect}?code=c1&state={state}")).await });
    let (_, page) = attempt.returned().await.unwrap().exchange().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), &mut browser).await;
    assert!(early.is_err(), "a page before the tokens were stored");
    page.failed("vault_locked", "").await;
    let shown = browser.await.unwrap();
    assert!(
        shown.contains("The keyring of this computer is locked.") && !shown.contains("signed in."),
        "{shown}"
    );
}

#[tokio::test]
async fn a_browser_that_is_gone_does_not_matter() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    let browser = tokio::spawn(async move { get(&format!("{redirect}?code=c1&state={state}")).await });
    let returned = attempt.returned().await.unwrap();
    browser.abort();
    let (signed_in, page) = returned.exchange().await.unwrap();
    page.signed_in().await;
    assert_eq!(signed_in.tokens.subject, "maya");
}

#[tokio::test]
async fn a_sign_in_that_is_cancelled_while_it_finishes_tells_the_browser() {
    for exchanged in [false, true] {
        let Open {
            attempt,
            redirect,
            state,
            ..
        } = open().await;
        let browser = tokio::spawn(async move { get(&format!("{redirect}?code=c1&state={state}")).await });
        let returned = attempt.returned().await.unwrap();
        if exchanged {
            drop(returned.exchange().await.unwrap());
        } else {
            drop(returned);
        }
        let shown = browser.await.unwrap();
        assert!(shown.contains("The sign-in was cancelled."), "{shown}");
    }
}

#[tokio::test]
async fn an_idle_connection_of_the_browser_delays_nothing() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    let port = url::Url::parse(&redirect).unwrap().port().unwrap();
    let waiting = tokio::spawn(attempt.returned());
    let idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let browser = tokio::spawn(async move { get(&format!("{redirect}?code=c1&state={state}")).await });
    let (_, page) = waiting.await.unwrap().unwrap().exchange().await.unwrap();
    tokio::time::timeout(Duration::from_millis(1_500), page.signed_in())
        .await
        .unwrap();
    assert!(browser.await.unwrap().contains("You are signed in."));
    drop(idle);
}

#[tokio::test]
async fn whoever_drops_it_closes_the_listener() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    let waiting = tokio::spawn(attempt.returned());
    assert!(get(&redirect).await.contains("400"), "it listens");
    waiting.abort();
    let _cancelled = waiting.await;
    assert_eq!(get(&redirect).await, "", "nobody listens");

    let Open {
        attempt, redirect, ..
    } = open().await;
    drop(attempt);
    assert_eq!(get(&redirect).await, "", "nobody listens");
    drop(state);
}

#[tokio::test]
async fn nobody_comes_back_in_time() {
    let idp = Idp::start().await;
    let attempt = idp
        .oidc()
        .begin(&idp.identity(), Wish::default(), Duration::from_millis(50))
        .await
        .unwrap();
    assert_eq!(attempt.returned().await.unwrap_err(), IdentityError::Expired);
}

#[tokio::test]
async fn a_flood_and_an_endless_head_keep_nobody_out() {
    let Open {
        attempt,
        redirect,
        state,
        ..
    } = open().await;
    let waiting = tokio::spawn(attempt.returned());
    let port = url::Url::parse(&redirect).unwrap().port().unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let mut endless = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _closed = endless
        .write_all(format!("GET /callback?{} HTTP/1.1\r\n", "x".repeat(100_000)).as_bytes())
        .await;
    let mut answer = Vec::new();
    let _reset = endless.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let browser = tokio::spawn(async move { get(&format!("{redirect}?code=c1&state={state}")).await });
    waiting
        .await
        .unwrap()
        .unwrap()
        .exchange()
        .await
        .unwrap()
        .1
        .signed_in()
        .await;
    assert!(browser.await.unwrap().contains("You are signed in."));
    drop(silent);
}

#[tokio::test]
async fn the_page_speaks_german_and_loads_nothing() {
    let Open {
        attempt, redirect, ..
    } = open().await;
    let _waiting = tokio::spawn(attempt.returned());
    let port = url::Url::parse(&redirect).unwrap().port().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream
        .write_all(b"GET /callback HTTP/1.1\r\nhost: x\r\naccept-language: de-CH,en;q=0.7\r\n\r\n")
        .await
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(
        page.contains("lang=\"de\"") && page.contains("keiner offenen Anmeldung"),
        "{page}"
    );
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
}
