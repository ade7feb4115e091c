//! Codes for another device, from providers that give them in odd ways (numbers 3 and 20), and what comes in between.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::provider::{Idp, NOW, Raw};
use super::{IdentityError, SignedIn, WITHIN};
use crate::http::HttpError;
use crate::identity::DeviceAttempt;

/// A provider that gives codes, with `changes` to what it answers.
async fn giving(changes: &Value) -> Idp {
    let idp = Idp::start().await;
    let endpoint = format!("{}/device", idp.issuer);
    idp.script().discovery =
        Box::new(move |document| document["device_authorization_endpoint"] = endpoint.clone().into());
    let mut answer = json!({
        "device_code": "s3cret", "user_code": "WDJB-MJHT", "expires_in": 600, "interval": 1,
        "verification_uri": "https://id.example/device",
        "verification_uri_complete": "https://id.example/device?user_code=WDJB-MJHT",
    });
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
    }
    idp.script().raw.push(("/device", Raw::json(200, &answer)));
    idp
}

async fn begin(idp: &Idp) -> Result<DeviceAttempt, IdentityError> {
    idp.oidc()
        .begin_with_code(&idp.identity(), WITHIN * 60, false)
        .await
}

/// Signs in where the token endpoint first answers `first`, once.
async fn after(first: Raw) -> (Result<SignedIn, IdentityError>, Idp) {
    let idp = giving(&json!({})).await;
    idp.script().raw.push(("/token", first));
    let attempt = begin(&idp).await.unwrap();
    let asked = idp.clone();
    let turn = tokio::spawn(async move {
        while asked.asked("/token") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        asked.script().raw.retain(|(path, _)| *path != "/token");
    });
    let signed_in = attempt.signed_in(|| {}).await;
    turn.abort();
    (signed_in, idp)
}

fn refused(error: &str) -> Raw {
    Raw::json(400, &json!({ "error": error }))
}

