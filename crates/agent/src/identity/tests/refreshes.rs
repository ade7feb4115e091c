//! Refreshing: case 15, 19, and what is told apart.

use serde_json::{Value, json};

use super::provider::{Idp, NOW, Raw};
use super::*;
use crate::http::HttpError;
use crate::identity::{IdTokenError, RefreshError, Refreshed};

async fn signed_in() -> (Idp, SignedIn) {
    let idp = Idp::start().await;
    let signed_in = sign_in(&idp).await.unwrap();
    (idp, signed_in)
}

async fn refresh(idp: &Idp, signed_in: &SignedIn) -> Result<Refreshed, RefreshError> {
    idp.oidc().refresh(&idp.identity(), &signed_in.tokens).await
}

#[tokio::test]
async fn fresh_tokens_and_a_rotated_refresh_token() {
    let (idp, signed_in) = signed_in().await;
    let refreshed = refresh(&idp, &signed_in).await.unwrap();
    assert_eq!(refreshed.tokens.access_token.expose(), "at-2");
    assert_eq!(refreshed.tokens.refresh_token.unwrap().expose(), "rt-2");
    assert!(
        idp.body("/token")
            .contains(&("resource".into(), "https://licences.example".into()))
    );
    // The rotated token is worth nothing, and using it ends the grant.
    let again = refresh(&idp, &signed_in).await.unwrap_err();
    assert_eq!(again, RefreshError::InvalidGrant("no such grant".into()));
}

#[tokio::test]
async fn case_19_what_does_not_come_is_kept() {
    let (idp, mut signed_in) = signed_in().await;
    signed_in.tokens.scope = Some("openid email offline_access".into());
    idp.script().answer = Box::new(|answer| {
        answer["refresh_token"] = Value::Null;
        answer["id_token"] = Value::Null;
        answer["scope"] = "openid email".into();
    });
    let refreshed = refresh(&idp, &signed_in).await.unwrap();
    assert_eq!(refreshed.tokens.refresh_token, signed_in.tokens.refresh_token);
    assert_eq!(refreshed.tokens.id_token, signed_in.tokens.id_token);
    assert_eq!(refreshed.lost_scopes, ["offline_access"]);
}

#[tokio::test]
async fn case_15_another_account_ends_the_session() {
    for (claim, other) in [
        ("sub", "somebody else"),
        ("sub", ""),
        ("iss", "https://evil.example"),
    ] {
        let (idp, signed_in) = signed_in().await;
        idp.script().claims = Box::new(move |claims| claims[claim] = other.into());
        assert_eq!(
            refresh(&idp, &signed_in).await,
            Err(RefreshError::AccountChanged),
            "{claim} {other}"
        );
    }
}

#[tokio::test]
async fn what_is_not_believed_still_brings_its_refresh_token() {
    let (idp, signed_in) = signed_in().await;
    idp.script().claims = Box::new(|claims| claims["aud"] = "another".into());
    let error = refresh(&idp, &signed_in).await.unwrap_err();
    let RefreshError::Disbelieved { error, rotated } = error else {
        panic!("{error:?}")
    };
    assert_eq!(error, IdentityError::IdToken(IdTokenError::Audience));
    assert_eq!(rotated.unwrap().expose(), "rt-2");
}

#[tokio::test]
async fn case_17_tokens_of_another_type_are_not_used() {
    let (idp, signed_in) = signed_in().await;
    idp.script().answer = Box::new(|answer| answer["token_type"] = "mac".into());
    let error = refresh(&idp, &signed_in).await.unwrap_err();
    let RefreshError::Disbelieved { error, rotated } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(error, IdentityError::TokenType(_)), "{error:?}");
    assert_eq!(rotated.unwrap().expose(), "rt-2");
}

#[tokio::test]
async fn without_its_keys_no_provider_is_given_the_refresh_token() {
    let (idp, signed_in) = signed_in().await;
    idp.script().raw = vec![("/jwks", Raw::json(500, &json!({})))];
    let error = refresh(&idp, &signed_in).await.unwrap_err();
    assert!(
        matches!(error, RefreshError::Identity(IdentityError::Unavailable { .. })),
        "{error:?}"
    );
    assert_eq!(idp.asked("/token"), 1, "only the sign-in's");
}

#[tokio::test]
async fn only_invalid_grant_is_invalid_grant() {
    let (idp, signed_in) = signed_in().await;
    for (answer, expected) in [
        (
            Raw::json(503, &json!({"error": "invalid_grant"})),
            IdentityError::Unavailable {
                status: 503,
                retry_after: None,
            },
        ),
        (
            Raw::html(),
            IdentityError::CaptivePortal {
                host: "127.0.0.1".into(),
            },
        ),
        (
            Raw::json(400, &json!({"error": "invalid_client"})),
            IdentityError::Provider {
                error: "invalid_client".into(),
                description: String::new(),
            },
        ),
        (
            Raw::redirect("https://elsewhere.example/"),
            IdentityError::Http(HttpError::Redirected {
                host: "127.0.0.1".into(),
                to: "https://elsewhere.example".into(),
            }),
        ),
    ] {
        idp.script().raw = vec![("/token", answer)];
        assert_eq!(
            refresh(&idp, &signed_in).await,
            Err(RefreshError::Identity(expected))
        );
    }
    let mut without = signed_in.clone();
    without.tokens.refresh_token = None;
    assert_eq!(refresh(&idp, &without).await, Err(RefreshError::NoRefreshToken));
}

#[tokio::test]
async fn invalid_grant_in_any_dress_is_invalid_grant() {
    let (idp, signed_in) = signed_in().await;
    for answer in in_any_dress("invalid_grant") {
        let (status, body) = (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        idp.script().raw = vec![("/token", answer)];
        let refused = refresh(&idp, &signed_in).await.unwrap_err();
        assert!(
            matches!(refused, RefreshError::InvalidGrant(_)),
            "{status} {body}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_was_taken_back_is_not_believed_for_long() {
    let (idp, signed_in) = signed_in().await;
    let oidc = idp.oidc();
    let identity = idp.identity();
    let refreshed = oidc.refresh(&identity, &signed_in.tokens).await.unwrap();
    idp.script().keys = json!({"keys": []});
    let again = oidc.refresh(&identity, &refreshed.tokens).await.unwrap();
    idp.set_now(NOW + 3_600);
    let error = oidc.refresh(&identity, &again.tokens).await.unwrap_err();
    let RefreshError::Disbelieved { error, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(error, IdentityError::IdToken(IdTokenError::UnknownKey));
}

/// A gateway that calls data something else, and a provider that lists the scopes, have rotated the token all the same.
#[tokio::test]
async fn tokens_that_are_called_something_else_are_tokens() {
    let (idp, signed_in) = signed_in().await;
    idp.script().raw.push((
        "/token",
        Raw {
            status: 200,
            headers: vec![("content-type", "text/plain".into())],
            body: json!({ "access_token": "at-2", "token_type": "Bearer", "refresh_token": "rt-2", "scope": ["openid", "email"] })
                .to_string()
                .into_bytes(),
        },
    ));
    let refreshed = refresh(&idp, &signed_in).await.unwrap();
    assert_eq!(refreshed.tokens.refresh_token.unwrap().expose(), "rt-2");
    assert_eq!(refreshed.tokens.scope.as_deref(), Some("openid email"));
}
