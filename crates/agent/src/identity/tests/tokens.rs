//! Cases 4, 17, 18, 19: the token endpoint.

use serde_json::{Value, json};

use super::provider::{Idp, Raw};
use super::*;
use crate::http::HttpError;

async fn refusal(idp: &Idp) -> IdentityError {
    sign_in(idp).await.unwrap_err()
}

#[tokio::test]
async fn a_healthy_provider_signs_in() {
    let idp = Idp::start().await;
    let signed_in = sign_in(&idp).await.unwrap();
    assert_eq!(signed_in.name.as_deref(), Some("Maya Lindqvist"));
    assert_eq!(
        (
            signed_in.tokens.issuer.as_str(),
            signed_in.tokens.subject.as_str()
        ),
        (idp.issuer.as_str(), "maya")
    );
    assert_eq!(signed_in.tokens.access_token.expose(), "at-1");
    assert_eq!(signed_in.tokens.refresh_token.unwrap().expose(), "rt-1");
    assert_eq!(
        signed_in.tokens.access_expires_at.as_secs(),
        provider::NOW + 3_600
    );
    assert!(signed_in.missing_scopes.is_empty());
    let sent = idp.body("/token");
    let field = |name: &str| {
        sent.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(field("client_id"), Some("latchkey"));
    assert_eq!(field("resource"), Some("https://licences.example"));
    assert!(
        field("redirect_uri").unwrap().ends_with("/callback") && field("code_verifier").unwrap().len() >= 43
    );
}

#[tokio::test]
async fn case_4_a_redirect_takes_the_code_nowhere() {
    let idp = Idp::start().await;
    let thief = Idp::start().await;
    idp.script().raw = vec![("/token", Raw::redirect(&format!("{}/token", thief.issuer)))];
    let error = refusal(&idp).await;
    let to = thief.issuer.clone();
    assert_eq!(
        error,
        IdentityError::Http(HttpError::Redirected {
            host: "127.0.0.1".into(),
            to
        })
    );
    assert_eq!(thief.asked("/token"), 0);
}

#[tokio::test]
async fn case_5_a_huge_answer_is_refused() {
    let idp = Idp::start().await;
    idp.script().answer = Box::new(|answer| answer["padding"] = "x".repeat(2 * 1024 * 1024).into());
    assert!(matches!(
        refusal(&idp).await,
        IdentityError::Http(HttpError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn outages_portals_and_errors_are_told_apart() {
    let idp = Idp::start().await;
    let error = |answer: Raw| {
        let idp = idp.clone();
        async move {
            idp.script().raw = vec![("/token", answer)];
            refusal(&idp).await
        }
    };
    assert_eq!(
        error(Raw::json(502, &json!({}))).await,
        IdentityError::Unavailable {
            status: 502,
            retry_after: None
        }
    );
    assert_eq!(
        error(Raw::json(429, &json!({}))).await,
        IdentityError::Busy { retry_after: None }
    );
    assert_eq!(
        error(Raw::html()).await,
        IdentityError::CaptivePortal {
            host: "127.0.0.1".into()
        }
    );
    // An error inside a 200 is an error.
    for status in [200, 400, 401] {
        let body = json!({"error": "invalid_client", "error_description": "who\nare you"});
        let expected = IdentityError::Provider {
            error: "invalid_client".into(),
            description: "who are you".into(),
        };
        assert_eq!(error(Raw::json(status, &body)).await, expected, "{status}");
    }
}

#[tokio::test]
async fn an_error_in_any_dress_is_that_error() {
    let idp = Idp::start().await;
    for answer in in_any_dress("invalid_client") {
        let (status, body) = (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        idp.script().raw = vec![("/token", answer)];
        let error = refusal(&idp).await;
        assert!(
            matches!(&error, IdentityError::Provider { error, .. } if error == "invalid_client"),
            "{status} {body}: {error:?}"
        );
    }
    // No standard knows this one: it is what is busy that says so.
    idp.script().raw = vec![("/token", Raw::json(429, &json!({"error": "too_many_requests"})))];
    assert_eq!(refusal(&idp).await.problem(), "identity_unavailable");
}

#[tokio::test]
async fn an_unreadable_answer_is_not_quoted() {
    let idp = Idp::start().await;
    for body in [
        json!({"access_token": {"s3cret": 1}}),
        json!(["s3cret"]),
        json!({"access_token": "s3cret"}),
    ] {
        idp.script().raw = vec![("/token", Raw::json(200, &body))];
        let error = refusal(&idp).await;
        assert!(matches!(error, IdentityError::TokenAnswer { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn case_17_another_token_type_or_no_id_token() {
    let idp = Idp::start().await;
    for other in ["mac", "DPoP", "N_A"] {
        idp.script().answer = Box::new(move |answer| answer["token_type"] = other.into());
        assert_eq!(refusal(&idp).await, IdentityError::TokenType(other.into()));
    }
    idp.script().answer = Box::new(|answer| answer["id_token"] = Value::Null);
    assert_eq!(refusal(&idp).await, IdentityError::MissingIdToken);
    idp.script().answer = Box::new(|answer| answer["token_type"] = "bEARER".into());
    sign_in(&idp).await.unwrap();
}

#[tokio::test]
async fn case_18_a_life_of_any_kind() {
    let idp = Idp::start().await;
    for (life, seconds) in [
        (json!(0), 300),
        (json!(9_223_372_036_854_775_808_u64), 86_400),
        (json!("3600"), 3_600),
        (json!(-1), 300),
        (Value::Null, 300),
    ] {
        let given = life.clone();
        idp.script().answer = Box::new(move |answer| answer["expires_in"] = given.clone());
        let tokens = sign_in(&idp).await.unwrap().tokens;
        assert_eq!(
            tokens.access_expires_at.as_secs() - provider::NOW,
            seconds,
            "{life}"
        );
    }
}

#[tokio::test]
async fn case_19_refresh_tokens_and_scopes() {
    let idp = Idp::start().await;
    for none in [Value::Null, json!("")] {
        idp.script().answer = Box::new(move |answer| answer["refresh_token"] = none.clone());
        assert_eq!(sign_in(&idp).await.unwrap().tokens.refresh_token, None);
    }
    idp.script().answer = Box::new(|answer| {
        answer["refresh_token"] = "r".repeat(6_000).into();
        answer["scope"] = "openid email".into();
    });
    let signed_in = sign_in(&idp).await.unwrap();
    assert_eq!(signed_in.tokens.refresh_token.unwrap().expose().len(), 6_000);
    assert_eq!(signed_in.missing_scopes, ["offline_access"]);
}

#[tokio::test]
async fn signing_out_is_told_to_the_provider_as_far_as_it_wants_to_know() {
    use crate::identity::Revocation;
    use crate::secret::SecretText;

    let idp = Idp::start().await;
    let oidc = idp.oidc();
    let token = SecretText::new("rt+1".into());
    assert_eq!(oidc.revoke(&idp.identity(), &token).await, Ok(Revocation::Done));
    assert!(idp.body("/revoke").contains(&("token".into(), "rt+1".into())));
    idp.script().raw = vec![("/revoke", Raw::json(401, &json!({"error": "invalid_client"})))];
    assert_eq!(
        oidc.revoke(&idp.identity(), &token).await,
        Ok(Revocation::Refused)
    );
    idp.script().raw = vec![("/revoke", Raw::json(503, &json!({})))];
    assert!(oidc.revoke(&idp.identity(), &token).await.is_err());

    idp.script().discovery = Box::new(|document| document["revocation_endpoint"] = Value::Null);
    oidc.discover(&idp.issuer).await.unwrap();
    assert_eq!(
        oidc.revoke(&idp.identity(), &token).await,
        Ok(Revocation::NotOffered)
    );
}