#[tokio::test]
async fn a_code_signs_in_and_asks_as_the_standard_says() {
    let (signed_in, idp) = after(refused("authorization_pending")).await;
    assert_eq!(signed_in.unwrap().email.as_deref(), Some("maya@example.com"));
    let sent = |path: &str, name: &str| {
        let form = idp.body(path);
        form.into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    assert_eq!(
        sent("/device", "scope").as_deref(),
        Some("openid email offline_access")
    );
    assert_eq!(
        sent("/token", "grant_type").as_deref(),
        Some("urn:ietf:params:oauth:grant-type:device_code")
    );
    assert_eq!(sent("/token", "device_code").as_deref(), Some("s3cret"));
    assert_eq!(
        sent("/token", "resource").as_deref(),
        Some("https://licences.example")
    );
    assert_eq!(idp.asked("/token"), 2);
}

#[tokio::test]
async fn pkce_is_used_where_a_code_is_refused_without_it_and_nowhere_else() {
    let sent = |idp: &Idp, path: &str, name: &str| {
        let mut form = idp.body(path).into_iter();
        form.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    for wanted in [true, false] {
        let idp = giving(&json!({})).await;
        idp.script().codes_want_pkce = wanted;
        let signed_in = begin(&idp).await.unwrap().signed_in(|| {}).await;
        assert!(signed_in.is_ok(), "{wanted}: {signed_in:?}");
        let verifier = sent(&idp, "/token", "code_verifier");
        let challenge = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        assert_eq!(challenge.is_some(), wanted);
        assert_eq!(sent(&idp, "/device", "code_challenge"), challenge);
        let method = sent(&idp, "/device", "code_challenge_method");
        assert_eq!(method.as_deref(), wanted.then_some("S256"));
        assert_eq!(idp.asked("/device"), if wanted { 2 } else { 1 });
    }
}

/// After a release of one of the user's devices, a session of before is no proof of theirs. Whoever knows no such wish is asked without.
#[tokio::test]
async fn a_code_may_ask_for_a_new_sign_in() {
    let wish = |idp: &Idp| -> Vec<(String, String)> {
        let form = idp.body("/device").into_iter();
        form.filter(|(name, _)| matches!(name.as_str(), "prompt" | "max_age"))
            .collect()
    };
    let both =
        [("prompt", "login"), ("max_age", "0")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (knows_it, wants_pkce, asked) in [
        (true, false, 1),
        (true, true, 2),
        (false, false, 3),
        (false, true, 4),
    ] {
        let idp = giving(&json!({})).await;
        idp.script().codes_want_pkce = wants_pkce;
        idp.script().codes_know_no_prompt = !knows_it;
        let attempt = idp
            .oidc()
            .begin_with_code(&idp.identity(), WITHIN * 60, true)
            .await;
        assert!(attempt.is_ok(), "{knows_it} {wants_pkce}: {attempt:?}");
        let sent: &[(String, String)] = if knows_it { &both } else { &[] };
        assert_eq!(wish(&idp), sent, "{knows_it} {wants_pkce}");
        assert_eq!(idp.asked("/device"), asked, "{knows_it} {wants_pkce}");
    }
}

#[tokio::test]
async fn what_passes_ends_nothing() {
    let pending = json!({ "error": "authorization_pending" });
    let busy = Raw {
        headers: vec![("retry-after", "1".into())],
        ..Raw::json(503, &json!({}))
    };
    let as_a_page = Raw {
        headers: Raw::html().headers,
        ..Raw::json(400, &pending)
    };
    let oddly = json!({ "error": "authorization_pending", "error_description": ["wait"], "interval": "x" });
    for passing in [
        busy,
        Raw::json(429, &json!({})),
        Raw::json(429, &pending),
        Raw::json(429, &json!({ "error": "too_many_requests" })),
        Raw::json(408, &json!({})),
        Raw::html(),
        Raw::json(200, &pending),
        Raw::json(400, &oddly),
        as_a_page,
        // It is out, whatever it says of the code.
        Raw::json(500, &json!({ "error": "access_denied" })),
    ] {
        let status = passing.status;
        let (signed_in, _) = after(passing).await;
        assert!(signed_in.is_ok(), "{status}: {signed_in:?}");
    }
}

#[tokio::test]
async fn case_20_the_next_question_waits_as_the_provider_asks() {
    let busy = |retry_after: &str| Raw {
        headers: vec![("retry-after", retry_after.to_owned())],
        ..Raw::json(503, &json!({}))
    };
    // The provider wants a second between questions: anything longer is what it asked for in its answer.
    let too_often = Raw::json(429, &json!({ "error": "slow_down" }));
    for (first, at_least) in [(refused("slow_down"), 6), (too_often, 6), (busy("3"), 3)] {
        let before = std::time::Instant::now();
        let (signed_in, idp) = after(first).await;
        assert!(signed_in.is_ok(), "{signed_in:?}");
        assert_eq!(idp.asked("/token"), 2);
        let waited = before.elapsed().as_secs();
        assert!(waited > at_least, "{waited} s, of which one is the first wait");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_to_be_trusted_with_the_code_is_not_asked_again() {
    let elsewhere = Idp::start().await;
    for (hostile, problem) in [
        (
            Raw::redirect(&format!("{}/token", elsewhere.issuer)),
            "provider_untrusted",
        ),
        (
            Raw::json(200, &json!({ "padding": "x".repeat(2 * 1024 * 1024) })),
            "provider_untrusted",
        ),
    ] {
        let idp = giving(&json!({})).await;
        idp.script().raw.push(("/token", hostile));
        let error = begin(&idp).await.unwrap().signed_in(|| {}).await.unwrap_err();
        assert_eq!(error.problem(), problem, "{error:?}");
        assert_eq!((idp.asked("/token"), elsewhere.asked("/token")), (1, 0));
    }
}

#[tokio::test]
async fn no_and_too_late_are_told_apart() {
    for no in [
        refused("access_denied"),
        refused("authorization_declined"),
        Raw::json(429, &json!({ "error": "access_denied" })),
    ] {
        let (denied, _) = after(no).await;
        assert!(matches!(denied, Err(IdentityError::Denied { .. })), "{denied:?}");
    }
    let (expired, _) = after(refused("expired_token")).await;
    assert_eq!(expired, Err(IdentityError::Expired));
    let (other, _) = after(refused("invalid_client")).await;
    assert!(
        matches!(&other, Err(IdentityError::Provider { error, .. }) if error == "invalid_client"),
        "{other:?}"
    );
}

#[tokio::test]
async fn a_code_ends_by_the_clock_also_when_nobody_says_so() {
    let idp = giving(&json!({ "expires_in": 12 })).await;
    idp.script()
        .raw
        .push(("/token", refused("authorization_pending")));
    let attempt = begin(&idp).await.unwrap();
    assert_eq!(attempt.expires_in().as_secs(), 12);
    idp.sleep_for(std::time::Duration::from_secs(13));
    let ended = tokio::time::timeout(WITHIN, attempt.signed_in(|| {})).await;
    assert_eq!(ended.expect("it ends"), Err(IdentityError::Expired));
    assert_eq!(idp.asked("/token"), 0);
}

/// The clock that jumps past a code's end may have stood while the machine slept. One that is set back prolongs nothing.
#[tokio::test]
async fn a_clock_that_jumps_past_the_code_ends_it_and_one_set_back_changes_nothing() {
    let idp = giving(&json!({})).await;
    let attempt = begin(&idp).await.unwrap();
    idp.set_now(NOW + 601);
    assert_eq!(attempt.signed_in(|| {}).await, Err(IdentityError::Expired));

    let idp = giving(&json!({})).await;
    let attempt = begin(&idp).await.unwrap();
    idp.set_now(NOW - 400 * 86_400);
    let signed_in = tokio::time::timeout(WITHIN, attempt.signed_in(|| {})).await;
    signed_in.expect("it goes on").unwrap();

    let idp = giving(&json!({ "expires_in": 3 })).await;
    idp.script()
        .raw
        .push(("/token", refused("authorization_pending")));
    let attempt = begin(&idp).await.unwrap();
    idp.set_now(NOW - 400 * 86_400);
    let ended = tokio::time::timeout(WITHIN, attempt.signed_in(|| {})).await;
    assert_eq!(ended.expect("it ends"), Err(IdentityError::Expired));
}

/// Who confirms when the interval would have led past the end has signed in all the same.
#[tokio::test]
async fn the_last_question_comes_shortly_before_the_end() {
    let idp = giving(&json!({ "expires_in": 6, "interval": 3 })).await;
    idp.script()
        .raw
        .push(("/token", refused("authorization_pending")));
    let attempt = begin(&idp).await.unwrap();
    let confirms = idp.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(3_500)).await;
        confirms.script().raw.retain(|(path, _)| *path != "/token");
    });
    let signed_in = attempt.signed_in(|| {}).await;
    assert!(signed_in.is_ok(), "{signed_in:?}");
}

/// Offline, denied and expired are three messages: whoever could not be asked when the code ended has not let it expire.
#[tokio::test]
async fn where_nobody_can_be_asked_at_the_end_that_is_why() {
    let idp = giving(&json!({ "expires_in": 3 })).await;
    let gone = json!("http://127.0.0.1:9/token");
    idp.script().discovery = {
        let device = format!("{}/device", idp.issuer);
        Box::new(move |document| {
            document["device_authorization_endpoint"] = device.clone().into();
            document["token_endpoint"] = gone.clone();
        })
    };
    let ended = begin(&idp).await.unwrap().signed_in(|| {}).await;
    assert!(
        matches!(ended, Err(IdentityError::Http(HttpError::Unreachable { .. }))),
        "{ended:?}"
    );
    // An answer in between says that it is no matter of the network.
    let idp = giving(&json!({ "expires_in": 3 })).await;
    idp.script()
        .raw
        .push(("/token", refused("authorization_pending")));
    let ended = begin(&idp).await.unwrap().signed_in(|| {}).await;
    assert_eq!(ended, Err(IdentityError::Expired));
}

#[tokio::test]
async fn any_interval_and_any_life_are_brought_into_sense() {
    for interval in [json!(0), json!(-5), json!("0")] {
        let idp = giving(&json!({ "interval": interval })).await;
        let before = std::time::Instant::now();
        begin(&idp).await.unwrap().signed_in(|| {}).await.unwrap();
        let waited = before.elapsed().as_millis();
        assert!((950..5_000).contains(&waited), "{interval}: {waited} ms");
    }
    for huge in [json!(1e12), json!(u64::MAX), json!("99999999999999999999")] {
        let idp = giving(&json!({ "interval": huge, "expires_in": huge })).await;
        assert_eq!(begin(&idp).await.unwrap().expires_in(), WITHIN * 60);
    }
}

#[tokio::test]
async fn only_addresses_that_may_be_opened_are_shown() {
    for address in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://id.example/device",
        "device",
    ] {
        let idp = giving(&json!({ "verification_uri": address })).await;
        let error = begin(&idp).await.unwrap_err();
        assert!(matches!(error, IdentityError::UnsafeEndpoint { .. }), "{error:?}");
        let idp = giving(&json!({ "verification_uri_complete": address })).await;
        let attempt = begin(&idp).await.unwrap();
        assert_eq!(attempt.code().verification_uri_complete, None);
        assert_eq!(attempt.url(), "https://id.example/device");
    }
}

/// The second name is the one that Google gave it before the RFC did. Some send both.
#[tokio::test]
async fn either_name_of_the_address_will_do_and_the_standard_one_wins() {
    let old = json!("https://old.example/device");
    for (changes, shown) in [
        (json!({ "verification_url": old }), "https://id.example/device"),
        (json!({ "verification_url": 7 }), "https://id.example/device"),
        (
            json!({ "verification_uri": null, "verification_url": old }),
            "https://old.example/device",
        ),
    ] {
        let idp = giving(&changes).await;
        let attempt = begin(&idp).await;
        let attempt = attempt.unwrap_or_else(|error| panic!("{changes}: {error:?}"));
        assert_eq!(attempt.code().verification_uri, shown);
    }
    let idp = giving(&json!({ "verification_uri": null })).await;
    let error = begin(&idp).await.unwrap_err();
    assert!(matches!(error, IdentityError::TokenAnswer { .. }), "{error:?}");
}

#[tokio::test]
async fn an_address_that_fits_nowhere_is_not_shown() {
    let long = format!("https://id.example/device?padding={}", "x".repeat(2_048));
    let idp = giving(&json!({ "verification_uri_complete": long })).await;
    let attempt = begin(&idp).await.unwrap();
    assert_eq!(attempt.url(), "https://id.example/device");
    let idp = giving(&json!({ "verification_uri": long })).await;
    begin(&idp).await.unwrap_err();
}

#[tokio::test]
async fn a_code_that_nobody_could_type_and_a_provider_without_codes_are_named() {
    for code in ["", " ", "a\u{1b}[31m", &"x".repeat(65)] {
        let idp = giving(&json!({ "user_code": code })).await;
        let error = begin(&idp).await.unwrap_err();
        assert!(matches!(error, IdentityError::TokenAnswer { .. }), "{error:?}");
    }
    let without = Idp::start().await;
    assert_eq!(begin(&without).await.unwrap_err(), IdentityError::NoDeviceCode);
}
